-- Many pictures in one Lua state: files are segmented, made into products, written, recorded in a
-- catalog and worked on as a laboratory does, and nothing is closed by hand. Ten thousand pictures
-- with LUALAB_TEST_LONG, or as many as LUALAB_TEST_PICTURES says; else three hundred. At no moment
-- after the first hundred may the process be larger than in these, but for 10 %: when the collector
-- runs is chance. Of ten thousand, the last fifth must not hold 5 % more on average than the first.
-- CTest has glibc give memory back that is free (MALLOC_…), so that what is counted is in use.

require "busted.runner"()

local core = require "lab.core"
local lab = require "lab"
local sys = require "lab.sys"
local support = require "support"

local long = sys.getenv "LUALAB_TEST_LONG"
local pictures = tonumber(sys.getenv "LUALAB_TEST_PICTURES") or long and 10000 or 300
local warm, batch = 100, 50

--- What the process holds now, from the kernel.
local function resident()
  local pages = assert(support.read "/proc/self/statm"):match "^%d+ (%d+)"
  return tonumber(pages) * 4096
end

--- A folder with one batch of pictures, of different sizes, formats and contents.
local function make_pictures(folder)
  local endings = { "png", "jpg", "bmp" }
  for i = 1, batch do
    local width, height = 40 + 7 * (i % 11), 30 + 5 * (i % 13)
    local rows = {}
    for y = 1, height do
      local left = (width * y // height + i) % width
      rows[y] = ("\220\20\20"):rep(left) .. ("\20\20\220"):rep(width - left)
    end
    local img = core.image(width, height, 3, table.concat(rows))
    assert(img:save(("%s/%03d.%s"):format(folder, i, endings[i % 3 + 1])))
  end
end

--- Values of every kind that are left behind: what a script does that knows nothing of memory.
local function laboratory(r, labels)
  local grey = r.image:convert(1)
  local t = grey:as "tensor":reshape { grey:height(), grey:width() }
  local map = (t / 100):cast "u8":as "labelmap":with_labels(labels):smooth(1)
  local mask = map:mask { 1, 2 }:opening(1):fill_holes()
  local ring = (mask:dilate(2) - mask) | (mask & ~mask:erode(1))
  local found = #map:regions { min_pixels = 5 } + #ring:outline { tolerance = 1 }
  local values = r.image:normalize { dtype = "f32" }
  values[1] = (values * 2 + 1):softmax():max(-1)[1]
  local compared = map:compare(r.map:merge { 1, into = 0 })
  return found + #r:to_json() + r.image:blur(3):width() + (compared and 1 or 0)
end

--- What goes wrong leaves nothing behind either.
local function mistakes(r)
  assert.is_false(pcall(r.image.resize, r.image, { width = 0 }))
  assert.is_nil((core.decode "no picture"))
  assert.is_nil((core.read_file(r.path .. ".missing")))
  assert.is_nil((lab.open(r.path .. "/below")))
end

local function smallest_model(folder)
  local published = long and lab.load "selfie"
  if published then
    return published
  end
  local path = folder .. "/colors.tflite"
  assert.equal(0, sys.spawn { support.tools .. "/make_model", "colors", path })
  return assert(lab.load(path))
end

describe("ten thousand pictures", function()
  it("in one state take no more memory than a hundred", function()
    local folder = assert(sys.tmp_dir "flat-spec-")
    assert(core.make_dirs(folder .. "/photos"))
    make_pictures(folder .. "/photos")
    local db = assert(lab.catalog(folder .. "/catalog.db", "create"))
    assert(db:query "PRAGMA cache_size = 50") -- pages; 2 MB would take some thousand rows to fill
    local model = smallest_model(folder)
    local s, out = lab.stages, folder .. "/{stem}."
    local line = lab.pipeline { s.preprocess {}, s.segment { model = model },
      s.colorize { save = out .. "overlay.png" },
      s.mask { label = { 1 }, cutout = true, feather = 2, save = out .. "cutout.png" },
      s.legend { save = out .. "legend.png" }, s.save { labels = out .. "labels.png" },
      s.record { db = db } }
    local labels = assert(lab.datasets.labels "pascal")
    local held_before = core.memory()
    local done, peak_before, peak, sum, held, lua = 0, 0, 0, 0, 0, 0
    local windows, per_window = {}, pictures // 5
    while done < pictures do
      for r, problem in line:each(folder .. "/photos") do
        assert.is_nil(problem)
        laboratory(r, labels)
        mistakes(r)
        done = done + 1
        local now = resident()
        if done <= warm then
          peak_before = math.max(peak_before, now)
        else
          peak = math.max(peak, now)
        end
        held, sum = math.max(held, core.memory()), sum + now
        if done % per_window == 0 then
          windows[#windows + 1], sum = sum / per_window / 1e6, 0
        end
      end
      lua = math.max(lua, collectgarbage "count")
    end
    local means = {}
    for i, mean in ipairs(windows) do
      means[i] = ("%.1f"):format(mean)
    end
    print(("# resident: at most %.1f MB in %d pictures, %.1f MB in all %d; mean of each fifth: %s; "
      .. "values at most %.1f MB, Lua %.1f MB"):format(peak_before / 1e6, warm,
      math.max(peak, peak_before) / 1e6, done, table.concat(means, " "), held / 1e6, lua / 1e3))
    assert.equal(done, (assert(db:query "SELECT count(*) FROM results"))[1][1])
    line:close()
    model:close()
    db:close()
    assert(sys.remove_tree(folder))
    collectgarbage()
    collectgarbage()
    assert.is_true(core.memory() <= held_before, "values are left")
    -- Sanitizers keep freed memory aside.
    if (sys.getenv "TEST_SANITIZE" or "") == "" then
      assert.is_true(peak < 1.1 * peak_before, "the process grew for a moment")
      assert.is_true(not long or windows[5] < 1.05 * windows[1], "the process grew")
    end
  end)
end)
