-- lualab sql: questions to the catalog, over a connection that can only read unless --write says
-- otherwise.

local arguments = require "lab.arguments"
local catalog = require "lab.catalog"
local core = require "lab.core"
local queries = require "lab.queries"
local sql_output = require "lab.sql_output"
local sys = require "lab.sys"

local summary = "ask the catalog in SQL"

local epilog = [[
The views v_results, v_segments, v_models, v_runs have names joined in. A word that is no SQL is the
name of a query in db/queries; --list shows them. Without a query there is a prompt.

  lualab sql "SELECT label, sum(pixels) FROM v_segments GROUP BY label ORDER BY 2 DESC"
  lualab sql --format csv -p label=person "SELECT path, fraction FROM v_segments
                                           WHERE label = :label"
  lualab sql pictures-with -p label=dog]]

-- Seconds a query may take on a connection that only reads.
local DEFAULT_LIMIT = 60

--- The SQL that a word on the command line means.
---@return lab.Query? query  without a name for SQL as it was typed
---@return string? message
local function find_sql(word)
  if word == "-" then
    local text, message = core.read_file("-", 1 << 20)
    return text and { sql = text, parameters = {} }, message
  elseif word:find "%s" or word:find ";" then
    return { sql = word, parameters = {} }
  end
  return queries.get(word)
end

local function make_parser()
  local parser = arguments.parser("lualab sql", summary, epilog)
  arguments.suggest(parser:argument("query", "SQL, the name of a query, or - for standard input.")
    :args "?", "queries")
  parser:option("-f --format", "table, csv, tsv, json, ndjson, markdown, or raw: the first value "
    .. "as it is."):choices(sql_output.formats):default "table"
  parser:option("-p --parameter", "A value for :name in the query; can be repeated."):count "*"
    :argname "NAME=VALUE"
  parser:option("--db", "The catalog (default LUALAB_DB, else in the user's data folder).")
    :argname "FILE"
  parser:option("--time-limit", ("Seconds a query may take; 0: any (%d, or any with --write).")
    :format(DEFAULT_LIMIT)):argname "SECONDS":convert(arguments.number(0, 1e6))
  parser:flag("-i --interactive", "A prompt, also when standard input is no terminal.")
  parser:flag("--write", "Let the query change the catalog.")
  parser:flag("--list", "Show the named queries; with a name, that one and its parameters.")
  return parser
end

--- Runs one query and prints its rows.
local function ask(db, query, parameters, args)
  local ok, rows, columns = pcall(db.query, db, query.sql, next(parameters) and parameters or nil)
  if ok and rows then
    if #columns > 0 then
      sql_output.write(columns, rows, args.format)
    end
    return 0
  end
  local message = tostring(ok and columns or rows)
  -- Whoever did not ask to write is told how; with --write the reason is the file.
  local advice = not args.write and message:find "read%-only" and "; --write lets it" or ""
  io.stderr:write("lualab sql: ", message, advice, "\n")
  return 1
end

local function open(args)
  local db, message = catalog.open(args.db, args.write and "write" or "read")
  if not db then
    io.stderr:write("lualab sql: ", message, "\n")
    return nil
  end
  db:time_limit(args.time_limit or args.write and 0 or DEFAULT_LIMIT)
  return db
end

--- What queries there are, or what one is about.
local function list(parser, name)
  if not name then
    io.stdout:write(queries.overview())
    return 0
  end
  local query, message = queries.get(name)
  if not query then
    return arguments.usage_error(parser, message)
  end
  io.stdout:write(queries.describe(query), "\n", query.sql)
  return 0
end

local function run(argv)
  local parser = make_parser()
  local args, code = arguments.parse(parser, argv)
  if not args then
    return code
  elseif args.list then
    return list(parser, args.query)
  elseif not args.query and not args.interactive and not sys.is_tty(0) then
    return arguments.usage_error(parser,
      "missing argument 'query' (- reads SQL from standard input)")
  end
  local query, parameters, message
  if args.query and args.interactive then
    return arguments.usage_error(parser, "--interactive is without a query")
  elseif args.query then
    query, message = find_sql(args.query)
    if query then
      parameters, message = queries.read_parameters(args.parameter)
    end
    message = message or queries.missing(query, parameters)
    if message then
      return arguments.usage_error(parser, message)
    end
  end
  local db = open(args)
  if not db then
    return 1
  end
  if query then
    code = ask(db, query, parameters, args)
  else
    code = require("lab.sql_shell").run(db, args.format)
  end
  db:close()
  return code
end

return { summary = summary, run = run }
