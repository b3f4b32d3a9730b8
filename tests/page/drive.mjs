// Drives the page in headless Chromium and sees to it that it stays well: nothing on its console,
// no exception, no request to another origin. Ground truth comes from the command line, which
// knows nothing of the page.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";

const { CHROMIUM, PLAYWRIGHT, PAGE, LUALAB, SHARED, PAGE_SHOTS } = process.env;
const { chromium } = createRequire(import.meta.url)(PLAYWRIGHT);
export const address = PAGE;
export { assert };

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];

/**
 * Opens the page, lets the test act, and asks whether anything went wrong meanwhile.
 * @param {(page: any) => Promise<void>} act
 * @param {{allowed?: RegExp, viewport?: object, colorScheme?: string}} options  allowed: what the
 *     console may say
 */
export async function visit(act, { allowed = /^$/, ...options } = {}) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      permissions: ["camera"],
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(60000);
    const problems = [];
    const tell = (text) => allowed.test(text) || problems.push(text);
    page.on("console", (message) => tell(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => tell(`exception: ${error}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(PAGE) && !/^(blob|data):/.test(request.url()))
        problems.push(`asked for ${request.url()}`);
    });
    await page.goto(PAGE);
    await page.waitForFunction(() => document.querySelectorAll("#model option").length > 0);
    await act(page);
    assert.deepEqual(problems, []);
    assert.ok(
      await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
      "the page is wider than the window",
    );
  } finally {
    await browser.close();
  }
}

export function shot(page, name, options = {}) {
  return page.screenshot({ path: join(PAGE_SHOTS, `${name}.png`), ...options });
}

/** A photo that lies beside the checkout; null when it does not. */
export function sample(name) {
  const path = join(SHARED, "samples", name);
  return existsSync(path) ? path : null;
}

/** A photo that page.sh made. */
export function made(name) {
  return join("photos", name);
}

/** The models whose files are here, by name. */
export function models() {
  const rows = execFileSync(LUALAB, ["models"], { encoding: "utf8" }).split("\n");
  return new Set(rows.filter((row) => / yes /.test(row)).map((row) => row.split(/\s+/)[0]));
}

/** What `lualab segment --json` says of a photo. */
export function truth(photo, model) {
  const text = execFileSync(LUALAB, ["segment", photo, "-m", model, "--json", "--no-record"], {
    encoding: "utf8",
    maxBuffer: 1 << 30,
  });
  return JSON.parse(text);
}

export async function chooseModel(page, model) {
  await page.selectOption("#model", model);
  if (!(await page.isVisible("#load[data-done]"))) await page.click("#load");
  await page.waitForSelector("#load[data-done]");
}

export async function add(page, ...photos) {
  await page.setInputFiles("#choose", photos);
}

/** Segments what is there and waits until so many pictures are done. */
export async function segment(page, count = 1) {
  await page.click("#run");
  await done(page, count);
}

export async function done(page, count) {
  await page.waitForFunction(
    (wanted) => document.querySelectorAll('#film [data-state="done"]').length >= wanted,
    count,
  );
}

/** The pixels of a canvas: {width, height, data: RGBA}. Of a copy: browsers warn of reading. */
export async function pixels(page, selector) {
  const { width, height, text } = await page.evaluate((chosen) => {
    const canvas = document.querySelector(chosen);
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {
      willReadFrequently: true,
    });
    copy.drawImage(canvas, 0, 0);
    const image = copy.getImageData(0, 0, canvas.width, canvas.height);
    let binary = "";
    for (let i = 0; i < image.data.length; i += 32768)
      binary += String.fromCharCode(...image.data.subarray(i, i + 32768));
    return { width: image.width, height: image.height, text: btoa(binary) };
  }, selector);
  return { width, height, data: Buffer.from(text, "base64") };
}

/** One pixel of a canvas, as [r, g, b, a]. */
export async function pixel(page, selector, x, y) {
  const { width, data } = await pixels(page, selector);
  return [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4)];
}

/** Waits until a pixel of a canvas is so. */
export async function untilPixel(page, selector, [x, y], wanted) {
  let got;
  for (let i = 0; i < 100; i++) {
    got = await pixel(page, selector, x, y);
    if (got.join() === wanted.join()) return;
    await page.waitForTimeout(50);
  }
  assert.deepEqual(got, wanted);
}

/** The pixels of a PNG, decoded by the browser. */
export async function decode(page, path) {
  const text = readFileSync(path).toString("base64");
  const got = await page.evaluate(async (data) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]), {
      premultiplyAlpha: "none",
      colorSpaceConversion: "none",
    });
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const image = context.getImageData(0, 0, bitmap.width, bitmap.height);
    return { width: bitmap.width, height: bitmap.height, data: Array.from(image.data) };
  }, text);
  return { ...got, data: Buffer.from(got.data) };
}

/** Presses a download button; returns the file's name and path. */
export async function download(page, kind) {
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.click(`#downloads [data-kind="${kind}"]`),
  ]);
  return { name: file.suggestedFilename(), path: await file.path() };
}

/** The legend as it is read: [name, share]. */
export function legend(page) {
  return page.$$eval("#legend .chip", (chips) =>
    chips.map((chip) => [
      chip.querySelector(".name").textContent,
      chip.querySelector(".share").textContent,
    ]),
  );
}

/** What the legend ought to say, by the command line. */
export function legendOf(expected) {
  return expected.classes.map((row) => [row.name, `${(100 * row.fraction).toFixed(1)} %`]);
}

/** Sets a range as a person at the keyboard would: to an end, then in steps. */
export async function setRange(page, selector, value) {
  await page.focus(selector);
  await page.keyboard.press("Home");
  for (let i = 0; i < value; i++) await page.keyboard.press("ArrowRight");
  assert.equal(await page.inputValue(selector), String(value));
}

export { basename };
