// The queue of pictures and its film strip: each picture has a state, can be chosen, cancelled or
// taken out. Two are with the engine at a time, so that the next is already there when one is done;
// photos are decoded once, one after the other, and only a few stay decoded.

import { duration, element, icon, make, pause } from "./dom.js";
import * as engine from "./engine.js";

/**
 * @typedef {object} Item
 * @property {number} key
 * @property {string} name
 * @property {Blob?} blob               null: a result of the catalog
 * @property {"new"|"waiting"|"running"|"done"|"failed"|"cancelled"} state
 * @property {string} note              what the state says further: position, stage, reason
 * @property {ImageBitmap?} bitmap      upright; null while it is not decoded
 * @property {boolean} isUnreadable     the browser cannot decode it
 * @property {Promise<void>?} decoding
 * @property {{json: import("./engine.js").Result, map: import("./engine.js").Ids?}?} result  its
 *     map is null while it was let go
 * @property {Set<number>} hidden
 * @property {Set<number>} kept
 * @property {AbortController?} abort
 * @property {string} model             asked of the engine
 * @property {number} since             when it was chosen, by performance.now()
 * @property {number} took              milliseconds, from asking to the answer
 * @property {any} row                 in the film strip
 * @property {boolean=} isForLater     asked again when the server is back
 * @property {boolean=} isTold         its times have been said
 */

const AT_ONCE = 2;
const DECODED = 4;
const THUMB = 96;
/** Pixels of maps that are held; those of the catalog are fetched again when they are looked at. */
const HELD = 100e6;
const BROWSERS_ONLY = new Set(["image/webp", "image/avif", "image/svg+xml"]);
const WORDS = {
    new: "ready",
    waiting: "waiting",
    running: "segmenting",
    done: "done",
    failed: "failed",
    cancelled: "cancelled",
};

/** Segments; an engine that is only too busy is asked again when it said. */
async function askPatiently(blob, options) {
    for (;;) {
        try {
            return await engine.segment(blob, options);
        } catch (error) {
            if (!error.retryAfter) throw error;
            options.onEvent("stage", { name: "waiting: the server is busy" });
            await pause(1000 * error.retryAfter, options.signal);
        }
    }
}

export class Queue {
    /**
     * @param {{onChoose: (item: Item?) => void, onChange: (item: Item) => void,
     *     onOffline: () => void}} listeners
     */
    constructor(listeners) {
        this.listeners = listeners;
        /** @type {Item[]} */
        this.items = [];
        /** @type {Item?} */
        this.current = null;
        this.film = element("film");
        this.keys = 0;
        this.running = 0;
        this.decoder = Promise.resolve();
        /** @type {Item[]} those with a bitmap, longest unused first */
        this.decoded = [];
        this.film.addEventListener("keydown", (event) => this.key(event));
    }

    /**
     * @param {string} name
     * @param {Blob?} blob
     * @returns {Item}
     */
    add(name, blob) {
        /** @type {Item} */
        const item = {
            key: ++this.keys,
            name,
            blob,
            state: "new",
            note: "",
            bitmap: null,
            isUnreadable: false,
            decoding: null,
            result: null,
            hidden: new Set(),
            kept: new Set(),
            abort: null,
            model: "",
            since: performance.now(),
            took: 0,
            row: null,
        };
        item.row = this.row(item);
        this.items.push(item);
        this.film.append(item.row);
        this.film.hidden = false;
        if (blob) this.decode(item);
        return item;
    }

    row(item) {
        const picture = make(
            "button",
            { type: "button", class: "plain frame-button", onclick: () => this.choose(item) },
            make("span", { class: "thumb" }, make("canvas", { width: THUMB, height: THUMB })),
            make(
                "span",
                { class: "label" },
                make("span", { class: "name", text: item.name }),
                make("span", { class: "state" }),
            ),
        );
        const out = make(
            "button",
            { type: "button", class: "plain icon out", onclick: () => this.cancelOrRemove(item) },
            icon("close"),
        );
        const row = make("li", { "data-key": item.key, "data-state": item.state }, picture, out);
        this.describe(item, row);
        return row;
    }

