// The choice of a background: kept, removed, a colour, a picture, or out of focus. What is kept of
// the picture is what the scissors of the legend chose; without a choice, everything that the model
// does not call background.

import { checked, eachFrame, element } from "./dom.js";
import { compose } from "./matte.js";

/** @typedef {import("./queue.js").Item} Item */

const NONE = new Set(["background", "other", "others"]);
/** Pixels that a preview is computed at; downloads are computed at the picture's own size. */
const PREVIEW = 2e6;

/** @param {Item} item */
export function keptClasses(item) {
    if (item.kept.size) return item.kept;
    const { legend } = item.result.json;
    const things = legend.filter((row) => !(row.id === 0 && NONE.has(row.name)));
    // A model without a background, like those of streets, keeps the largest class but one.
    const kept = things.length < legend.length ? things : legend.slice(1, 2);
    return new Set((kept.length ? kept : legend).map((row) => row.id));
}

export class Background {
    /** @param {{onChange: () => void, say: (text: string, isBad?: boolean) => void}} page */
    constructor({ onChange, say }) {
        this.onChange = onChange;
        this.kinds = element("background-kinds");
        this.canvas = element("composite");
        this.kept = element("kept");
        this.picture = null;
        const again = eachFrame(() => {
            this.tell();
            onChange();
        });
        this.kinds.addEventListener("change", again);
        for (const id of ["background-color", "blur", "edge"])
            element(id).addEventListener("input", again);
        element("background-picture").addEventListener("change", async (event) => {
            const [file] = event.target.files;
            if (!file) return;
            try {
                const picture = await createImageBitmap(file);
                this.picture?.close();
                this.picture = picture;
            } catch {
                say(
                    `${file.name} cannot be shown by this browser: choose another background.`,
                    true,
                );
            }
            again();
        });
        this.tell();
    }

    get kind() {
        return checked(this.kinds);
    }

    set kind(kind) {
        this.kinds.querySelector(`input[value="${kind}"]`).checked = true;
        this.tell();
    }

    /** @returns {import("./matte.js").Background} */
    get choice() {
        return {
            kind: this.kind === "keep" ? "remove" : this.kind,
            picture: this.picture,
            color: element("background-color").value,
            blur: Number(element("blur").value),
            edge: Number(element("edge").value),
        };
    }

    tell() {
        const { kind } = this;
        element("blur-shown").textContent = `${element("blur").value} px`;
        element("edge-shown").textContent = `${element("edge").value} px`;
        for (const part of element("background").querySelectorAll("[data-for]"))
            part.hidden = part.dataset.for === "edge" ? kind === "keep" : part.dataset.for !== kind;
    }

    /** Whether the picture is shown with its background changed, in place of the map. */
    isShown(item) {
        return this.kind !== "keep" && Boolean(item?.result?.map && item.bitmap);
    }

    /**
     * Draws the preview, where there is one to draw.
     * @param {Item?} item
     * @returns {boolean} whether it is to be shown
     */
    preview(item) {
        const isOn = this.isShown(item);
        if (item?.result) {
            const names = item.result.json.legend
                .filter((row) => keptClasses(item).has(row.id))
                .map((row) => row.name);
            this.kept.textContent =
                this.kind === "keep" && !item.kept.size
                    ? "The scissors beside a class cut it out."
                    : `Kept: ${names.slice(0, 4).join(", ")}${
                          names.length > 4 ? ` and ${names.length - 4} more` : ""
                      }.`;
        }
        if (isOn) {
            const { width, height } = item.result.json;
            const scale = Math.min(1, Math.sqrt(PREVIEW / (width * height)));
            this.draw(item, this.canvas, Math.round(width * scale), Math.round(height * scale));
        }
        return isOn;
    }

    /** The picture with its background, at its own size. */
    finished(item) {
        const canvas = document.createElement("canvas");
        this.draw(item, canvas, item.result.json.width, item.result.json.height);
        return canvas;
    }

    draw(item, canvas, width, height) {
        canvas.width = Math.max(1, width);
        canvas.height = Math.max(1, height);
        const { json, map } = item.result;
        compose(
            item.bitmap,
            { ids: map, width: json.width, height: json.height },
            keptClasses(item),
            this.choice,
            canvas,
        );
    }
}
