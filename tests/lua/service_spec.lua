-- Services in Lua: opened, asked, closed; what misuse says. The service is that of
-- tests/plugin/plugins/counter.c, whose plugin aborts when an object is still open at its end.

require "busted.runner"()

local core = require "lab.core"
local help = require "lab.help"
local reference = require "lab.reference"
local support = require "support"
local sys = require "lab.sys"

local raises = support.raises
local path = sys.getenv "TEST_COUNTER"

local function open(...)
  return assert(core.service "counter")(...)
end

describe("core.service", function()
  it("says which services there are when there is none of that name", function()
    local nothing, message, code = core.service "imaginary"
    assert.is_nil(nothing)
    assert.truthy(message:find('there is no service "imaginary": no plugin', 1, true), message)
    assert.equal("NOT_FOUND", code)
  end)

  it("finds those of a plugin", function()
    assert.is_nil((core.service "counter"))
    assert(core.load_plugin(path))
    assert.is_function(core.service "counter")
    raises("bad argument", function() core.service(nil) end)
  end)
end)

describe("opening", function()
  it("takes options by name, or the main one alone", function()
    local a <close> = open { start = 3 }
    assert.equal(4, a:add())
    local b <close> = open(5)
    assert.equal(6, b:add())
    local c <close> = open(5, { step = 2 })
    assert.equal(7, c:add())
    local d <close> = open()
    assert.equal(1, d:add())
  end)

  it("checks options as operators do", function()
    raises('counter: there is no option "strat"; did you mean "start"?', open, { strat = 1 })
    raises("counter: start must be -1000..1000, got 1001", open, { start = 1001 })
    raises("counter: start must be a whole number", open, { start = "x" })
    raises("counter: too many arguments", open, 1, {}, 3)
  end)

  it("gives nil, message, code for what the world says", function()
    local nothing, message, code = open { how = "refused" }
    assert.is_nil(nothing)
    assert.equal("counter: the device is busy", message)
    assert.equal("IO", code)
    support.fails("UNSUPPORTED", "opened nothing", open { how = "nothing" })
    local probe <close> = open()
    assert.equal(1, probe:open()) -- none of those is open
  end)
end)

describe("a service", function()
  it("has methods with results of every type", function()
    local s <close> = open(3)
    assert.equal(5, s:add(2))
    assert.equal(4, s:add { number = -1 })
    assert.is_false(s:is_odd())
    assert.equal(2.0, s:half())
    assert.equal("4", s:text())
    assert.same({ value = 4, bytes = "a\0b\xff", nothing = "" }, s:row())
    assert.same({ { i = 1 }, { i = 2 }, { i = 3 }, { i = 4 } }, s:rows())
    assert.equal("\0\0", s:bytes())
    assert.equal(4, s:tensor()[1])
    assert.is_true(s:reset())
    assert.is_nil(s:row())
    assert.same({}, s:rows())
  end)

  it("raises for what is none of them", function()
    local s <close> = open()
    raises('service counter has no method "ad"; did you mean "add"?', function() return s.ad end)
    raises("counter.add: number must be -9..9, got 10", function() s:add(10) end)
    raises('counter.add: there is no option "x"', function() s:add { x = 1 } end)
    raises("options go in a table", function() s:reset(1) end)
    raises("lab.Service expected", function() s.add({}) end)
    raises("attempt to index", function() s.add = 1 end)
    assert.is_false(getmetatable(s))
  end)

  it("fails as its plugin says, or with the plugin's name where that breaks its word", function()
    local s <close> = open()
    support.fails("UNSUPPORTED", "bug in plugin counter", s:silent())
    support.fails("UNSUPPORTED", "second row", s:two_rows())
  end)

  it("is closed by close, by <close> and by the collector, once", function()
    collectgarbage() -- what the tests above may have left
    local probe <close> = open()
    assert.equal(1, probe:open())
    do
      local s <close> = open()
      assert.equal(2, s:open())
      assert.equal("service counter", tostring(s))
    end
    assert.equal(1, probe:open())
    local s = open()
    local add = s.add
    s:close()
    s:close()
    assert.equal("service counter (closed)", tostring(s))
    raises("counter.add: this service is closed", function() s:add() end)
    raises("counter.add: this service is closed", add, s)
    assert.equal(1, probe:open())
    s, add = nil, nil -- luacheck: ignore 311
    open() -- luacheck: ignore 311
    collectgarbage()
    assert.equal(1, probe:open())
  end)

  it("can be left open: it is closed before its plugin ends", function()
    rawset(_G, "a_service_that_nobody_closes", open())
  end)

  it("ends what waits, and nothing else, when a stop was asked for", function()
    local s <close> = open(1)
    assert.is_true(s:wait())
    assert.is_true(s:interrupt())
    assert.is_true(core.stopped())
    local sum, _, _, code = s:add(), s:wait()
    core.clear_stop()
    assert.equal(2, sum)
    assert.equal("INTERRUPTED", code)
    assert.is_true(s:wait())
  end)
end)

describe("descriptors", function()
  local function find()
    for _, service in ipairs(core.services()) do
      if service.name == "counter" then
        return service
      end
    end
  end

  it("are listed like those of operators", function()
    local service = assert(find())
    assert.equal("counter", service.plugin)
    assert.equal("start", service.params[1].name)
    assert.is_true(service.params[1].main)
    assert.equal("add", service.methods[1].method)
    assert.equal("int", service.methods[1].output)
    assert.equal("none", service.methods[1].input)
    local plugins = core.plugins()
    assert.equal(1, plugins[#plugins].services)
    assert.equal("counter.add", core.op_name(open().add))
  end)

  it("become help and annotations", function()
    local service = assert(find())
    assert.truthy(help.service(service):find('core.service "counter" {...}', 1, true))
    assert.truthy(help.operator(service.methods[1]):find("counter:add{...} gives int", 1, true))
    local text = reference.meta()["plugin_counter.lua"]
    assert.truthy(text:find("---@class lab.service.counter\n", 1, true))
    assert.truthy(text:find("function counter:add(options) end", 1, true))
    assert.truthy(text:find("function counter:close() end", 1, true))
    assert(load(text))
  end)
end)
