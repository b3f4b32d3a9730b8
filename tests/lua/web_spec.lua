-- The routes of the server without a socket: what is let in, how requests become calls, that the
-- queue is fair, that work gives way and can be cancelled.

require "busted.runner"()

local form = require "lab.web.form"
local http = require "lab.web.http"
local json = require "lab.json"
local loop = require "lab.web.loop"
local queue = require "lab.web.queue"
local router = require "lab.web.router"
local security = require "lab.web.security"
local shape = require "lab.web.shape"
local sql = require "lab.web.sql"
local cache = require "lab.web.cache"
local html = require "lab.html"
local web = require "web_support"

local function request(method, target, headers, body)
  local t = web.transport()
  t:put(method, target, { headers = headers, body = body })
  return t.requests[1]
end

describe("requests", function()
  it("have queries whose names and values are decoded once", function()
    assert.same({ a = "1 2", ["b c"] = "%41", d = "" }, http.query "a=1+2&b%20c=%2541&d")
    assert.same({}, http.query(nil))
    for text, part in pairs { ["a=%"] = "percent-encoded", ["a=%4"] = "percent-encoded",
      ["a=%ff"] = "UTF-8", ["a=1&a=2"] = "given twice" } do
      local values, message = http.query(text)
      assert.is_nil(values)
      assert.truthy(message:find(part, 1, true), message)
    end
  end)

  it("have headers in any case, as a table or as text", function()
    assert.equal("x", http.header({ headers = { ["Content-Type"] = "x" } }, "content-type"))
    local text = { headers = "Host: a:1\r\nAccept:  text/html\r\n" }
    assert.equal("a:1", http.header(text, "host"))
    assert.equal("text/html", http.header(text, "accept"))
    assert.is_nil(http.header(text, "cookie"))
    local cookies = { headers = { cookie = "a=1; lualab_80=xyz;b=2" } }
    assert.equal("xyz", http.cookie(cookies, "lualab_80"))
    assert.is_nil(http.cookie(cookies, "lualab"))
  end)

  it("accept what they name and do not refuse", function()
    local known = { ["image/png"] = "png", ["text/event-stream"] = "events" }
    local function accepts(text)
      return http.accepts({ headers = { accept = text } }, known)
    end
    assert.equal("png", accepts "text/html, image/png;q=0.5")
    assert.equal("events", accepts "text/event-stream")
    assert.is_nil(accepts "*/*")
    assert.is_nil(accepts "image/png;q=0")
  end)
end)

