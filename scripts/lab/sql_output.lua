-- The rows of a query as lualab sql prints them. A blob that is a picture (of map_png, say) is
-- named by its format and size in a table, and shown below it where the terminal can show pictures.

local core = require "lab.core"
local picture = require "lab.picture"
local show = require "lab.show"
local sys = require "lab.sys"
local tables = require "lab.tables"

local sql_output = {}

--- The formats there are.
sql_output.formats = { "table", "csv", "tsv", "json", "ndjson", "markdown", "raw" }

-- Pictures that are shown below one table, at most, and their height in lines.
local MAX_PICTURES, PICTURE_ROWS = 20, 16

--- What core.probe knows of a blob that is a picture; nil for anything else. Pictures begin with
--- bytes that no text has, which spares looking at every text.
local function probe(value)
  if type(value) == "string" and (value:find "^\137PNG\r\n" or value:find "^\255\216\255") then
    return (core.probe(value))
  end
end

--- The rows with words in the place of pictures, and the pictures.
local function take_pictures(columns, rows)
  local shown, pictures = {}, {}
  for r, row in ipairs(rows) do
    local copy = row
    for i = 1, #columns do
      local facts = probe(row[i])
      if facts then
        copy = copy == row and table.move(row, 1, #columns, 1, {}) or copy
        copy[i] = ("(%s %dx%d)"):format(facts.format:upper(), facts.width, facts.height)
        pictures[#pictures + 1] = { bytes = row[i], row = r, column = columns[i], text = copy[i] }
      end
    end
    shown[r] = copy
  end
  return shown, pictures
end

--- Shows pictures one below the other, each after its place in the table. Nothing where the
--- terminal cannot: the table has told what they are.
local function show_pictures(pictures, file)
  for i, entry in ipairs(pictures) do
    if i > MAX_PICTURES then
      file:write(("… and %d more pictures: ask for fewer rows\n"):format(#pictures - MAX_PICTURES))
      return
    end
    local image = core.decode(entry.bytes, { orient = true })
    image = image and picture.rgb(image)
    local bytes = image and show.bytes(image, { columns = math.min(sys.columns(), 1000),
      rows = PICTURE_ROWS })
    if bytes then
      file:write(("\nrow %d, %s %s\n"):format(entry.row, entry.column, entry.text), bytes, "\n")
    end
  end
end

--- Writes the rows.
---@param columns string[]
---@param rows table[]
---@param format string     of sql_output.formats; "raw": the first value as it is, bytes too
---@param options? table    file (standard output); pictures = boolean: show them below a table
---                         (default: when standard output is a terminal)
function sql_output.write(columns, rows, format, options)
  options = options or {}
  local file = options.file or io.stdout
  if format == "raw" then
    local value = rows[1] and rows[1][1]
    file:write(value == nil and "" or tostring(value))
    return
  elseif format ~= "table" then
    file:write(tables[format](columns, rows))
    return
  end
  local shown, pictures = take_pictures(columns, rows)
  file:write(tables.table(columns, shown))
  local wanted = options.pictures
  if wanted == nil then
    wanted = not options.file and sys.is_tty(1)
  end
  if wanted then
    show_pictures(pictures, file)
  end
end

return sql_output
