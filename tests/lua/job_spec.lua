-- Jobs of lab.core: what they give, what misuse says, and that none is left behind.

require "busted.runner"()

local core = require "lab.core"
local flight = require "lab.flight"
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

  it("reads bytes that are in memory, which may be let go meanwhile", function()
    local sum = core.sha256(support.read(path))
    both(function()
      local job = core.read_picture("a name", { bytes = support.read(path), sha256 = true })
      collectgarbage()
      return job
    end, function(image, file)
      assert.is_true(image == picture)
      assert.equal(sum, file.sha256)
    end)
    both(function() return core.read_picture("a name", { bytes = "" }) end, function(...)
      fails("FORMAT", "a name: the file is empty", ...)
    end)
    both(function() return core.read_picture("-", { bytes = "no picture" }) end, function(...)
      fails("FORMAT", "-: ", ...)
    end)
    raises("bytes must be a string", core.read_picture, "a name", { bytes = {} })
  end)

  it("refuses misuse", function()
    raises("bad argument #1", core.read_picture)
    raises('unknown option "limt"; did you mean "limit"?', core.read_picture, path, { limt = 1 })
    raises("limit must not be negative", core.read_picture, path, { limit = -1 })
  end)
end)

describe("core.encode", function()
  it("gives the bytes that encode gives", function()
    both(function() return core.encode(picture, { format = "bmp" }) end, function(bytes)
      assert.equal(picture:encode { format = "bmp" }, bytes)
    end)
    both(function() return core.encode(support.map(9, 7)) end, function(bytes)
      assert.equal(support.map(9, 7):encode {}, bytes)
    end)
    local alpha = support.picture(4, 4, 4)
    local _, message, code = alpha:encode { format = "jpeg" }
    both(function() return core.encode(alpha, { format = "jpeg" }) end, function(...)
      fails(code, message, ...)
    end)
    raises("cannot be encoded", core.encode, core.tensor { dtype = "u8", shape = { 1 } })
    raises("expected", core.encode)
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

describe("model:start", function()
  local m, colors
  setup(function()
    colors = folder .. "/colors.tflite"
    assert.equal(0, sys.spawn { support.tools .. "/make_model", "colors", colors })
  end)
  before_each(function() m = assert(core.load_model(colors)) end)
  after_each(function() m:close() end)

  local function plain(r, g, b)
    return core.tensor { dtype = "u8", shape = { 1, 65, 65, 3 },
      data = string.char(r, g, b):rep(65 * 65) }
  end

  it("gives what run gives", function()
    local picture_of = { plain(255, 0, 0), plain(0, 255, 0), plain(0, 0, 255), plain(9, 8, 7) }
    for _, want in ipairs { "outputs", "logits" } do
      local jobs, expected = {}, {}
      for i = 1, 12 do
        expected[i] = assert(m:run(picture_of[i % 4 + 1], { want = want }))[1]
        jobs[i] = assert(m:start(picture_of[i % 4 + 1], { want = want }))
      end
      for i, job in ipairs(jobs) do
        local values = assert(job:wait())
        assert.equal(1, #values)
        assert.is_true(values[1] == expected[i])
        assert.same({ expected[i]:quant() }, { values[1]:quant() })
        assert.is_true(job:ms() > 0)
      end
    end
    assert.is_true(core.job_threads() == 0 or m:stats().workspace_bytes > 0)
  end)

  it("needs neither the tensor nor the model any more", function()
    local input = plain(0, 255, 0)
    local n = assert(core.load_model(colors))
    local jobs = {}
    for i = 1, 6 do
      jobs[i] = n:start { input }
    end
    input:set(1, 1, 1, 2, 0) -- into a copy of its own
    input:close()
    n:close()
    raises("attempt to use a closed model", n.start, n, input)
    for _, job in ipairs(jobs) do
      assert.equal(2, assert(job:wait())[1]:get(1))
    end
  end)

  it("can be given up while it runs", function()
    for i = 1, 20 do
      local job = m:start(plain(1, 2, 3))
      local other <close> = m:start(plain(3, 2, 1))
      assert.is_boolean(other:done())
      if i % 2 == 0 then
        job:close()
        raises("closed or has been waited for", job.wait, job)
      end
    end
    assert.equal(3, assert(m:run(plain(0, 0, 255)))[1]:get(1))
  end)

  it("refuses misuse when it is started", function()
    raises("65", m.start, m, core.tensor { dtype = "u8", shape = { 1, 64, 65, 3 } })
    raises("tensor, image, labelmap or mask expected", m.start, m)
    raises('model:start: want must be "outputs" or "logits", got "both"', m.start, m,
      plain(0, 0, 0), { want = "both" })
    raises("inputs[1] must be a tensor, got a number", m.start, m, { 5 })
    raises("", m.start, m, {})
  end)

  it("ends with what it holds collected", function()
    m:start(plain(1, 2, 3)):wait()
    m:start(plain(1, 2, 3)):wait() -- hears of the first one's memory
    collectgarbage()
    collectgarbage()
    local before = core.memory()
    for i = 1, 60 do
      local job = m:start(plain(i, 0, 0))
      if i % 3 == 0 then
        job:wait()
      end
    end
    collectgarbage()
    collectgarbage()
    assert.is_true(core.memory() - before <= m:stats().workspace_bytes)
    m:close()
    collectgarbage()
    collectgarbage()
    assert.is_true(core.memory() < before)
  end)
end)

describe("core.wait_any", function()
  it("returns when one is done", function()
    core.wait_any {}
    core.wait_any { core.read_picture(path) } -- never started: waiting for it is the work
    local jobs = {}
    for i = 1, 8 do
      jobs[i] = core.read_picture(path):start()
    end
    while #jobs > 0 do
      core.wait_any(jobs)
      local done = 0
      for i = #jobs, 1, -1 do
        if jobs[i]:done() then
          done = done + 1
          assert(table.remove(jobs, i):wait())
        end
      end
      assert.is_true(done > 0)
    end
  end)

  it("refuses misuse", function()
    raises("table expected", core.wait_any)
    raises("item 1 is no job that can be waited for", core.wait_any, { 5 })
    local job = core.read_picture(path)
    assert(job:wait())
    raises("item 2 is no job that can be waited for", core.wait_any,
      { core.read_picture(path), job })
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

describe("lab.flight", function()
  --- A job that takes a while.
  local large
  setup(function() large = assert(picture:resize { width = 800, height = 600 }) end)
  local function slow()
    return core.save(large, folder .. "/slow.png", { level = 9 })
  end

  it("counts no moment twice when a job was started before it is awaited", function()
    local own, wall = 0, 0
    local task = flight.task(function()
      local start, since = flight.clock(), sys.clock()
      local job = slow():start()
      while sys.clock() < since + 0.02 and not job:done() do -- awake while the job runs
      end
      flight.await(job, since)
      own, wall = flight.clock() - start, sys.clock() - since
      assert.is_true(own >= job:ms() / 1000)
    end, core.job_threads() > 0)
    flight.resume(task)
    while not task.done do
      flight.wait { task }
      flight.resume(task)
    end
    assert.is_true(own > 0 and own <= wall + 0.001, own .. " of " .. wall)
  end)

  it("lets tasks go on while others wait", function()
    local tasks, log = {}, {}
    for i = 1, 5 do
      tasks[i] = flight.task(function()
        for step = 1, 3 do
          local image = assert(flight.await(i % 2 == 0 and core.read_picture(path) or slow()))
          assert.is_true(i % 2 == 1 or image == picture)
          log[#log + 1] = i .. ":" .. step
        end
      end, core.job_threads() > 0)
    end
    local function ready()
      local left = false
      for _, task in ipairs(tasks) do
        if not task.done and flight.is_ready(task) then
          return task, true
        end
        left = left or not task.done
      end
      return nil, left
    end
    while true do
      local task, left = ready()
      if task then
        flight.resume(task)
      elseif left then
        flight.wait(tasks)
      else
        break
      end
    end
    assert.equal(15, #log)
    for i = 1, 5 do
      assert.is_true(tasks[i].done and tasks[i].worked > 0)
    end
  end)

  it("says who gives way", function()
    assert.is_false(flight.gives_way())
    for _, gives in ipairs { true, false } do
      local inside, deeper
      flight.resume(flight.task(function()
        inside = flight.gives_way()
        coroutine.wrap(function() deeper = flight.gives_way() end)()
      end, gives))
      assert.same({ gives, false }, { inside, deeper })
    end
    assert.is_true(flight.await(core.read_picture(path)) == picture)
  end)

  it("hands failures to the task", function()
    local task
    task = flight.task(function()
      task.said = { flight.await(core.read_picture(folder .. "/none.png")) }
    end, core.job_threads() > 0)
    while not task.done do
      flight.resume(task)
    end
    assert.equal("NOT_FOUND", task.said[3])
  end)

  it("ends a task that waits, and what it waits for", function()
    if core.job_threads() == 0 then
      return
    end
    local caught = 0
    for _ = 1, 20 do
      local ended, reached, job = false, false, nil
      local task = flight.task(function()
        local _ <close> = setmetatable({}, { __close = function() ended = true end })
        job = slow()
        flight.await(job)
        reached = true
      end, true)
      flight.resume(task)
      assert.equal(reached, task.done) -- the job may be done before the task asks
      flight.close(task)
      assert.is_true(task.done and ended)
      raises("closed or has been waited for", job.wait, job)
      caught = caught + (reached and 0 or 1)
    end
    assert.is_true(caught > 0)
  end)
end)
