// The catalog's views: the history with its search and thumbnails, opening a result again, and the
// SQL box with named queries, pictures in rows, refused writes and errors at their place.
import {
  add,
  assert,
  chooseModel,
  legend,
  legendOf,
  made,
  pixel,
  segment,
  shot,
  truth,
  visit,
} from "./drive.mjs";

const cards = (page) =>
  page.$$eval("#cards strong", (names) => names.map((one) => one.textContent));
const untilCards = (page, wanted) =>
  page.waitForFunction(
    (text) =>
      [...document.querySelectorAll("#cards strong")].map((one) => one.textContent).join() === text,
    wanted.join(),
  );

await visit(
  async (page) => {
    await page.click('nav a[data-view="history"]');
    await page.waitForFunction(() =>
      document.querySelector("#history-count").textContent.startsWith("Nothing yet"),
    );
    await page.click('nav a[data-view="segment"]');
    await chooseModel(page, "colors");
    for (const name of ["red.png", "green.png", "blue.png"]) {
      await add(page, made(name));
      await segment(page, (await cards(page)).length + 1);
      await page.waitForSelector('#film li:last-child[data-state="done"]');
    }
    await page.click('nav a[data-view="history"]');
    await untilCards(page, ["blue.png", "green.png", "red.png"]);
    await page.waitForFunction(() =>
      [...document.querySelectorAll("#cards img")].every(
        (img) => img.complete && img.naturalWidth > 0,
      ),
    );
    assert.match(
      await page.textContent("#cards li:first-child"),
      /colors · 320 × 240.*blue 5\d\.\d %/s,
    );
    await shot(page, "history");

    // By a name, by a class, by nothing that is there; by the model.
    await page.fill("#search", "green");
    await untilCards(page, ["green.png"]);
    await page.fill("#search", "nowhere");
    await untilCards(page, []);
    assert.equal(await page.textContent("#history-count"), "Nothing in the catalog is like that.");
    await page.fill("#search", "");
    await untilCards(page, ["blue.png", "green.png", "red.png"]);
    await page.selectOption("#history-model", "glow");
    await untilCards(page, []);
    await page.selectOption("#history-model", "colors");
    await untilCards(page, ["blue.png", "green.png", "red.png"]);

    // Opened: first one that the strip still has, then one of another visit.
    await page.click("#cards li:nth-child(2) .open");
    await page.waitForSelector("#segment:not([hidden])");
    assert.equal(await page.textContent("#picture-name"), "green.png");
    assert.equal(await page.locator("#film li").count(), 3);
    await page.reload();
    await page.click('nav a[data-view="history"]');
    await page.click("#cards li:nth-child(3) .open");
    await page.waitForSelector("#legend li");
    assert.equal(await page.textContent("#picture-name"), "red.png");
    assert.deepEqual(await legend(page), legendOf(truth(made("red.png"), "colors")));
    assert.deepEqual(
      await page.$eval("#map", (canvas) => [canvas.width, canvas.height]),
      [300, 200],
    );
    // The server still has the photo.
    assert.deepEqual(await pixel(page, "#photo", 20, 100), [220, 20, 20, 255]);
    await shot(page, "history-opened");
    await page.goBack();
    assert.ok(await page.isVisible("#history"));

    // SQL: a statement, one that is wrong, one that writes.
    await page.click('nav a[data-view="sql"]');
    const rows = () =>
      page.$$eval("#rows tbody tr", (list) =>
        list.map((row) =>
          [...row.children].map((one) => (one.querySelector("img") ? "picture" : one.textContent)),
        ),
      );
    const ask = async (text) => {
      await page.fill("#statement", text);
      await page.press("#statement", "Control+Enter");
      await page.waitForFunction(
        () => document.querySelector("#sql-state").textContent !== "asking …",
      );
    };
    await ask(
      "SELECT path, NULL AS empty, map_png(map) AS map, x'ff02' AS blob, 7 AS n " +
        "FROM results ORDER BY id LIMIT 2",
    );
    const got = await rows();
    assert.equal(got.length, 2);
    assert.deepEqual(got[0].slice(1), ["NULL", "picture", "2 bytes", "7"]);
    assert.match(await page.textContent("#sql-state"), /^2 rows, /);
    await page.waitForFunction(() => document.querySelector("#rows img").naturalWidth > 0);
    await shot(page, "sql");
    await ask("SELECT nonsense FROM results");
    assert.match(await page.textContent("#sql-error"), /no such column: nonsense/);
    assert.ok(!(await page.isVisible("#rows")));
    await ask("DELETE FROM results");
    assert.notEqual(await page.textContent("#sql-error"), "");
    await ask("SELECT count(*) AS n FROM results");
    assert.deepEqual(await rows(), [["3"]]);
    assert.equal(await page.textContent("#sql-error"), "");

    // What there is to ask about; a view chosen is asked for its rows.
    await page.click("#schema summary");
    await page.waitForSelector("#tables dt");
    const tables = await page.$$eval("#tables dt", (names) => names.map((one) => one.textContent));
    assert.ok(tables.includes("v_segments") && tables.includes("results"), tables.join());
    assert.ok(!tables.some((name) => /^sqlite|_(data|idx|rowid|node)$/.test(name)), tables.join());
    assert.match(await page.textContent("#tables"), /result, run, path, model/);
    await page.click("#tables >> text=v_models");
    await page.waitForFunction(
      () => document.querySelector("#rows th")?.textContent === "model_id",
    );
    assert.equal((await rows())[0][1], "colors");
    assert.equal(await page.inputValue("#statement"), "SELECT * FROM v_models LIMIT 100;");
    await shot(page, "sql-tables");
    await page.click("#schema summary");

    // A result in a row opens.
    await ask("SELECT min(id) AS result FROM results");
    await page.click("#rows .link");
    await page.waitForSelector("#segment:not([hidden])");
    assert.equal(await page.textContent("#picture-name"), "red.png");
    await page.click('nav a[data-view="sql"]');

    // A named query with its parameters.
    await page.selectOption("#query", "pictures-with");
    assert.deepEqual(
      await page.$$eval("#parameters input", (fields) => fields.map((one) => one.name)),
      ["label", "fraction", "limit"],
    );
    await page.fill('#parameters input[name="label"]', "green");
    await page.click("#ask .primary");
    await page.waitForFunction(() =>
      document.querySelector("#sql-state").textContent.startsWith("1 row,"),
    );
    assert.match((await rows())[0].join(), /green\.png,colors,green,5\d/);
    await shot(page, "sql-named");
    console.log("history and SQL are right");
  },
  { allowed: /status of (400|403)/ },
);
