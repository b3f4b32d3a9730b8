-- lab.sys: files, other programs, time and the terminal.

require "busted.runner"()

local core = require "lab.core"
local sys = require "lab.sys"
local support = require "support"
local raises, fails = support.raises, support.fails

describe("files", function()
  local folder
  before_each(function() folder = assert(sys.tmp_dir "sys-spec-") end)
  after_each(function() sys.remove_tree(folder) end)

  it("have facts", function()
    core.write_file(folder .. "/f", "12345")
    local info = assert(sys.stat(folder .. "/f"))
    assert.same({ "file", 5 }, { info.type, info.size })
    assert.is_true(math.abs(info.mtime - sys.now()) < 60)
    assert.equal("dir", sys.stat(folder).type)
    assert.equal("other", sys.stat("/dev/null").type)
    assert.is_true(info.inode ~= sys.stat(folder).inode)
    fails("NOT_FOUND", folder .. "/none", sys.stat(folder .. "/none"))
    raises("string expected", sys.stat)
  end)

  it("are listed in order of bytes", function()
    for _, name in ipairs { "b", "a", "B", "ä", ".hidden", "a b" } do
      core.write_file(folder .. "/" .. name, "")
    end
    core.make_dirs(folder .. "/d")
    sys.spawn { "ln", "-s", "a", folder .. "/to-file" }
    sys.spawn { "ln", "-s", "d", folder .. "/to-dir" }
    sys.spawn { "ln", "-s", "nowhere", folder .. "/to-nothing" }
    local names, types = {}, {}
    for i, entry in ipairs(assert(sys.list(folder))) do
      names[i] = entry.name
      types[entry.name] = entry.type .. (entry.link and " link" or "")
    end
    assert.same({ ".hidden", "B", "a", "a b", "b", "d", "to-dir", "to-file", "to-nothing", "ä" },
      names)
    assert.same({ "dir", "file", "dir link", "file link", "broken link" }, { types.d, types.a,
      types["to-dir"], types["to-file"], types["to-nothing"] })
    fails("NOT_FOUND", "none", sys.list(folder .. "/none"))
    assert.is_nil((sys.list(folder .. "/a")))
  end)

  it("move and go", function()
    core.write_file(folder .. "/a", "x")
    assert.is_true(sys.rename(folder .. "/a", folder .. "/b"))
    assert.equal("x", core.read_file(folder .. "/b"))
    fails("NOT_FOUND", folder .. "/a", sys.rename(folder .. "/a", folder .. "/c"))
    core.make_dirs(folder .. "/full/inner")
    assert.is_nil((sys.remove(folder .. "/full")))
    assert.is_true(sys.remove(folder .. "/full/inner"))
    assert.is_true(sys.remove(folder .. "/b"))
    fails("NOT_FOUND", folder .. "/b", sys.remove(folder .. "/b"))
  end)

  it("have real paths", function()
    sys.spawn { "ln", "-s", folder, folder .. "/self" }
    assert.equal(sys.real_path(folder), sys.real_path(folder .. "/self/self/."))
    fails("NOT_FOUND", "none", sys.real_path(folder .. "/none"))
    assert.equal("/", sys.cwd():sub(1, 1))
  end)

  it("of our own are removed with all that is in them, others never", function()
    local own = assert(sys.tmp_dir())
    core.make_dirs(own .. "/a/b/c")
    core.write_file(own .. "/a/b/f", "x")
    sys.spawn { "ln", "-s", folder, own .. "/outside" }
    core.write_file(folder .. "/kept", "x")
    assert.is_true(sys.remove_tree(own))
    assert.is_nil((sys.stat(own)))
    assert.is_truthy(sys.stat(folder .. "/kept"))
    raises("was not made by tmp_dir", sys.remove_tree, own)
    raises("was not made by tmp_dir", sys.remove_tree, folder .. "/kept")
    raises("was not made by tmp_dir", sys.remove_tree, "/")
    raises("must not contain '/'", sys.tmp_dir, "a/b")
    assert.equal("700", select(2, sys.spawn({ "stat", "-c", "%a", folder },
      { stdout = "capture" })):match "%d+")
  end)
end)

