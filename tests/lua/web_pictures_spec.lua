-- The server's way of a picture without a socket: models that are shared and given back, what is
-- recorded, what a cancelled picture leaves, and that names are never paths.

require "busted.runner"()

local core = require "lab.core"
local server = require "lab.web.server"
local support = require "support"
local sys = require "lab.sys"
local web = require "web_support"

local folder, model_path, photo
setup(function()
  folder = assert(sys.tmp_dir "web-spec-")
  model_path = folder .. "/colors.tflite"
  assert.equal(0, sys.spawn { support.tools .. "/make_model", "colors", model_path })
  assert.equal(0, sys.spawn { support.tools .. "/make_model", "glow", folder .. "/glow.tflite" })
  photo = assert(support.picture(130, 90, 3):encode {})
end)
teardown(function() assert(sys.remove_tree(folder)) end)

local transport, served, logged

local function start(options)
  transport, logged = web.transport(), {}
  local all = { transport = transport, host = "127.0.0.1", port = 8080, models = { model_path },
    db = folder .. "/catalog.db", log = function(text) logged[#logged + 1] = text end }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  served = assert(server.new(all))
end

local function stop()
  served:close()
  assert.same({}, logged)
end

local function get(method, target, options)
  local id = transport:put(method, target, options)
  for _ = 1, 100000 do
    served.loop:turn()
    if transport.answers[id] and not transport.answers[id].open then
      return transport.answers[id]
    end
  end
  error "no answer"
end

local function segment(query, body)
  return get("POST", "/api/segment?" .. (query or ""), { body = body or photo })
end

local function rows(sql)
  return web.json(get("POST", "/api/sql", { body = require("lab.json").encode { sql = sql },
    headers = { ["content-type"] = "application/json" } })).rows
end

describe("a picture", function()
  it("is recorded under its name, which is no path", function()
    local inside = folder .. "/inside.png"
    assert(core.write_file(inside, photo))
    start()
    for given, name in pairs { ["a.png"] = "a.png", ["../../etc/passwd"] = "passwd",
      ["C:%5CUsers%5Cme%5Cb.png"] = "b.png", [".."] = "picture", ["%09"] = "picture",
      ["-"] = "picture", [inside] = "inside.png" } do
      local answer = segment("name=" .. given)
      assert.equal(200, answer.status, answer.body)
      assert.equal(name, web.json(answer).name)
    end
    assert.same({ { 0 } }, rows "SELECT count(*) FROM results WHERE path LIKE '%/%'")
    assert.same({ { 0 } }, rows "SELECT count(*) FROM images WHERE path LIKE '%/%'")
    assert.same({ { 1, "running" } }, rows "SELECT count(*), state FROM runs")
    stop()
    start()
    assert.same({ { "done" } }, rows "SELECT state FROM runs")
    -- The upload is not kept, and its name is not looked for.
    local gone = get("GET", "/api/results/1/overlay.png")
    assert.equal(404, gone.status)
    assert.truthy(web.json(gone).error.message:find("keeps no pictures", 1, true))
    assert.is_false(web.json(get("GET", "/api/results/1")).photo)
    assert.equal(200, get("GET", "/api/results/1/thumbnail.png").status)
    stop()
  end)

  it("whose bytes the catalog knows from a file does not lose that file", function()
    local path = folder .. "/known.png"
    local other = assert(support.picture(70, 50, 3):encode {})
    assert(core.write_file(path, other))
    local lab = require "lab"
    assert(lab.segment(path, { model = model_path, record = folder .. "/catalog.db" }))
    start()
    local id = web.json(segment("name=other.png", other)).id
    assert.same({ { path } }, rows(([[SELECT i.path FROM results r JOIN images i ON i.id = r.image
      WHERE r.id = %d]]):format(id)))
    stop()
    start()
    assert.equal(200, get("GET", ("/api/results/%d/overlay.png"):format(id)).status)
    assert.is_true(web.json(get("GET", ("/api/results/%d"):format(id))).photo)
    assert(core.write_file(path, photo))
    local changed = get("GET", ("/api/results/%d/cutout.png?classes=1"):format(id))
    assert.equal(404, changed.status)
    assert.truthy(changed.body:find("its bytes have changed", 1, true))
    stop()
  end)

  it("that is none, is damaged or too large leaves nothing", function()
    start { max_pixels = 20000 }
    local before = rows "SELECT count(*) FROM results"
    assert.equal(415, segment("", "hello").status)
    assert.equal(400, segment("", "").status)
    assert.equal(422, segment("", photo:sub(1, #photo // 2)).status)
    assert.equal(413, segment("", support.picture(200, 101, 3):encode {}).status)
    assert.same(before, rows "SELECT count(*) FROM results")
    stop()
  end)

  it("that is cancelled on its way is a failure with its reason", function()
    start()
    local id = transport:put("POST", "/api/segment?key=k&name=late.png", { body = photo })
    local state
    for _ = 1, 100000 do
      served.loop:turn()
      state = rows("SELECT state FROM results WHERE path = 'late.png'")[1]
      if state then
        break
      end
    end
    assert.same({ "running" }, state)
    assert.equal(200, get("DELETE", "/api/requests/k").status)
    assert.equal(409, transport.answers[id].status)
    assert.same({ { "failed", "interrupted" } },
      rows "SELECT state, reason FROM results WHERE path = 'late.png'")
    assert.equal(404, get("DELETE", "/api/requests/k").status)
    assert.equal(200, segment().status)
    assert.equal(0, served.loop.lanes.segment.bytes)
    stop()
  end)

  it("under way when the server ends is not left running", function()
    start()
    local id = transport:put("POST", "/api/segment?name=last.png", { body = photo })
    served.loop:turn()
    served.loop:turn()
    served:close()
    assert.equal(503, transport.answers[id].status)
    start()
    assert.same({ { 0 } }, rows "SELECT count(*) FROM results WHERE state = 'running'")
    stop()
  end)

  it("gives the same whoever asks beside it", function()
    start { record = false, ahead = 4 }
    local alone = web.json(segment "map=base64").map.data
    local ids = {}
    for i = 1, 12 do
      ids[i] = transport:put("POST", "/api/segment?map=base64", { body = photo,
        client = "client " .. i % 3 })
    end
    get("GET", "/api/status")
    for _, id in ipairs(ids) do
      while not transport.answers[id] do
        served.loop:turn()
      end
      assert.equal(alone, web.json(transport.answers[id]).map.data)
    end
    stop()
  end)
end)

describe("models", function()
  it("named on the command line stay, others go when there are too many bytes", function()
    local manifest = require "lab.manifest"
    local glow = assert(core.read_file(folder .. "/glow.tflite"))
    table.insert(manifest.list(), { name = "glow", file = "glow.tflite", bytes = #glow,
      sha256 = core.sha256(glow), dataset = "person", fit = "stretch", mean = 0, scale = 1 / 255,
      offset = 0, threshold = 0, kind = "model" })
    local find = manifest.find
    manifest.find = function(entry)
      if entry.name == "glow" then
        return folder .. "/glow.tflite", {}
      end
      return find(entry)
    end
    start { max_models = 0, record = false }
    local models = served.context.models
    assert.truthy(models.loaded["colors"])
    assert.equal("glow", web.json(segment "model=glow").model)
    assert.truthy(models.loaded.glow) -- until the next needs room
    assert(models:load_own(model_path))
    assert.equal("colors", web.json(segment()).model)
    models.limit = 1
    models.loaded.glow.users = 1
    models:close "colors"
    assert(models:load_own(model_path))
    assert.truthy(models.loaded.glow) -- in use
    models.loaded.glow.users = 0
    models:close "colors"
    assert(models:load_own(model_path))
    assert.is_nil(models.loaded.glow)
    manifest.find = find
    stop()
  end)

  it("are never files that a client names", function()
    start { record = false }
    for _, name in ipairs { folder .. "/glow.tflite", "../glow.tflite", "/dev/stdin" } do
      assert.equal(404, segment("model=" .. name).status)
    end
    stop()
  end)
end)
