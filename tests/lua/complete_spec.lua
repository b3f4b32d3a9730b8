-- Completion of a line that is being typed.

require "busted.runner"()

local core = require "lab.core"
local lab = require "lab"
local lexer = require "lab.lexer"
local support = require "support"
local sys = require "lab.sys"
local complete = require "lab.complete"

local env = setmetatable({
  lab = lab, s = lab.stages, t = core.tensor { dtype = "u8", shape = { 2 } },
  img = core.image(4, 4, 3), mask = core.mask(4, 4),
  map = core.labelmap(4, 4, nil, support.labels()), plain = core.labelmap(4, 4),
  tab = { alpha = 1, beta = { gamma = 2, [1] = { deep = true } }, ["not a name"] = 3,
    run = function() end },
  r = setmetatable({ map = core.labelmap(2, 2, nil, support.labels()) },
    { __index = function() error "asked" end, cutout = print }),
  trap = setmetatable({ own = 1 }, { __index = function() error "asked" end,
    __pairs = function() error "asked" end }),
}, { __index = _G })

--- What the end of the line becomes, one candidate after the other.
local function after(line, position)
  return (complete(line, position, env))
end

local function has(line, word)
  for _, candidate in ipairs(after(line)) do
    if candidate == word then
      return true
    end
  end
  return false
end

describe("names", function()
  it("are globals and keywords", function()
    assert.same({ "img" }, after "im")
    assert.same({ "while" }, after "x = 1 whi")
    assert.is_true(has("", "print"))
    assert.is_true(has("pr", "print"))
    assert.same({}, after "zzz")
  end)

  it("are fields, read without running anything", function()
    assert.same({ "alpha", "beta", "run" }, after "tab.")
    assert.same({ "run" }, after "tab:")
    assert.same({ "gamma" }, after "tab.beta.")
    assert.same({ "gamma" }, after 'tab["beta"].g')
    assert.same({ "deep" }, after "tab.beta[1].")
    assert.same({ "own" }, after "trap.o")
    assert.same({}, after "trap.other.")
    assert.same({ "floor" }, after "math.flo")
    assert.same({ "upper" }, after "('x'):up")
    assert.same({ "stages" }, after "lab.sta")
    assert.same({ "segment" }, after "s.seg")
    assert.same({}, after "nothing.")
    assert.same({}, after "img.x.y.")
  end)

  it("are methods of values by kind, own ones and operators", function()
    assert.same({ "resize" }, after "img:res")
    assert.is_true(has("img:", "width"))
    assert.is_true(has("mask:", "feather"))
    assert.is_false(has("img:", "feather"))
    assert.same({ "crop" }, after "x = img.cr")
  end)

  it("follow what operators give", function()
    assert.same({ "colorize" }, after "map:smooth(2):colo")
    assert.same({ "feather" }, after "map:mask { 'cat', exclude = {} }:fea")
    assert.same({ "feather" }, after "map:mask 'cat':fea")
    assert.same({ "encode" }, after "img:crop{}:resize{width=3}:enc")
    assert.same({ "cutout" }, after "lab.open('a.png'):cut")
    assert.same({}, after "map:legend():x")
    assert.same({ "regions" }, after "r.map:reg")
  end)
end)

describe("options", function()
  it("are those of the operator, not yet given", function()
    assert.same({ "height = ", "method = ", "width = " }, after "img:resize { ")
    assert.same({ "width = " }, after "img:resize{w")
    assert.same({ "height = ", "method = " }, after "img:resize { width = 3, ")
    assert.same({ "connectivity = ", "min_pixels = " }, after "map:regions { 'cat', ")
    assert.same({ "mask = " }, after "img:crop{}:blur({ radius = 3, m")
    assert.is_true(has("img:resize { width = ma", "math"))
    assert.same({}, after "img:resize { width = 3")
    assert.same({ "print" }, after "img:resize(pri")
  end)
end)

