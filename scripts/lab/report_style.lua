-- The style and the script of a report, as they stand in its page. Colours follow the reader's
-- choice of light or dark; classes' own colours are added for each report.

local style = {}

style.css = [[
:root { color-scheme: light dark; --ink: #1a1c1f; --soft: #565c66; --paper: #fafafa;
  --card: #ffffff; --line: #d5d8de; --accent: #1457c5; --bad: #b3261e; --overlay: 0.6; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaee; --soft: #a8b0bc; --paper: #15171b; --card: #1f2228; --line: #3a3f48;
    --accent: #8ab4f8; --bad: #f2938c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 90rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 1rem; font-size: 1.7rem; line-height: 1.2; }
h2 { margin: 2rem 0 .75rem; font-size: 1.25rem; }
h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
p { margin: 0; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
.soft { color: var(--soft); font-size: .875rem; overflow-wrap: anywhere; }
.skip { position: absolute; left: -99rem; }
.skip:focus { position: static; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; max-width: 60rem; }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
details { margin-top: .75rem; }
summary { cursor: pointer; color: var(--accent); }
.scroll { overflow-x: auto; max-width: 52rem; }
.chart { display: block; width: 100%; min-width: 34rem; height: auto; }
.chart text { fill: var(--ink); font: 13px system-ui, sans-serif; }
.chart .end { text-anchor: end; }
.chart .track { fill: var(--line); opacity: .45; }
.bar { stroke: var(--soft); stroke-width: .75; }
.tools { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .5rem 1.5rem;
  align-items: center; margin: 0 0 1rem; padding: .75rem 0; background: var(--paper);
  border-bottom: 1px solid var(--line); }
.tools label { display: flex; align-items: center; gap: .6rem; }
input[type=range] { width: 14rem; max-width: 40vw; accent-color: var(--accent); }
output { min-width: 3.5em; font-variant-numeric: tabular-nums; }
.chips { display: flex; flex-wrap: wrap; gap: .35rem; margin: 0; padding: 0; list-style: none; }
.chip { display: inline-block; max-width: 100%; padding: .1rem .55rem; border-radius: 1rem;
  border: 1px solid var(--line); font: .8125rem/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; }
button.chip { cursor: pointer; font-size: .875rem; }
button.chip[aria-pressed=true] { outline: 3px solid var(--accent); outline-offset: 1px; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr));
  align-items: start; gap: 1.25rem; margin: 0; padding: 0; list-style: none; }
.picture { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  overflow: hidden; }
.picture[hidden] { display: none; }
figure { margin: 0; }
figcaption { padding: .75rem; display: grid; gap: .35rem; }
.layers { position: relative; background: var(--line); }
.layers img { display: block; width: 100%; height: auto; }
.layers .overlay { position: absolute; inset: 0; height: 100%; opacity: var(--overlay);
  image-rendering: pixelated; }
.layers .alone { image-rendering: pixelated; }
.bad { color: var(--bad); }
@media (max-width: 40rem) { .tools { position: static; } }
@media print { .tools, .skip { display: none; } .picture { break-inside: avoid; } }
]]

style.js = [[
(() => {
  "use strict";
  const slider = document.getElementById("opacity");
  const shown = document.getElementById("opacity-shown");
  const show = () => {
    document.documentElement.style.setProperty("--overlay", String(slider.value / 100));
    shown.textContent = slider.value + " %";
  };
  if (slider) {
    slider.addEventListener("input", show);
    show();
  }
  const buttons = Array.from(document.querySelectorAll("button[data-class]"));
  const pictures = Array.from(document.querySelectorAll("[data-classes]"));
  const count = document.getElementById("count");
  const total = count ? count.textContent : "";
  const choose = (chosen) => {
    let seen = 0;
    for (const button of buttons)
      button.setAttribute("aria-pressed", String(button === chosen));
    for (const picture of pictures) {
      picture.hidden = chosen !== null &&
        !picture.dataset.classes.split(" ").includes(chosen.dataset.class);
      seen += picture.hidden ? 0 : 1;
    }
    count.textContent = chosen ? seen + " with " + chosen.dataset.name : total;
  };
  for (const button of buttons)
    button.addEventListener("click", () =>
      choose(button.getAttribute("aria-pressed") === "true" ? null : button));
})();
]]

return style
