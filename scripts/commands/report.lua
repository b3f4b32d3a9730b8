-- lualab report: a run as one HTML page, to look at and to send.

local arguments = require "lab.arguments"
local catalog = require "lab.catalog"
local core = require "lab.core"
local fetch = require "lab.fetch"
local page = require "lab.report_page"
local picture = require "lab.picture"
local progress = require "lab.progress"
local report = require "lab.report"

local summary = "a run of the catalog as one HTML page with its pictures"

local epilog = [[
The page has everything in it and opens from disk, without a network: small pictures with their
label maps over them and a slider for these, the legend, how much of all pixels each class covers,
what failed and why, and how the run was made. 'lualab sql runs' lists the runs.

  lualab report
  lualab report 12 -o street.html --limit 50]]

local function make_parser()
  local parser = arguments.parser("lualab report", summary, epilog)
  local number = arguments.number
  parser:argument("run", "The run's number (default: the latest)."):args "?"
    :convert(number(1, math.maxinteger, true))
  parser:option("-o --output", "The page's file, - for standard output."):argname "FILE"
    :default "report.html"
  parser:option("--limit", "Pictures at most; the first ones are taken."):argname "N"
    :default "200":convert(number(0, 100000, true))
  parser:option("--size", "Longest side of the pictures in the page, in pixels."):argname "PIXELS"
    :default "480":convert(number(16, 4096, true))
  parser:option("--db", "The catalog (default LUALAB_DB, else in the user's data folder).")
    :argname "FILE"
  return parser
end

--- The page's text, or why there is none.
local function make(db, args)
  local line = progress.new(args.limit)
  -- A damaged catalog may have anything where a number should be: that is told like the rest.
  local ok, text, message = pcall(function()
    local data, why = report.gather(db, { run = args.run, limit = args.limit, size = args.size,
      progress = function(_, total)
        line.total = total
        line:show "pictures"
        line:step(true)
      end })
    if not data then
      return nil, why
    end
    return page(data)
  end)
  line.finish()
  if core.stopped() then
    return nil, "interrupted"
  elseif not ok then
    return nil, tostring(text)
  end
  return text, message
end

local function run(argv)
  local args, code = arguments.parse(make_parser(), argv)
  if not args then
    return code
  end
  local db, message = catalog.open(args.db, "read")
  local text
  if db then
    text, message = make(db, args)
    db:close()
  end
  local ok = text
  if text then
    ok, message = picture.write(args.output, text)
  end
  if not ok then
    io.stderr:write("lualab report: ", message, "\n")
    return 1
  end
  if args.output ~= "-" then
    print(("%s (%s)"):format(args.output, fetch.size_text(#text)))
  end
  return 0
end

return { summary = summary, run = run }
