-- Many pictures from the command line: what is done already is skipped, each picture's line is
-- printed, failures are named on standard error and counted, a progress line runs on a terminal.

local cli = require "lab.cli"
local paths = require "lab.paths"
local progress = require "lab.progress"
local result = require "lab.result"
local sys = require "lab.sys"

local batch = {}

---@class lab.Batch
---@field args table       of the command line: json, output_dir, quiet, verbose, resume
---@field planned table    templates of the files each picture gives
---@field record table?    the record stage, if the results go into the catalog

--- The timings as one line: "decode 12 ms, segment 640 ms, all 700 ms".
---@param r lab.Result
---@return string
function batch.timings(r)
  local parts, sum = {}, 0
  for _, name in ipairs(r.timings) do
    sum = sum + r.timings[name]
    parts[#parts + 1] = ("%s %.0f"):format(name, r.timings[name])
  end
  return ("%.0f ms (%s)"):format(sum, table.concat(parts, ", "))
end

local function color_block(row)
  local r, g, b = table.unpack(row.color)
  if os.getenv "NO_COLOR" or not sys.is_tty(1) then
    return ("#%02x%02x%02x"):format(r, g, b)
  end
  return ("\27[48;2;%d;%d;%dm  \27[0m #%02x%02x%02x"):format(r, g, b, r, g, b)
end

--- The legend as lines: colour, name, share, pixels, where.
---@param r lab.Result
---@return string
function batch.legend(r)
  local width = 4
  for _, row in ipairs(r.legend) do
    width = math.max(width, utf8.len(row.name) or #row.name)
  end
  local lines = {}
  for i, row in ipairs(r.legend) do
    local pad = (" "):rep(width - (utf8.len(row.name) or #row.name))
    lines[i] = ("  %s  %3d %s%s %8s  %9d px  at %d,%d %dx%d"):format(color_block(row), row.id,
      row.name, pad, result.percent(row.fraction), row.pixels, table.unpack(row.box))
  end
  return table.concat(lines, "\n")
end

--- True when every file a picture is to give is there.
local function files_there(item, planned)
  for _, template in pairs(planned) do
    if not paths.exists(paths.fill(template, item.target), "file") then
      return false
    end
  end
  return true
end

--- Leaves out what a former run has done: its files are there and, when results are recorded, the
--- catalog says done. A picture that a killed run left behind goes on in that run's row.
local function skip_done(items, options)
  local left, skipped = {}, 0
  for _, item in ipairs(items) do
    local done = not item.error and item.path ~= "-" and files_there(item, options.planned)
    if not item.error and options.record then
      local recorded, row, code = options.record:state_of(item.path)
      if recorded == nil then
        return nil, row, code
      end
      done = done and recorded
      item.row = row
    end
    if done then
      skipped = skipped + 1
    else
      left[#left + 1] = item
    end
  end
  return left, skipped
end

local function fail(message)
  progress.clear()
  io.stderr:write("lualab: ", message, "\n")
end

--- The line, or the legend, or the JSON of one picture that went well.
local function report(r, args, single)
  progress.clear()
  if args.json and not args.output_dir then
    print(r:to_json())
    return
  elseif args.quiet then
    return
  end
  print(r:summary())
  if single or args.verbose > 0 then
    print(batch.legend(r))
    for _, file in ipairs(r.files) do
      print(("  %-8s %s"):format(file.what, file.path))
    end
    print("  time     " .. batch.timings(r))
  end
end

--- The sentence at the end of a batch, on standard error.
local function conclude(counts, options)
  local many = counts.total > 1 and (counts.failed > 0 or options.args.verbose > 0)
  if many or counts.skipped > 0 then
    fail(("%d done, %d failed%s%s"):format(counts.done, counts.failed,
      counts.skipped > 0 and (", %d done before"):format(counts.skipped) or "",
      counts.stopped and ", stopped" or ""))
  elseif counts.stopped then
    fail "stopped"
  end
end

--- Takes the items through the pipeline and reports on each.
---@param line lab.Pipeline
---@param items lab.Item[]
---@param options lab.Batch
---@return integer exit_code
function batch.run(line, items, options)
  local args = options.args
  local ok, message = line:prepare()
  if not ok then
    local catalog_failed = options.record and not options.record.catalog
    fail(message .. (catalog_failed and " (--no-record goes without the catalog)" or ""))
    return 1
  end
  local counts = { total = #items, done = 0, failed = 0, skipped = 0 }
  if args.resume then
    local left, skipped = skip_done(items, options)
    if not left then
      fail(skipped)
      return 1
    end
    items, counts.skipped = left, skipped
  end
  if counts.total == 0 then
    fail "no picture found"
    return 1
  end
  local bar = progress.new(#items)
  if items[1] then
    bar:show(items[1].path)
  end
  local single = counts.total == 1
  for r, why, code in line:over(items) do
    if code == "INTERRUPTED" then
      counts.stopped = true
    elseif r.error then
      counts.failed = counts.failed + 1
      fail(why:find(r.path, 1, true) and why or r.path .. ": " .. why)
    else
      counts.done = counts.done + 1
      report(r, args, single)
    end
    r:close()
    bar:step(not r.error)
    local next_item = items[bar.done + 1]
    if next_item then
      bar:show(next_item.path)
    end
  end
  bar:finish()
  if options.record and not counts.stopped then
    options.record:end_left_runs()
  end
  conclude(counts, options)
  if counts.stopped then
    return cli.interrupted
  end
  return counts.failed > 0 and 1 or 0
end

return batch
