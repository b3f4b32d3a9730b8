// Reads the run lengths of a COCO file of `lualab export` with the package coco-maskapi, a port of
// the code that COCO's own tools use: area and box of each mask must be those of its annotation, and
// the masks of a picture must cover each pixel once.    node check_coco.mjs MASK.JS FILE.json
import { readFileSync } from "node:fs";

// Its files name each other without endings, as bundlers have it and Node has not.
const source = readFileSync(process.argv[2], "utf8")
    .replace(/^import .*$/gm, "")
    .replace(/^export .*$/gm, "");
const { rleFromString } = new Function(`${source}; return { rleFromString };`)();

const coco = JSON.parse(readFileSync(process.argv[3], "utf8"));
const covered = new Map(
    coco.images.map(({ id, width, height }) => [id, new Uint8Array(width * height)])
);
const demand = (truth, what) => {
    if (!truth) throw new Error(what);
};
for (const annotation of coco.annotations) {
    const [height, width] = annotation.segmentation.size;
    const pixels = covered.get(annotation.image_id);
    let at = 0;
    let area = 0;
    const box = [width, height, -1, -1];
    rleFromString(annotation.segmentation.counts).forEach((count, i) => {
        demand(count >= 0, `annotation ${annotation.id}: a run of ${count}`);
        for (let k = 0; i % 2 === 1 && k < count; k++) {
            const [x, y] = [Math.floor((at + k) / height), (at + k) % height];
            pixels[x * height + y]++;
            area++;
            box[0] = Math.min(box[0], x);
            box[1] = Math.min(box[1], y);
            box[2] = Math.max(box[2], x);
            box[3] = Math.max(box[3], y);
        }
        at += count;
    });
    const measured = [box[0], box[1], box[2] - box[0] + 1, box[3] - box[1] + 1];
    demand(at === width * height, `annotation ${annotation.id}: ${at} pixels`);
    demand(area === annotation.area, `annotation ${annotation.id}: area ${area}`);
    demand(`${measured}` === `${annotation.bbox}`, `annotation ${annotation.id}: box ${measured}`);
}
for (const [id, pixels] of covered)
    demand(pixels.every((n) => n === 1), `picture ${id} is not covered once everywhere`);
console.log(`${coco.annotations.length} annotations are as they should be`);
