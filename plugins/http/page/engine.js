// The engine that segments: here lualab's server over HTTP. No other module knows of HTTP, of
// addresses or of JSON bodies, so that an engine inside the browser can take this one's place: it
// has to export the same functions.

/**
 * @typedef {object} Model
 * @property {string} name
 * @property {string} title
 * @property {string} dataset
 * @property {number} classes
 * @property {number} bytes     of its file
 * @property {number[]} input   height, width
 * @property {boolean} quantised
 * @property {string?} licence
 * @property {"absent"|"file"|"loaded"} state
 * @property {boolean} default
 *
 * @typedef {object} LegendRow
 * @property {number} id
 * @property {string} name
 * @property {number[]} color     r, g, b
 * @property {number} pixels
 * @property {number} fraction    of the picture
 * @property {number[]} box       x, y, width, height
 *
 * @typedef {object} Result
 * @property {number?} id         in the catalog; null when it is not recorded
 * @property {string} name
 * @property {string} model
 * @property {string} dataset
 * @property {number} width
 * @property {number} height
 * @property {LegendRow[]} legend
 * @property {string=} created    by the catalog's clock, UTC
 * @property {boolean=} photo     false: the photo is known not to be there any more
 * @property {Record<string, number>=} timings  milliseconds
 *
 * @typedef {Uint8Array|Uint16Array} Ids  class ids, row by row
 *
 * @typedef {object} Progress     of loading
 * @property {string} stage
 * @property {number} done
 * @property {number} total
 */

/** What went wrong, as a sentence for the reader. */
export class EngineError extends Error {
    /**
     * @param {string} message
     * @param {string} code     "offline" when there was no answer, else the server's word
     * @param {number} http     its status; 0 without an answer
     */
    constructor(message, code, http) {
        super(message);
        this.code = code;
        this.status = http;
        /** Seconds until it is worth asking again, where the server is only too busy. */
        this.retryAfter = http === 429 || http === 503 ? 1 : 0;
    }
}

/** Whether an error says no more than that somebody cancelled. */
export function isCancelled(error) {
    return error instanceof DOMException && error.name === "AbortError";
}

function offline() {
    return new EngineError(`lualab at ${location.host} does not answer.`, "offline", 0);
}

function fault(value, http) {
    const error = value?.error ?? {};
    return new EngineError(
        error.message ?? `The server answered ${http} without a reason.`,
        error.code ?? "unknown",
        error.status ?? http,
    );
}

/**
 * @param {string} path
 * @param {RequestInit & {query?: Record<string, unknown>}} options
 * @returns {Promise<Response>} of success
 */
async function ask(path, { query = {}, ...options } = {}) {
    const words = new URLSearchParams();
    for (const [name, value] of Object.entries(query))
        if (value !== undefined && value !== null && value !== "") words.set(name, String(value));
    const address = words.size ? `${path}?${words}` : path;
    let response;
    try {
        response = await fetch(address, { credentials: "same-origin", ...options });
    } catch (error) {
        throw isCancelled(error) ? error : offline();
    }
    if (!response.ok) {
        const value = await response.json().catch(() => null);
        const error = fault(value, response.status);
        error.retryAfter = Number(response.headers.get("Retry-After")) || error.retryAfter;
        throw error;
    }
    return response;
}

async function askJson(path, options) {
    const response = await ask(path, options);
    return await response.json();
}

/** The events of a stream as it comes: [name, data]. */
async function* events(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let parts = [];
    for (;;) {
        let piece;
        try {
            piece = await reader.read();
        } catch (error) {
            throw isCancelled(error) ? error : offline();
        }
        if (piece.done) return;
        // A result comes in many pieces: they are joined once, when its end is there.
        parts.push(piece.value);
        if (!piece.value.includes("\n\n") && !piece.value.startsWith("\n")) continue;
        const blocks = parts.join("").split("\n\n");
        parts = [blocks.pop()];
        for (const block of blocks) yield readEvent(block);
    }
}

function readEvent(block) {
    let name = "message";
    const data = [];
    for (const line of block.split("\n")) {
        if (line.startsWith("event:")) name = line.slice(6).trim();
        else if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
    }
    return [name, data.length ? JSON.parse(data.join("\n")) : null];
}

/** Follows a stream to its result; other events go to onEvent. */
async function follow(response, onEvent) {
    for await (const [name, data] of events(response)) {
        if (name === "result") return data;
        if (name === "error") throw fault(data, data?.error?.status ?? 500);
        onEvent?.(name, data);
    }
    throw offline();
}

/** @returns {Uint8Array} */
function fromBase64(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
    return bytes;
}

/** @returns {Ids} */
function toIds(bytes, type, count) {
    const ids = type.startsWith("u16")
        ? new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 1)
        : bytes;
    if (ids.length !== count)
        throw new EngineError(`The map has ${ids.length} pixels instead of ${count}.`, "map", 0);
    return ids;
}

