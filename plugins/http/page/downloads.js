// What can be taken along: the overlay as it is seen, the label map, the mask and the cut-out of
// what is kept, and the prediction as JSON. Names are those of the command line.

import { element, icon, make, stem } from "./dom.js";
import * as engine from "./engine.js";
import { keptClasses } from "./background.js";
import { mattePicture } from "./matte.js";

/** @typedef {import("./queue.js").Item} Item */

/** @param {HTMLCanvasElement} canvas */
function png(canvas) {
    return new Promise((done, failed) =>
        canvas.toBlob((blob) => {
            if (blob) done(blob);
            else failed(new Error("the browser could not write the picture"));
        }, "image/png"),
    );
}

/** Photo and map as they lie over each other in the page. */
function overlay(item, view, opacity) {
    const { width, height } = item.result.json;
    const canvas = make("canvas", { width, height });
    const context = canvas.getContext("2d");
    if (item.bitmap) context.drawImage(item.bitmap, 0, 0, width, height);
    view.painter.paint({ hidden: item.hidden, highlight: null });
    context.globalAlpha = item.bitmap ? opacity : 1;
    context.drawImage(view.painter.canvas, 0, 0);
    return canvas;
}

/**
 * The article's prediction object with the ordered classes, the model and the timings beside it, as
 * `lualab segment --json` writes it. In pieces of a row each: as one text, the map of a large photo
 * would be longer than texts can be.
 * @param {Item} item
 */
export function prediction(item) {
    const { json, map } = item.result;
    const legend = {};
    const colors = [];
    for (const { id, name, color } of json.legend) {
        legend[name] = color;
        colors[id] = `${color.join(",")},255`;
    }
    const parts = [
        `{"legend":${JSON.stringify(legend)},"height":${json.height},` +
            `"width":${json.width},"segmentationMap":[`,
    ];
    for (let y = 0; y < json.height; y++) {
        const row = [];
        for (let i = y * json.width; i < (y + 1) * json.width; i++) row.push(colors[map[i]]);
        parts.push((y ? "," : "") + row.join(","));
    }
    parts.push(
        `],"classes":${JSON.stringify(json.legend)},"model":${JSON.stringify(json.model)},` +
            `"path":${JSON.stringify(json.name)},` +
            `"timings":${JSON.stringify(json.timings ?? {})}}\n`,
    );
    return new Blob(parts, { type: "application/json" });
}

function save(blob, name) {
    const address = URL.createObjectURL(blob);
    const link = make("a", { href: address, download: name });
    link.click();
    // The browser has taken hold of it well before that.
    setTimeout(() => URL.revokeObjectURL(address), 60000);
}

export class Downloads {
    /**
     * @param {{current: () => Item?, view: import("./view.js").View,
     *     background: import("./background.js").Background, opacity: () => number,
     *     repaint: () => void, say: (text: string, isBad?: boolean) => void}} page
     */
    constructor(page) {
        this.page = page;
        this.error = element("download-error");
        const { view, background } = page;
        /** Name, ending, whether it needs the photo, and how it is made. */
        this.kinds = [
            ["Overlay", "overlay.png", true, (item) => png(overlay(item, view, page.opacity()))],
            [
                "Map",
                "labels.png",
                false,
                (item) => engine.mapPicture({ json: item.result.json, blob: item.blob }),
            ],
            [
                "Mask",
                "mask.png",
                false,
                (item) =>
                    png(
                        mattePicture(
                            {
                                ids: item.result.map,
                                width: item.result.json.width,
                                height: item.result.json.height,
                            },
                            keptClasses(item),
                            background.kind === "keep" ? 0 : background.choice.edge,
                        ),
                    ),
            ],
            ["Cut-out", "cutout.png", true, (item) => png(background.finished(item))],
            ["JSON", "json", false, async (item) => prediction(item)],
        ];
        this.buttons = this.kinds.map(([name, ending, , build]) =>
            make(
                "button",
                { type: "button", "data-kind": ending, onclick: () => this.take(ending, build) },
                icon("save"),
                String(name),
            ),
        );
        element("downloads").append(...this.buttons);
        this.update(null);
    }

    /** @param {Item?} item */
    update(item) {
        this.error.textContent = "";
        for (const [i, [, , needsPhoto]] of this.kinds.entries())
            this.buttons[i].disabled = !item?.result?.map || (needsPhoto && !item.bitmap);
    }

    async take(ending, build) {
        const item = this.page.current();
        if (!item?.result?.map) return;
        this.error.textContent = "";
        const name = `${stem(item.name)}.${ending}`;
        try {
            save(await build(item), name);
            this.page.say(`${name} is saved where this browser saves files.`);
        } catch (error) {
            this.error.textContent = `${name} was not made: ${error.message}`;
        }
        this.page.repaint();
    }
}