describe("spawn", function()
  it("gives the exit code and what was written", function()
    assert.same({ 3 }, { sys.spawn { "sh", "-c", "exit 3" } })
    assert.same({ 0, "out\n", "err\n" }, { sys.spawn({ "sh", "-c", "echo out; echo err >&2" },
      { stdout = "capture", stderr = "capture" }) })
    assert.same({ 0, "" }, { sys.spawn({ "true" }, { stdout = "capture" }) })
    assert.same({ 0 }, { sys.spawn({ "sh", "-c", "echo no; echo no >&2" },
      { stdout = "null", stderr = "null" }) })
    assert.same({ 128 + 9 }, { sys.spawn { "sh", "-c", "kill -9 $$" } })
  end)

  it("reads more than a pipe holds, from both streams", function()
    local _, out, err = sys.spawn({ "sh", "-c",
      "head -c 1000000 /dev/zero; head -c 900000 /dev/zero >&2; head -c 5 /dev/zero" },
      { stdout = "capture", stderr = "capture" })
    assert.same({ 1000005, 900000 }, { #out, #err })
  end)

  it("uses no shell", function()
    local _, out = sys.spawn({ "echo", "$HOME; `id` \"x\"" }, { stdout = "capture" })
    assert.equal("$HOME; `id` \"x\"\n", out)
  end)

  it("runs in a folder of choice", function()
    local _, out = sys.spawn({ "pwd" }, { stdout = "capture", cwd = "/" })
    assert.equal("/\n", out)
    assert.is_nil((sys.spawn({ "pwd" }, { cwd = "/no/such/folder" })))
  end)

  it("leaves the child the usual signals", function()
    local _, out = sys.spawn({ "sh", "-c", "yes | head -n 1; echo done" }, { stdout = "capture" })
    assert.equal("y\ndone\n", out)
  end)

  it("fails with a sentence", function()
    fails("NOT_FOUND", "no-such-program", sys.spawn { "no-such-program" })
    raises("table expected", sys.spawn, "ls")
    raises("must be a list", sys.spawn, {})
    raises("argument 2 must be a string, got 5", sys.spawn, { "echo", 5 })
    raises("argument 2 contains a zero byte", sys.spawn, { "echo", "a\0b" })
    raises('spawn: unknown option "stdot"; did you mean "stdout"?', sys.spawn, { "true" },
      { stdot = "null" })
    raises('stdout must be "inherit", "capture" or "null", got "file"', sys.spawn, { "true" },
      { stdout = "file" })
  end)
end)

describe("facts", function()
  it("are there", function()
    assert.is_truthy(sys.exe():find "^/.*lualab$")
    assert.equal("dir", sys.stat(sys.data_dir() .. "/scripts").type)
    assert.equal("/", sys.plugin_dir():sub(1, 1))
    local options = sys.options()
    assert.same({ 0, {} }, { options.verbose, options.plugins })
    assert.is_true(sys.pid() > 0)
    assert.is_true(sys.peak_memory() > 1e6)
    local home = sys.getenv "HOME"
    sys.setenv("HOME", "/some/where")
    assert.equal("/some/where", sys.home())
    sys.setenv("HOME", nil)
    assert.equal("/", sys.home():sub(1, 1))
    sys.setenv("HOME", home)
    assert.is_true(sys.columns() > 0)
    assert.equal("boolean", type(sys.is_tty(0)))
    raises("fd must be 0..2, got 3", sys.is_tty, 3)
  end)

  it("of time", function()
    local start = sys.clock()
    assert.is_true(sys.clock() >= start)
    assert.is_true(math.abs(sys.now() - os.time()) < 2)
    assert.equal("1970-01-01T00:00:00Z", sys.utc(0))
    assert.equal("2026-01-31T12:00:00Z", sys.utc(1769860800.7))
    assert.is_truthy(sys.utc():find "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$")
    raises("outside the years", sys.utc, 1e300)
    raises("outside the years", sys.utc, 0 / 0)
  end)

  it("of the environment", function()
    assert.is_true(sys.setenv("LUALAB_SPEC", "x"))
    assert.equal("x", sys.getenv "LUALAB_SPEC")
    local _, out = sys.spawn({ "sh", "-c", "echo $LUALAB_SPEC" }, { stdout = "capture" })
    assert.equal("x\n", out)
    assert.is_true(sys.setenv("LUALAB_SPEC", nil))
    assert.is_nil(sys.getenv "LUALAB_SPEC")
    raises("not a variable's name", sys.setenv, "A=B", "x")
    raises("not a variable's name", sys.setenv, "", "x")
  end)
end)
