-- An evaluation as an SVG picture: IoU of each class as bars, and the confusion matrix beside them,
-- each of its rows as shares of what the class really is.

local svg = require "lab.svg"

local plot = {}

local ink, faint, grid = "#1f2328", "#59636e", "#d1d9e0"
local bar_color, edge_color = "#4c78a8", "#e45756"

local name_width, bar_width, bar_height = 130, 320, 22
local top, heading, margin = 130, 82, 24 -- of the bars; of both headings

--- Cells so large that many classes still fit a page.
local function cell_size(count)
  return math.max(3, math.min(26, 640 // math.max(count, 1)))
end

---@class lab.Drawing
---@field parts string[]

local function add(drawing, format, ...)
  drawing.parts[#drawing.parts + 1] = format:format(...)
end

local function text(drawing, x, y, content, attributes)
  add(drawing, '<text x="%g" y="%g"%s>%s</text>', x, y, attributes or "", svg.escape(content))
end

--- A name cut to what fits, whole in a tooltip.
local function name(drawing, x, y, content, room, attributes)
  local shown, length = content, utf8.len(content)
  if length and length > room then
    shown = content:sub(1, utf8.offset(content, room) - 1) .. "…"
  end
  add(drawing, '<text x="%g" y="%g"%s>%s<title>%s</title></text>', x, y, attributes or "",
    svg.escape(shown), svg.escape(content))
end

--- The classes that occur in truth or prediction, by id.
local function present(measures)
  local rows = {}
  for _, row in ipairs(measures.rows) do
    if row.truth > 0 or row.found > 0 then
      rows[#rows + 1] = row
    end
  end
  return rows
end

local function percent(value)
  return value and ("%.1f"):format(100 * value) or "–"
end

local function draw_axis(drawing, left, bottom)
  for tick = 0, 100, 25 do
    local x = left + bar_width * tick / 100
    add(drawing, '<path d="M%g %gV%g" stroke="%s"/>', x, top - 4, bottom, grid)
    text(drawing, x, top - 10, ("%d"):format(tick),
      (' text-anchor="middle" fill="%s"'):format(faint))
  end
end

local function draw_bar(drawing, row, label, color, left, y)
  local middle = y + bar_height / 2
  add(drawing, '<rect x="%g" y="%g" width="10" height="10" fill="%s" stroke="%s"/>', left - 18,
    middle - 5, color, grid)
  name(drawing, left - 24, middle + 4, label, 19, ' text-anchor="end"')
  if not row.iou then
    text(drawing, left + 6, middle + 4, "not in the truth", (' fill="%s"'):format(faint))
    return
  end
  add(drawing, '<rect x="%g" y="%g" width="%.4g" height="%g" fill="%s"><title>%s: IoU %s %%, '
    .. 'boundary IoU %s %%, recall %s %%, precision %s %%</title></rect>', left, y + 3,
    bar_width * row.iou, bar_height - 6, bar_color, svg.escape(label), percent(row.iou),
    percent(row.boundary_iou), percent(row.recall), percent(row.precision))
  if row.boundary_iou then
    add(drawing, '<rect x="%.6g" y="%g" width="3" height="%g" fill="%s"/>',
      left + bar_width * row.boundary_iou - 1.5, y + 1, bar_height - 2, edge_color)
  end
  text(drawing, left + bar_width + 44, middle + 4, percent(row.iou), ' text-anchor="end"')
end

local function draw_bars(drawing, rows, measures, labels)
  local left, bottom = margin + name_width, top + bar_height * #rows
  text(drawing, left, heading, "IoU of each class, %", ' font-weight="600"')
  add(drawing, '<rect x="%g" y="%g" width="3" height="12" fill="%s"/>', left + 150, heading - 10,
    edge_color)
  text(drawing, left + 158, heading, "boundary IoU", (' fill="%s"'):format(faint))
  draw_axis(drawing, left, bottom)
  for i, row in ipairs(rows) do
    draw_bar(drawing, row, labels:label(row.id), svg.color { labels:color(row.id) }, left,
      top + bar_height * (i - 1))
  end
  if measures.mean_iou then
    local x = left + bar_width * measures.mean_iou
    add(drawing, '<path d="M%.6g %gV%g" stroke="%s" stroke-dasharray="4 3"/>', x, top - 4,
      bottom + 6, ink)
    text(drawing, x, bottom + 20, "mean " .. percent(measures.mean_iou), ' text-anchor="middle"')
  end
  return bottom + 28
end

--- White where nothing is, dark blue where all is; the text on it, readable.
local function shade(share)
  local function mix(from, to)
    return math.floor(from + (to - from) * share + 0.5)
  end
  return svg.color { mix(255, 8), mix(255, 48), mix(255, 107) }, share > 0.6 and "#fff" or ink
end

local function draw_row(drawing, evaluation, rows, row, labels, place)
  for column, other in ipairs(rows) do
    local pixels = evaluation:count(row.id, other.id)
    local share = row.truth > 0 and pixels / row.truth or 0
    if pixels > 0 then
      local fill, on_it = shade(share)
      local x = place.left + place.cell * (column - 1)
      add(drawing, '<rect x="%g" y="%g" width="%g" height="%g" fill="%s"><title>%s is called %s: '
        .. '%.2f %%, %d pixels</title></rect>', x, place.y, place.cell, place.cell, fill,
        svg.escape(labels:label(row.id)), svg.escape(labels:label(other.id)), 100 * share, pixels)
      if place.cell >= 20 and share >= 0.01 then
        text(drawing, x + place.cell / 2, place.y + place.cell / 2 + 3.5,
          ("%.0f"):format(100 * share), (' text-anchor="middle" font-size="10" fill="%s"'):format(
            on_it))
      end
    end
  end
end

local function draw_matrix(drawing, evaluation, rows, labels, left)
  local cell = cell_size(#rows)
  local side, named = cell * #rows, cell >= 8
  text(drawing, left, heading, "What each class is called, % of its pixels", ' font-weight="600"')
  text(drawing, left, heading + 16, "row: truth, column: prediction", (' fill="%s"'):format(faint))
  local y0 = top + 56
  for i, row in ipairs(rows) do
    local y, label = y0 + cell * (i - 1), labels:label(row.id)
    draw_row(drawing, evaluation, rows, row, labels, { left = left, y = y, cell = cell })
    if named then
      name(drawing, left - 6, y + cell / 2 + 4, label, 18, ' text-anchor="end"')
      local x = left + cell * (i - 0.5)
      name(drawing, x + 4, y0 - 6, label, 15, (' transform="rotate(-50 %g %g)"'):format(x + 4,
        y0 - 6))
    end
  end
  add(drawing, '<rect x="%g" y="%g" width="%g" height="%g" fill="none" stroke="%s"/>', left, y0,
    side, side, grid)
  return y0 + side, left + side
end

--- The line under the title.
local function figures(evaluation, measures)
  return ("mean IoU %s %% over %d classes   pixel accuracy %s %%   frequency-weighted IoU %s %%   "
    .. "boundary IoU %s %% (band: %s)"):format(percent(measures.mean_iou), measures.present,
    percent(measures.pixel_accuracy), percent(measures.frequency_iou),
    percent(measures.boundary_iou), evaluation:band())
end

--- Draws an evaluation.
---@param evaluation lab.Evaluation
---@param labels lab.Labels
---@param title string
---@return string? text  of an SVG file
---@return string? message
---@return string? code
function plot.draw(evaluation, labels, title)
  local measures, message, code = evaluation:measures()
  if not measures then
    return nil, message, code
  end
  local rows, drawing = present(measures), { parts = {} }
  local matrix_left = margin + name_width + bar_width + 60 + name_width
  local height = draw_bars(drawing, rows, measures, labels)
  local bottom, right = draw_matrix(drawing, evaluation, rows, labels, matrix_left)
  height, right = math.max(height, bottom) + margin, math.max(right + 80, 980)
  local head = { parts = {} }
  add(head, '<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" viewBox="0 0 %g %g" '
    .. 'font-family="system-ui, DejaVu Sans, sans-serif" font-size="12" fill="%s">', right, height,
    right, height, ink)
  add(head, '<title>%s</title>', svg.escape(title))
  add(head, '<rect width="100%%" height="100%%" fill="#fff"/>')
  text(head, margin, 26, title, ' font-size="16" font-weight="600"')
  text(head, margin, 46, figures(evaluation, measures), (' fill="%s" xml:space="preserve"'):format(
    faint))
  return table.concat(head.parts, "\n") .. "\n" .. table.concat(drawing.parts, "\n") .. "\n</svg>\n"
end

return plot
