-- The Lua library where it decides without pixels: datasets, geometry, paths, placing of results,
-- tables. Run by busted inside the program.

require "busted.runner"()

local arguments = require "lab.arguments"
local core = require "lab.core"
local datasets = require "lab.datasets"
local files = require "lab.files"
local geometry = require "lab.geometry"
local manifest = require "lab.manifest"
local options = require "lab.options"
local paths = require "lab.paths"
local progress = require "lab.progress"
local tables = require "lab.tables"

local function color_bytes(dataset)
  local bytes = {}
  for i, color in ipairs(dataset.colors) do
    bytes[i] = string.pack(">I3", color)
  end
  return table.concat(bytes)
end

describe("datasets", function()
  local function facts(name, classes, bytes, sum, digest)
    local dataset = assert(datasets.get(name))
    local rgb = color_bytes(dataset)
    local total = 0
    for i = 1, #rgb do
      total = total + rgb:byte(i)
    end
    assert.equal(classes, #dataset.names)
    assert.equal(bytes, #rgb)
    assert.equal(sum, total)
    assert.equal(digest, core.sha256(rgb):sub(1, 16))
    assert.equal(classes, #assert(datasets.labels(name)))
  end

  it("have the colour maps of their publishers", function()
    facts("pascal", 21, 768, 81920, "ec76f86cfddd0f4c")
    facts("cityscapes", 19, 57, 5964, "5af5a8d200c61cb3")
    facts("ade20k", 151, 453, 58427, "7ebd74a64a5606f0")
  end)

  it("name classes by id", function()
    local pascal, ade = datasets.labels "pascal", datasets.labels "ade20k"
    assert.equal("person", pascal:label(15))
    assert.equal("TV", pascal:label(20))
    assert.same({ 192, 128, 128 }, { pascal:color(15) })
    for _, id in ipairs { 59, 131, 142 } do
      assert.equal("screen", ade:label(id))
    end
    assert.equal("flag", ade:label(150))
    assert.same({ 8, 255, 214 }, { ade:color(31) })
    local some = datasets.labels "ade20k-32"
    assert.equal(32, #some)
    assert.equal("other", some:label(0))
    assert.equal("armchair", some:label(31))
    assert.equal("road", datasets.labels "cityscapes":label(0))
    local nothing, message, code = datasets.get "pascla"
    assert.is_nil(nothing)
    assert.truthy(message:find("did you mean \"pascal\"?", 1, true))
    assert.equal("NOT_FOUND", code)
  end)
end)

describe("the manifest", function()
  it("is complete", function()
    for _, kind in ipairs { "model", "sample" } do
      for _, entry in ipairs(assert(manifest.list(kind))) do
        if entry.origin:find "weights/models.lua$" then
          assert.equal(64, #entry.sha256, entry.name)
          assert.truthy(entry.bytes > 1000 and entry.licence and entry.summary, entry.name)
          assert.truthy(entry.url:find "^https://" or entry.url:find "^npm:@?[^@]+@[%d.]+/",
            entry.name)
          assert.truthy(kind == "sample" or datasets.get(entry.dataset), entry.name)
          assert.truthy(kind == "sample" or geometry.check_fit(entry.fit), entry.name)
        end
      end
    end
  end)
end)

describe("geometry", function()
  local head = { logits_w = 33, logits_h = 33, out_w = 513, out_h = 513, resized = true,
    align_corners = true }

  it("keeps the ratio when it pads", function()
    local plan = geometry.plan("pad", 1000, 500, 513, 513)
    assert.same({ 513, 257 }, { plan.inner_width, plan.inner_height })
    plan = geometry.plan("pad", 3, 4000, 513, 513)
    assert.same({ 1, 513 }, { plan.inner_width, plan.inner_height })
    plan = geometry.plan("pad", 100, 50, 513, 513)
    assert.same({ 513, 257 }, { plan.inner_width, plan.inner_height })
    -- A picture that nearly fits is not resampled for a few pixels; one that is too large is.
    plan = geometry.plan("pad", 500, 375, 513, 513)
    assert.same({ 500, 375 }, { plan.inner_width, plan.inner_height })
    plan = geometry.plan("pad", 514, 257, 513, 513)
    assert.same({ 513, 257 }, { plan.inner_width, plan.inner_height })
    plan = geometry.plan("pad", 460, 460, 513, 513)
    assert.same({ 513, 513 }, { plan.inner_width, plan.inner_height })
  end)

  it("leaves a picture of the network's size alone", function()
    for _, fit in ipairs(geometry.fits) do
      assert.equal("exact", geometry.plan(fit, 513, 513, 513, 513).fit)
    end
  end)

  it("crops the middle", function()
    local plan = geometry.plan("crop", 300, 100, 64, 64)
    assert.same({ x = 100, y = 0, width = 100, height = 100 }, plan.crop)
    assert.same({ 100, 100 }, { plan.width, plan.height })
    assert.same({ 64, 64 }, { plan.inner_width, plan.inner_height })
  end)

  --- The grid coordinate of picture pixel x, by going each step of the way on its own.
  local function by_hand(x, size, inner, h)
    local canvas = (x + 0.5) * inner / size - 0.5
    if h.align_corners then
      return canvas * (h.logits_w - 1) / (h.out_w - 1)
    elseif h.half_pixel_centers then
      return (canvas + 0.5) * h.logits_w / h.out_w - 0.5
    end
    return canvas * h.logits_w / h.out_w
  end

  it("finds the grid from the picture, for each kind of resize", function()
    for _, kind in ipairs { "align_corners", "half_pixel_centers", "legacy" } do
      local h = { logits_w = 33, logits_h = 33, out_w = 513, out_h = 513, resized = true,
        [kind] = true }
      local plan = geometry.plan("pad", 700, 400, 513, 513)
      local grid = geometry.grid(plan, h)
      assert.same({ 700, 400 }, { grid.width, grid.height })
      for _, x in ipairs { 0, 1, 350, 699 } do
        assert.near(by_hand(x, 700, plan.inner_width, h), grid.x_scale * x + grid.x_offset, 1e-9)
      end
      for _, y in ipairs { 0, 399 } do
        assert.near(by_hand(y, 400, plan.inner_height, h), grid.y_scale * y + grid.y_offset, 1e-9)
      end
    end
  end)

  it("is the network's own resize when nothing was scaled", function()
    local grid = geometry.own_grid(geometry.plan("stretch", 9, 9, 513, 513), head)
    assert.near(32 / 512, grid.x_scale, 1e-12)
    assert.near(0, grid.x_offset, 1e-12)
    assert.equal(513, grid.width)
  end)

  it("knows networks that end at their grid", function()
    local plan = geometry.plan("stretch", 512, 256, 256, 256)
    local same = { logits_w = 256, logits_h = 256, out_w = 256, out_h = 256, resized = false }
    local grid = geometry.grid(plan, same)
    assert.near(0.5, grid.x_scale, 1e-12)
    assert.near(-0.25, grid.x_offset, 1e-12)
    assert.near(1, grid.y_scale, 1e-12)
    -- 513 -> 33 by strides keeps the corners; 512 -> 128 keeps the areas.
    local corners = geometry.own_grid(geometry.plan("pad", 1, 2, 513, 513),
      { logits_w = 33, logits_h = 33, out_w = 33, out_h = 33 })
    assert.near(32, corners.x_scale * 512 + corners.x_offset, 1e-9)
    local areas = geometry.own_grid(geometry.plan("pad", 1, 2, 512, 512),
      { logits_w = 128, logits_h = 128, out_w = 128, out_h = 128 })
    assert.near(-0.375, areas.x_offset, 1e-12)
  end)
end)

describe("paths", function()
  it("come apart and together", function()
    assert.same({ "a", "b.c", "jpg" }, { paths.split "a/b.c.jpg" })
    assert.same({ ".", "x", "" }, { paths.split "x" })
    assert.same({ "/", ".hidden", "" }, { paths.split "/.hidden" })
    assert.equal("a/b", paths.join("a/", "", "b"))
    assert.equal("/b", paths.join("a", "/b"))
    assert.equal("d/x.mask.png", paths.fill("{dir}/{stem}.mask.png", "d/x.jpg"))
    assert.equal("out/x-jpg", paths.fill("{dir}/{stem}-{ext}",
      { dir = "out", stem = "x", ext = "jpg" }))
    local ok, message = pcall(paths.fill, "{nmae}.png", "x.jpg")
    assert.is_false(ok)
    assert.truthy(message:find("unknown field {nmae}", 1, true))
  end)

  it("of results mirror those of pictures and never clash", function()
    local items = { { path = "in/a.jpg", rel = "" }, { path = "in/b/a.jpg", rel = "b" },
      { path = "in/b/a.png", rel = "b" }, { path = "-", rel = "" } }
    assert(files.place(items, "out"))
    assert.same({ dir = "out", stem = "a", ext = "jpg" }, items[1].target)
    assert.same({ dir = "out/b", stem = "a.jpg", ext = "jpg" }, items[2].target)
    assert.same({ dir = "out/b", stem = "a.png", ext = "png" }, items[3].target)
    assert.equal("stdin", items[4].target.stem)
    local ok, message, code = files.place({ { path = "x/a.jpg", rel = "" },
      { path = "y/a.jpg", rel = "" } }, "out")
    assert.is_nil(ok)
    assert.truthy(message:find("x/a.jpg and y/a.jpg would write the same files", 1, true))
    assert.equal("INVALID", code)
    -- "a.jpg" keeps its ending because of a.png and then meets a.jpg.png.
    assert.is_nil(files.place({ { path = "a.jpg", rel = "" }, { path = "a.png", rel = "" },
      { path = "a.jpg.png", rel = "" } }, "out"))
  end)
end)

describe("tables", function()
  local columns, rows = { "name", "n" }, { { "Grün", 1 }, { nil, 22, n = 2 }, { "a\"b,c", 1.5 } }

  it("align columns, numbers to the right", function()
    assert.equal("name     n\n-----  ---\nGrün     1\n        22\na\"b,c  1.5\n",
      tables.table(columns, rows))
  end)

  it("are CSV and JSON", function()
    assert.equal('name,n\nGrün,1\n,22\n"a""b,c",1.5\n', tables.csv(columns, rows))
    assert.equal('[{"name":"Grün","n":1},\n {"name":null,"n":22},\n {"name":"a\\"b,c","n":1.5}]\n',
      tables.json(columns, rows))
    assert.equal("[]\n", tables.json(columns, {}))
    assert.equal("x\n00ff\n", tables.csv({ "x" }, { { "\0\255" } }))
  end)
end)

describe("options and arguments", function()
  it("raise for unknown names and wrong types", function()
    local ok, message = pcall(options.check, { alhpa = 1 }, { alpha = "number" }, "f")
    assert.is_false(ok)
    assert.truthy(message:find("f: there is no option \"alhpa\"; did you mean \"alpha\"?", 1, true))
    ok, message = pcall(options.check, { alpha = "x" }, { alpha = "number|table" }, "f")
    assert.is_false(ok)
    assert.truthy(message:find("must be number or table, got string", 1, true))
    assert.same({}, options.check(nil, {}, "f"))
  end)

  it("split optional values", function()
    local names = { ["--overlay"] = "--alpha" }
    assert.same({ "--overlay", "--alpha=0.5", "x", "--", "--overlay=1" },
      arguments.split_optional({ "--overlay=0.5", "x", "--", "--overlay=1" }, names))
  end)

  it("cut the names in progress lines at characters", function()
    assert.equal("…ün.jpg", progress.fit_text("Photos/grün.jpg", 7))
    assert.equal("short", progress.fit_text("short", 10))
    assert.equal("80 min", progress.duration(4800))
    assert.equal("2 h 0 min", progress.duration(7200))
  end)
end)

describe("the examples of --help", function()
  local cli = require "lab.cli"
  local everywhere = require "lab.shells".everywhere
  local split = require "lab.repl_commands".split

  --- The words of an example without what stands beside it as an explanation, and without the
  --- shell's own business.
  local function words_of(text)
    local argv = split((text:gsub("\n *", " "):gsub("   +.*$", "")))
    for i = #argv, 1, -1 do
      for _, option in ipairs(everywhere) do
        if argv[i] == option.names[1] then -- taken before a command sees it
          table.remove(argv, i)
          table.remove(argv, option.value and i or #argv + 1)
        end
      end
    end
    for i, word in ipairs(argv) do
      if word == "|" or word == ">" then
        return table.move(argv, 1, i - 1, 1, {})
      end
    end
    return argv
  end

  --- The examples of a text: lines that begin with the program; one may end quotes on the next.
  local function examples(text)
    local list = {}
    for line, more in (text .. "\n\n"):gmatch "%f[^\n%z] *lualab ([^\n]*)()" do
      local _, quotes = line:gsub('"', "")
      list[#list + 1] = quotes % 2 == 0 and line or line .. text:match("^\n[^\n]*", more)
    end
    return list
  end

  it("are command lines that the commands understand", function()
    local names, where = cli.commands()
    local checked = 0
    for _, name in ipairs(names) do
      local command = assert(cli.load(where[name]))
      local parser = assert(arguments.of(command), name)
      for _, line in ipairs(examples("\n" .. (parser._epilog or ""))) do
        local argv = words_of(line)
        if name == "segment" and not where[argv[1]] then
          table.insert(argv, 1, "segment")
        end
        if argv[1] == name then
          table.remove(argv, 1)
          local own = argv
          if name == "run" or name == "repl" then
            own = arguments.split_script(argv, { ["-e"] = true, ["-l"] = true })
          end
          own = arguments.split_optional(own, { ["--overlay"] = "--alpha" })
          local ok, problem = pcall(parser._parse, parser, own, function(_, message)
            error(message, 0)
          end)
          assert.is_true(ok, ("lualab %s: %s"):format(line, tostring(problem)))
          checked = checked + 1
        end
      end
    end
    assert.is_true(checked > 15, checked .. " examples")
  end)
end)
