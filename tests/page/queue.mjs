// Several pictures: states, cancelling of what waits and of what runs, pictures that are none, and
// what only the browser can read. Answers are held back so that states can be seen.
import { writeFileSync } from "node:fs";
import {
  add,
  address,
  assert,
  chooseModel,
  done,
  legend,
  legendOf,
  made,
  pixel,
  shot,
  truth,
  visit,
} from "./drive.mjs";

const states = (page) => page.$$eval("#film li", (rows) => rows.map((row) => row.dataset.state));
const until = (page, wanted) =>
  page.waitForFunction(
    (text) =>
      [...document.querySelectorAll("#film li")].map((row) => row.dataset.state).join() === text,
    wanted.join(),
  );

/** A JPEG, 300 × 200 and red on the left, whose EXIF says that its left is to be seen on top. */
async function turnedPhoto(page) {
  const text = await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [300, 200];
    const context = canvas.getContext("2d");
    context.fillStyle = "rgb(40 40 40)";
    context.fillRect(0, 0, 300, 200);
    context.fillStyle = "rgb(220 20 20)";
    context.fillRect(0, 0, 150, 200);
    return canvas.toDataURL("image/jpeg", 0.95).split(",")[1];
  });
  const jpeg = Buffer.from(text, "base64");
  // One entry, tag 0x112 (orientation), a short: 6, a quarter clockwise.
  const tiff = Buffer.from(
    "4d4d002a00000008" + "0001" + "011200030000000100060000" + "00000000",
    "hex",
  );
  const body = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff]);
  const head = Buffer.from([0xff, 0xe1, (body.length + 2) >> 8, (body.length + 2) & 255]);
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)]);
}

