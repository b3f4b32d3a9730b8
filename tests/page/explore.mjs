// Exploring a result: hiding, highlighting, opacity, the pixel under the pointer, views,
// backgrounds and downloads. With the small model, whose map of a made photo is known.
import { readFileSync } from "node:fs";
import {
  add,
  assert,
  chooseModel,
  decode,
  download,
  made,
  pixels,
  segment,
  setRange,
  shot,
  truth,
  untilPixel,
  visit,
} from "./drive.mjs";

const photo = made("red.png");
const expected = truth(photo, "colors");
const colorAt = (data, x, y) => [
  ...data.subarray(4 * (y * expected.width + x), 4 * (y * expected.width + x) + 4),
];
const map = Buffer.from(expected.segmentationMap);
const row = (name) => expected.classes.find((one) => one.name === name);
const chip = (name) => `#legend .chip[data-id="${row(name).id}"]`;
const cut = (name) => `#legend li:has(.chip[data-id="${row(name).id}"]) .cut`;
const kind = (page, value) =>
  page.check(`#background-kinds input[value="${value}"]`, { force: true });
const PLACES = { red: [20, 100], background: [250, 100] };

const LONG = "a picture with a name that is so much longer than anything has room for, 2024.png";

/** Where an element is, and that all of it is within the window from left to right. */
async function within(page, selector) {
  const box = await page.locator(selector).boundingBox();
  const { width } = page.viewportSize();
  assert.ok(box && box.x >= 0 && box.x + box.width <= width + 1, `${selector} sticks out`);
  return box;
}

/** Puts the pointer on the middle of a pixel of the segmentation. */
async function point(page, [x, y]) {
  const box = await page.locator("#output").boundingBox();
  await page.mouse.move(
    box.x + (box.width * (x + 0.5)) / expected.width,
    box.y + (box.height * (y + 0.5)) / expected.height,
  );
  await page.waitForFunction(
    (text) => document.querySelector("#readout").textContent.endsWith(text),
    `x ${x}, y ${y}`,
  );
  return page.textContent("#readout");
}

await visit(async (page) => {
  await chooseModel(page, "colors");
  await add(page, photo);
  await segment(page);
  assert.deepEqual(colorAt(map, ...PLACES.red), [...row("red").color, 255]);
  assert.deepEqual(colorAt(map, ...PLACES.background), [...row("background").color, 255]);

  // Hidden: its pixels let the photo through, the others stay.
  await page.click(chip("red"));
  await page.mouse.move(0, 0);
  assert.equal(await page.getAttribute(chip("red"), "aria-pressed"), "false");
  let { data } = await pixels(page, "#map");
  assert.equal(colorAt(data, ...PLACES.red)[3], 0);
  assert.deepEqual(colorAt(data, ...PLACES.background), [...row("background").color, 255]);
  await page.click(chip("red"));
  await page.mouse.move(0, 0);
  ({ data } = await pixels(page, "#map"));
  assert.ok(data.equals(map), "shown again, the map is not what it was");

  // Standing out: the class in its colour, the rest under a veil; gone with the pointer.
  await page.hover(chip("red"));
  ({ data } = await pixels(page, "#map"));
  assert.deepEqual(colorAt(data, ...PLACES.red), [...row("red").color, 255]);
  const veiled = colorAt(data, ...PLACES.background);
  assert.ok(veiled[3] > 100 && veiled[3] < 255, `the rest is ${veiled}`);
  await page.mouse.move(0, 0);
  ({ data } = await pixels(page, "#map"));
  assert.ok(data.equals(map));

  // Opacity by keyboard.
  for (const value of [0, 37, 100]) {
    await setRange(page, "#opacity", value);
    await page.waitForFunction(
      (text) => document.querySelector("#opacity-shown").textContent === text,
      `${value} %`,
    );
    assert.equal(
      await page.$eval("#map", (canvas) => Number(getComputedStyle(canvas).opacity)),
      value / 100,
    );
  }

  // The pixel under the pointer is named, in each view, and its chip is marked.
  for (const mode of ["side", "overlay", "slider"]) {
    await page.check(`#modes input[value="${mode}"]`, { force: true });
    for (const [name, place] of Object.entries(PLACES)) {
      assert.equal(await point(page, place), `${name}  ·  x ${place[0]}, y ${place[1]}`);
      assert.ok(await page.isVisible(`#legend li[data-pointed] ${chip(name).split(" ")[1]}`));
    }
    await shot(page, `view-${mode}`);
  }
  await setRange(page, "#split", 25);
  await page.check('#modes input[value="side"]', { force: true });

  // Backgrounds. What is kept is opaque, what is not is transparent, the edge is between.
  await setRange(page, "#opacity", 50);
  await page.click(cut("red"));
  assert.equal(await page.getAttribute(cut("red"), "aria-pressed"), "true");
  assert.ok(await page.isChecked('#background-kinds input[value="remove"]'));
  ({ data } = await pixels(page, "#composite"));
  assert.deepEqual(colorAt(data, ...PLACES.red), [220, 20, 20, 255]);
  assert.equal(colorAt(data, ...PLACES.background)[3], 0);
  const alphas = Array.from({ length: 40 }, (_, i) => colorAt(data, 130 + i, 100)[3]);
  assert.ok(
    alphas.some((a) => a > 20 && a < 235),
    `no soft edge in ${alphas}`,
  );
  assert.ok(
    alphas.every((a, i) => !i || a <= alphas[i - 1]),
    `the edge rises in ${alphas}`,
  );
  await shot(page, "background-remove");
  await kind(page, "color");
  await page.fill("#background-color", "#00ff80");
  await untilPixel(page, "#composite", [250, 100], [0, 255, 128, 255]);
  ({ data } = await pixels(page, "#composite"));
  assert.deepEqual(colorAt(data, ...PLACES.red), [220, 20, 20, 255]);
  await kind(page, "picture");
  await page.setInputFiles("#background-picture", made("blue.png"));
  await untilPixel(page, "#composite", [250, 100], [40, 40, 40, 255]);
  await kind(page, "blur");
  await untilPixel(page, "#composite", [290, 100], [40, 40, 40, 255]);
  ({ data } = await pixels(page, "#composite"));
  assert.deepEqual(colorAt(data, ...PLACES.red), [220, 20, 20, 255]);
  // Red must not run into what is out of focus beside it.
  const beside = colorAt(data, 175, 100);
  assert.ok(beside[0] < 60, `a halo: ${beside}`);
  await shot(page, "background-blur");

  // Downloads: names, and every pixel.
  const saved = {};
  await kind(page, "remove");
  for (const ending of ["overlay.png", "labels.png", "mask.png", "cutout.png", "json"]) {
    saved[ending] = await download(page, ending);
    assert.equal(saved[ending].name, `red.${ending}`);
  }
  const labels = await decode(page, saved["labels.png"].path);
  assert.ok(labels.data.equals(map), "red.labels.png does not have the map's colours");
  assert.equal(readFileSync(saved["labels.png"].path)[25], 3, "red.labels.png is not indexed");
  const overlay = await decode(page, saved["overlay.png"].path);
  const base = await pixels(page, "#photo");
  let worst = 0;
  for (let i = 0; i < map.length; i++)
    worst = Math.max(
      worst,
      i % 4 === 3 ? 255 - overlay.data[i] : Math.abs(overlay.data[i] - (map[i] + base.data[i]) / 2),
    );
  assert.ok(worst <= 2, `the overlay is off by ${worst}`);
  const mask = await decode(page, saved["mask.png"].path);
  assert.deepEqual(colorAt(mask.data, ...PLACES.red), [255, 255, 255, 255]);
  assert.deepEqual(colorAt(mask.data, ...PLACES.background), [0, 0, 0, 255]);
  const cutout = await decode(page, saved["cutout.png"].path);
  assert.deepEqual(colorAt(cutout.data, ...PLACES.red), [220, 20, 20, 255]);
  assert.equal(colorAt(cutout.data, ...PLACES.background)[3], 0);
  const json = JSON.parse(readFileSync(saved.json.path, "utf8"));
  assert.deepEqual(json.legend, expected.legend);
  assert.deepEqual([json.width, json.height], [expected.width, expected.height]);
  assert.deepEqual(json.segmentationMap, expected.segmentationMap);
  assert.deepEqual(
    json.classes.map(({ id, name, pixels: count }) => [id, name, count]),
    expected.classes.map(({ id, name, pixels: count }) => [id, name, count]),
  );
  console.log("hiding, highlighting, opacity, pointer, backgrounds and downloads are right");
});

