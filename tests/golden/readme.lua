-- Runs the README: every `$ command` of its ```console blocks, in one empty folder, in order, and
-- compares what is printed with what the README says. A block ```lua NAME.lua is written to that
-- file first. Times, dates, sizes of files and whether a model is here are not compared.
--
--   lualab --script readme.lua README.md PROGRAM-FOLDER [--update]
--
-- --update writes the README anew with what the commands really print.

local core = require "lab.core"
local fetch = require "lab.fetch"
local manifest = require "lab.manifest"
local sys = require "lab.sys"

local readme, programs, update = arg[1], arg[2], arg[3] == "--update"

local function skip(reason)
  print("skipped: " .. reason)
  os.exit(77)
end

--- What the tour uses: a freely licensed photo and two models.
local function need_files()
  for _, name in ipairs { "pascal", "selfie" } do
    local path, why = fetch.need(assert(manifest.get(name)))
    if not path then
      skip(why)
    end
  end
end

local function photo_for_tour()
  local path, why = fetch.need(assert(manifest.get("astronaut", "sample")))
  if not path then
    skip(why)
  end
  return path
end

--- Figures that no two runs share.
local function normalise(line)
  line = line:gsub("%d%d%d%d%-%d%d%-%d%d[T ]%d%d:%d%d:%d%d[%.%dZ]*", "DATE")
  if line:find "^%s*time " then
    line = line:gsub("%d+", "N")
  end
  line = line:gsub("[%d%.]+( m?s%f[%A])", "N%1")
  line = line:gsub("[%d%.]+( [kMG]i?B%f[%A])", "N%1")
  line = line:gsub(" yes +", " HERE "):gsub(" no +", " HERE ") -- of `models list`
  return (line:gsub("%s+", " "):gsub("%s+$", ""))
end

--- The README as a list: plain lines, and blocks {info, lines}.
local function parse(text)
  local parts, block = {}, nil
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local info = line:match "^```(.*)$"
    if block and info == "" then
      parts[#parts + 1], block = block, nil
    elseif not block and info then
      block = { info = info, lines = {} }
    else
      local into = block and block.lines or parts
      into[#into + 1] = line
    end
  end
  while parts[#parts] == "" do
    parts[#parts] = nil
  end
  return parts
end

--- Splits a console block into commands (with their continuation lines) and expected output.
local function commands(lines)
  local list, i = {}, 1
  while i <= #lines do
    local text = lines[i]:match "^%$ (.*)$"
    if text then
      local entry = { shown = { lines[i] }, text = text, expected = {} }
      while entry.text:sub(-1) == "\\" do
        i = i + 1
        entry.shown[#entry.shown + 1] = lines[i]
        entry.text = entry.text .. "\n" .. lines[i]
      end
      list[#list + 1] = entry
    else
      local last = assert(list[#list], "a console block starts with a command")
      table.insert(last.expected, lines[i])
    end
    i = i + 1
  end
  return list
end

local function run_command(folder, text)
  local script = ("cd '%s' && { %s\n} 2>&1"):format(folder, text)
  local _, output = sys.spawn({ "sh", "-c", script }, { stdout = "capture" })
  local lines = {}
  for line in ((output or ""):gsub("\n+$", "") .. "\n"):gmatch "(.-)\n" do
    lines[#lines + 1] = (line:gsub("%s+$", ""))
  end
  if #lines == 1 and lines[1] == "" then
    return {}
  end
  return lines
end

--- Whether the lines agree; a line "…" in the README stands for any number of lines.
local function agrees(expected, actual)
  local function from(i, j)
    if i > #expected then
      return j > #actual
    elseif expected[i] == "…" then
      for k = j, #actual + 1 do
        if from(i + 1, k) then
          return true
        end
      end
      return false
    end
    return j <= #actual and normalise(expected[i]) == normalise(actual[j]) and from(i + 1, j + 1)
  end
  return from(1, 1)
end

local function has_ellipsis(lines)
  for _, line in ipairs(lines) do
    if line == "…" then
      return true
    end
  end
  return false
end

local failures, checked = 0, 0

local function check_block(folder, block)
  local shown = {}
  for _, entry in ipairs(commands(block.lines)) do
    local actual = run_command(folder, entry.text)
    checked = checked + 1
    local same = agrees(entry.expected, actual)
    if not same and not update then
      failures = failures + 1
      print("differs: " .. entry.text)
      print("  README: " .. table.concat(entry.expected, "\n          "))
      print("  really: " .. table.concat(actual, "\n          "))
    end
    table.move(entry.shown, 1, #entry.shown, #shown + 1, shown)
    local output = (same or has_ellipsis(entry.expected)) and entry.expected or actual
    table.move(output, 1, #output, #shown + 1, shown)
  end
  block.lines = shown
end

local function to_text(parts)
  local out = {}
  for _, part in ipairs(parts) do
    if type(part) == "string" then
      out[#out + 1] = part
    else
      out[#out + 1] = "```" .. part.info
      table.move(part.lines, 1, #part.lines, #out + 1, out)
      out[#out + 1] = "```"
    end
  end
  return table.concat(out, "\n") .. "\n"
end

need_files()
local folder = assert(sys.tmp_dir "lualab-readme")
assert(core.write_file(folder .. "/astronaut.png", assert(core.read_file(photo_for_tour()))))
sys.setenv("PATH", programs .. ":" .. os.getenv "PATH")
sys.setenv("HOME", folder)
sys.setenv("LUALAB_DB", folder .. "/catalog.db")
sys.setenv("NO_COLOR", "1")
for _, name in ipairs { "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME" } do
  sys.setenv(name, folder .. "/" .. name:lower())
end

local parts = parse(assert(core.read_file(readme)))
for _, part in ipairs(parts) do
  if type(part) == "table" then
    local file = part.info:match "^lua%s+([%w_]+%.lua)$"
    if file then
      assert(core.write_file(folder .. "/" .. file, table.concat(part.lines, "\n") .. "\n"))
    elseif part.info == "console" then
      check_block(folder, part)
    end
  end
end
if update then
  assert(core.write_file(readme, to_text(parts)))
end
sys.remove_tree(folder)
print(("%d commands of the README run, %d differ"):format(checked, failures))
os.exit(failures == 0 and checked > 0 and 0 or 1)
