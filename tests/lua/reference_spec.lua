-- What is written from the descriptors of operators is current, complete, and true: the files in
-- the tree are what `lualab ops` writes now, and every example runs.

require "busted.runner"()

local core = require "lab.core"
local examples = require "lab.examples"
local reference = require "lab.reference"
local support = require "support"
local paths = require "lab.paths"
local sys = require "lab.sys"
require "lab"

local scripts = sys.getenv "TEST_SCRIPTS"

--- The values that scripts/lab/examples.lua promises.
local function values()
  local labels = support.labels()
  local img = support.picture(64, 48, 3)
  local map = core.labelmap(64, 48, (("\0"):rep(20) .. ("\1"):rep(24) .. ("\2"):rep(20)):rep(48),
    labels)
  local mask = map:mask "cat"
  local logits = core.tensor { dtype = "f32", shape = { 1, 5, 5, 3 } }
  local t = core.tensor { dtype = "f32", shape = { 2, 3 } }
  for i = 1, #logits do
    logits[i] = i * 7 % 11
  end
  for i = 1, #t do
    t[i] = i / 4
  end
  return setmetatable({ img = img, other = support.picture(64, 48, 3), cut = img:cutout(mask),
    map = map, truth = map:smooth(2), mask = mask, zone = mask:dilate(4):erode(1), logits = logits,
    t = t, u = t + 1, print = function() end }, { __index = _G })
end

describe("the examples", function()
  for name, text in pairs(examples) do
    it("of " .. name .. " runs", function()
      local env = values()
      -- Locals are what an example shows; as globals the test can look at them.
      local chunk = assert(load(text:gsub("^local ", ""), "=" .. name, "t", env))
      chunk()
      local names = text:match "^local ([%w_, ]+) ="
      for variable in (names or ""):gmatch "[%w_]+" do
        assert.is_not_nil(rawget(env, variable), variable)
      end
      local method = name:match "[^.]+$"
      local written = text:find(":" .. method, 1, true) or text:find "[&|~+*-]"
      assert.is_truthy(written, "does not use " .. method)
    end)
  end

  it("are about all built-in operators and no others", function()
    local known = {}
    for _, op in ipairs(core.ops()) do
      if op.plugin == "ops" then
        known[op.name] = true
        assert.is_string(examples[op.name], op.name)
      end
    end
    for name in pairs(examples) do
      assert.is_true(known[name], name)
    end
  end)
end)

describe("the files", function()
  local function current(path, text)
    local found = support.read(path)
    assert.is_truthy(found == text, path .. " is not what `lualab ops --meta " .. scripts
      .. "/lab/meta --reference " .. scripts .. "/OPERATORS.md` writes: run it")
  end

  it("are what would be written now", function()
    for name, text in pairs(reference.meta()) do
      if not name:find "^plugin_" then
        current(paths.join(scripts, "lab/meta", name), text)
      end
    end
    current(paths.join(scripts, "OPERATORS.md"), reference.page())
  end)

  it("are Lua", function()
    for name, text in pairs(reference.meta()) do
      assert(load(text, "=" .. name, "t"))
    end
  end)

  it("tell the methods of values as they are", function()
    for _, entry in ipairs(reference.kinds) do
      local described = {}
      for _, method in ipairs(reference.methods) do
        if not method[5] or method[5][entry.kind] then
          described[method[1]] = true
        end
      end
      for name in pairs(core.methods[entry.kind]) do
        assert.is_true(described[name], entry.kind .. " has an undescribed method " .. name)
      end
      for name in pairs(described) do
        assert.is_function(core.methods[entry.kind][name], entry.kind .. ":" .. name)
      end
    end
  end)
end)

describe("signatures", function()
  it("show what is required first", function()
    local found = {}
    for _, op in ipairs(core.ops()) do
      found[op.name] = reference.signature(op, "v")
    end
    assert.equal("v:erode { radius [, shape] }", found["mask.erode"])
    assert.equal("v:invert()", found["mask.invert"])
    assert.equal("v:resize { [width, height, method] }", found["image.resize"])
  end)
end)
