// The page put together: what is said between the parts, and nothing else. Each part is a module of
// its own; they meet here only.

import { Background } from "./background.js";
import { Camera } from "./camera.js";
import { Connection } from "./connection.js";
import { duration, element, eachFrame, memory, plural } from "./dom.js";
import { Downloads } from "./downloads.js";
import * as engine from "./engine.js";
import { History } from "./history.js";
import { watchIntake } from "./intake.js";
import { Legend } from "./legend.js";
import { Models } from "./models.js";
import { Queue } from "./queue.js";
import { Sql } from "./sql.js";
import { View } from "./view.js";

/** @typedef {import("./queue.js").Item} Item */

const status = element("status");
const run = element("run");
const atOnce = element("at-once");
const opacity = element("opacity");
/** The least strength of the map while a class stands out. */
const STANDING_OUT = 0.85;
let highlight = null;

function say(text, isBad = false) {
    status.textContent = text;
    status.classList.toggle("bad", isBad);
}

const view = new View({ onClass: (id) => legend.point(id) });
const legend = new Legend({
    onHighlight(id) {
        if (highlight === id) return;
        highlight = id;
        repaint();
        fade();
        // A class stands out in the map, whatever became of the background.
        view.showComposite(id === null && background.isShown(queue.current));
    },
    onHide(id) {
        toggle(queue.current.hidden, id);
        highlight = null;
        fade();
        update();
    },
    onCut(id) {
        const { kept } = queue.current;
        toggle(kept, id);
        if (kept.size && background.kind === "keep") background.kind = "remove";
        else if (!kept.size && background.kind === "remove") background.kind = "keep";
        update();
    },
});
const background = new Background({ onChange: update, say });
const models = new Models({ say, onChange: tellButton });
const queue = new Queue({ onChoose: show, onChange: changed, onOffline: () => connection.lost() });
const downloads = new Downloads({
    current: () => queue.current,
    view,
    background,
    repaint,
    say,
    opacity: () => opacity.value / 100,
});
const history = new History({ onOpen: open });
const sql = new Sql({ onOpen: open });
const connection = new Connection({
    async onBack() {
        await models.refresh().catch(() => {});
        queue.resume();
        if (location.hash === "#history") history.show();
    },
});

function toggle(set, id) {
    if (!set.delete(id)) set.add(id);
}

// ---- showing ----

/** The map again, with what is hidden and what stands out. */
function repaint() {
    const item = queue.current;
    if (item?.result?.map) view.painter.paint({ hidden: item.hidden, highlight });
}

/** The map's strength: without a photo there is nothing to lie over, and what stands out has to. */
function fade() {
    const chosen = opacity.value / 100;
    const hasPhoto = !queue.current?.result || queue.current.bitmap;
    element("opacity-shown").textContent = `${opacity.value} %`;
    view.setOpacity(!hasPhoto ? 1 : highlight === null ? chosen : Math.max(chosen, STANDING_OUT));
}

/** Everything that depends on the choices about the current picture. */
function update() {
    const item = queue.current;
    if (!item?.result?.map) return;
    legend.update(item);
    repaint();
    view.showComposite(background.preview(item));
}

const VEILS = {
    new: "Not segmented yet",
    waiting: "Waiting for its turn",
    running: "Segmenting …",
    cancelled: "Cancelled",
};

/** @param {Item?} item */
function show(item) {
    element("work").toggleAttribute("data-empty", !item);
    element("empty").hidden = Boolean(item);
    element("shown").hidden = !item;
    tellButton();
    if (!item) {
        legend.clear();
        downloads.update(null);
        return;
    }
    element("picture-name").textContent = element("picture-name").title = item.name;
    highlight = null;
    if (item.result?.map) {
        showResult(item);
    } else {
        legend.clear();
        view.showComposite(false);
        const words =
            item.isUnreadable && item.state === "new"
                ? "This browser cannot show this file; it can be segmented all the same."
                : (VEILS[item.state] ?? item.note);
        view.showPhoto(item, words);
        view.veil.classList.toggle("bad", item.state === "failed");
    }
    downloads.update(item);
}

/** @param {Item} item */
function showResult(item) {
    const ms = view.showResult(item, { hidden: item.hidden, highlight });
    fade();
    legend.show(item);
    view.showComposite(background.preview(item));
    if (item.isTold) return;
    item.isTold = true;
    const { json } = item.result;
    const stages = Object.entries(json.timings ?? {})
        .filter(([name, value]) => name !== "total" && value >= 0.5)
        .map(([name, value]) => `${name} ${duration(value)}`)
        .join(", ");
    say(
        `${item.name}: ${json.width} × ${json.height}, ` +
            `${plural(json.legend.length, "class", "classes")} ` +
            `in ${duration(item.took)}${stages ? ` (${stages})` : ""}, painted in ${duration(ms)}.`,
    );
    measure(item);
}

