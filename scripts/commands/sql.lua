-- lualab sql: questions to the catalog, over a connection that can only read.

local arguments = require "lab.arguments"
local catalog = require "lab.catalog"
local core = require "lab.core"
local paths = require "lab.paths"
local sys = require "lab.sys"
local tables = require "lab.tables"
local words = require "lab.words"

local summary = "ask the catalog in SQL"

local epilog = [[
The views v_results, v_segments, v_models, v_runs have names joined in. A word that is no SQL is the
name of a query in db/queries; --list shows them.

  lualab sql "SELECT label, sum(pixels) AS pixels FROM v_segments GROUP BY label ORDER BY 2 DESC"
  lualab sql --format csv -p label=person "SELECT path, fraction FROM v_segments
                                           WHERE label = :label"]]

--- The named queries: name -> text, and the names sorted.
local function named_queries()
  local names, texts = {}, {}
  local folder = paths.program("db", "queries")
  for _, entry in ipairs(sys.list(folder) or {}) do
    local name = entry.name:match "^([%w_-]+)%.sql$"
    if name then
      names[#names + 1] = name
      texts[name] = core.read_file(paths.join(folder, entry.name)) or ""
    end
  end
  table.sort(names)
  return names, texts
end

--- What a query is for: the first comment after its name, up to the end of the sentence.
local function described(text)
  local parts = {}
  for line in text:gmatch "[^\n]*" do
    local comment = line:match "^%-%-%s*(.*)$"
    if not comment or comment:find "^:" then
      break
    elseif not comment:find "^name:" then
      parts[#parts + 1] = comment
    end
  end
  return (table.concat(parts, " "):match "^(.-[^.])[:.]" or table.concat(parts, " ")) .. "."
end

local function list_queries()
  local names, texts = named_queries()
  for _, name in ipairs(names) do
    print(("%-18s %s"):format(name, described(texts[name])))
  end
  return 0
end

--- The SQL that a word on the command line means.
local function find_sql(word)
  if word == "-" then
    return core.read_file("-", 1 << 20)
  elseif word:find "%s" or word:find ";" then
    return word
  end
  local names, texts = named_queries()
  if texts[word] then
    return texts[word]
  end
  return nil, words.unknown("SQL or named query", word, names)
end

--- "-p name=value": whole numbers and decimals are numbers, the rest is text.
local function read_parameters(list)
  local parameters = {}
  for _, text in ipairs(list) do
    local name, value = text:match "^[:@$]?([%w_]+)=(.*)$"
    if not name then
      return nil, ("-p %s: name=value is expected"):format(text)
    end
    parameters[name] = math.tointeger(value) or value:match "^%-?%d+%.?%d*$" and tonumber(value)
      or value
  end
  return parameters
end

local function make_parser()
  local parser = arguments.parser("lualab sql", summary, epilog)
  parser:argument("query", "SQL, the name of a query, or - for standard input."):args "?"
  parser:option("-f --format", "table, csv or json."):choices { "table", "csv", "json" }
    :default "table"
  parser:option("-p --parameter", "A value for :name in the query; can be repeated."):count "*"
    :argname "NAME=VALUE"
  parser:option("--db", "The catalog (default LUALAB_DB, else in the user's data folder).")
    :argname "FILE"
  parser:option("--time-limit", "Seconds a query may take; 0: any."):argname "SECONDS"
    :default "60":convert(arguments.number(0, 1e6))
  parser:flag("--list", "Show the named queries.")
  return parser
end

local function run(argv)
  local parser = make_parser()
  local args, code = arguments.parse(parser, argv)
  if not args then
    return code
  elseif args.list then
    return list_queries()
  elseif not args.query then
    return arguments.usage_error(parser, "missing argument 'query'")
  end
  local sql, message = find_sql(args.query)
  if not sql then
    return arguments.usage_error(parser, message)
  end
  local parameters
  parameters, message = read_parameters(args.parameter)
  if not parameters then
    return arguments.usage_error(parser, message)
  end
  local db
  db, message = catalog.open(args.db, "read")
  local rows, columns
  if db then
    db:time_limit(args.time_limit)
    rows, columns = db:query(sql, next(parameters) and parameters or nil)
    db:close()
    message = columns
  end
  if not rows then
    io.stderr:write("lualab sql: ", message, "\n")
    return 1
  end
  io.stdout:write(tables[args.format](columns, rows))
  return 0
end

return { summary = summary, run = run }
