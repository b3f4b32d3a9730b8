// The server goes and comes back: the page says so, keeps what was asked, and goes on by itself.
import { writeFileSync } from "node:fs";
import { add, assert, chooseModel, done, made, pixel, segment, shot, visit } from "./drive.mjs";

await visit(
  async (page) => {
    await chooseModel(page, "colors");
    await add(page, made("red.png"));
    await segment(page);
    writeFileSync("stop", "");
    await page.waitForFunction(
      () =>
        fetch("/api/status").then(
          () => false,
          () => true,
        ),
      null,
      { polling: 100 },
    );
    await add(page, made("green.png"));
    await page.click("#run");
    await page.waitForSelector("#offline:not([hidden])");
    assert.match(await page.textContent("#offline"), /does not answer.*lualab serve/s);
    assert.equal(await page.textContent("#connection .words"), "not connected");
    // What is there can be looked at meanwhile.
    await page.click("#film li:first-child .frame-button");
    await page.click('#legend .chip[data-id="1"]');
    assert.equal(await page.getAttribute('#legend .chip[data-id="1"]', "aria-pressed"), "false");
    await shot(page, "offline");
    writeFileSync("start", "");
    await done(page, 2);
    await page.waitForSelector("#offline", { state: "hidden" });
    assert.equal(await page.textContent("#connection .words"), "ready");

    // The server that came back has the maps of the catalog, but not the photos that were sent.
    await page.reload();
    await page.click('nav a[data-view="history"]');
    await page.click("#cards li:last-child .open");
    await page.waitForSelector("#legend li");
    assert.ok(await page.isVisible("#panels[data-no-photo]"));
    assert.match(await page.textContent("#status"), /photo is not there/);
    assert.ok(await page.isDisabled('#downloads [data-kind="overlay.png"]'));
    assert.ok(await page.isEnabled('#downloads [data-kind="labels.png"]'));
    assert.deepEqual(await pixel(page, "#map", 20, 100), [255, 0, 0, 255]);
    await shot(page, "history-no-photo");
    console.log("gone, noticed, back, and what was asked is done");
  },
  { allowed: /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|status of (503|404)/ },
);
