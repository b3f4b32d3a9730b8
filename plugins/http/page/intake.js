// How pictures come in: the file chooser, files and folders that are dropped, the clipboard.

import { element, plural } from "./dom.js";

/** All files below a dropped entry, folders walked. */
async function filesOf(entry) {
    if (entry.isFile) return [await new Promise((done, failed) => entry.file(done, failed))];
    const reader = entry.createReader();
    const files = [];
    for (;;) {
        // A reader gives its entries in portions; an empty one is the end.
        const portion = await new Promise((done, failed) => reader.readEntries(done, failed));
        if (!portion.length) return files;
        for (const one of portion) files.push(...(await filesOf(one)));
    }
}

/** @param {DataTransfer} transfer */
async function droppedFiles(transfer) {
    // Entries must be taken before the first await: the transfer is emptied then.
    const entries = [...transfer.items]
        .filter((item) => item.kind === "file")
        .map((item) => item.webkitGetAsEntry?.() ?? null);
    const plain = [...transfer.files];
    if (!entries.some((entry) => entry?.isDirectory)) return plain;
    const files = [];
    for (const entry of entries) if (entry) files.push(...(await filesOf(entry)));
    return files;
}

/** A type is missing for what the browser has never heard of: the engine decides then. */
function mayBePicture(file) {
    return file.type === "" || file.type.startsWith("image/");
}

/**
 * @param {{onPictures: (files: {name: string, blob: Blob}[]) => void,
 *     say: (text: string, isBad?: boolean) => void}} page
 */
export function watchIntake({ onPictures, say }) {
    const take = (files, isFolder = false) => {
        const good = files.filter(mayBePicture).filter((file) => !isFolder || file.type !== "");
        const bad = files.filter((file) => !mayBePicture(file));
        if (good.length)
            onPictures(good.map((file) => ({ name: file.name || "pasted.png", blob: file })));
        // Said last: that some were left out matters more than how many were added.
        if (bad.length === 1)
            say(`${bad[0].name} is no picture (${bad[0].type}): it was left out.`, true);
        else if (bad.length)
            say(`${plural(bad.length, "file")} that are no pictures were left out.`, true);
    };

    const chooser = element("choose");
    chooser.addEventListener("change", () => {
        take([...chooser.files]);
        // The same file can be chosen again.
        chooser.value = "";
    });

    document.addEventListener("paste", (event) => {
        const files = [...(event.clipboardData?.files ?? [])];
        if (!files.length) return;
        event.preventDefault();
        take(files);
    });

    const drop = element("drop");
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    let depth = 0;
    document.addEventListener("dragenter", (event) => {
        if (!carriesFiles(event)) return;
        event.preventDefault();
        depth++;
        drop.hidden = false;
    });
    document.addEventListener("dragover", (event) => {
        if (carriesFiles(event)) event.preventDefault();
    });
    document.addEventListener("dragleave", (event) => {
        if (carriesFiles(event) && --depth <= 0) {
            depth = 0;
            drop.hidden = true;
        }
    });
    document.addEventListener("drop", async (event) => {
        if (!carriesFiles(event)) return;
        event.preventDefault();
        depth = 0;
        drop.hidden = true;
        try {
            const folder = [...event.dataTransfer.items].some(
                (item) => item.webkitGetAsEntry?.()?.isDirectory,
            );
            take(await droppedFiles(event.dataTransfer), folder);
        } catch (error) {
            say(`What was dropped cannot be read: ${error.message}`, true);
        }
    });
}
