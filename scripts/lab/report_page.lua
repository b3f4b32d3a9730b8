-- A report as one HTML page that needs nothing but itself: pictures are data: addresses, and the
-- page forbids everything else, scripts too, but the one style and the one script whose digests it
-- names. Every text from outside goes through html.escape; there are no style attributes, which the
-- policy forbids: a class's colour is a rule of the style.

local core = require "lab.core"
local html = require "lab.html"
local paths = require "lab.paths"
local progress = require "lab.progress"
local style = require "lab.report_style"

local escape = html.escape

local function percent(fraction)
  return ("%.1f %%"):format(100 * fraction)
end

--- The digest of an inline text as a content security policy names it.
local function digest(text)
  local bytes = core.sha256(text):gsub("%x%x", function(hex)
    return string.char(tonumber(hex, 16))
  end)
  return "'sha256-" .. html.base64(bytes) .. "'"
end

local function class_rules(classes)
  local rules = {}
  for i, class in ipairs(classes) do
    rules[i] = (".%s { background: %s; color: %s; fill: %s; }\n"):format(class.key, class.color,
      html.text_color(class.color), class.color)
  end
  return table.concat(rules)
end

-- ---- facts ----

local function facts(data)
  local run = data.run
  local out = {}
  local function fact(name, value)
    if value ~= nil and value ~= "" then
      out[#out + 1] = ("<dt>%s</dt><dd>%s</dd>"):format(name, value)
    end
  end
  fact("Command", run.command and "<code>" .. escape(run.command) .. "</code>")
  fact("State", escape(run.state))
  fact("Pictures", ("%d segmented, %d failed%s"):format(run.done, run.failed, run.running > 0
    and (", %d not finished"):format(run.running) or ""))
  for _, model in ipairs(data.models) do
    fact("Model", ("%s%s%s<br><code class=\"soft\">sha256 %s</code>"):format(escape(model.name),
      model.labels and ", labels " .. escape(model.labels) or "",
      model.licence and ", licence " .. escape(model.licence) or "", escape(model.sha256)))
  end
  fact("Started", escape(run.started) .. " (UTC)")
  if run.seconds then
    local each = run.done > 0 and (", %.2f s a picture"):format(run.seconds / run.done) or ""
    fact("Time", (run.seconds < 10 and ("%.2f s"):format(run.seconds)
      or progress.duration(run.seconds)) .. each)
  end
  fact("Version", run.version and "lualab " .. escape(run.version))
  fact("Kernels", run.kernels and escape(run.kernels))
  fact("Threads", run.threads)
  return "<dl>" .. table.concat(out, "\n") .. "</dl>\n"
end

local function stage_table(stages)
  if #stages == 0 then
    return ""
  end
  local rows = {}
  for i, stage in ipairs(stages) do
    rows[i] = ("<tr><td>%s</td><td class=\"number\">%.1f</td></tr>"):format(escape(stage.name),
      stage.mean)
  end
  return "<details><summary>Where the time went</summary>\n<table><thead><tr><th scope=\"col\">"
    .. "Stage</th><th scope=\"col\" class=\"number\">Mean, ms a picture</th></tr></thead><tbody>\n"
    .. table.concat(rows, "\n") .. "\n</tbody></table></details>\n"
end

-- ---- areas ----

local BARS, ROW, LABELS, WIDTH = 20, 26, 190, 800

--- At most so many characters.
local function short(text, count)
  local length = utf8.len(text)
  if not length or length <= count then
    return length and text or text:sub(1, count)
  end
  return text:sub(1, utf8.offset(text, count) - 1) .. "…"
end

--- Bars of the largest classes, in a scale whose end is the largest.
local function chart(classes)
  local shown = math.min(#classes, BARS)
  local most = math.max(classes[1].fraction, 1e-9)
  local room = WIDTH - LABELS - 80
  local parts = { "<div class=\"scroll\" role=\"group\" tabindex=\"0\" "
    .. "aria-label=\"Chart of the areas\">",
    ("<svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\" "
    .. "aria-labelledby=\"chart-title\"><title id=\"chart-title\">Share of all pixels by class, "
    .. "largest first; the table below has the numbers</title>"):format(WIDTH, shown * ROW) }
  for i = 1, shown do
    local class = classes[i]
    local y = (i - 1) * ROW
    local width = room * class.fraction / most
    parts[#parts + 1] = ("<text class=\"end\" x=\"%d\" y=\"%d\">%s</text>"
      .. "<rect class=\"track\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\"/>"
      .. "<rect class=\"bar %s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"3\"/>"
      .. "<text x=\"%.1f\" y=\"%d\">%s</text>"):format(LABELS - 10, y + 18,
      escape(short(class.name, 24)), LABELS, y + 4, room, ROW - 8, class.key, LABELS, y + 4,
      math.max(width, 1), ROW - 8, LABELS + room + 8, y + 18, percent(class.fraction))
  end
  parts[#parts + 1] = "</svg></div>\n"
  return table.concat(parts, "\n")
end

local function area_table(classes)
  local rows = {}
  for i, class in ipairs(classes) do
    rows[i] = ("<tr><td><span class=\"chip %s\">%s</span></td><td class=\"number\">%s</td>"
      .. "<td class=\"number\">%d</td></tr>"):format(class.key, escape(class.name),
      percent(class.fraction), class.pictures)
  end
  return "<details><summary>As a table</summary>\n<table><thead><tr><th scope=\"col\">Class</th>"
    .. "<th scope=\"col\" class=\"number\">Share of all pixels</th>"
    .. "<th scope=\"col\" class=\"number\">Pictures</th></tr></thead><tbody>\n"
    .. table.concat(rows, "\n") .. "\n</tbody></table></details>\n"
end

local function areas(classes)
  if #classes == 0 then
    return ""
  end
  return "<section aria-labelledby=\"areas\"><h2 id=\"areas\">Areas</h2>\n" .. chart(classes)
    .. area_table(classes) .. "</section>\n"
end

-- ---- pictures ----

local function layers(entry, name)
  local size = (" width=\"%d\" height=\"%d\""):format(entry.small_width or 1,
    entry.small_height or 1)
  if entry.photo and entry.overlay then
    return ("<div class=\"layers\"><img src=\"%s\"%s alt=\"%s\">"
      .. "<img class=\"overlay\" src=\"%s\"%s alt=\"\"></div>"):format(entry.photo, size, name,
      entry.overlay, size)
  elseif entry.photo or entry.overlay then
    return ("<div class=\"layers\"><img%s src=\"%s\"%s alt=\"%s\"></div>"):format(
      entry.photo and "" or " class=\"alone\"", entry.photo or entry.overlay, size,
      entry.photo and name or "The label map of " .. name)
  end
  return ""
end

local function figure(entry)
  local keys, chips = {}, {}
  for i, part in ipairs(entry.classes) do
    keys[i] = part.class.key
    chips[i] = ("<li class=\"chip %s\">%s %s</li>"):format(part.class.key, escape(part.class.name),
      percent(part.fraction))
  end
  local name = escape(paths.name(entry.path) or entry.path)
  local about = { ("%d × %d pixels"):format(entry.width, entry.height) }
  if entry.model then
    about[#about + 1] = escape(entry.model)
  end
  if entry.seconds then
    about[#about + 1] = ("%.2f s"):format(entry.seconds)
  end
  return ("<li class=\"picture\" data-classes=\"%s\"><figure>%s<figcaption><h3><bdi>%s</bdi></h3>\n"
    .. "<p class=\"soft\"><bdi>%s</bdi></p><p class=\"soft\">%s</p>%s<ul class=\"chips\">%s</ul>"
    .. "</figcaption></figure></li>"):format(table.concat(keys, " "), layers(entry, name), name,
    escape(entry.path), table.concat(about, ", "), entry.note
    and "<p class=\"bad\">" .. escape(entry.note) .. "</p>" or "", table.concat(chips))
end

--- The slider, and a button for each class that shows the pictures with it.
local function tools(data)
  local buttons = {}
  for i, class in ipairs(data.classes) do
    if i > BARS then
      break
    end
    buttons[i] = ("<li><button type=\"button\" class=\"chip %s\" aria-pressed=\"false\" "
      .. "data-class=\"%s\" data-name=\"%s\">%s</button></li>"):format(class.key, class.key,
      escape(class.name), escape(class.name))
  end
  return "<div class=\"tools\"><label for=\"opacity\">Overlay<input id=\"opacity\" type=\"range\" "
    .. "min=\"0\" max=\"100\" step=\"1\" value=\"60\"><output id=\"opacity-shown\" for=\"opacity\">"
    .. "60 %</output></label>\n<ul class=\"chips\" aria-label=\"Show only pictures with a class\">"
    .. table.concat(buttons, "\n") .. "</ul></div>\n"
end

local function pictures(data)
  if #data.pictures == 0 then
    return ""
  end
  local list = {}
  for i, entry in ipairs(data.pictures) do
    list[i] = figure(entry)
  end
  local more = data.left_out > 0 and (", the first of %d"):format(#list + data.left_out) or ""
  return ("<section aria-labelledby=\"pictures\"><h2 id=\"pictures\">Pictures "
    .. "(<span id=\"count\" aria-live=\"polite\">%d%s</span>)</h2>\n%s"
    .. "<ul class=\"pictures\">%s</ul></section>\n"):format(#list, more, tools(data),
    table.concat(list, "\n"))
end

local function failures(data)
  if #data.failures == 0 then
    return ""
  end
  local rows = {}
  for i, row in ipairs(data.failures) do
    rows[i] = ("<tr><td><bdi>%s</bdi></td><td class=\"bad\">%s</td></tr>"):format(escape(row.path),
      escape(row.reason))
  end
  local more = data.failures_left_out > 0
    and ("<p class=\"soft\">and %d more</p>\n"):format(data.failures_left_out) or ""
  return "<section aria-labelledby=\"failures\"><h2 id=\"failures\">Failures</h2>\n<table><thead>"
    .. "<tr><th scope=\"col\">Picture</th><th scope=\"col\">Why</th></tr></thead><tbody>\n"
    .. table.concat(rows, "\n") .. "\n</tbody></table>\n" .. more .. "</section>\n"
end

--- The page.
---@param data lab.Report  of lab.report
---@return string
return function(data)
  local css = "\n" .. style.css .. class_rules(data.classes)
  local js = "\n" .. style.js
  local title = ("Run %d"):format(data.run.run)
  return table.concat { "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; ",
    "style-src ", digest(css), "; script-src ", digest(js), "; base-uri 'none'; ",
    "form-action 'none'\">\n",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
    "<meta name=\"referrer\" content=\"no-referrer\">\n",
    "<title>", title, " – lualab</title>\n<link rel=\"icon\" href=\"data:,\">\n",
    "<style>", css, "</style>\n</head>\n<body>\n",
    "<a class=\"skip\" href=\"#main\">To the report</a>\n<main id=\"main\">\n",
    "<h1>", title, "</h1>\n", "<section aria-label=\"About the run\">", facts(data),
    stage_table(data.stages), "</section>\n", areas(data.classes), failures(data), pictures(data),
    "</main>\n<script>", js, "</script>\n</body>\n</html>\n" }
end