describe("forms", function()
  local function read(body, kind)
    return form.read { headers = { ["content-type"] = kind
      or "multipart/form-data; boundary=xx" }, body = body:gsub("\n", "\r\n") }
  end
  local head = 'Content-Disposition: form-data; name="'

  it("give their fields and one picture", function()
    local found = assert(read('--xx\n' .. head .. 'model"\n\npascal\n--xx\n' .. head
      .. 'image"; filename="a b.jpg"\nContent-Type: image/jpeg\n\nbytes\n--x\n\n--xx--\n'))
    assert.same({ model = "pascal" }, found.fields)
    assert.same({ type = "image/jpeg", filename = "a b.jpg", body = "bytes\r\n--x\r\n" },
      found.file)
    assert.is_nil((read("", "image/jpeg")))
  end)

  it("that are not well formed are refused with a sentence", function()
    local cases = {
      ["its boundary"] = "hello",
      ["last boundary is missing"] = '--xx\n' .. head .. 'a"\n\n1',
      ["end of its headers"] = '--xx\n' .. head .. 'a"',
      ["has no name"] = '--xx\nContent-Disposition: form-data\n\n1\n--xx--',
      ["given twice"] = '--xx\n' .. head .. 'a"\n\n1\n--xx\n' .. head .. 'a"\n\n1\n--xx--',
      ["more than one part 'image'"] = '--xx\n' .. head .. 'image"\n\n1\n--xx\n' .. head
        .. 'image"\n\n1\n--xx--',
      ["no form-data"] = '--xx\nContent-Disposition: attachment; name="a"\n\n1\n--xx--',
      ["not UTF-8"] = '--xx\n' .. head .. 'a"\n\n\xff\n--xx--',
      ["at most 4096"] = '--xx\n' .. head .. 'a"\n\n' .. ("x"):rep(5000) .. '\n--xx--',
    }
    for part, body in pairs(cases) do
      local found, message = read(body)
      assert.is_nil(found)
      assert.truthy(message:find(part, 1, true), message)
    end
    local many = {}
    for i = 1, 40 do
      many[i] = '--xx\n' .. head .. i .. '"\n\n1\n'
    end
    assert.truthy(select(2, read(table.concat(many) .. "--xx--")):find("more than 32", 1, true))
    assert.truthy(select(2, read("", "multipart/form-data")):find("boundary", 1, true))
  end)

  it("of any bytes end in a form or a sentence", function()
    math.randomseed(7)
    local parts = { "--xx", "\r\n", "--", head, '"', "\0", "\xff", "image", "filename=", ":", "x" }
    for _ = 1, 3000 do
      local body = { math.random() < 0.7 and "--xx" or "" }
      for i = 2, math.random(2, 20) do
        body[i] = parts[math.random(#parts)]
      end
      local found, message = form.read { body = table.concat(body),
        headers = { ["content-type"] = "multipart/form-data; boundary=xx" } }
      assert(found or type(message) == "string")
    end
  end)
end)

describe("the guard", function()
  local guard = security.new { host = "127.0.0.1", port = 8080 }

  it("lets in who says the server's own address", function()
    for _, host in ipairs { "127.0.0.1:8080", "localhost:8080", "[::1]:8080", "LOCALHOST:8080" } do
      assert.is_nil(guard:check(request("GET", "/", { host = host })))
    end
    for _, host in ipairs { "evil.example:8080", "127.0.0.1", "127.0.0.1:80", "localhost:8081",
      "127.0.0.1:8080.evil.example", "10.0.0.1:8080", "" } do
      assert.equal(421, guard:check(request("GET", "/", { host = host })).status, host)
    end
    assert.equal(421, guard:check(request("GET", "/", { host = false })).status)
  end)

  it("refuses what pages of other sites send", function()
    local function post(headers)
      local refusal = guard:check(request("POST", "/api/segment", headers))
      return refusal and refusal.status
    end
    assert.is_nil(post {})
    assert.is_nil(post { origin = "http://127.0.0.1:8080", ["sec-fetch-site"] = "same-origin" })
    assert.equal(403, post { origin = "http://evil.example" })
    assert.equal(403, post { origin = "null" })
    assert.equal(403, post { origin = "http://localhost:8080" }) -- another origin than the host
    assert.equal(403, post { ["sec-fetch-site"] = "cross-site" })
    assert.equal(403, post { ["sec-fetch-site"] = "same-site" })
    assert.equal(403, guard:check(request("DELETE", "/", { origin = "http://x" })).status)
    assert.is_nil(guard:check(request("GET", "/", { ["sec-fetch-site"] = "cross-site" })))
  end)

  it("asks for the token where there is one", function()
    local locked = security.new { host = "0.0.0.0", port = 8080, token = "secret",
      names = { "box.lan" } }
    local function get(target, headers)
      return locked:check(request("GET", target, headers))
    end
    assert.equal(401, get("/", {}).status)
    assert.equal(401, get("/api?token=secret", {}).status)
    assert.equal(401, get("/?token=wrong", {}).status)
    assert.is_nil(get("/", { authorization = "Bearer secret" }))
    assert.equal(401, get("/", { authorization = "Bearer secre" }).status)
    assert.is_nil(get("/", { cookie = "lualab_8080=secret" }))
    local entry = get("/?token=secret", {})
    assert.equal(303, entry.status)
    assert.equal("/", entry.headers.Location)
    assert.truthy(entry.headers["Set-Cookie"]:find("HttpOnly; SameSite=Strict", 1, true))
    assert.is_nil(get("/", { host = "192.168.1.5:8080", authorization = "Bearer secret" }))
    assert.is_nil(get("/", { host = "box.lan:8080", authorization = "Bearer secret" }))
    assert.equal(421, get("/", { host = "evil.example:8080" }).status)
    local a, b = security.make_token(), security.make_token()
    assert.truthy(a:find "^%x+$" and #a == 32 and a ~= b)
  end)
end)

describe("the router", function()
  local seen
  local routes = router.compile {
    { method = "GET", path = "/a/{id}", parameters = {
      { name = "id", place = "path", type = "integer", min = 1, max = 100, doc = "" },
      { name = "how", place = "query", type = "choice", choices = { "x", "y" }, default = "x" },
      { name = "share", place = "query", type = "number", min = 0, max = 1 },
      { name = "on", place = "query", type = "boolean", default = true },
      { name = "text", place = "query", type = "string", max = 5 } },
      run = function(call) seen = call.values return http.json(200, {}) end },
    { method = "POST", path = "/j", json = true, parameters = {
      { name = "n", place = "body", type = "integer", min = 0, max = 10, required = true,
        doc = "how many" }, { name = "o", place = "body", type = "object" } },
      run = function(call) seen = call.values return http.json(200, {}) end },
    { method = "GET", path = "/bad", run = function() error "oops" end },
  }
  local logged = {}
  local function ask(method, target, headers, body)
    seen = nil
    return router.answer(routes, request(method, target, headers, body), {},
      function(text) logged[#logged + 1] = text end)
  end
  local function refused(status, part, ...)
    local answer = ask(...)
    assert.equal(status, answer.status)
    local told = json.decode(answer.body).error
    assert.equal(status, told.status)
    assert.truthy(told.message:find(part, 1, true), told.message)
    assert.is_nil(seen)
  end

  it("reads parameters with their types, bounds and defaults", function()
    assert.equal(200, ask("GET", "/a/7?share=.5&on=0&text=%C3%A4").status)
    assert.same({ id = 7, how = "x", share = 0.5, on = false, text = "ä" }, seen)
    assert.equal(200, ask("HEAD", "/a/7").status)
    local j = { ["content-type"] = "application/json" }
    assert.equal(200, ask("POST", "/j", j, '{"n": 3.0, "o": {"x": null, "y": [1]}}').status)
    assert.same({ n = 3, o = { y = { 1 } } }, seen)
  end)

  it("refuses all else with a sentence", function()
    refused(400, "from 1 to 100; got '0'", "GET", "/a/0")
    refused(400, "got '99999999999999999999'", "GET", "/a/99999999999999999999")
    refused(400, "got '0x10'", "GET", "/a/0x10")
    refused(400, "got '1e1'", "GET", "/a/1e1")
    refused(400, "one of x, y", "GET", "/a/1?how=z")
    refused(400, "from 0 to 1", "GET", "/a/1?share=1.1")
    refused(400, "got 'nan'", "GET", "/a/1?share=nan")
    refused(400, "1 or 0", "GET", "/a/1?on=2")
    refused(400, "at most 5 bytes", "GET", "/a/1?text=123456")
    refused(400, "given twice", "GET", "/a/1?on=1&on=1")
    refused(400, 'did you mean "share"', "GET", "/a/1?shar=1")
    refused(400, "takes no parameters", "POST", "/j?x=1", { ["content-type"] = "application/json" },
      "{}")
    refused(404, "nothing at /b", "GET", "/b")
    refused(404, "nothing at", "GET", "/a/")
    refused(404, "nothing at", "GET", "/a/1/")
    refused(404, "nothing at", "GET", "/a/..%2f..%2fetc%2fpasswd")
    refused(400, "not UTF-8", "GET", "/a/%ff")
    refused(400, "not UTF-8", "GET", "/a/%00")
    refused(405, "for GET", "POST", "/a/1")
    assert.equal("GET", ask("DELETE", "/a/1").headers.Allow)
    local j = { ["content-type"] = "application/json" }
    refused(415, "application/json", "POST", "/j", {}, "{}")
    refused(400, "not UTF-8", "POST", "/j", j, '{"n": "\xff"}')
    refused(400, "not JSON", "POST", "/j", j, '{"n": ')
    refused(400, "not JSON", "POST", "/j", j, "")
    refused(413, "at most 1048576", "POST", "/j", j, (" "):rep(2000000))
    refused(400, "not JSON", "POST", "/j", j, ("["):rep(300000))
    refused(400, "JSON object", "POST", "/j", j, "[1]")
    refused(400, "'n' is missing: how many", "POST", "/j", j, "{}")
    refused(400, "got 'an object'", "POST", "/j", j, '{"n": {}}')
    refused(400, "must be an object", "POST", "/j", j, '{"n": 1, "o": 1}')
    refused(400, "got '3.5'", "POST", "/j", j, '{"n": 3.5}')
  end)

  it("answers a mistake of its own with 500 and logs it", function()
    assert.equal(500, ask("GET", "/bad").status)
    assert.truthy(logged[1]:find("oops", 1, true) and logged[1]:find("traceback", 1, true))
    assert.is_nil(ask("GET", "/bad").body:find("oops", 1, true))
  end)
end)

describe("the queue", function()
  local function filled(list)
    local q = queue.new { total = 100, each = 50 }
    local items = {}
    for i, client in ipairs(list) do
      items[i] = { client = client, i = i }
      q:add(client, items[i])
    end
    return q, items
  end

  it("takes clients in turn, each one's own in order", function()
    local q = filled { "a", "a", "a", "a", "b", "b", "c" }
    local order = {}
    for i = 1, 7 do
      order[i] = q:take().i
    end
    assert.same({ 1, 5, 7, 2, 6, 3, 4 }, order)
    assert.is_nil(q:take())
    assert.equal(0, q.length)
  end)

  it("knows how many come before, whatever is taken and removed", function()
    math.randomseed(3)
    for _ = 1, 200 do
      local clients = {}
      for i = 1, math.random(12) do
        clients[i] = ("abc"):sub(math.random(3)):sub(1, 1)
      end
      local q, items = filled(clients)
      for _ = 1, math.random(0, 3) do
        q:take()
      end
      q:remove(items[math.random(#items)])
      local position = {}
      for _, item in ipairs(q:items()) do
        position[item] = q:position(item)
      end
      local at = 0
      while q.length > 0 do
        assert.equal(at, position[q:take()])
        at = at + 1
      end
    end
  end)

  it("is bounded, for each and for all", function()
    local q = queue.new { total = 3, each = 2 }
    assert.equal(0, q:add("a", {}))
    assert.equal(1, q:add("a", {}))
    local _, message, code = q:add("a", {})
    assert.equal("EACH", code)
    assert.truthy(message:find "2 pictures of yours")
    assert.equal(1, q:add("b", {}))
    assert.equal("TOTAL", select(3, q:add("c", {})))
    assert.is_false(q:remove {})
  end)
end)

describe("SQL", function()
  it("that only reads is known by its first word", function()
    for _, text in ipairs { "SELECT 1", "  select 1", "-- x\nSELECT 1", "VALUES (1)",
      "/* DROP */ WITH a AS (1) x", "EXPLAIN SELECT 1", "explain /* */ query plan SELECT 1" } do
      assert.is_nil(sql.refuse(text), text)
    end
    for _, text in ipairs { "INSERT INTO x VALUES (1)", "PRAGMA query_only = 0", "ATTACH 'x' AS y",
      "EXPLAIN PRAGMA user_version", "EXPLAIN QUERY PLAN ATTACH 'x' AS y", ";SELECT 1", "", "/*",
      "BEGIN", "VACUUM INTO 'x'", "DETACH x", "-- SELECT", "EXPLAIN", "EXPLAIN EXPLAIN SELECT 1",
      "SELECT 1\0", "EXPLAIN QUERY SELECT 1", "REINDEX", "/**/PRAGMA x" } do
      assert.truthy(sql.refuse(text), text)
    end
  end)
end)

describe("answers", function()
  it("have maps in base64, however long", function()
    math.randomseed(11)
    for length = 0, 100 do
      local bytes = {}
      for i = 1, length do
        bytes[i] = string.char(math.random(0, 255))
      end
      local text = table.concat(bytes)
      assert.equal(html.base64(text), shape.base64(text))
    end
    local rows = (("\0"):rep(333) .. ("\15"):rep(167)):rep(300)
    assert.equal(html.base64(rows), shape.base64(rows))
  end)

  it("tell failures as an object, in UTF-8", function()
    local told = web.json(http.problem(404, "no \xff"))
    assert.same({ error = { status = 404, code = "not_found", message = "no \u{FFFD}" } }, told)
    assert.equal(413, http.failure("x", "LIMIT").status)
    assert.equal(500, http.failure("x", "DB").status)
  end)

  it("that are kept are bounded", function()
    local kept = cache.new(10)
    kept:put("a", "12345")
    kept:put("b", "12345")
    kept:get "a"
    kept:put("c", "1")
    assert.same({ "12345", nil, "1" }, { kept:get "a", kept:get "b", kept:get "c" })
    kept:put("d", ("x"):rep(11))
    assert.is_nil(kept:get "d")
    kept:put("a", "1")
    assert.equal(2, kept.size)
  end)
end)

describe("the loop", function()
  local transport, served, order

  --- A server with one route whose work takes some steps.
  local function start(limit)
    transport, order = web.transport(), {}
    local routes = {
      { method = "GET", path = "/quick", run = function() return http.json(200, {}) end },
      { method = "POST", path = "/work", parameters = {
        { name = "steps", place = "query", type = "integer", min = 0, max = 100, default = 3 },
        { name = "key", place = "query", type = "string" } },
        run = function(call)
          local work = { request = call.request, key = call.values.key }
          function work.run()
            for i = 1, call.values.steps do
              order[#order + 1] = (call.values.key or "?") .. i
              work.reply:event("stage", { name = i })
              served:pause()
            end
            return http.json(200, { ok = true })
          end
          return served:submit("work", work)
        end },
      { method = "POST", path = "/mistake", run = function(call)
          return served:submit("work", { request = call.request, run = function() error "x" end })
        end },
    }
    served = loop.new { server = transport, routes = routes, context = {}, log = function() end,
      guard = security.new { host = "127.0.0.1", port = 8080 },
      lanes = { work = { limit = limit, total = 6, each = 5 } } }
  end

  local function finish(...)
    for _ = 1, 1000 do
      local open = false
      for _, id in ipairs { ... } do
        open = open or not transport.answers[id] or transport.answers[id].open
      end
      if not open then
        return
      end
      served:turn()
    end
    error "no answer"
  end

  it("answers quick requests between the steps of work", function()
    start(1)
    local work = transport:put("POST", "/work?key=a&steps=5")
    served:turn()
    served:turn()
    local quick = transport:put("GET", "/quick")
    served:turn()
    assert.equal(200, transport.answers[quick].status)
    assert.is_nil(transport.answers[work])
    finish(work)
    assert.same({ ok = true }, web.json(transport.answers[work]))
  end)

  it("takes clients in turn and tells those who wait their place", function()
    start(1)
    local ids = {}
    for i, client in ipairs { "x", "x", "x", "y" } do
      ids[i] = transport:put("POST", "/work?steps=1&key=" .. client .. i, { client = client,
        headers = { accept = "text/event-stream" } })
    end
    finish(table.unpack(ids))
    assert.same({ "x11", "y41", "x21", "x31" }, order)
    local events = web.events(transport.answers[ids[3]])
    local places = {}
    for _, event in ipairs(events) do
      places[#places + 1] = event.name == "queued" and event.value.position or nil
    end
    assert.same({ 2, 3, 2, 1 }, { table.unpack(places, 1, 4) })
    assert.equal("result", events[#events].name)
    assert.is_false(transport.answers[ids[3]].open)
  end)

  it("refuses what there is no room for", function()
    start(1)
    local ids = {}
    for i = 1, 8 do
      ids[i] = transport:put("POST", "/work", { client = "x" })
    end
    served:turn()
    assert.equal(429, transport.answers[ids[8]].status)
    assert.truthy(transport.answers[ids[8]].headers["Retry-After"])
    ids[9] = transport:put("POST", "/work", { client = "y" })
    ids[10] = transport:put("POST", "/work", { client = "z" })
    ids[11] = transport:put("POST", "/work", { client = "z" })
    served:turn()
    assert.equal(503, transport.answers[ids[11]].status)
  end)

  it("refuses more bytes than may wait, but never a single picture", function()
    start(1)
    local lane = served.lanes.work
    lane.max_bytes = 10
    local function submit(bytes)
      return served:submit("work", { request = request("POST", "/work"), bytes = bytes,
        run = function() return http.json(200, {}) end })
    end
    assert.is_nil(submit(100))
    assert.equal(503, submit(1).status)
    served:turn()
    served:turn()
    assert.equal(0, lane.bytes)
    assert.is_nil(submit(6))
    assert.is_nil(submit(4))
    assert.equal(503, submit(1).status)
    for _, work in ipairs(lane.queue:items()) do
      work.reply.done = true
      served:cancel(work, "enough")
    end
    assert.equal(0, lane.bytes)
  end)

  it("cancels what waits at once and what is under way at its next step", function()
    start(1)
    local first = transport:put("POST", "/work?key=a&steps=50")
    local second = transport:put("POST", "/work?key=b")
    served:turn()
    assert.equal("queued", served:cancel(served:find "b", "enough"))
    assert.equal(409, transport.answers[second].status)
    assert.equal("cancelled", web.json(transport.answers[second]).error.code)
    local steps = #order
    assert.equal("running", served:cancel(served:find "a", "enough"))
    served:turn()
    assert.equal(steps, #order)
    assert.equal(409, transport.answers[first].status)
    assert.is_nil(served:find "a")
  end)

  it("cancels the work of clients who have left", function()
    start(1)
    local first = transport:put("POST", "/work?key=a&steps=100")
    local second = transport:put("POST", "/work?key=b&steps=1")
    served:turn()
    transport.left = { { id = first } }
    finish(second)
    assert.is_true(#order < 50)
    assert.equal(409, transport.answers[first].status)
  end)

  it("outlives mistakes in work", function()
    start(2)
    local bad = transport:put("POST", "/mistake")
    local good = transport:put("POST", "/work")
    finish(bad, good)
    assert.equal(500, transport.answers[bad].status)
    assert.equal(200, transport.answers[good].status)
  end)

  it("tells a failure by status before the first event, by an event after it", function()
    start(1)
    local accept = { accept = "text/event-stream" }
    local long = transport:put("POST", "/work?steps=30&key=a", { headers = accept })
    local waiting = transport:put("POST", "/work?key=b", { headers = accept })
    served:turn()
    served:turn()
    served:cancel(served:find "a", "enough")
    served:cancel(served:find "b", "enough")
    local events = web.events(transport.answers[long])
    assert.equal("error", events[#events].name)
    assert.equal("enough", events[#events].value.error.message)
    assert.equal("queued", web.events(transport.answers[waiting])[1].name)
    local plain = transport:put("POST", "/mistake", { headers = accept })
    finish(plain)
    assert.equal(500, transport.answers[plain].status)
  end)

  it("sleeps only when there is nothing to do", function()
    start(1)
    served:turn()
    assert.equal(0.5, transport.waits[#transport.waits])
    transport.waits = {}
    transport:put("POST", "/work?steps=5")
    served:turn()
    served:turn()
    for _, wait in ipairs(transport.waits) do
      assert.equal(0, wait)
    end
  end)

  it("puts the headers of safety on everything", function()
    start(1)
    local ids = { transport:put("GET", "/quick"), transport:put("GET", "/nothing"),
      transport:put("GET", "/quick", { headers = { host = "evil" } }) }
    served:turn()
    for _, id in ipairs(ids) do
      local headers = transport.answers[id].headers
      assert.truthy(headers["Content-Security-Policy"]:find("default-src 'none'", 1, true))
      assert.equal("nosniff", headers["X-Content-Type-Options"])
      assert.equal("same-origin", headers["Cross-Origin-Resource-Policy"])
      assert.is_nil(headers["Access-Control-Allow-Origin"])
    end
  end)
end)
