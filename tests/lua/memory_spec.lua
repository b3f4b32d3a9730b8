-- Loops over many pictures stay flat: Lua sees a few bytes where there are megabytes, and must be
-- told.

require "busted.runner"()

local core = require "lab.core"
local sys = require "lab.sys"
local support = require "support"

--- What the process holds now, from the kernel.
local function resident()
  local pages = assert(support.read "/proc/self/statm"):match "^%d+ (%d+)"
  return tonumber(pages) * 4096
end

describe("memory", function()
  it("stays flat over 2000 decoded and resized pictures", function()
    local png = assert(support.picture(320, 240, 3):encode { format = "png" })
    local largest = 0
    local function step()
      local img = assert(core.decode(png))
      local small = assert(img:resize { width = 200, height = 150 })
      largest = math.max(largest, core.memory())
      return small:width()
    end
    for _ = 1, 200 do
      step()
    end
    local before = resident()
    for _ = 1, 2000 do
      assert(step() == 200)
    end
    assert.is_true(largest < 80e6, "held " .. largest)
    local grown = resident() - before
    -- Sanitizers keep freed memory aside for a while.
    local room = (sys.getenv "TEST_SANITIZE" or "") ~= "" and 400e6 or 40e6
    assert.is_true(grown < room, "grew by " .. grown)
  end)

  it("of errors and closed values is given back", function()
    collectgarbage()
    collectgarbage()
    local before = core.memory()
    local img = support.picture(100, 100, 3)
    for i = 1, 500 do
      pcall(img.resize, img, { width = 50, height = i % 2 == 0 and 50 or -1 })
      core.decode "broken"
      pcall(core.image, 10, 10, 3, "short")
    end
    img:close()
    collectgarbage()
    collectgarbage()
    assert.equal(before, core.memory())
  end)

  it("is left alone while the collector is stopped", function()
    collectgarbage "stop"
    local before = core.memory()
    for _ = 1, 20 do
      core.image(1000, 1000, 3)
    end
    assert.is_true(core.memory() >= before + 60e6)
    collectgarbage "restart"
    core.image(1000, 1000, 3)
    collectgarbage()
    collectgarbage()
    assert.is_true(core.memory() <= before)
  end)
end)
