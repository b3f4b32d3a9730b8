// The page without a pointer: every step by keys, in the order that Tab goes; names for everything
// that can be reached; light and dark by the button.
import { add, assert, made, pixel, shot, visit } from "./drive.mjs";

const focused = (page) =>
  page.evaluate(
    () =>
      document.activeElement.id ||
      document.activeElement.dataset.view ||
      document.activeElement.dataset.id ||
      document.activeElement.className ||
      document.activeElement.tagName,
  );

/** Tabs until something has the focus; what lay between is returned. */
async function tabTo(page, wanted, limit = 40) {
  const passed = [];
  for (let i = 0; i < limit; i++) {
    await page.keyboard.press("Tab");
    const now = await focused(page);
    if (now === wanted) return passed;
    passed.push(now);
  }
  throw new Error(`Tab does not reach ${wanted}: ${passed.join(", ")}`);
}

await visit(
  async (page) => {
    // Segmenting nothing: a sentence, and the focus where a picture can be given.
    await page.focus("#run");
    await page.keyboard.press("Enter");
    assert.match(await page.textContent("#status"), /add a picture first/);
    assert.equal(await focused(page), "choose");

    // A listener from here on: the browser is told to wait for it before a key can open a chooser.
    page.on("filechooser", () => {});
    await page.reload();
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "skip");
    await tabTo(page, "model");
    await page.keyboard.type("colors");
    assert.equal(await page.inputValue("#model"), "colors");
    await tabTo(page, "load");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#load[data-done]");
    assert.match(await page.textContent("#model-state"), /^Loaded in /);
    await tabTo(page, "choose");
    const [chooser] = await Promise.all([
      page.waitForEvent("filechooser"),
      page.keyboard.press("Enter"),
    ]);
    await chooser.setFiles(made("red.png"));
    await page.waitForSelector("#shown:not([hidden])");
    await tabTo(page, "run");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#legend li");

    // The cursor on the picture: said, shown, kept inside.
    await tabTo(page, "output");
    const readout = async (key) => {
      await page.keyboard.press(key);
      return page.textContent("#readout");
    };
    assert.equal(await readout("ArrowLeft"), "red  ·  x 149, y 100");
    assert.equal(await readout("Shift+ArrowRight"), "background  ·  x 159, y 100");
    assert.equal(await readout("Home"), "red  ·  x 0, y 100");
    assert.equal(await readout("ArrowLeft"), "red  ·  x 0, y 100");
    assert.equal(await readout("End"), "background  ·  x 299, y 100");
    assert.ok(await page.isVisible("#cross"));
    await page.waitForFunction(
      () =>
        document.querySelector("#spoken").textContent ===
        document.querySelector("#readout").textContent,
    );
    await shot(page, "keyboard-cursor");

    // Chips: focus makes the class stand out, Space hides it and shows it again.
    const alpha = async () => (await pixel(page, "#map", 20, 100))[3];
    await tabTo(page, "1");
    await page.keyboard.press("Space");
    assert.equal(await alpha(), 0);
    await page.keyboard.press("Space");
    assert.equal(await alpha(), 255);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.ok(await page.isVisible("#composite"));
    await page.keyboard.press("Enter");
    assert.ok(!(await page.isVisible("#composite")));

    // The strip: arrows choose, Delete takes out, the focus stays in it.
    await add(page, made("green.png"), made("blue.png"));
    await page.focus("#film li:first-child .frame-button");
    await page.keyboard.press("End");
    assert.equal(await page.textContent("#picture-name"), "blue.png");
    await page.keyboard.press("Delete");
    assert.equal(await page.textContent("#picture-name"), "green.png");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await page.textContent("#picture-name"), "red.png");

    // Everything that can be operated has a name, every picture a description.
    for (const view of ["segment", "history", "sql"]) {
      await page.click(`nav a[data-view="${view}"]`);
      const nameless = await page.$$eval(
        "button, input, select, textarea, canvas[role], img, a",
        (all) =>
          all
            .filter((one) => {
              const name =
                one.getAttribute("aria-label") ??
                one.getAttribute("alt") ??
                (one.labels?.length ? one.labels[0].textContent : one.textContent);
              return !name.trim() && !(one.tagName === "IMG" && one.getAttribute("alt") === "");
            })
            .map((one) => one.outerHTML.slice(0, 120)),
      );
      assert.deepEqual(nameless, []);
      assert.equal(await page.$$eval("main > section:not([hidden])", (all) => all.length), 1);
    }

    // The button goes through automatic, light and dark, and the choice outlives a visit.
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const automatic = await paper();
    await page.click("#theme");
    assert.equal(await paper(), automatic);
    await page.click("#theme");
    const dark = await paper();
    assert.notEqual(dark, automatic);
    await page.reload();
    assert.equal(await paper(), dark);
    assert.match(await page.getAttribute("#theme", "aria-label"), /dark/);
    console.log("the page goes by keys alone");
  },
  { colorScheme: "light" },
);
