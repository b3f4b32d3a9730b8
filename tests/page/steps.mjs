// The six steps: choose a model, load it, add a picture, segment it, see it painted, read the
// legend. With each of the three datasets whose model is here, else with what a machine without
// weights has.
import {
  add,
  assert,
  basename,
  chooseModel,
  legend,
  legendOf,
  made,
  models,
  pixels,
  sample,
  segment,
  shot,
  truth,
  visit,
} from "./drive.mjs";

const wanted = [
  ["pascal", "pascal.jpg"],
  ["cityscapes", "cityscapes.jpg"],
  ["ade20k", "ade20k.jpg"],
];
const here = models();
const runs = wanted
  .filter(([model, photo]) => here.has(model) && sample(photo))
  .map(([model, photo]) => [model, sample(photo)]);
for (const [model] of wanted)
  if (!runs.some(([one]) => one === model))
    console.log(`skipped: the weights of ${model}, or a photo for it, are not here`);
if (!runs.length && here.has("selfie") && sample("astronaut.png"))
  runs.push(["selfie", sample("astronaut.png")]);
runs.push(["colors", made("red.png")], ["glow", made("blue.png")]);

for (const [model, photo] of runs) {
  const expected = truth(photo, model);
  await visit(async (page) => {
    // 1. the model, named with its dataset and size
    await page.selectOption("#model", model);
    const option = await page.textContent(`#model option[value="${model}"]`);
    assert.match(option, /^\S+ — .+, \d+ classes, [\d.]+ [KM]B$/);
    // 2. load
    if (!(await page.isVisible("#load[data-done]"))) await page.click("#load");
    await page.waitForSelector("#load[data-done]");
    // 3. a picture
    await add(page, photo);
    await page.waitForSelector("#shown:not([hidden])");
    assert.equal(await page.textContent("#picture-name"), basename(photo));
    // 4. segment
    await segment(page);
    // 5. painted: the map's canvas has the picture's size and exactly the map's colours
    const { width, height, data } = await pixels(page, "#map");
    assert.deepEqual([width, height], [expected.width, expected.height]);
    assert.ok(
      data.equals(Buffer.from(expected.segmentationMap)),
      `the canvas is not the map of ${basename(photo)} by ${model}`,
    );
    assert.deepEqual(await page.$eval("#photo", (canvas) => [canvas.width, canvas.height]), [
      width,
      height,
    ]);
    // 6. the legend is the command line's
    assert.deepEqual(await legend(page), legendOf(expected));
    const readable = await page.$$eval("#legend .chip", (chips) =>
      chips.map((chip) => {
        const channels = (text) => text.match(/\d+/g).slice(0, 3).map(Number);
        const luminance = (rgb) =>
          rgb
            .map((v) => v / 255)
            .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const style = getComputedStyle(chip);
        const [a, b] = [style.color, style.backgroundColor].map((text) =>
          luminance(channels(text)),
        );
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      }),
    );
    assert.ok(Math.min(...readable) >= 4.5, `a chip's contrast is only ${Math.min(...readable)}`);
    assert.match(await page.textContent("#status"), /\d+ × \d+, \d+ class(es)? in .+painted in/);
    await shot(page, `steps-${model}`);
  });
  console.log(
    `${model}: ${basename(photo)}, ${expected.classes.length} classes, as lualab segment says`,
  );
}

// A look at every shape of window, light and dark.
const [model, photo] = runs[0];
for (const colorScheme of ["light", "dark"])
  for (const viewport of [
    { width: 1280, height: 800 },
    { width: 390, height: 844 },
  ])
    await visit(
      async (page) => {
        await shot(page, `empty-${viewport.width}-${colorScheme}`);
        await chooseModel(page, model);
        await add(page, photo);
        await segment(page);
        await shot(page, `done-${viewport.width}-${colorScheme}`, { fullPage: true });
      },
      { viewport, colorScheme },
    );
