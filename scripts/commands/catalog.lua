-- lualab catalog: looking after the catalog itself; what is in it is lualab sql's business.

local arguments = require "lab.arguments"
local care = require "lab.catalog_care"
local catalog = require "lab.catalog"
local words = require "lab.words"

local summary = "look after the catalog: info, check, backup, merge, prune, vacuum"

local epilog = [[
  lualab catalog                       what is in it
  lualab catalog check                 is it whole? every label map is read
  lualab catalog backup copy.db        a copy as it is now, while others write to it
  lualab catalog merge other.db        take in what another machine has recorded
  lualab catalog prune --before 90     forget runs of more than 90 days ago
  lualab catalog vacuum                give unused space back to the disk

Each change happens as a whole or not at all, whatever stops it.]]

local function fail(message)
  io.stderr:write("lualab catalog: ", message, "\n")
  return 1
end

local function info(args)
  local db <close>, message = catalog.open(args.db, "read")
  local lines = db
  if db then
    lines, message = care.info(db)
  end
  if not lines then
    return fail(message)
  end
  for _, line in ipairs(lines) do
    print(("%-11s %s"):format(line[1], line[2]))
  end
  return 0
end

local function check(args)
  local db <close>, message = catalog.open(args.db, "read")
  if not db then
    return fail(message)
  end
  local problems = 0
  local maps
  maps, message = care.check(db, function(sentence)
    problems = problems + 1
    print(sentence)
  end)
  if not maps then
    return fail(message)
  elseif problems > 0 then
    return fail(("%s: problems: %d"):format(db:path(), problems))
  end
  -- The first condition is that of the index.
  local running = db:value [[
    SELECT count(*) FROM results WHERE state <> 'done' AND state = 'running']]
  print(("%s is whole: %d label maps read"):format(db:path(), maps))
  if running > 0 then
    print(("%d results were started and never finished: a program was killed, or is still at work")
      :format(running))
  end
  return 0
end

local function backup(args)
  local db <close>, message = catalog.open(args.db, "read")
  local ok = db
  if db then
    ok, message = db:connection():backup(args.file[1])
  end
  if not ok then
    return fail(message)
  end
  print(args.file[1])
  return 0
end

local function merge(args)
  local db <close>, message = catalog.open(args.db, "create")
  if not db then
    return fail(message)
  end
  for _, path in ipairs(args.file) do
    local other, counts
    other, message = catalog.open(path, "read")
    if other then
      counts, message = care.merge(db, other)
      other:close()
    end
    if not counts then
      return fail(message)
    end
    print(("%s: new runs %d, new results %d of %d, finished since the last time %d"):format(path,
      counts.runs, counts.results, counts.theirs, counts.finished))
  end
  return 0
end

local function prune(args)
  local before, message
  if args.before then
    before, message = care.time(args.before)
    if not before then
      return arguments.usage_error(args.parser, "--before " .. message)
    end
  end
  local db <close>, why = catalog.open(args.db, "write")
  local counts = db
  if db then
    counts, why = care.prune(db, { before = before, failed = args.failed, dry_run = args.dry_run })
  end
  if not counts then
    return fail(why)
  end
  print(("%s runs %d, results %d, pictures %d, models %d, label sets %d"):format(
    args.dry_run and "would forget" or "forgotten:", counts.runs or 0, counts.results,
    counts.images, counts.models, counts.label_sets))
  return 0
end

local function vacuum(args)
  local db <close>, message = catalog.open(args.db, "write")
  if not db then
    return fail(message)
  end
  local before, after = care.vacuum(db)
  if not before then
    return fail(after)
  end
  print(("%s: %d bytes, was %d"):format(db:path(), after, before))
  return 0
end

-- Each action with how many files it takes.
local actions = {
  info = { info, 0, 0 },
  check = { check, 0, 0 },
  backup = { backup, 1, 1 },
  merge = { merge, 1, math.huge },
  prune = { prune, 0, 0 },
  vacuum = { vacuum, 0, 0 },
}

local names = { "info", "check", "backup", "merge", "prune", "vacuum" }

local function run(argv)
  local parser = arguments.parser("lualab catalog", summary, epilog)
  arguments.suggest(parser:argument("action", table.concat(names, ", ") .. "."):args "?", names)
  parser:argument("file", "backup: the copy to make; merge: the catalogs to take in."):args "*"
  parser:option("--db", "The catalog (default LUALAB_DB, else in the user's data folder).")
    :argname "FILE"
  parser:option("--before", "prune: runs that ended before, as days ago or a date."):argname "WHEN"
  parser:flag("--failed", "prune: failed results, too.")
  parser:flag("--dry-run", "prune: only say what would be forgotten.")
  local args, code = arguments.parse(parser, argv)
  if not args then
    return code
  end
  args.parser = parser
  local name = args.action or "info"
  local action = actions[name]
  if not action then
    return arguments.usage_error(parser, words.unknown("action", name, names))
  elseif #args.file < action[2] then
    return arguments.usage_error(parser, name .. " needs the name of a file")
  elseif #args.file > action[3] then
    return arguments.usage_error(parser, ("%s takes %s, got '%s'"):format(name,
      action[3] == 0 and "no file" or "one file", args.file[action[3] + 1]))
  end
  return action[1](args)
end

return { summary = summary, run = run }