// Every window has room for what is in it, however long a name is; where photo and segmentation are
// larger one over the other, that is how they lie. (That nothing is wider than the window, visit asks.)
for (const [width, height] of [
  [1920, 1080],
  [1280, 800],
  [768, 1024],
  [320, 640],
])
  await visit(
    async (page) => {
      await chooseModel(page, "colors");
      await add(page, made(LONG));
      await segment(page);
      assert.equal(await page.getAttribute("#picture-name", "title"), LONG);
      const places = [];
      for (const selector of [
        "#modes",
        "#output",
        ".input .frame",
        "#legend",
        "#opacity-shown",
        "#background-kinds",
      ])
        places.push(await within(page, selector));
      const [, output, input] = places;
      const isStacked = output.y >= input.y + input.height;
      assert.equal(isStacked, width < 1000, `one over the other in ${width} x ${height}`);
      await shot(page, `long-${width}`, { fullPage: true });
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.waitForFunction(() => !document.querySelector("#panels[data-stacked]"));
    },
    { viewport: { width, height } },
  );

await visit(async (page) => {
  await chooseModel(page, "colors");
  await add(page, made("panorama.png"));
  await segment(page);
  const input = await within(page, ".input .frame");
  const output = await within(page, "#output");
  assert.ok(output.y >= input.y + input.height, "a panorama is not over its segmentation");
  assert.ok(output.width > 700, `a panorama is ${output.width} pixels wide`);

  // More pictures, and one file that is none: it is told, and nothing moves for the longer button.
  const { y } = await page.locator("#stage").boundingBox();
  const picture = { mimeType: "image/png", buffer: readFileSync(photo) };
  await page.setInputFiles("#choose", [
    { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("words") },
    ...["1.png", "2.png", "3.png"].map((name) => ({ ...picture, name })),
  ]);
  await page.waitForFunction(() => document.querySelectorAll("#film li").length === 4);
  assert.equal(
    await page.textContent("#status"),
    "notes.txt is no picture (text/plain): it was left out.",
  );
  assert.match(await page.textContent("#run"), /Segment 3 images/);
  assert.equal((await page.locator("#stage").boundingBox()).y, y, "the stage moved");
});