    describe(item, row = item.row) {
        const [picture, out] = row.children;
        const isBusy = item.state === "waiting" || item.state === "running";
        let words = WORDS[item.state];
        if (item.state === "done" && item.took) words = duration(item.took);
        else if (item.isForLater) words = "when the server is back";
        else if (isBusy && item.note) words = item.note;
        row.dataset.state = item.state;
        picture.querySelector(".state").textContent = words;
        picture.title = item.state === "failed" ? item.note : item.name;
        picture.setAttribute("aria-current", String(item === this.current));
        out.setAttribute("aria-label", isBusy ? `Cancel ${item.name}` : `Take out ${item.name}`);
        out.title = isBusy ? "Cancel" : "Take out";
    }

    change(item, state, note = "") {
        item.state = state;
        item.note = note;
        this.describe(item);
        this.listeners.onChange(item);
    }

    /** Arrow keys go along the strip, Delete takes out. */
    key(event) {
        const at = this.items.findIndex((item) => item.row.contains(event.target));
        const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: this.items.length - 1 }[
            event.key
        ];
        if (at < 0) return;
        if (event.key === "Delete") {
            this.cancelOrRemove(this.items[at]);
        } else if (next !== undefined && this.items[next]) {
            this.items[next].row.firstChild.focus();
            this.choose(this.items[next]);
        } else {
            return;
        }
        event.preventDefault();
    }

    /** @param {Item?} item */
    choose(item) {
        const before = this.current;
        this.current = item;
        for (const one of [before, item]) if (one && this.items.includes(one)) this.describe(one);
        if (item?.blob && !item.bitmap) this.decode(item);
        else if (item) this.keepDecoded(item);
        if (item?.result && !item.result.map) this.fetchMap(item);
        item?.row.scrollIntoView({ block: "nearest", inline: "nearest" });
        this.listeners.onChoose(item);
    }

    // ---- decoding ----

    /** Decodes the photo, after those before it, and draws its thumbnail. */
    decode(item) {
        if (item.bitmap || item.isUnreadable || item.decoding) return item.decoding;
        item.decoding = this.decoder.then(async () => {
            if (!this.items.includes(item)) return;
            try {
                item.bitmap = await createImageBitmap(item.blob, {
                    imageOrientation: "from-image",
                });
                this.drawThumb(item, item.bitmap);
                this.keepDecoded(item);
            } catch {
                item.isUnreadable = true;
            }
            item.decoding = null;
            this.listeners.onChange(item);
        });
        this.decoder = item.decoding;
        return item.decoding;
    }

    drawThumb(item, picture) {
        const canvas = item.row.querySelector("canvas");
        const context = canvas.getContext("2d");
        const scale = Math.max(THUMB / picture.width, THUMB / picture.height);
        const [w, h] = [picture.width * scale, picture.height * scale];
        context.imageSmoothingQuality = "high";
        context.drawImage(picture, (THUMB - w) / 2, (THUMB - h) / 2, w, h);
    }

    /** A decoded photo of 12 megapixels holds 48 MB: the longest unused ones are let go. */
    keepDecoded(item) {
        this.decoded = this.decoded.filter((one) => one !== item && one.bitmap);
        if (item.bitmap) this.decoded.push(item);
        while (this.decoded.length > DECODED) {
            const at = this.decoded.findIndex((one) => one !== this.current && one.blob);
            if (at < 0) break;
            const [old] = this.decoded.splice(at, 1);
            old.bitmap.close();
            old.bitmap = null;
        }
    }

    /** Lets go of maps that the catalog has, the first ones first, when there are too many. */
    letGoOfMaps() {
        let held = 0;
        for (const item of [...this.items].reverse()) {
            held += item.result?.map?.length ?? 0;
            if (held > HELD && item !== this.current && item.result && item.result.json.id !== null)
                item.result = { json: item.result.json, map: null };
        }
    }

    /** @param {Item} item  whose map was let go */
    async fetchMap(item) {
        const { json } = item.result;
        try {
            const { map } = await engine.result(json.id);
            item.result = { json, map };
            this.letGoOfMaps();
            this.change(item, "done");
        } catch (error) {
            item.result = null;
            this.change(item, "failed", error.message);
        }
    }

    // ---- segmenting ----

    /**
     * What "Segment" means now: all that nobody has segmented yet, and the picture that is looked
     * at, if it was not segmented by this model or nothing else is left.
     * @param {string} model
     * @returns {Item[]}
     */
    todo(model) {
        const open = this.items.filter(
            (item) => item.blob && (item.state === "new" || item.state === "cancelled"),
        );
        const { current } = this;
        const isFree = current?.blob && (current.state === "done" || current.state === "failed");
        if (isFree && (!open.length || current.model !== model || current.state === "failed"))
            open.unshift(current);
        return open;
    }

    /**
     * @param {Item[]} items
     * @param {string} model
     */
    segment(items, model) {
        for (const item of items)
            if (item.blob && item.state !== "waiting" && item.state !== "running") {
                item.model = model;
                this.change(item, "waiting");
            }
        this.pump();
    }

    pump() {
        while (this.running < AT_ONCE) {
            const item = this.items.find((one) => one.state === "waiting");
            if (!item) return;
            this.running++;
            this.run(item).finally(() => {
                this.running--;
                this.pump();
            });
        }
    }

    /** @param {Item} item */
    async run(item) {
        item.abort = new AbortController();
        const { signal } = item.abort;
        this.change(item, "running", "sending");
        const start = performance.now();
        try {
            const result = await this.ask(item, signal);
            item.took = performance.now() - start;
            item.result = result;
            item.hidden.clear();
            item.kept.clear();
            this.letGoOfMaps();
            this.change(item, "done");
        } catch (error) {
            if (signal.aborted) {
                this.change(item, "cancelled");
            } else if (error instanceof engine.EngineError && error.code === "offline") {
                item.isForLater = true;
                this.change(item, "failed", "It is segmented when the server is back.");
                this.listeners.onOffline();
            } else {
                this.change(item, "failed", error.message);
            }
        }
        item.abort = null;
    }

    /**
     * One round trip. What engines do not read but browsers do goes as PNG: types known to be so at
     * once, others when the engine has said that it cannot.
     */
    async ask(item, signal) {
        const onEvent = (name, data) => {
            if (name === "queued")
                this.change(
                    item,
                    "running",
                    data?.position > 1 ? `${data.position} in line` : "in line",
                );
            else if (name === "stage") this.change(item, "running", data?.name ?? "");
            else if (name === "progress")
                this.change(item, "running", `${data.stage}ing the model`);
        };
        const options = { model: item.model, name: item.name, onEvent, signal };
        if (BROWSERS_ONLY.has(item.blob.type))
            return await askPatiently((await this.asPng(item)) ?? item.blob, options);
        try {
            return await askPatiently(item.blob, options);
        } catch (error) {
            const blob = error.status === 415 ? await this.asPng(item) : null;
            if (!blob) throw error;
            return await askPatiently(blob, options);
        }
    }

    /** The decoded photo; null when the browser cannot decode it either. */
    async asPng(item) {
        await this.decode(item);
        if (!item.bitmap) return null;
        const canvas = new OffscreenCanvas(item.bitmap.width, item.bitmap.height);
        canvas.getContext("2d").drawImage(item.bitmap, 0, 0);
        return canvas.convertToBlob({ type: "image/png" });
    }

    /** The server is there again: what failed for its lack is asked again. */
    resume() {
        for (const item of this.items)
            if (item.isForLater) {
                item.isForLater = false;
                if (item.state === "failed") this.change(item, "waiting");
            }
        this.pump();
    }

    // ---- leaving ----

    /** @param {Item} item */
    cancelOrRemove(item) {
        if (item.state === "running") item.abort?.abort();
        else if (item.state === "waiting") this.change(item, "cancelled");
        else this.remove(item);
    }

    remove(item) {
        const at = this.items.indexOf(item);
        this.items.splice(at, 1);
        this.decoded = this.decoded.filter((one) => one !== item);
        const hadFocus = item.row.contains(document.activeElement);
        item.row.remove();
        this.film.hidden = this.items.length === 0;
        if (item === this.current)
            this.choose(this.items[Math.min(at, this.items.length - 1)] ?? null);
        item.bitmap?.close();
        item.bitmap = null;
        if (hadFocus) (this.current?.row.firstChild ?? element("choose")).focus();
    }
}
