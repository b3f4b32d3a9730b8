-- The table of routes as Markdown, for people: plugins/http/README.md has it word for word.

local api = require "lab.web.api"

local manual = {}

local function cell(text)
  return (tostring(text):gsub("|", "\\|"))
end

local function row(...)
  local cells = table.pack(...)
  for i = 1, cells.n do
    cells[i] = cell(cells[i])
  end
  return "| " .. table.concat(cells, " | ") .. " |"
end

--- A parameter's type with its bounds.
local function type_of(spec)
  if spec.choices then
    return table.concat(spec.choices, ", ")
  elseif spec.max == math.maxinteger then
    return spec.type .. " from " .. spec.min
  elseif spec.min and spec.max then
    return ("%s %s to %s"):format(spec.type, spec.min, spec.max)
  elseif spec.type == "boolean" then
    return "1 or 0"
  end
  return spec.type
end

local function default_of(spec)
  if spec.default == nil then
    return ""
  elseif type(spec.default) == "boolean" then
    return spec.default and "1" or "0"
  end
  return spec.default
end

local function add_route(lines, route)
  local function add(text)
    lines[#lines + 1] = text
  end
  add ""
  add(("### `%s %s`"):format(route.method, route.path))
  add ""
  add(route.summary:sub(1, 1):upper() .. route.summary:sub(2) .. ".")
  if route.parameters and #route.parameters > 0 then
    add ""
    add "| parameter | in | type | default | what |"
    add "|---|---|---|---|---|"
    for _, spec in ipairs(route.parameters) do
      add(row("`" .. spec.name .. "`", spec.place, type_of(spec), default_of(spec), spec.doc or ""))
    end
  end
  add ""
  for _, answer in ipairs(route.answers) do
    if answer.status < 400 then
      add(("- %d, %s: %s"):format(answer.status, answer.type, answer.doc))
    end
  end
end

--- The whole table: an overview, then each route.
---@return string
function manual.markdown()
  local routes = api.routes()
  local lines = { "| route | what |", "|---|---|" }
  for _, route in ipairs(routes) do
    lines[#lines + 1] = row(("`%s %s`"):format(route.method, route.path), route.summary)
  end
  for _, route in ipairs(routes) do
    add_route(lines, route)
  end
  return table.concat(lines, "\n") .. "\n"
end

return manual