async function fetchMap(id, count, signal) {
    const response = await ask(`/api/results/${id}/map`, { signal });
    const type = response.headers.get("X-Map") ?? "u8";
    return toIds(new Uint8Array(await response.arrayBuffer()), type, count);
}

// ---- what the page asks for ----

/** Whether results go into the catalog, as the server said last: only then maps have addresses. */
let isRecording = false;

/** @returns {Promise<{version: string, threads: number, kernels: string, catalog: string?}>} */
export async function status(signal) {
    const answer = await askJson("/api/status", { signal });
    isRecording = Boolean(answer.recording);
    return answer;
}

/** @returns {Promise<Model[]>} */
export async function models() {
    return (await askJson("/api/models")).models;
}

/**
 * Loads a model, fetching it first where that is allowed.
 * @param {string} name
 * @param {{onProgress?: (progress: Progress) => void, signal?: AbortSignal}} options
 * @returns {Promise<{name: string, ms: number}>}
 */
export async function load(name, { onProgress, signal } = {}) {
    const response = await ask(`/api/models/${encodeURIComponent(name)}/load`, {
        method: "POST",
        headers: { Accept: "text/event-stream" },
        signal,
    });
    return follow(response, (event, data) => {
        if (event === "progress") onProgress?.(data);
    });
}

/**
 * Bytes of a file from which its map is worth a request of its own. Within the answer, in base64,
 * it saves a round trip; a map of 12 megapixels takes 0.3 s as it is, more than 1 s in base64.
 */
const LARGE = 512 * 1024;

/**
 * Segments a picture.
 * @param {Blob} blob
 * @param {{model: string, name: string, onEvent?: (name: string, data: any) => void,
 *     signal?: AbortSignal}} options
 * @returns {Promise<{json: Result, map: Ids}>}
 */
export async function segment(blob, { model, name, onEvent, signal }) {
    const isInline = blob.size < LARGE || !isRecording;
    const response = await ask("/api/segment", {
        method: "POST",
        body: blob,
        signal,
        query: { model, name, map: isInline ? "base64" : "none" },
        headers: { Accept: "text/event-stream", "Content-Type": "application/octet-stream" },
    });
    const json = await follow(response, onEvent);
    const { type, data } = json.map;
    const count = json.width * json.height;
    json.map = { ...json.map, data: null };
    const map =
        data === null
            ? await fetchMap(json.id, count, signal)
            : toIds(fromBase64(data), type, count);
    return { json, map };
}

/**
 * @param {{search?: string, model?: string, limit?: number, before?: number,
 *     signal?: AbortSignal}} options
 * @returns {Promise<{results: Result[], next: number?}>}
 */
export function history({ search, model, limit = 24, before, signal } = {}) {
    return askJson("/api/results", { query: { search, model, limit, before }, signal });
}

/**
 * @param {number} id
 * @param {{signal?: AbortSignal}=} options
 * @returns {Promise<{json: Result, map: Ids}>}
 */
export async function result(id, { signal } = {}) {
    const json = await askJson(`/api/results/${id}`, { signal });
    return { json, map: await fetchMap(id, json.width * json.height, signal) };
}

/**
 * The photo of a result of the catalog, as far as it is still there: null when it is not.
 * @param {Result} json
 * @param {{signal?: AbortSignal}=} options
 * @returns {Promise<Blob?>}
 */
export async function photo(json, { signal } = {}) {
    if (json.id === null || json.photo === false) return null;
    const response = await ask(`/api/results/${json.id}/overlay.png`, {
        query: { opacity: 0 },
        signal,
    });
    return response.blob();
}

/** The address of a small picture of a result of the catalog. */
export function thumbnail(id) {
    return `/api/results/${id}/thumbnail.png`;
}

/**
 * The label map as an indexed PNG: pixels are class ids, the palette is the dataset's.
 * @param {{json: Result, blob: Blob?}} item
 */
export async function mapPicture({ json, blob }) {
    const response =
        json.id !== null
            ? await ask(`/api/results/${json.id}/map.png`)
            : await ask("/api/segment", {
                  method: "POST",
                  body: blob,
                  query: { model: json.model, name: json.name, output: "map", record: 0 },
                  headers: { Accept: "image/png", "Content-Type": "application/octet-stream" },
              });
    return response.blob();
}

/**
 * @returns {Promise<{name: string, about: string, sql: string,
 *     parameters: {name: string, doc: string, optional: boolean}[]}[]>}
 */
export async function queries() {
    const answer = await askJson("/api/queries");
    return answer.queries ?? answer;
}

/**
 * @param {{sql?: string, query?: string, parameters?: Record<string, unknown>,
 *     limit?: number}} what
 * @param {{signal?: AbortSignal}=} options
 * @returns {Promise<{columns: string[], rows: any[][], truncated: boolean, ms: number}>}
 */
export function sql(what, { signal } = {}) {
    return askJson("/api/sql", {
        method: "POST",
        body: JSON.stringify(what),
        signal,
        headers: { "Content-Type": "application/json" },
    });
}
