// The legend: a chip for each class with its share. Pointing at a chip makes the class stand out in
// the picture, pressing it hides the class, the scissors keep it and let go of the rest.

import { element, icon, make, percent } from "./dom.js";
import { css, textOn } from "./paint.js";

/** @typedef {import("./queue.js").Item} Item */

export class Legend {
    /**
     * @param {{onHighlight: (id: number?) => void, onHide: (id: number) => void,
     *     onCut: (id: number) => void}} listeners
     */
    constructor(listeners) {
        this.listeners = listeners;
        this.list = element("legend");
        this.none = element("legend-none");
        this.count = element("legend-count");
        /** @type {Map<number, HTMLElement>} */
        this.rows = new Map();
        this.result = null;
    }

    clear() {
        this.list.replaceChildren();
        this.rows.clear();
        this.result = null;
        this.none.hidden = false;
        this.count.textContent = "";
    }

    /** @param {Item} item */
    show(item) {
        if (this.result !== item.result) {
            this.clear();
            this.result = item.result;
            this.none.hidden = true;
            this.count.textContent = String(item.result.json.legend.length);
            for (const row of item.result.json.legend) this.list.append(this.row(row));
        }
        this.update(item);
    }

    row(row) {
        const { onHighlight, onHide, onCut } = this.listeners;
        const chip = make(
            "button",
            {
                type: "button",
                class: "chip",
                "data-id": row.id,
                "aria-pressed": "true",
                title: `Hide ${row.name}; Alt: cut it out`,
                onclick: (event) => (event.altKey ? onCut : onHide)(row.id),
                onfocus: (event) => event.target.matches(":focus-visible") && onHighlight(row.id),
                onblur: () => onHighlight(null),
                onpointerenter: (event) => event.pointerType === "mouse" && onHighlight(row.id),
                onpointerleave: () => onHighlight(null),
            },
            make("span", { class: "name", text: row.name }),
            make("span", { class: "share", text: percent(row.fraction) }),
        );
        chip.style.setProperty("--color", css(row.color));
        chip.style.setProperty("--on-color", textOn(row.color));
        chip.style.setProperty("--share", String(row.fraction));
        const cut = make(
            "button",
            {
                type: "button",
                class: "plain icon cut",
                "aria-pressed": "false",
                "aria-label": `Cut out ${row.name}`,
                title: `Cut out ${row.name}`,
                onclick: () => onCut(row.id),
            },
            icon("cut"),
        );
        const made = make("li", {}, chip, cut);
        this.rows.set(row.id, made);
        return made;
    }

    /** What is hidden and what is kept. */
    update({ hidden, kept }) {
        for (const [id, row] of this.rows) {
            const [chip, cut] = row.children;
            chip.setAttribute("aria-pressed", String(!hidden.has(id)));
            cut.setAttribute("aria-pressed", String(kept.has(id)));
        }
    }

    /** Marks the class that the pointer is on in the picture. */
    point(id) {
        for (const [one, row] of this.rows) row.toggleAttribute("data-pointed", one === id);
    }
}
