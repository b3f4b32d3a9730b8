-- Jobs of lab.core: what they give, what misuse says, and that none is left behind.

require "busted.runner"()

local core = require "lab.core"
local support = require "support"
local sys = require "lab.sys"

local fails, raises = support.fails, support.raises

local folder, path, picture
setup(function()
  folder = assert(sys.tmp_dir "job-spec-")
  picture = support.picture(40, 30, 3)
  path = folder .. "/photo.png"
  assert(core.write_file(path, assert(picture:encode {})))
end)
teardown(function() assert(sys.remove_tree(folder)) end)

--- Each job both ways: done by who waits, and by a thread if there is one.
local function both(make, check)
  check(make():wait())
  check(make():start():wait())
end

describe("core.read_picture", function()
  it("gives picture and file", function()
    local bytes = support.read(path)
    both(function() return core.read_picture(path, { sha256 = true }) end, function(image, file)
      assert.is_true(image == picture)
      assert.same({ format = "png", bytes = #bytes, sha256 = core.sha256(bytes) }, file)
    end)
    assert.is_nil(select(2, core.read_picture(path):wait()).sha256)
  end)

  it("names what is wrong", function()
    both(function() return core.read_picture(folder .. "/none.png") end, function(...)
      fails("NOT_FOUND", folder .. "/none.png", ...)
    end)
    local empty, junk = folder .. "/empty.png", folder .. "/junk.png"
    assert(core.write_file(empty, ""))
    assert(core.write_file(junk, "no picture at all"))
    both(function() return core.read_picture(empty) end, function(...)
      fails("FORMAT", empty .. ": the file is empty", ...)
    end)
    both(function() return core.read_picture(junk) end, function(...)
      fails("FORMAT", junk, ...)
    end)
    fails("LIMIT", path, core.read_picture(path, { limit = 10 }):wait())
  end)

  it("refuses misuse", function()
    raises("bad argument #1", core.read_picture)
    raises('unknown option "limt"; did you mean "limit"?', core.read_picture, path, { limt = 1 })
    raises("limit must not be negative", core.read_picture, path, { limit = -1 })
  end)
end)

describe("core.save", function()
  it("writes what encode gives, and folders", function()
    local n = 0
    local made
    both(function()
      n = n + 1
      made = ("%s/deep/er/%d.png"):format(folder, n)
      return core.save(picture, made, { level = 9 })
    end, function(ok)
      assert.is_true(ok)
      assert.equal(assert(picture:encode { level = 9 }), support.read(made))
    end)
    local map = support.map(9, 7, support.labels())
    assert.is_true(core.save(map, folder .. "/map.png"):wait())
    assert.is_true(core.decode_map(support.read(folder .. "/map.png"), support.labels()) == map)
  end)

  it("names what is wrong", function()
    both(function() return core.save(picture, path .. "/below/a/file.png") end, function(...)
      fails("IO", path, ...)
    end)
    local clear = support.picture(4, 4, 4)
    fails("UNSUPPORTED", "x.jpg: image.encode: JPEG has no transparency",
      core.save(clear, "x.jpg", { format = "jpeg" }):wait())
  end)

  it("refuses misuse", function()
    raises("did you mean \"level\"", core.save, picture, path, { levle = 1 })
    raises("level must be 0..9", core.save, picture, path, { level = 10 })
    raises("core.save: a tensor cannot be encoded", core.save,
      core.tensor { dtype = "u8", shape = { 1 } }, path)
    raises("table expected", core.save, picture, path, 3)
    local closed = support.picture(2, 2, 3)
    closed:close()
    raises("closed image", core.save, closed, path)
  end)

  it("keeps its value when the script closes it", function()
    local image = support.picture(64, 64, 3)
    local bytes = assert(image:encode {})
    local job = core.save(image, folder .. "/kept.png")
    image:close()
    assert.is_true(job:start():wait())
    assert.equal(bytes, support.read(folder .. "/kept.png"))
  end)
end)

describe("a job", function()
  it("is waited for once", function()
    local job = core.read_picture(path)
    assert.is_false(job:done())
    assert.equal(job, job:start())
    assert.equal(job, job:start())
    assert(job:wait())
    assert.is_true(job:ms() >= 0)
    for _, method in ipairs { "wait", "start", "done" } do
      raises("closed or has been waited for", job[method], job)
    end
  end)

  it("can be given up", function()
    local job = core.save(picture, folder .. "/never.png")
    job:close()
    job:close()
    assert.is_nil(support.read(folder .. "/never.png"))
    raises("closed or has been waited for", job.wait, job)
    do
      local scoped <close> = core.read_picture(path):start()
      assert.is_not_nil(scoped)
    end
  end)

  it("becomes done by itself where there are threads", function()
    if core.job_threads() == 0 then
      return
    end
    local job = core.read_picture(path):start()
    local tries = 0
    while not job:done() and tries < 1e8 do
      tries = tries + 1
    end
    assert.is_true(job:done())
    assert(job:wait())
  end)

  it("left behind is collected, in whatever state", function()
    collectgarbage()
    local before = core.memory()
    for i = 1, 200 do
      local job = i % 2 == 0 and core.read_picture(path)
        or core.save(picture, folder .. "/left.png")
      if i % 3 > 0 then
        job:start()
      end
      if i % 5 == 0 then
        job:wait()
      end
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, core.memory())
  end)
end)
