// The history: what the catalog remembers, newest first, with search by names and classes. A card
// opens its result again.

import { afterPause, element, make, percent, plural } from "./dom.js";
import * as engine from "./engine.js";
import { css } from "./paint.js";

/** The catalog's times are UTC. */
function when(text) {
    if (!text) return "";
    const time = new Date(/Z|[+-]\d\d:\d\d$/.test(text) ? text : `${text.replace(" ", "T")}Z`);
    return Number.isNaN(time.getTime())
        ? text
        : time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

export class History {
    /** @param {{onOpen: (id: number) => Promise<void>}} page */
    constructor({ onOpen }) {
        this.onOpen = onOpen;
        this.cards = element("cards");
        this.error = element("history-error");
        this.count = element("history-count");
        this.more = element("more");
        this.search = element("search");
        this.model = element("history-model");
        this.next = null;
        this.abort = null;
        element("find").addEventListener("submit", (event) => {
            event.preventDefault();
            this.show();
        });
        this.search.addEventListener(
            "input",
            afterPause(200, () => this.show()),
        );
        this.model.addEventListener("change", () => this.show());
        this.more.addEventListener("click", () => this.fetch(this.next));
    }

    /** @param {Iterable<string>} names  to choose from */
    setModels(names) {
        const chosen = this.model.value;
        this.model.replaceChildren(
            make("option", { value: "", text: "every model" }),
            ...[...names].map((name) => make("option", { value: name, text: name })),
        );
        this.model.value = chosen;
    }

    /** From the newest on. */
    show() {
        return this.fetch(null);
    }

    async fetch(before) {
        this.abort?.abort();
        this.abort = new AbortController();
        const { signal } = this.abort;
        try {
            const { results, next } = await engine.history({
                search: this.search.value.trim(),
                model: this.model.value,
                before: before ?? undefined,
                signal,
            });
            const cards = results.map((result) => this.card(result));
            if (before === null) this.cards.replaceChildren(...cards);
            else this.cards.append(...cards);
            this.next = next;
            this.more.hidden = next === null || next === undefined;
            this.error.textContent = "";
            this.tell();
        } catch (error) {
            if (!engine.isCancelled(error)) this.error.textContent = error.message;
        }
    }

    tell() {
        const shown = this.cards.children.length;
        const isNarrowed = this.search.value.trim() || this.model.value;
        this.count.textContent = shown
            ? `${plural(shown, "result")}${this.more.hidden ? "" : " so far"}`
            : isNarrowed
              ? "Nothing in the catalog is like that."
              : "Nothing yet: what you segment is remembered here, on this machine.";
    }

    /** @param {engine.Result} result */
    card(result) {
        const classes = (result.legend ?? []).slice(0, 4).map((row) => {
            const dot = make("span", { class: "dot" });
            dot.style.setProperty("--color", css(row.color));
            return make("li", {}, dot, `${row.name} ${percent(row.fraction)}`);
        });
        const picture = make("img", {
            src: engine.thumbnail(result.id),
            alt: "",
            loading: "lazy",
            decoding: "async",
            width: result.width,
            height: result.height,
        });
        const open = make(
            "button",
            {
                type: "button",
                class: "plain card open",
                "data-id": result.id,
                onclick: async () => {
                    open.setAttribute("aria-busy", "true");
                    try {
                        await this.onOpen(result.id);
                        this.error.textContent = "";
                    } catch (error) {
                        this.error.textContent = `${result.name} was not opened: ${error.message}`;
                    }
                    open.removeAttribute("aria-busy");
                },
            },
            make("span", { class: "picture" }, picture),
            make(
                "span",
                { class: "about" },
                make("strong", {}, make("bdi", { text: result.name })),
                make("span", {
                    class: "soft",
                    text: `${result.model} · ${result.width} × ${result.height}`,
                }),
                make("span", { class: "soft", text: when(result.created) }),
            ),
        );
        return make("li", { class: "result" }, open, make("ul", { class: "dots" }, ...classes));
    }
}
