-- Functions of lab.core that are about no single type.

require "busted.runner"()

local core = require "lab.core"
local sys = require "lab.sys"
local support = require "support"
local raises, fails = support.raises, support.fails

describe("pictures", function()
  it("come back from PNG as they went", function()
    for _, channels in ipairs { 1, 3, 4 } do
      local img = support.picture(7, 5, channels)
      local png = assert(img:encode { format = "png" })
      assert.is_true(core.decode(png) == img)
      local info = core.probe(png)
      assert.same({ 7, 5, "png", 1, false },
        { info.width, info.height, info.format, info.orientation, info.sixteen_bit })
    end
  end)

  it("that are none are an error of the world", function()
    fails("FORMAT", "", core.decode "")
    fails("FORMAT", "plain text", core.decode "plain text")
    fails("FORMAT", "", core.probe "\137PNG")
    local png = support.picture(64, 64, 3):encode { format = "png" }
    local value, _, code = core.decode(png:sub(1, #png // 2))
    assert.same({ nil, "FORMAT" }, { value, code })
  end)

  it("are misused with a sentence", function()
    raises("string expected, got no value", core.decode)
    raises("string expected, got table", core.probe, {})
    raises('core.decode: unknown option "orinet"; did you mean "orient"?', core.decode, "x",
      { orinet = true })
    raises("core.decode: orient must be true or false, got 1", core.decode, "x", { orient = 1 })
    raises("table expected, got boolean", core.decode, "x", true)
  end)

  it("of label maps give ids and the palette", function()
    local map = support.map(6, 4, support.labels())
    local png = assert(map:encode())
    local back, palette = core.decode_map(png)
    assert.is_true(back == map)
    assert.is_nil(back:labels())
    assert.equal(0x40ff80, palette[2])
    assert.equal("cat", core.decode_map(png, support.labels()):labels():label(1))
    raises("lab.Labels expected, got table", core.decode_map, png, {})
    fails("FORMAT", "", core.decode_map "no")
    local grey, none = core.decode_map(core.mask(2, 1, "\3\250"):encode())
    assert.same({ 250, nil }, { grey:at(1, 0), none })
    assert.equal("UNSUPPORTED", select(3, core.decode_map(
      support.picture(2, 2, 3):encode { format = "png" })))
  end)
end)

describe("files", function()
  local folder
  setup(function() folder = assert(sys.tmp_dir "core-spec-") end)
  teardown(function() assert(sys.remove_tree(folder)) end)

  it("are written whole and read whole", function()
    local path = folder .. "/a.bin"
    local bytes = ("a\0b\255"):rep(1000)
    assert.is_true(core.write_file(path, bytes))
    assert.equal(bytes, core.read_file(path))
    assert.is_true(core.write_file(path, "", { durable = true }))
    assert.equal("", core.read_file(path))
    assert.equal("abc", (core.write_file(path, "abc") and core.read_file(path, 3)))
    fails("LIMIT", path, core.read_file(path, 2))
    assert.same({ "a.bin" }, { sys.list(folder)[1].name })
    assert.equal(1, #sys.list(folder))
  end)

  it("that are not there are errors of the world", function()
    fails("NOT_FOUND", folder .. "/none", core.read_file(folder .. "/none"))
    local value, message, code = core.write_file(folder .. "/no/such/place", "x")
    assert.is_nil(value)
    assert.is_truthy(message:find "no/such/place")
    assert.is_truthy(code == "NOT_FOUND" or code == "IO")
    assert.is_nil((core.read_file(folder)))
  end)

  it("are misused with a sentence", function()
    raises("string expected", core.read_file)
    raises("must not be negative", core.read_file, "x", -1)
    raises("string expected", core.write_file, "x")
    raises('core.write_file: unknown option "durabel"; did you mean "durable"?', core.write_file,
      folder .. "/x", "", { durabel = true })
    assert.is_nil(sys.stat(folder .. "/x"))
  end)

  it("lie in folders that are made as needed", function()
    assert.is_true(core.make_dirs(folder .. "/p/q/r"))
    assert.is_true(core.make_dirs(folder .. "/p/q"))
    assert.is_truthy(sys.stat(folder .. "/p/q/r"))
    core.write_file(folder .. "/file", "")
    assert.is_nil((core.make_dirs(folder .. "/file/below")))
  end)
end)

describe("small services", function()
  it("hash", function()
    assert.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      core.sha256 "")
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      core.sha256 "abc")
  end)

  it("suggest", function()
    assert.equal("resize", core.nearest("resiez", { "crop", "resize", "pad" }))
    assert.is_nil(core.nearest("zzzzzz", { "crop", "resize" }))
    assert.is_nil(core.nearest("a", {}))
    assert.equal("pad", core.nearest("pda", { 1, {}, "pad" }))
    raises("table expected", core.nearest, "x")
  end)

  it("tell about the machine", function()
    assert.is_truthy(core.version:find "^%d+%.%d+%.%d+$")
    assert.is_true(core.threads() >= 1)
    local name, features = core.cpu()
    assert.is_true(#name > 0)
    assert.equal("table", type(features))
    local peak = core.peak()
    assert.is_true(peak.int8 > 1e8 and peak.int8 < 1e15 and peak.f32 > 1e8 and peak.f32 < 1e15)
    assert.is_true(peak.isa == "avx2" or peak.isa == "c")
    assert.is_true(math.type(core.memory()) == "integer")
  end)

  it("hold the stop flag", function()
    assert.is_false(core.stopped())
    core.clear_stop()
    assert.is_false(core.stopped())
  end)
end)

describe("what is registered", function()
  it("is listed with everything a descriptor says", function()
    local ops = core.ops()
    assert.is_true(#ops > 10)
    local resize
    for i, op in ipairs(ops) do
      assert.is_true(i == 1 or ops[i - 1].name < op.name)
      assert.is_true(#op.summary > 0 and #op.plugin > 0)
      assert.is_truthy(op.name:find("." .. op.method, 1, true))
      resize = op.name == "image.resize" and op or resize
    end
    assert.same({ "image", "image", "resize" }, { resize.input, resize.output, resize.method })
    local params = {}
    for _, param in ipairs(resize.params) do
      params[param.name] = param
      assert.is_true(#param.doc > 0)
    end
    assert.same({ "int", 1, 65535 }, { params.width.type, params.width.min, params.width.max })
    assert.equal("enum", params.method.type)
    assert.is_true(#params.method.choices >= 3)
    assert.is_false(params.method.required)
  end)

  it("has names, origins and counts", function()
    local plugins, failures = core.plugins()
    assert.equal("table", type(failures))
    local found
    for _, plugin in ipairs(plugins) do
      found = plugin.ops > 0 and plugin.origin == "built in" or found
      assert.is_true(#plugin.name > 0 and #plugin.version > 0 and #plugin.licence > 0)
    end
    assert.is_true(found)
    assert.equal("tflite", core.loaders()[1].name)
    for _, kernel in ipairs(core.kernels()) do
      assert.is_true(#kernel.op > 0 and #kernel.isa > 0 and kernel.usable ~= nil)
    end
  end)

  it("refuses a plugin that is none", function()
    raises("string expected", core.load_plugin)
    local value, message, code = core.load_plugin "/no/such/lualab_plugin.so"
    assert.is_nil(value)
    assert.is_truthy(message:find("/no/such/lualab_plugin.so", 1, true))
    assert.is_true(#code > 0)
  end)

  it("names the operator behind a function", function()
    assert.equal("image.resize", core.op_name(core.image(1, 1, 1).resize))
    assert.is_nil(core.op_name(print))
    assert.is_nil(core.op_name(function() end))
    assert.is_nil(core.op_name "image.resize")
  end)
end)