describe("strings", function()
  it("of enumerations are their choices", function()
    assert.same({ "area", "bilinear", "lanczos", "nearest" }, after 'img:resize { method = "')
    assert.same({ "disc" }, after "mask:erode { radius = 2, shape = 'd")
    assert.same({ "sqrt", "square" }, after 't:apply "sq')
  end)

  it("of classes are label names", function()
    assert.same({ "background", "cat", "dog" }, after 'map:mask "')
    assert.same({ "dog" }, after 'map:mask { include = { "cat", "d')
    assert.same({ "cat" }, after 'map:regions { "c')
    assert.same({ "cat" }, after 'r:cutout("c')
    assert.same({ "dog" }, after 'r:mask { "d')
    assert.is_true(has('s.mask { label = "per', "person"))
    local some = after 'plain:mask "per'
    assert.equal("person", some[1])
  end)

  it("of lab.load and model= are model names", function()
    assert.same({ "pascal", "pascal-float", "pascal-small" }, after 'lab.load "pascal')
    assert.is_true(has('lab.segment("x.png", { model = "cityscapes', "cityscapes"))
    assert.is_true(has('s.segment { model = "ade', "ade20k"))
  end)

  it("elsewhere are paths", function()
    local folder = assert(sys.tmp_dir "complete-spec-")
    assert(core.write_file(folder .. "/photo.png", "x"))
    assert(core.write_file(folder .. "/.hidden", "x"))
    assert(core.make_dirs(folder .. "/photos"))
    local candidates, start = complete('lab.open "' .. folder .. "/ph", nil, env)
    assert.same({ folder .. "/photo.png", folder .. "/photos/" }, candidates)
    assert.equal(11, start)
    assert.same({ folder .. "/.hidden" }, after("x = '" .. folder .. "/."))
    assert.equal(2, #after("x = [[" .. folder .. "/"))
    assert(sys.remove_tree(folder))
    assert.same({}, after 'x = "/no/such/folder/')
  end)
end)

describe("the place", function()
  it("is before the cursor", function()
    local candidates, start = complete("img:res{width=3}", 7, env)
    assert.same({ "resize" }, candidates)
    assert.equal(5, start)
    candidates, start = complete("x = ma", nil, env)
    assert.is_true(#candidates >= 1)
    assert.equal(5, start)
    assert.equal(1, select(2, complete("", nil, env)))
    assert.equal(1, select(2, complete("abc", -5, env)))
  end)

  it("has nothing in comments and numbers", function()
    assert.same({}, after "x = 1 -- im")
    assert.same({}, after "x = 12")
    assert.same({}, after "--[[ im")
    assert.same({ "img" }, after "--[[ x ]] im")
    assert.same({ "img" }, after "x = 'a -- b' im")
    assert.same({ "img" }, after "-- x\nim")
  end)

  it("may be anywhere in anything", function()
    math.randomseed(7)
    local parts = { "img", ":", ".", "(", ")", "{", "}", "[", "]", "'", '"', "resize", "method",
      "=", ",", " ", "map", "mask", "cat", "--", "[[", "]]", "lab", "load", "1", "\n", "\\", "\0",
      "end" }
    for _ = 1, 3000 do
      local line = {}
      for i = 1, math.random(12) do
        line[i] = parts[math.random(#parts)]
      end
      line = table.concat(line)
      local candidates, start = complete(line, math.random(-1, #line + 2), env)
      assert.equal("table", type(candidates))
      assert.is_true(start >= 1 and start <= #line + 1)
    end
  end)
end)

describe("tokens", function()
  it("are names, numbers, strings and symbols", function()
    local list = {}
    for i, token in ipairs(lexer.tokens [==[a.b1 = 'x\'y' .. [[z]] .. 0x1F -- no]==]) do
      list[i] = token.type:sub(1, 2) .. token.text
    end
    assert.same({ "naa", "sy.", "nab1", "sy=", [[stx\'y]], "sy.", "sy.", "stz", "sy.", "sy.",
      "nu0x1F" }, list)
    local _, unfinished = lexer.tokens "f('abc"
    assert.equal("abc", unfinished.text)
    assert.equal(4, unfinished.at)
    assert.equal("comment", select(2, lexer.tokens "--[==[ x ]]"))
  end)
end)
