// The stage: photo and segmentation on canvases of the picture's own size, which the style sheet
// scales to fit; side by side, with a slider between them, or laid over each other. Names the pixel
// under the pointer, and under a cursor that the arrow keys move.

import { afterPause, checked, eachFrame, element, memory } from "./dom.js";
import { MapPainter } from "./paint.js";

/** @typedef {import("./queue.js").Item} Item */

export class View {
    /**
     * @param {{onClass: (id: number?) => void}} listeners  told which class the pointer is on
     */
    constructor({ onClass }) {
        this.onClass = onClass;
        this.panels = element("panels");
        this.photo = element("photo");
        this.base = element("base");
        this.composite = element("composite");
        this.output = element("output");
        this.veil = element("veil");
        this.cross = element("cross");
        this.readout = element("readout");
        this.painter = new MapPainter(element("map"));
        /** @type {Item?} */
        this.item = null;
        this.bitmap = this.shown = null;
        this.cursor = null;
        this.speak = afterPause(200, (text) => {
            element("spoken").textContent = text;
        });
        this.watchModes();
        this.watchSplit();
        this.watchPointer();
        new ResizeObserver(() => this.sharpen()).observe(this.output);
        new ResizeObserver(() => this.stack()).observe(element("stage"));
    }

    watchModes() {
        const modes = element("modes");
        const kept = modes.querySelector(`input[value="${memory.get("mode", "side")}"]`);
        if (kept) kept.checked = true;
        const apply = () => {
            this.panels.dataset.mode = checked(modes);
            memory.set("mode", checked(modes));
        };
        modes.addEventListener("change", apply);
        apply();
    }

    watchSplit() {
        const range = element("split");
        const apply = () => {
            this.panels.style.setProperty("--split", String(range.value / 100));
            range.setAttribute("aria-valuetext", `${range.value} % photo`);
        };
        range.addEventListener("input", apply);
        apply();
    }

    watchPointer() {
        const name = eachFrame((x, y) => this.tell(this.pixelAt(x, y)));
        for (const target of [this.output, this.photo.parentElement]) {
            target.addEventListener("pointermove", (event) => {
                this.cross.hidden = true;
                name(event.clientX, event.clientY);
            });
            target.addEventListener("pointerleave", () => name(-1, -1));
        }
        this.output.addEventListener("keydown", (event) => this.key(event));
        this.output.addEventListener("focus", () => {
            if (this.cursor && this.output.matches(":focus-visible"))
                this.moveTo(this.cursor.x, this.cursor.y);
        });
        this.output.addEventListener("blur", () => {
            this.cross.hidden = true;
            this.tell(null);
        });
    }

    /** Which pixel is at a place of the window: null outside both panels. */
    pixelAt(clientX, clientY) {
        const { width, height } = this.painter.canvas;
        for (const frame of [this.output, this.photo.parentElement]) {
            const box = frame.getBoundingClientRect();
            const x = Math.floor(((clientX - box.left) * width) / box.width);
            const y = Math.floor(((clientY - box.top) * height) / box.height);
            if (box.width && x >= 0 && y >= 0 && x < width && y < height) return { x, y };
        }
        return null;
    }

    /** Says what is at a pixel; returns the sentence. */
    tell(pixel) {
        const id = pixel ? this.painter.at(pixel.x, pixel.y) : undefined;
        const row = this.painter.legend?.find((one) => one.id === id);
        this.readout.textContent =
            row && id !== undefined ? `${row.name}  ·  x ${pixel.x}, y ${pixel.y}` : "";
        this.onClass(row && id !== undefined ? row.id : null);
        return this.readout.textContent;
    }

    key(event) {
        const { width, height } = this.painter.canvas;
        if (!this.painter.ids || event.ctrlKey || event.altKey || event.metaKey) return;
        const step = event.shiftKey ? 10 : 1;
        let { x, y } = this.cursor ?? { x: width >> 1, y: height >> 1 };
        switch (event.key) {
            case "ArrowLeft":
                x -= step;
                break;
            case "ArrowRight":
                x += step;
                break;
            case "ArrowUp":
                y -= step;
                break;
            case "ArrowDown":
                y += step;
                break;
            case "Home":
                x = 0;
                break;
            case "End":
                x = width - 1;
                break;
            default:
                return;
        }
        event.preventDefault();
        this.moveTo(Math.min(Math.max(x, 0), width - 1), Math.min(Math.max(y, 0), height - 1));
    }

