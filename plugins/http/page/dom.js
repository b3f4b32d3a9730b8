// Small things every module needs: elements, numbers as words, a choice that is remembered.

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {string} id
 * @returns {any} the element of index.html; its lack is a mistake in the page
 */
export function element(id) {
    const found = document.getElementById(id);
    if (!found) throw new Error(`index.html has no #${id}`);
    return found;
}

/**
 * @param {string} tag
 * @param {Record<string, unknown>} properties  on…: listeners; class, text; others are attributes
 * @param {...(Node|string|null)} children
 * @returns {any}
 */
export function make(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (value === undefined || value === null || value === false) continue;
        if (name.startsWith("on"))
            made.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
        else if (name === "class") made.className = String(value);
        else if (name === "text") made.textContent = String(value);
        else made.setAttribute(name, value === true ? "" : String(value));
    }
    made.append(...children.filter((child) => child !== null));
    return made;
}

/** A drawing of the sprite in index.html. */
export function icon(name) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("class", "i");
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(space, "use");
    use.setAttribute("href", `#i-${name}`);
    svg.append(use);
    return svg;
}

/** @param {number} fraction  0 to 1 */
export function percent(fraction) {
    return `${(100 * fraction).toFixed(1)} %`;
}

/** Milliseconds as people say them: "132 ms", "2.41 s". */
export function duration(ms) {
    return ms < 1000
        ? `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`
        : `${(ms / 1000).toFixed(2)} s`;
}

export function size(bytes) {
    if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} KB`;
    return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** @param {number} count */
export function plural(count, one, many = `${one}s`) {
    return `${count} ${count === 1 ? one : many}`;
}

/** A file's name without its last extension. */
export function stem(name) {
    const last = name.split(/[\\/]/).pop() || "picture";
    const dot = last.lastIndexOf(".");
    return dot > 0 ? last.slice(0, dot) : last;
}

/** Calls at most once a frame, with the last arguments. */
export function eachFrame(act) {
    let latest = null;
    return (...given) => {
        if (!latest)
            requestAnimationFrame(() => {
                const last = latest;
                latest = null;
                act(...last);
            });
        latest = given;
    };
}

/** Calls when nothing was asked for that long. */
export function afterPause(ms, act) {
    let timer = 0;
    return (...given) => {
        clearTimeout(timer);
        timer = setTimeout(() => act(...given), ms);
    };
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal  ends it early, as an error
 * @returns {Promise<void>}
 */
export function pause(ms, signal) {
    return new Promise((done, failed) => {
        const timer = setTimeout(done, ms);
        signal.addEventListener("abort", () => {
            clearTimeout(timer);
            failed(signal.reason);
        });
    });
}

/** What the reader chose last time; storage may be forbidden. */
export const memory = {
    get(name, otherwise) {
        try {
            return localStorage.getItem(`lualab.${name}`) ?? otherwise;
        } catch {
            return otherwise;
        }
    },
    set(name, value) {
        try {
            localStorage.setItem(`lualab.${name}`, String(value));
        } catch {
            // Then it holds until the page is left.
        }
    },
};

/** The name of the checked radio button of a group. */
export function checked(group) {
    return group.querySelector("input:checked").value;
}
