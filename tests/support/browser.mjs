// A page in headless Chromium, over the debugging protocol on a pair of pipes: no port, no package.
// Says on standard output what tests want to know of a report's page, as JSON, and fails when the
// page logged an error, was refused something by its policy, or asked for anything but itself.
//
//   node browser.mjs CHROMIUM PAGE.html [SCREENSHOT.png [light|dark]]
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [chromium, file, screenshot, scheme = "light"] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), "lualab-browser-"));
const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--disable-dev-shm-usage", "--remote-debugging-pipe", `--user-data-dir=${profile}`];
const browser = spawn(chromium, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });

let next = 1;
let session;
const waiting = new Map();
browser.stdio[3].on("error", () => {}); // told by its end:
browser.on("exit", () => {
  for (const { failed } of waiting.values())
    failed(new Error("the browser ended"));
  waiting.clear();
});
const problems = [];
const requests = [];
let loaded;
const load = new Promise((done) => { loaded = done; });

function listen(message) {
  const { method, params } = message;
  if (message.id) {
    const { done, failed } = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error)
      failed(new Error(message.error.message));
    else
      done(message.result);
  } else if (method === "Runtime.exceptionThrown") {
    problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
  } else if (method === "Runtime.consoleAPICalled") {
    problems.push("console: " + params.args.map((a) => a.value).join(" "));
  } else if (method === "Log.entryAdded") {
    problems.push(`${params.entry.level}: ${params.entry.text}`);
  } else if (method === "Page.javascriptDialogOpening") {
    problems.push("a dialog: " + params.message);
  } else if (method === "Network.requestWillBeSent") {
    if (!params.request.url.startsWith("data:"))
      requests.push(params.request.url);
  } else if (method === "Page.loadEventFired") {
    loaded();
  }
}

let rest = "";
browser.stdio[4].setEncoding("utf8");
browser.stdio[4].on("data", (chunk) => {
  const messages = (rest + chunk).split("\0");
  rest = messages.pop();
  for (const text of messages)
    listen(JSON.parse(text));
});

function send(method, params = {}) {
  const id = next++;
  browser.stdio[3].write(JSON.stringify({ id, method, params, sessionId: session }) + "\0");
  return new Promise((done, failed) => waiting.set(id, { done, failed }));
}

async function evaluate(expression) {
  const { result, exceptionDetails } = await send("Runtime.evaluate",
    { expression, returnByValue: true });
  if (exceptionDetails)
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

async function key(name, code) {
  for (const type of ["keyDown", "keyUp"])
    await send("Input.dispatchKeyEvent", { type, key: name, code: name,
      windowsVirtualKeyCode: code });
}

const overlayOpacity = `(() => { const o = document.querySelector(".overlay");
  return o && Number(getComputedStyle(o).opacity); })()`;

async function look() {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  session = (await send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
  for (const domain of ["Page", "Runtime", "Log", "Network"])
    await send(domain + ".enable");
  await send("Emulation.setEmulatedMedia",
    { features: [{ name: "prefers-color-scheme", value: scheme }] });
  await send("Emulation.setDeviceMetricsOverride",
    { width: 1280, height: 1600, deviceScaleFactor: 1, mobile: false });
  const address = pathToFileURL(resolve(file)).href;
  await send("Page.navigate", { url: address });
  await load;
  const seen = { title: await evaluate("document.title") };
  seen.pictures = await evaluate(`document.querySelectorAll(".picture").length`);
  seen.broken = await evaluate(`Array.from(document.images)
    .filter((i) => !i.complete || i.naturalWidth === 0).length`);
  seen.unlabelled = await evaluate(`Array.from(document.querySelectorAll("input, button"))
    .filter((e) => !(e.labels && e.labels.length) && !e.textContent.trim()).length
    + Array.from(document.images).filter((i) => !i.hasAttribute("alt")).length`);
  seen.background = await evaluate("getComputedStyle(document.body).backgroundColor");
  seen.wide = await evaluate("document.documentElement.scrollWidth - innerWidth");
  if (screenshot) {
    const { data } = await send("Page.captureScreenshot", { format: "png" });
    writeFileSync(screenshot, Buffer.from(data, "base64"));
  }
  if (await evaluate(`!!document.getElementById("opacity")`)) {
    seen.opacity = [await evaluate(overlayOpacity)];
    await evaluate(`document.getElementById("opacity").focus()`);
    await key("Home", 36);
    seen.opacity.push(await evaluate(overlayOpacity));
    await key("End", 35);
    seen.opacity.push(await evaluate(overlayOpacity));
    await key("ArrowLeft", 37);
    seen.opacity.push(await evaluate(overlayOpacity));
    seen.shown = await evaluate(`document.getElementById("opacity-shown").textContent`);
  }
  if (await evaluate(`!!document.querySelector("button[data-class]")`)) {
    const visible = `document.querySelectorAll(".picture:not([hidden])").length`;
    const click = `Array.from(document.querySelectorAll("button[data-class]")).at(-1).click()`;
    await evaluate(click);
    seen.filtered = [await evaluate(visible), await evaluate(
      `document.getElementById("count").textContent`)];
    await evaluate(click);
    seen.filtered.push(await evaluate(visible));
  }
  // The page's own policy must refuse a script that is not the one it names.
  await evaluate(`const s = document.createElement("script"); s.textContent = "window.ran = 1";
    document.body.append(s); 0`);
  seen.foreignScriptRan = await evaluate("window.ran === 1");
  // The log comes by a way of its own, a little later than answers.
  const isRefusal = (text) => text.includes("Content Security Policy");
  for (let i = 0; i < 100 && !problems.some(isRefusal); i++)
    await new Promise((done) => setTimeout(done, 50));
  const refused = problems.findIndex(isRefusal);
  seen.refused = refused >= 0;
  if (refused >= 0)
    problems.splice(refused, 1);
  seen.requests = requests.filter((url) => url !== address);
  seen.problems = problems;
  return seen;
}

const timer = setTimeout(() => {
  console.error("the browser did not answer for two minutes");
  browser.kill("SIGKILL");
  process.exit(1);
}, 120000);
let code = 1;
try {
  const seen = await look();
  console.log(JSON.stringify(seen));
  code = seen.problems.length || seen.requests.length || seen.foreignScriptRan ? 1 : 0;
} catch (error) {
  console.error(error.message);
}
clearTimeout(timer);
// Asked to end, it ends its other processes too: killed, they would go on writing into the profile.
const gone = new Promise((done) => {
  if (browser.exitCode !== null || browser.signalCode !== null)
    done();
  browser.on("exit", done);
});
session = undefined;
send("Browser.close").catch(() => {});
const patience = setTimeout(() => browser.kill("SIGKILL"), 10000);
await gone;
clearTimeout(patience);
try {
  rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
} catch (error) {
  console.error(`${profile} is left: ${error.message}`);
}
process.exit(code);