    moveTo(x, y) {
        const { width, height } = this.painter.canvas;
        this.cursor = { x, y };
        this.cross.hidden = false;
        this.cross.style.left = `${(100 * (x + 0.5)) / width}%`;
        this.cross.style.top = `${(100 * (y + 0.5)) / height}%`;
        this.speak(this.tell(this.cursor));
    }

    /** Enlarged maps show their pixels; reduced ones are smoothed like the photo. */
    sharpen() {
        const { canvas } = this.painter;
        canvas.classList.toggle(
            "pixels",
            this.output.clientWidth * devicePixelRatio >= 1.5 * canvas.width,
        );
    }

    /**
     * Side by side means one over the other where both get larger by it. Of a place of w by h, a
     * picture of the ratio r can have min(w / 2, h r) beside another and min(w, h r / 2) over it.
     */
    stack() {
        const { width, height } = this.photo;
        const place = element("stage");
        const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
        // The least height is what the window gives; the real one would depend on the answer.
        const tall = parseFloat(getComputedStyle(place).minHeight) - 8.5 * rem;
        this.panels.toggleAttribute(
            "data-stacked",
            width / height > (place.clientWidth - 2 * rem) / Math.max(tall, 1),
        );
    }

    resize(width, height) {
        this.panels.style.setProperty("--ratio", String(width / height));
        for (const canvas of [this.photo, this.base]) {
            canvas.width = width;
            canvas.height = height;
        }
        this.stack();
    }

    /** The photo alone, before there is a map. */
    showPhoto(item, words) {
        this.setVeil(words);
        if (this.item === item && this.bitmap === item.bitmap && !this.shown) return;
        this.item = item;
        this.bitmap = item.bitmap;
        this.shown = null;
        this.cursor = null;
        this.cross.hidden = true;
        this.painter.clear();
        this.composite.hidden = true;
        this.tell(null);
        if (item.bitmap) {
            this.resize(item.bitmap.width, item.bitmap.height);
            this.photo.getContext("2d").drawImage(item.bitmap, 0, 0);
            this.base.getContext("2d").drawImage(item.bitmap, 0, 0);
        }
        this.photo.setAttribute("aria-label", `The photo ${item.name}`);
        this.output.setAttribute("aria-label", `${item.name}, not segmented yet`);
        this.panels.toggleAttribute("data-no-photo", !item.bitmap);
        this.panels.removeAttribute("data-map");
    }

    setVeil(words) {
        this.veil.textContent = words;
        this.veil.hidden = !words;
    }

    /**
     * Photo and map.
     * @param {Item} item
     * @param {{hidden: Set<number>, highlight: number?}} look
     * @returns {number} milliseconds of painting
     */
    showResult(item, look) {
        const { json, map } = item.result;
        const isNew =
            this.item !== item ||
            this.shown !== item.result ||
            this.bitmap !== item.bitmap ||
            !this.painter.ids;
        if (isNew) {
            this.item = item;
            this.shown = item.result;
            this.bitmap = item.bitmap;
            this.cursor = null;
            this.cross.hidden = true;
            this.resize(json.width, json.height);
            if (item.bitmap)
                for (const canvas of [this.photo, this.base])
                    canvas.getContext("2d").drawImage(item.bitmap, 0, 0, json.width, json.height);
            this.painter.show(map, json.width, json.height, json.legend);
            this.sharpen();
            const said = json.legend
                .slice(0, 6)
                .map((row) => `${row.name} ${Math.round(100 * row.fraction)} %`)
                .join(", ");
            this.output.setAttribute("aria-label", `Segmentation of ${item.name}: ${said}`);
            this.photo.setAttribute("aria-label", `The photo ${item.name}`);
            this.panels.toggleAttribute("data-no-photo", !item.bitmap);
            this.panels.setAttribute("data-map", "");
            this.setVeil("");
        }
        return this.painter.paint(look);
    }

    /** How strongly the map lies over the photo, 0 to 1. */
    setOpacity(opacity) {
        this.painter.canvas.style.opacity = String(opacity);
    }

    /** Shows what the background became in place of the map; null: the map again. */
    showComposite(isShown) {
        this.composite.hidden = !isShown;
        this.output.toggleAttribute("data-composite", isShown);
    }
}