await visit(
  async (page) => {
    await chooseModel(page, "colors");
    const names = ["red.png", "green.png", "blue.png"];

    // Three, two of them with the engine at a time.
    let release;
    const held = new Promise((open) => {
      release = open;
    });
    let asked = 0;
    await page.route("**/api/segment*", async (route) => {
      asked++;
      await held;
      await route.continue().catch(() => {});
    });
    await add(page, ...names.map(made));
    await until(page, ["new", "new", "new"]);
    assert.equal(await page.textContent("#run"), "Segment 3 images");
    await page.click("#run");
    await until(page, ["running", "running", "waiting"]);
    assert.equal(asked, 2);
    await shot(page, "queue-running");
    // The third never starts, the second is broken off.
    await page.click("#film li:nth-child(3) .out");
    await page.click("#film li:nth-child(2) .out");
    await until(page, ["running", "cancelled", "cancelled"]);
    release();
    await until(page, ["done", "cancelled", "cancelled"]);
    await page.unroute("**/api/segment*");

    // Again, all that was cancelled; each shows its own legend when it is chosen.
    await page.click("#run");
    await done(page, 3);
    for (const [i, name] of names.entries()) {
      await page.click(`#film li:nth-child(${i + 1}) .frame-button`);
      assert.equal(await page.textContent("#picture-name"), name);
      assert.deepEqual(await legend(page), legendOf(truth(made(name), "colors")));
    }
    await shot(page, "queue-done");

    // What is no picture fails with the server's sentence, at its place; the others go on.
    await add(page, made("bad.png"), made("red.png"));
    await page.click("#run");
    await until(page, ["done", "done", "done", "failed", "done"]);
    await page.click("#film li:nth-child(4) .frame-button");
    assert.equal(await page.textContent("#film li:nth-child(4) .state"), "failed");
    assert.match(await page.textContent("#veil"), /bad\.png.* .+/);
    await shot(page, "queue-failed");

    // What is not even said to be a picture is left out, with a sentence.
    await page.setInputFiles("#choose", {
      name: "notes.txt",
      mimeType: "text/plain",
      buffer: Buffer.from("words"),
    });
    assert.equal(
      await page.textContent("#status"),
      "notes.txt is no picture (text/plain): it was left out.",
    );
    assert.equal((await states(page)).length, 5);

    // WebP, which the server's decoders do not know, goes as PNG; and by way of the clipboard.
    await page.check("#at-once");
    await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(120, 80);
      const context = canvas.getContext("2d");
      context.fillStyle = "rgb(20 20 220)";
      context.fillRect(0, 0, 120, 80);
      const blob = await canvas.convertToBlob({ type: "image/webp", quality: 1 });
      const data = new DataTransfer();
      data.items.add(new File([blob], "sea.webp", { type: "image/webp" }));
      document.dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }),
      );
    });
    await until(page, ["done", "done", "done", "failed", "done", "done"]);
    assert.deepEqual(await legend(page), [["blue", "100.0 %"]]);

    // Dropped.
    const transfer = await page.evaluateHandle(async () => {
      const canvas = new OffscreenCanvas(90, 60);
      const context = canvas.getContext("2d");
      context.fillStyle = "rgb(20 220 20)";
      context.fillRect(0, 0, 90, 60);
      const data = new DataTransfer();
      data.items.add(new File([await canvas.convertToBlob()], "grass.png", { type: "image/png" }));
      return data;
    });
    await page.dispatchEvent("body", "dragenter", { dataTransfer: transfer });
    assert.ok(await page.isVisible("#drop"));
    await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
    await done(page, 6);
    assert.ok(!(await page.isVisible("#drop")));
    assert.deepEqual(await legend(page), [["green", "100.0 %"]]);

    // The camera.
    await page.click("#camera");
    await page.waitForFunction(() => document.querySelector("#finder").videoWidth > 0);
    await shot(page, "camera");
    await page.click("#shoot-take");
    await done(page, 7);
    assert.match(await page.textContent("#picture-name"), /^camera-[\d-]+\.jpg$/);
    assert.ok(await page.$eval("#finder", (video) => video.srcObject === null));

    // Taken out, one by one: the page invites again.
    for (let left = (await states(page)).length; left > 0; left--)
      await page.click("#film li:first-child .out");
    assert.ok(await page.isVisible("#empty"));
    assert.equal((await legend(page)).length, 0);

    // EXIF: a photo that lies on its side is shown, and its map is, as it is to be seen.
    writeFileSync("turned.jpg", await turnedPhoto(page));
    await add(page, "turned.jpg");
    await done(page, 1);
    assert.deepEqual(
      await page.$eval("#map", (canvas) => [canvas.width, canvas.height]),
      [200, 300],
    );
    const top = await pixel(page, "#photo", 100, 30);
    const bottom = await pixel(page, "#photo", 100, 270);
    assert.ok(top[0] > 150 && bottom[0] < 80, `top ${top}, bottom ${bottom}`);
    assert.deepEqual(await pixel(page, "#map", 100, 30), [255, 0, 0, 255]);

    // Maps of the catalog's results are let go when there are too many, and fetched again.
    const kept = await page.evaluate(async () => {
      const { Queue } = await import("/page/queue.js");
      const queue = new Queue({ onChoose() {}, onChange() {}, onOffline() {} });
      queue.items = [1, 2, null, 4].map((id) => queue.add(`${id}`, null));
      for (const [i, id] of [1, 2, null, 4].entries())
        queue.items[i].result = { json: { id, width: 300, height: 200 }, map: { length: 60e6 } };
      queue.letGoOfMaps();
      const left = queue.items.map((item) => item.result.map !== null);
      queue.current = queue.items[0];
      await queue.fetchMap(queue.items[0]);
      left.push(queue.items[0].result.map.length);
      for (const item of queue.items) item.row.remove();
      return left;
    });
    assert.deepEqual(kept, [false, false, true, true, 300 * 200]);

    // Nothing is left running.
    const status = await (await fetch(`${address}/api/status`)).json();
    assert.deepEqual(status.queue, { waiting: 0, running: 0 });
    console.log("queue, cancel, paste, drop, camera and orientation are right");
  },
  { allowed: /415|422/ },
);