/** User timing, for whoever measures: from choosing the photo until its map is on the screen. */
function measure(item) {
    const { since: start, key, result } = item;
    requestAnimationFrame(() =>
        setTimeout(
            () =>
                performance.measure("lualab.shown", {
                    start,
                    end: performance.now(),
                    detail: { key, timings: result.json.timings },
                }),
            0,
        ),
    );
}

/** @param {Item} item */
function changed(item) {
    tellButton();
    if (item.state === "done") models.noteLoaded(item.result.json.model);
    if (item === queue.current) {
        if (item.state === "running" && item.result) view.setVeil("");
        else show(item);
    }
    if (item.state === "failed")
        say(item.note.startsWith(item.name) ? item.note : `${item.name}: ${item.note}`, true);
    else if (item.state === "cancelled") say(`${item.name} is cancelled.`);
    else if (item.state === "running" && item === queue.current)
        say(`${item.name}: ${item.note || "segmenting"} …`);
}

function tellButton() {
    const { length } = queue.todo(models.name);
    run.textContent = length > 1 ? `Segment ${length} images` : "Segment image";
}

// ---- doing ----

/** @param {Item[]} items */
function segment(items) {
    if (!models.name) {
        say("There is no model to segment with yet: the server has not answered.", true);
        return;
    }
    for (const item of items) item.isTold = false;
    queue.segment(items, models.name);
}

/** @param {{name: string, blob: Blob}[]} pictures */
function add(pictures) {
    location.hash = "#segment";
    const items = pictures.map(({ name, blob }) => queue.add(name, blob));
    if (items.length > 1) say(`${plural(items.length, "picture")} added.`);
    queue.choose(items[0]);
    if (atOnce.checked) segment(items);
}

/** Opens a result of the catalog; one that is in the film strip is just chosen. */
async function open(id) {
    let item = queue.items.find((one) => one.result?.json.id === id);
    if (!item) {
        const result = await engine.result(id);
        item = queue.add(result.json.name, null);
        const blob = await engine.photo(result.json).catch(() => null);
        item.bitmap = blob ? await createImageBitmap(blob).catch(() => null) : null;
        item.result = result;
        item.state = "done";
        queue.describe(item);
        view.painter.show(result.map, result.json.width, result.json.height, result.json.legend);
        view.painter.paint({ hidden: item.hidden, highlight: null });
        queue.drawThumb(item, item.bitmap ?? view.painter.canvas);
        item.isTold = true;
        say(
            item.bitmap
                ? `${item.name} is opened from the history.`
                : `${item.name} is opened from the history; its photo is not there, its map is.`,
        );
    }
    location.hash = "#segment";
    queue.choose(item);
}

element("bar").addEventListener("submit", (event) => {
    event.preventDefault();
    const item = queue.current;
    if (!item) {
        say("Please add a picture first: drop one here, or choose a file.", true);
        element("choose").focus();
        return;
    }
    const items = queue.todo(models.name);
    if (items.length) segment(items);
    else if (!item.blob)
        say(`${item.name} comes from the history: add its file to segment it again.`, true);
});

opacity.value = memory.get("opacity", "60");
opacity.addEventListener(
    "input",
    eachFrame(() => {
        fade();
        memory.set("opacity", opacity.value);
    }),
);
fade();
atOnce.checked = memory.get("at-once", "false") === "true";
atOnce.addEventListener("change", () => memory.set("at-once", atOnce.checked));

if (!["localhost", "127.0.0.1", "[::1]"].includes(location.hostname))
    element("promise").textContent =
        `Pictures go to the lualab at ${location.host} and nowhere else.`;

// ---- views ----

const TITLES = { segment: "lualab", history: "History – lualab", sql: "SQL – lualab" };

function route() {
    if (location.hash === "#main") return;
    const name = location.hash.slice(1) in TITLES ? location.hash.slice(1) : "segment";
    for (const page of /** @type {NodeListOf<HTMLElement>} */ (
        document.querySelectorAll("main > section")
    ))
        page.hidden = page.id !== name;
    for (const link of /** @type {NodeListOf<HTMLElement>} */ (
        document.querySelectorAll("nav a[data-view]")
    ))
        if (link.dataset.view === name) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
    document.title = TITLES[name];
    if (name === "history") history.show();
    else if (name === "sql") sql.show();
}

window.addEventListener("hashchange", route);
watchIntake({ onPictures: add, say });
new Camera({ onPicture: (name, blob) => add([{ name, blob }]) });
route();
connection.check();
try {
    await models.refresh();
    history.setModels(models.models.keys());
} catch (error) {
    if (error.code === "offline") connection.lost();
    else say(error.message, true);
}
