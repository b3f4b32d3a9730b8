-- All photos at a glance: one picture with a small overlay of each, and under it a bar of its
-- classes in their colours, as wide as their shares. What is where is printed.
--
--   lualab run scripts/pipelines/contact_sheet.lua SHEET.png PHOTO|FOLDER...

local lab = require "lab"
local s = lab.stages
local core = lab.core

local columns, cell_width, cell_height, gap, bar = 4, 240, 180, 10, 8

local target = arg[1]
assert(target and arg[2], "lualab run scripts/pipelines/contact_sheet.lua sheet.png photos/")

--- One colour everywhere.
local function plain(width, height, r, g, b)
  return core.image(1, 1, 3, string.char(r, g, b)):resize { width = width, height = height }
end

--- The photo's classes from left to right, largest first.
local function shares(r)
  local strip, x = plain(cell_width, bar, 255, 255, 255), 0
  for _, row in ipairs(r.legend) do
    local width = math.floor(row.fraction * cell_width + 0.5)
    if width > 0 then
      strip = strip:paste { with = plain(width, bar, table.unpack(row.color)), x = x }
      x = x + width
    end
  end
  return strip
end

--- The overlay, as large as fits into a cell.
local function thumbnail(r)
  local overlay = assert(r:overlay { alpha = 0.6 })
  local wide = r.width * cell_height > r.height * cell_width
  return overlay:resize(wide and { width = cell_width } or { height = cell_height })
end

local sheet_pipeline <close> = lab.pipeline {
  s.preprocess {},
  s.segment { model = os.getenv "LUALAB_MODEL" or "pascal" },
  s.legend {},
  s.outputs { thumbnail = thumbnail, shares = shares },
}

local cells, failed = {}, 0
for r, why in sheet_pipeline:each(table.unpack(arg, 2)) do
  if why then
    failed = failed + 1
    io.stderr:write(r.path, ": ", why, "\n")
  else
    cells[#cells + 1] = { thumbnail = r.outputs.thumbnail, shares = r.outputs.shares }
    print(("row %d, column %d: %s"):format((#cells - 1) // columns + 1, (#cells - 1) % columns + 1,
      r:summary(3)))
  end
end
if #cells == 0 then
  return 1
end

local rows = (#cells + columns - 1) // columns
local sheet = plain(gap + math.min(#cells, columns) * (cell_width + gap),
  gap + rows * (cell_height + bar + gap), 255, 255, 255)
for i, cell in ipairs(cells) do
  local x = gap + (i - 1) % columns * (cell_width + gap)
  local y = gap + (i - 1) // columns * (cell_height + bar + gap)
  local image = cell.thumbnail
  sheet = sheet:paste { with = image, x = x + (cell_width - image:width()) // 2,
    y = y + (cell_height - image:height()) // 2 }
  sheet = sheet:paste { with = cell.shares, x = x, y = y + cell_height }
end
assert(sheet:save(target))
return failed > 0 and 1 or 0
