// Painting of label maps: one pass over the ids with a table of 32-bit pixels, whatever is hidden
// or stands out, so that a repaint of a megapixel stays well below a frame. Pixels of the canvas
// are exactly the classes' colours; how strongly they lie over the photo is its own opacity.

/** @typedef {import("./engine.js").LegendRow} LegendRow */
/** @typedef {import("./engine.js").Ids} Ids */

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
/** Of 255: how strongly the rest is veiled while one class stands out. */
const VEIL = 165;

/**
 * @param {number[]} color
 * @param {number} alpha
 */
function pack(color, alpha) {
    const [r, g, b] = color;
    return (
        (LITTLE_ENDIAN
            ? (alpha << 24) | (b << 16) | (g << 8) | r
            : (r << 24) | (g << 16) | (b << 8) | alpha) >>> 0
    );
}

/**
 * Black or white, whichever reads better on the colour: the one of higher contrast by WCAG's
 * relative luminance.
 * @param {number[]} color
 */
export function textOn(color) {
    const [r, g, b] = color.map((value) => {
        const s = value / 255;
        return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    return (luminance + 0.05) ** 2 > 0.05 * 1.05 ? "#000000" : "#ffffff";
}

/** @param {number[]} color */
export function css(color) {
    return `rgb(${color.join(" ")})`;
}

export class MapPainter {
    /** @param {HTMLCanvasElement} canvas  gets the map's size */
    constructor(canvas) {
        this.canvas = canvas;
        this.context = canvas.getContext("2d");
        this.ids = null;
    }

    /**
     * @param {Ids} ids
     * @param {number} width
     * @param {number} height
     * @param {LegendRow[]} legend
     */
    show(ids, width, height, legend) {
        this.canvas.width = width;
        this.canvas.height = height;
        this.ids = ids;
        this.legend = legend;
        this.image = new ImageData(width, height);
        this.pixels = new Uint32Array(this.image.data.buffer);
        this.palette = new Uint32Array(ids.BYTES_PER_ELEMENT === 1 ? 256 : 65536);
    }

    /** Lets go of the pixels: a hidden picture of 12 megapixels holds 48 MB here. */
    clear() {
        this.ids = this.image = this.pixels = null;
        this.canvas.width = this.canvas.height = 1;
    }

    /**
     * @param {{hidden: Set<number>, highlight: number?}} look
     * @returns {number} milliseconds
     */
    paint({ hidden, highlight }) {
        if (!this.ids) return 0;
        const start = performance.now();
        const { palette, pixels, ids } = this;
        const shown = this.legend.find((row) => row.id === highlight);
        // A dark class stands out from a light veil and a light one from a dark veil.
        const veil = shown
            ? pack(textOn(shown.color) === "#000000" ? [0, 0, 0] : [255, 255, 255], VEIL)
            : 0;
        for (const row of this.legend)
            palette[row.id] =
                row === shown || (!shown && !hidden.has(row.id)) ? pack(row.color, 255) : veil;
        for (let i = 0; i < ids.length; i++) pixels[i] = palette[ids[i]];
        this.context.putImageData(this.image, 0, 0);
        return performance.now() - start;
    }

    /** The id at a pixel; undefined outside. */
    at(x, y) {
        const { width, height } = this.canvas;
        return this.ids && x >= 0 && y >= 0 && x < width && y < height
            ? this.ids[y * width + x]
            : undefined;
    }
}
