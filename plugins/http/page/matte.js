// What becomes of the background: mattes from the label map with a soft edge, and pictures put
// together with them. All of it happens in the page; nothing is asked of the engine.

/** @typedef {import("./engine.js").Ids} Ids */

/**
 * One pass of a box filter along rows of a plane, written transposed, so that two passes filter
 * both directions. Edges repeat their last pixel.
 * @param {Uint8Array|Uint8ClampedArray|Float32Array} from  width × height
 * @param {Uint8Array|Uint8ClampedArray|Float32Array} to    height × width
 */
function boxRows(from, to, width, height, radius) {
    const scale = 1 / (2 * radius + 1);
    for (let y = 0; y < height; y++) {
        const row = y * width;
        const last = row + width - 1;
        let sum = from[row] * (radius + 1);
        for (let x = 1; x <= radius; x++) sum += from[row + Math.min(x, width - 1)];
        for (let x = 0, out = y; x < width; x++, out += height) {
            to[out] = sum * scale + (to instanceof Float32Array ? 0 : 0.5);
            sum +=
                from[Math.min(row + x + radius + 1, last)] - from[Math.max(row + x - radius, row)];
        }
    }
}

/** Three box filters in both directions, close to a Gaussian of the same radius; in place. */
function soften(plane, width, height, radius) {
    if (radius < 1) return;
    const other = new plane.constructor(plane.length);
    const box = Math.max(1, Math.round(radius / 1.8));
    for (let pass = 0; pass < 3; pass++) {
        boxRows(plane, other, width, height, box);
        boxRows(other, plane, height, width, box);
    }
}

/** Of 255: what a softened edge has to reach before anything is kept. */
const OUTSIDE = 96;

/**
 * How much of each pixel is kept: 255 in the classes, 0 elsewhere, a soft edge between.
 * @param {Ids} ids
 * @param {{width: number, height: number}} map
 * @param {Set<number>} kept
 * @param {number} edge     radius of softening, in pixels of the map
 * @param {{width: number, height: number}} size  of the matte wanted; nearest pixels are taken
 * @returns {Uint8Array}
 */
export function matte(ids, map, kept, edge, size) {
    const table = new Uint8Array(ids.BYTES_PER_ELEMENT === 1 ? 256 : 65536);
    for (const id of kept) table[id] = 255;
    const { width, height } = size;
    const out = new Uint8Array(width * height);
    if (width === map.width && height === map.height) {
        for (let i = 0; i < ids.length; i++) out[i] = table[ids[i]];
    } else {
        const columns = Int32Array.from({ length: width }, (_, x) =>
            Math.floor(((x + 0.5) * map.width) / width),
        );
        for (let y = 0, i = 0; y < height; y++) {
            const row = Math.floor(((y + 0.5) * map.height) / height) * map.width;
            for (let x = 0; x < width; x++) out[i++] = table[ids[row + columns[x]]];
        }
    }
    const radius = Math.round((edge * width) / map.width);
    soften(out, width, height, radius);
    // Half of a filtered edge lies outside, where the background shines: it is moved inwards.
    for (let i = 0; radius > 0 && i < out.length; i++)
        out[i] = Math.max(0, ((out[i] - OUTSIDE) * 255) / (255 - OUTSIDE));
    return out;
}

function canvasOf(width, height) {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    return canvas;
}

/** The photo, transparent where the matte is 0. */
function cutOut(photo, alpha, { width, height }) {
    const canvas = canvasOf(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(photo, 0, 0, width, height);
    const image = context.getImageData(0, 0, width, height);
    for (let i = 0; i < alpha.length; i++) image.data[4 * i + 3] = alpha[i];
    context.putImageData(image, 0, 0);
    return canvas;
}

/** The longest side that blurs are computed at: what they lose is what they take away. */
const BLUR_SIDE = 480;

/**
 * The photo out of focus. Colours of what is kept do not run into it: they count for nothing in the
 * means, so a bright person leaves no halo.
 * @param {CanvasImageSource} photo
 * @param {Uint8Array} alpha    the matte, of size
 * @param {number} radius       in pixels of size
 */
function outOfFocus(photo, alpha, size, radius) {
    const shrink = Math.min(1, BLUR_SIDE / Math.max(size.width, size.height));
    const width = Math.max(1, Math.round(size.width * shrink));
    const height = Math.max(1, Math.round(size.height * shrink));
    const small = canvasOf(width, height);
    const context = small.getContext("2d", { willReadFrequently: true });
    context.drawImage(photo, 0, 0, width, height);
    const image = context.getImageData(0, 0, width, height);
    const count = width * height;
    const planes = [0, 1, 2, 3].map(() => new Float32Array(count));
    for (let y = 0, i = 0; y < height; y++) {
        const row = Math.min(size.height - 1, Math.floor((y + 0.5) / shrink)) * size.width;
        for (let x = 0; x < width; x++, i++) {
            const at = row + Math.min(size.width - 1, Math.floor((x + 0.5) / shrink));
            // Never quite nothing, so that the inside of what is kept has a colour as well.
            const weight = (255 - alpha[at]) / 255 + 1e-4;
            for (let c = 0; c < 3; c++) planes[c][i] = image.data[4 * i + c] * weight;
            planes[3][i] = weight;
        }
    }
    for (const plane of planes)
        soften(plane, width, height, Math.max(1, Math.round(radius * shrink)));
    for (let i = 0; i < count; i++) {
        for (let c = 0; c < 3; c++) image.data[4 * i + c] = planes[c][i] / planes[3][i];
        image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    return small;
}

/** Fills the canvas with a picture, its middle kept, its aspect too. */
function cover(context, picture, { width, height }) {
    const scale = Math.max(width / picture.width, height / picture.height);
    const w = picture.width * scale;
    const h = picture.height * scale;
    context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
}

/**
 * @typedef {object} Background
 * @property {"remove"|"color"|"picture"|"blur"} kind
 * @property {string} color           "#rrggbb"
 * @property {ImageBitmap?} picture
 * @property {number} blur            radius in pixels of the photo
 * @property {number} edge            radius in pixels of the photo
 */

/**
 * The photo with another background.
 * @param {CanvasImageSource} photo
 * @param {{ids: Ids, width: number, height: number}} map
 * @param {Set<number>} kept
 * @param {Background} background
 * @param {HTMLCanvasElement} canvas  where to: its size is the result's
 */
export function compose(photo, map, kept, background, canvas) {
    const size = { width: canvas.width, height: canvas.height };
    const alpha = matte(map.ids, map, kept, background.edge, size);
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, size.width, size.height);
    context.imageSmoothingQuality = "high";
    if (background.kind === "color") {
        context.fillStyle = background.color;
        context.fillRect(0, 0, size.width, size.height);
    } else if (background.kind === "picture" && background.picture) {
        cover(context, background.picture, size);
    } else if (background.kind === "blur") {
        const radius = (background.blur * size.width) / map.width;
        context.drawImage(outOfFocus(photo, alpha, size, radius), 0, 0, size.width, size.height);
    }
    context.drawImage(cutOut(photo, alpha, size), 0, 0);
}

/** The matte as a grey, opaque picture. */
export function mattePicture(map, kept, edge) {
    const alpha = matte(map.ids, map, kept, edge, map);
    const canvas = canvasOf(map.width, map.height);
    const image = new ImageData(map.width, map.height);
    for (let i = 0; i < alpha.length; i++) {
        image.data.fill(alpha[i], 4 * i, 4 * i + 3);
        image.data[4 * i + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
}
