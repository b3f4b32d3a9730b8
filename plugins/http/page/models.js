// The choice of a model: a drop-down of what the engine has with dataset and size, and loading with
// its progress and time.

import { duration, element, make, memory, plural, size } from "./dom.js";
import * as engine from "./engine.js";

/** @typedef {import("./engine.js").Model} Model */

const DATASETS = {
    pascal: "Pascal VOC",
    cityscapes: "Cityscapes",
    "ade20k-32": "ADE20K",
    ade20k: "ADE20K",
    person: "Person",
};

export function datasetName(name) {
    return DATASETS[name] ?? name;
}

export class Models {
    /** @param {{say: (text: string, isBad?: boolean) => void, onChange: () => void}} page */
    constructor({ say, onChange }) {
        this.say = say;
        this.select = element("model");
        this.button = element("load");
        this.state = element("model-state");
        this.progress = element("load-progress");
        /** @type {Map<string, Model>} */
        this.models = new Map();
        this.loading = null;
        this.select.addEventListener("change", () => {
            memory.set("model", this.select.value);
            this.tell();
            onChange();
        });
        this.button.addEventListener("click", () => this.load());
    }

    /** @returns {string} the chosen model's name; "" before there are any */
    get name() {
        return this.select.value;
    }

    /** Asks the engine again, keeping the choice. */
    async refresh() {
        const list = await engine.models();
        const before = this.select.value || memory.get("model", "");
        this.models = new Map(list.map((model) => [model.name, model]));
        this.select.replaceChildren(
            ...list.map((model) =>
                make("option", {
                    value: model.name,
                    text:
                        `${model.name} — ${datasetName(model.dataset)}, ` +
                        `${plural(model.classes, "class", "classes")}, ${size(model.bytes)}`,
                }),
            ),
        );
        const chosen = this.models.has(before)
            ? before
            : (list.find((model) => model.default) ?? list[0])?.name;
        if (chosen !== undefined) this.select.value = chosen;
        this.tell();
    }

    /** That a model was loaded on the way of segmenting with it. */
    noteLoaded(name) {
        const model = this.models.get(name);
        if (model && model.state !== "loaded") {
            model.state = "loaded";
            this.tell();
        }
    }

    tell() {
        const model = this.models.get(this.name);
        if (!model || this.loading) return;
        const isLoaded = model.state === "loaded";
        this.button.textContent =
            model.state === "absent" ? "Fetch and load" : isLoaded ? "Loaded" : "Load model";
        this.button.toggleAttribute("data-done", isLoaded);
        this.button.setAttribute("aria-disabled", String(isLoaded));
        this.select.title = model.title;
        this.state.classList.remove("bad");
        this.state.textContent =
            isLoaded && this.took?.name === model.name
                ? `Loaded in ${duration(this.took.ms)}`
                : model.title.charAt(0).toUpperCase() + model.title.slice(1);
    }

    async load() {
        const name = this.name;
        if (this.loading || !name || this.models.get(name).state === "loaded") return;
        this.loading = name;
        this.button.setAttribute("aria-disabled", "true");
        this.progress.hidden = false;
        this.progress.removeAttribute("value");
        this.state.textContent = `Loading ${name} …`;
        const start = performance.now();
        let failure = null;
        try {
            await engine.load(name, {
                onProgress: ({ stage, done, total }) => {
                    if (total > 0) this.progress.value = done / total;
                    if (stage) this.state.textContent = `${stage} …`;
                },
            });
            this.took = { name, ms: performance.now() - start };
            this.models.get(name).state = "loaded";
            this.say(`The model ${name} is loaded, in ${duration(this.took.ms)}.`);
        } catch (error) {
            failure = error.message;
        }
        this.progress.hidden = true;
        this.loading = null;
        this.tell();
        if (failure) {
            this.state.classList.add("bad");
            this.state.textContent = failure;
        }
    }
}
