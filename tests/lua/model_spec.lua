-- Models: loading, describing, running. On small networks that make_model writes, and on published
-- weights where they are there.

require "busted.runner"()

local core = require "lab.core"
local sys = require "lab.sys"
local support = require "support"
local raises, fails = support.raises, support.fails

local folder, colors_path
local weights = support.shared .. "/weights/deeplabv3_mnv2_dm05_pascal_quant.tflite"

setup(function()
  folder = assert(sys.tmp_dir "model-spec-")
  colors_path = folder .. "/colors.tflite"
  assert.equal(0, sys.spawn { support.tools .. "/make_model", "colors", colors_path })
end)
teardown(function() assert(sys.remove_tree(folder)) end)

--- A picture of one colour, as the network's input.
local function plain(r, g, b)
  return core.tensor { dtype = "u8", shape = { 1, 65, 65, 3 },
    data = string.char(r, g, b):rep(65 * 65) }
end

describe("loading", function()
  it("takes a path or bytes", function()
    local m <close> = assert(core.load_model(colors_path))
    assert.equal("colors.tflite", m:name())
    assert.equal("tflite", m:format())
    assert.equal("model colors.tflite (tflite)", tostring(m))
    local bytes = support.read(colors_path)
    local n <close> = assert(core.load_model_bytes(bytes, "mine"))
    assert.equal("mine", n:name())
    assert.equal("paint", assert(core.load_model(colors_path, "paint")):name())
  end)

  it("fails with a sentence for what is no model", function()
    fails("NOT_FOUND", folder .. "/none.tflite", core.load_model(folder .. "/none.tflite"))
    local value, message, code = core.load_model_bytes("not a model at all", "odd")
    assert.is_nil(value)
    assert.is_truthy(message:find("odd", 1, true))
    assert.is_truthy(code == "FORMAT" or code == "UNSUPPORTED")
    assert.is_nil((core.load_model_bytes("", "empty")))
    local bytes = support.read(colors_path)
    for size = 0, #bytes - 1, 97 do
      local m, text = core.load_model_bytes(bytes:sub(1, size), "cut")
      assert.is_true(m == nil and #text > 0 or m ~= nil)
    end
    raises("string expected", core.load_model)
    raises("string expected", core.load_model_bytes, "bytes without a name")
  end)

  it("survives every flipped byte", function()
    local bytes = support.read(colors_path)
    for i = 1, #bytes, 3 do
      local changed = bytes:sub(1, i - 1) .. string.char(bytes:byte(i) ~ 0x41) .. bytes:sub(i + 1)
      local m, message = core.load_model_bytes(changed, "flipped")
      if m then
        m:close()
      else
        assert.is_true(#message > 0)
      end
    end
  end)
end)

describe("a model", function()
  local m
  before_each(function() m = assert(core.load_model(colors_path)) end)
  after_each(function() m:close() end)

  it("tells its inputs, outputs, head and nodes", function()
    assert.same({ "u8", { 1, 65, 65, 3 } }, { m:input().dtype, m:input().shape })
    assert.same(m:input(), m:input(1))
    assert.same({ "i64", { 1, 65, 65 } }, { m:output().dtype, m:output().shape })
    assert.is_nil(m:input(2))
    assert.is_nil(m:output(0))
    raises("number expected", m.input, m, "first")
    local head = m:head()
    assert.same({ 4, 33, 33, 65, 65, true, true, true, "none" }, { head.channels, head.logits_w,
      head.logits_h, head.out_w, head.out_h, head.align_corners, head.resized, head.argmax,
      head.activation })
    local nodes, stats = m:nodes(), m:stats()
    local macs = 0
    for _, node in ipairs(nodes) do
      assert.is_true(#node.op > 0 and #node.label > 0 and #node.kernel > 0 and #node.shape > 0)
      macs = macs + node.macs
    end
    assert.equal(33 * 33 * 4 * 3, macs)
    assert.equal(stats.macs, macs)
    -- Resize and arg-max run as one.
    local gone, operators = m:removed(), m:operators()
    assert.same({ 2, 2, "resize_argmax" }, { stats.removed, #gone, nodes[#nodes].op })
    assert.same({ "resize_bilinear", "argmax" }, { gone[1].op, gone[2].op })
    assert.equal(stats.operators, #operators)
    assert.equal(stats.nodes + 1, #operators)
    assert.same({ gone[2].index, "argmax", "i64", { 1, 65, 65 } }, { operators[#operators].index,
      operators[#operators].op, operators[#operators].dtype, operators[#operators].shape })
    assert.is_true(stats.peak_bytes > 0 and stats.peak_bytes <= stats.arena_bytes)
    assert.is_true(stats.peak_index >= 0 and #stats.peak_label > 0)
    assert.is_true(stats.nodes >= 2 and stats.constant_bytes > 0 and stats.arena_bytes > 0)
  end)

  it("runs", function()
    local out = assert(m:run(plain(255, 0, 0)))
    assert.equal(1, #out)
    assert.same({ "tensor", "i64", { 1, 65, 65 } }, { out[1]:kind(), out[1]:dtype(),
      out[1]:shape() })
    assert.same({ 1, 1 }, { out[1]:get(1), out[1]:get(65 * 65) })
    assert.equal(2, assert(m:run({ plain(0, 255, 0) }))[1]:get(7))
    assert.equal(3, assert(m:run(plain(0, 0, 255), { want = "outputs" }))[1]:get(7))
    assert.equal(1, out[1]:get(1)) -- a copy: later runs leave it alone
    local again = assert(m:run(plain(255, 0, 0)))
    assert.is_true(again[1] == out[1])
  end)

  it("gives its scores", function()
    local scores = assert(m:run(plain(255, 0, 0), { want = "logits" }))[1]
    assert.same({ 1, 33, 33, 4 }, scores:shape())
    assert.same({ 2, 128 }, { scores:quant() })
    assert.is_true(scores:get(2) > scores:get(1) and scores:get(2) > scores:get(3))
  end)

  it("refuses other inputs", function()
    raises("tensor, image, labelmap or mask expected", m.run, m)
    raises("65", m.run, m, core.tensor { dtype = "u8", shape = { 1, 64, 65, 3 } })
    raises("u8", m.run, m, core.tensor { dtype = "f32", shape = { 1, 65, 65, 3 } })
    raises("", m.run, m, {})
    raises("inputs[1] must be a tensor, got a number", m.run, m, { 5 })
    raises("", m.run, m, { plain(0, 0, 0), plain(0, 0, 0) })
    raises('model:run: unknown option "wants"; did you mean "want"?', m.run, m, plain(0, 0, 0),
      { wants = "logits" })
    raises('want must be "outputs" or "logits", got "both"', m.run, m, plain(0, 0, 0),
      { want = "both" })
    local closed = plain(0, 0, 0)
    closed:close()
    raises("attempt to use a closed tensor", m.run, m, closed)
  end)

  it("tells where the time goes", function()
    local rows = assert(m:profile(plain(1, 2, 3), 2))
    assert.equal(m:stats().nodes, #rows)
    for _, row in ipairs(rows) do
      assert.is_true(row.ms >= 0 and row.ms < 10000 and #row.op > 0 and #row.kernel > 0)
    end
    raises("runs must be 1..10000", m.profile, m, plain(1, 2, 3), 0)
    raises("65", m.profile, m, core.mask(3, 3))
  end)

  it("ends with close", function()
    collectgarbage()
    collectgarbage()
    local before = core.memory()
    local n = assert(core.load_model(colors_path))
    assert.is_true(core.memory() > before)
    n:close()
    n:close()
    assert.equal(before, core.memory())
    assert.equal("model (closed)", tostring(n))
    for _, name in ipairs { "name", "format", "input", "output", "head", "stats", "nodes",
      "removed", "operators", "run", "start", "profile" } do
      raises("attempt to use a closed model", n[name], n)
    end
    raises("lab.Model expected, got number", n.name, 5)
  end)

  it("outlives the file's bytes", function()
    local n <close> = assert(core.load_model_bytes(support.read(colors_path), "own"))
    collectgarbage()
    collectgarbage()
    assert.equal(1, assert(n:run(plain(255, 0, 0)))[1]:get(1))
  end)
end)

describe("published weights", function()
  it("load and run", function()
    if not sys.stat(weights) then
      pending("there is no " .. weights)
      return
    end
    local m <close> = assert(core.load_model(weights))
    assert.same({ 1, 513, 513, 3 }, m:input().shape)
    assert.equal(21, m:head().channels)
    -- A resize from 33x33 to 33x33 is taken out; nothing does its work.
    local resize
    for _, node in ipairs(m:removed()) do
      resize = node.index == 69 and node or resize
    end
    assert.same({ 69, "resize_bilinear", "RESIZE_BILINEAR" }, { resize.index, resize.op,
      resize.label })
    assert.is_true(resize.into == nil and #resize.reason > 0 and #resize.name > 0)
    local out = assert(m:run(core.tensor { dtype = "u8", shape = { 1, 513, 513, 3 } }))
    assert.same({ 1, 513, 513 }, out[1]:shape())
    assert.same({ 1, 33, 33, 21 }, assert(m:run(core.tensor { dtype = "u8",
      shape = { 1, 513, 513, 3 } }, { want = "logits" }))[1]:shape())
  end)
end)
