-- Loops over pictures stay flat: Lua sees a few bytes where there are megabytes, and must be told.
-- The long run, through everything, is flat_spec.lua.

require "busted.runner"()

local core = require "lab.core"
local lab = require "lab"
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

  --- What a laboratory does with a picture: each step leaves values behind that nobody closes.
  local function laboratory(png, labels)
    local img = assert(core.decode(png))
    local grey = assert(img:convert(1))
    local map = grey:crop { width = 160 }:as "tensor":reshape { grey:height(), 160 }
    map = (map / 100):cast "u8":as "labelmap":with_labels(labels):smooth(1)
    local mask = map:mask { 1, 2 }:opening(1):fill_holes()
    local ring = (mask:dilate(2) - mask) | (mask & ~mask:erode(1))
    local rows = #map:regions { min_pixels = 5 } + #ring:outline { tolerance = 1 }
    local t = img:normalize { dtype = "f32" }
    t[1] = (t * 2 + 1):softmax():max(-1)[1]
    return rows + img:blur(3):width()
  end

  it("stays flat over many pictures in the laboratory", function()
    local png = assert(support.picture(320, 240, 3):encode { format = "png" })
    local labels = support.labels()
    for _ = 1, 100 do
      laboratory(png, labels)
    end
    local before, held = resident(), 0
    for _ = 1, 100 do
      laboratory(png, labels)
      held = math.max(held, core.memory())
    end
    local grown = resident() - before
    local room = (sys.getenv "TEST_SANITIZE" or "") ~= "" and 400e6 or 0.05 * before + 8e6
    assert.is_true(held < 80e6, "held " .. held)
    assert.is_true(grown < room, ("grew by %d from %d"):format(grown, before))
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

  it("of a result is given back when it is closed, but for a picture of one's own", function()
    local folder = assert(sys.tmp_dir "memory-spec-")
    assert.equal(0, sys.spawn { support.tools .. "/make_model", "colors", folder .. "/m.tflite" })
    local model <close> = assert(lab.load(folder .. "/m.tflite"))
    local own = support.picture(320, 240, 3)
    assert(own:save(folder .. "/photo.png"))
    local line = lab.pipeline { lab.stages.preprocess {}, lab.stages.segment { model = model },
      lab.stages.colorize {}, lab.stages.mask { label = { 1 } },
      lab.stages.mask { label = { 1 }, cutout = true }, lab.stages.legend {} }
    assert(line:run(folder .. "/photo.png")):close() -- what is kept for good is there now
    collectgarbage()
    collectgarbage()
    collectgarbage "stop"
    local before = core.memory()
    local photo, mine = assert(line:run(folder .. "/photo.png")), assert(line:run(own))
    local image = photo.image
    assert.is_true(core.memory() > before + 4 * 320 * 240 * 3)
    photo:close()
    mine:close()
    photo:close()
    assert.equal(320, own:width())
    assert.has_error(function() image:width() end, "attempt to use a closed image")
    assert.is_nil(photo.map)
    assert.is_true(#photo.legend > 0)
    -- What a map shares with the one it was made of, and other steps' own, wait for the collector.
    local left = core.memory() - before
    assert.is_true(left < 12 * 320 * 240, "left " .. left)
    collectgarbage "restart"
    collectgarbage()
    collectgarbage()
    assert.equal(before, core.memory())
  end)
end)
