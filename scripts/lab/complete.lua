-- What may follow in a line of Lua that is being typed: globals and keywords, fields of tables,
-- methods of values by kind, options of operators inside { }, and inside strings the names of
-- models, labels, stages' choices or files. Operators are known from their descriptors. Nothing the
-- user wrote is run: fields are read raw, and only lualab's own values are asked what they are.

local core = require "lab.core"
local datasets = require "lab.datasets"
local lexer = require "lab.lexer"
local manifest = require "lab.manifest"
local paths = require "lab.paths"
local sys = require "lab.sys"

local keywords = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function",
  "goto", "if", "in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until",
  "while" }

-- ---- what an expression is ----

--- What is known of an expression: { value = } or, without running it, { kind = } ("image", …).
---@class lab.Guess
---@field value any
---@field kind string?

--- The kind of one of lualab's values; nil for anything else.
local function kind_of(value)
  if type(value) ~= "userdata" then
    return nil
  end
  -- The method of one kind answers for all, and refuses userdata that are not lualab's.
  local ok, kind = pcall(core.methods.tensor.kind, value)
  return ok and kind or nil
end

--- The tables in which a value's fields are looked for: itself, and its metatable's __index as long
--- as these are tables. Where __index is a function, the metatable usually is the class.
local function tables_of(value)
  local list = {}
  while type(value) == "table" and #list < 10 do
    list[#list + 1] = value
    local meta = debug.getmetatable(value)
    local index = type(meta) == "table" and rawget(meta, "__index")
    value = type(index) == "function" and meta or index
  end
  if type(value) == "string" then
    list[#list + 1] = string
  end
  return list
end

local function field_of(value, name)
  for _, list in ipairs(tables_of(value)) do
    local found = rawget(list, name)
    if found ~= nil then
      return found
    end
  end
end

--- The operator that is a method of a kind.
local function op_of(kind, method)
  for _, op in ipairs(core.ops()) do
    if op.input == kind and op.method == method then
      return op
    end
  end
end

--- What calls of the library give, as far as they are values.
local results_of = { open = "image" }

--- After a call of the method or function `name` of `guess`.
local function called(guess, name)
  local kind = guess and (guess.kind or kind_of(guess.value))
  local op = kind and op_of(kind, name)
  if op then
    return core.methods[op.output] and { kind = op.output } or nil
  elseif guess and guess.value ~= nil and guess.value == package.loaded.lab
    and results_of[name] then
    return { kind = results_of[name] }
  elseif kind == "labelmap" and (name == "with_labels" or name == "replace") then
    return { kind = kind }
  end
end

local closers = { [")"] = "(", ["]"] = "[", ["}"] = "{" }
local openers = { ["("] = true, ["["] = true, ["{"] = true }

--- The token that opens what the token at `i` closes; nil when there is none.
local function opener(tokens, i)
  local depth = 0
  for k = i, 1, -1 do
    local token = tokens[k]
    if token.type == "symbol" then
      depth = depth + (closers[token.text] and 1 or openers[token.text] and -1 or 0)
      if depth == 0 then
        return k
      end
    end
  end
end

local function symbol(token, text)
  return token and token.type == "symbol" and token.text == text
end

--- Whether a token can be followed by a call's arguments, an index or a field.
local function ends_prefix(token)
  return token and (token.type == "name" or symbol(token, ")") or symbol(token, "]"))
end

local evaluate

--- A call whose arguments begin at token `first`: what the expression before it gives when called.
local function evaluate_call(tokens, first, env)
  local name, dot = tokens[first - 1], tokens[first - 2]
  if name and name.type == "name" and (symbol(dot, ".") or symbol(dot, ":")) then
    return called(evaluate(tokens, first - 3, env), name.text)
  end
end

local function evaluate_index(tokens, first, last, env)
  local key = tokens[first + 1]
  if last ~= first + 2 or key.type == "symbol" or key.type == "name" then
    return nil
  end
  local guess = evaluate(tokens, first - 1, env)
  local found = guess and field_of(guess.value, key.type == "number" and tonumber(key.text)
    or key.text)
  return found ~= nil and { value = found } or nil
end

--- What the expression that ends at token `last` is; nil when that cannot be told.
---@return lab.Guess?
function evaluate(tokens, last, env)
  local token = tokens[last]
  if not token then
    return nil
  elseif token.type == "string" then
    if ends_prefix(tokens[last - 1]) then
      return evaluate_call(tokens, last, env)
    end
    return { value = token.text }
  elseif token.type == "name" then
    if symbol(tokens[last - 1], ".") then
      local guess = evaluate(tokens, last - 2, env)
      local found = guess and field_of(guess.value, token.text)
      return found ~= nil and { value = found } or nil
    end
    local found = field_of(env, token.text)
    return found ~= nil and { value = found } or nil
  elseif closers[token.text] and token.type == "symbol" then
    local first = opener(tokens, last)
    if not first then
      return nil
    elseif token.text == "]" then
      return evaluate_index(tokens, first, last, env)
    elseif ends_prefix(tokens[first - 1]) then
      return evaluate_call(tokens, first, env)
    elseif token.text == ")" then
      return evaluate(tokens, last - 1, env)
    end
  end
end

-- ---- where the cursor is ----

--- The innermost bracket that is open after the tokens: its position, or nil.
local function open_bracket(tokens)
  local depth = 0
  for k = #tokens, 1, -1 do
    local token = tokens[k]
    if token.type == "symbol" and closers[token.text] then
      depth = depth + 1
    elseif token.type == "symbol" and openers[token.text] then
      if depth == 0 then
        return k
      end
      depth = depth - 1
    end
  end
end

---@class lab.Site
---@field method string     what is called
---@field guess lab.Guess?  of what: img in img:resize {…}
---@field op table?         the operator that it is
---@field option string?    the option whose value is being typed

--- The call in whose arguments the end of the tokens is, through lists and parentheses.
local function call_site(tokens, env)
  local upto = tokens
  local option
  for _ = 1, 4 do
    local last = #upto
    if not option and symbol(upto[last], "=") and upto[last - 1] and
      upto[last - 1].type == "name" then
      option = upto[last - 1].text
    end
    local direct = upto[last]
    local first = direct and ends_prefix(direct) and last + 1 or open_bracket(upto)
    if not first then
      return nil
    end
    local name, dot = upto[first - 1], upto[first - 2]
    if name and name.type == "name" and (symbol(dot, ":") or symbol(dot, ".")) then
      local guess = evaluate(upto, first - 3, env)
      local kind = guess and (guess.kind or kind_of(guess.value))
      return { method = name.text, guess = guess, option = option,
        op = kind and op_of(kind, name.text) }
    end
    upto = table.move(upto, 1, first - 1, 1, {})
  end
end

-- ---- candidates ----

local function names_in(value, methods_only, into)
  for _, list in ipairs(tables_of(value)) do
    for name, field in next, list do
      if type(name) == "string" and name:find "^[%a_][%w_]*$" and not name:find "^__"
        and (not methods_only or type(field) == "function") then
        into[#into + 1] = name
      end
    end
  end
end

local function methods_of(kind, into)
  for name in pairs(core.methods[kind]) do
    into[#into + 1] = name
  end
  for _, op in ipairs(core.ops()) do
    if op.input == kind then
      into[#into + 1] = op.method
    end
  end
end

--- After "x." and "x:".
local function fields(tokens, separator, env, into)
  local guess = evaluate(tokens, #tokens - 1, env)
  local kind = guess and (guess.kind or kind_of(guess.value))
  if kind then
    methods_of(kind, into)
  elseif guess then
    names_in(guess.value, separator == ":", into)
  end
end

--- Options of the call, where one may begin: after { and after a comma.
local function options(tokens, site, into)
  local before = tokens[#tokens]
  if not (site and site.op and (symbol(before, "{") or symbol(before, ","))) then
    return false
  end
  local bracket = open_bracket(tokens)
  if not symbol(tokens[bracket], "{") then
    return false
  end
  local given = {}
  for k = bracket + 1, #tokens - 1 do
    if tokens[k].type == "name" and symbol(tokens[k + 1], "=") then
      given[tokens[k].text] = true
    end
  end
  local first, second = tokens[bracket + 1], tokens[bracket + 2]
  local positional = first and not (first.type == "name" and symbol(second, "="))
  for _, param in ipairs(site.op.params) do
    if not given[param.name] and not (positional and param.main) then
      into[#into + 1] = param.name .. " = "
    end
  end
  return true
end

-- ---- inside strings ----

local function model_names(into)
  for _, entry in ipairs(manifest.list() or {}) do
    into[#into + 1] = entry.name
  end
end

--- Label names of what the method is called on; else those of all datasets.
local function label_names(guess, into)
  local value = guess and guess.value
  local ok, set = pcall(function()
    return kind_of(value) and value:labels() or rawget(value, "label_set")
      or rawget(value, "map"):labels()
  end)
  local sets = { ok and set or nil }
  if #sets == 0 then
    for _, name in ipairs(datasets.list()) do
      sets[#sets + 1] = datasets.labels(name)
    end
  end
  for _, labels in ipairs(sets) do
    for id = 0, #labels - 1 do
      into[#into + 1] = labels:label(id)
    end
  end
end

--- Paths that begin with `text`; folders end in a slash.
local function path_names(text, into)
  local folder, start = text:match "^(.*/)([^/]*)$"
  if not folder then
    folder, start = "", text
  end
  for _, entry in ipairs(sys.list(folder == "" and "." or folder) or {}) do
    local path = folder .. entry.name
    if entry.name:sub(1, 1) ~= "." or start:sub(1, 1) == "." then
      into[#into + 1] = path .. (paths.exists(path, "dir") and "/" or "")
    end
  end
end

local label_options = { label = true, labels = true, include = true, exclude = true, into = true,
  classes = true }

--- The parameter that the string is for: the named one, else the main one.
local function parameter(site)
  for _, param in ipairs(site and site.op and site.op.params or {}) do
    if site.option == param.name or not site.option and param.main then
      return param
    end
  end
end

local function in_string(tokens, text, env, into)
  local site = call_site(tokens, env)
  local param = parameter(site)
  if param and param.choices then
    table.move(param.choices, 1, #param.choices, #into + 1, into)
  elseif param and param.type == "classes" then
    label_names(site.guess, into)
  elseif site and not site.op and (site.option == "model"
    or site.method == "load" and not site.option) then
    model_names(into)
    path_names(text, into)
  elseif site and not site.op and site.option and label_options[site.option] then
    label_names(site.guess, into)
  elseif site and (site.method == "mask" or site.method == "cutout") and not site.option then
    label_names(site.guess, into)
  else
    path_names(text, into)
  end
end

--- Candidates that begin with what there is, sorted, each once.
local function matching(candidates, start)
  local result, seen = {}, {}
  for _, candidate in ipairs(candidates) do
    if candidate:sub(1, #start) == start and not seen[candidate] then
      seen[candidate] = true
      result[#result + 1] = candidate
    end
  end
  table.sort(result)
  return result
end

--- What the word before the cursor may become: whole words, and where in the line they begin.
---@param line string       all that has been typed, earlier lines of the chunk included
---@param position? integer bytes before the cursor (all)
---@param env? table        where globals are (_G)
---@return string[] candidates
---@return integer start    1-based: candidates replace line:sub(start, position)
local function complete(line, position, env)
  position = math.max(0, math.min(position or #line, #line))
  env = env or _G
  line = line:sub(1, position)
  local tokens, unfinished = lexer.tokens(line)
  if unfinished == "comment" then
    return {}, position + 1
  elseif unfinished then
    local candidates = {}
    in_string(tokens, unfinished.text, env, candidates)
    return matching(candidates, unfinished.text), unfinished.at
  end
  local word = tokens[#tokens]
  local start = ""
  if word and word.type == "name" and word.at + #word.text > position then
    start = word.text
    tokens[#tokens] = nil
  elseif word and word.type == "number" and word.at + #word.text > position then
    return {}, position + 1
  end
  local candidates, before = {}, tokens[#tokens]
  if symbol(before, ".") or symbol(before, ":") then
    fields(tokens, before.text, env, candidates)
  elseif not options(tokens, call_site(tokens, env), candidates) then
    names_in(env, false, candidates)
    table.move(keywords, 1, #keywords, #candidates + 1, candidates)
  end
  return matching(candidates, start), position + 1 - #start
end

return complete
