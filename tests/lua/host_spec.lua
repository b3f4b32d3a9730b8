-- The program around Lua: options, exit codes, signals, and output that cannot be written.

require "busted.runner"()

local core = require "lab.core"
local sys = require "lab.sys"

local folder
setup(function() folder = assert(sys.tmp_dir "host-spec-") end)
teardown(function() assert(sys.remove_tree(folder)) end)

--- Runs the program on a script with these arguments around it; gives code, stdout and stderr.
local function run(script, before, after)
  local path = folder .. "/script.lua"
  assert(core.write_file(path, script))
  local argv = { sys.exe() }
  table.move(before or {}, 1, #(before or {}), 2, argv)
  argv[#argv + 1] = "--script"
  argv[#argv + 1] = path
  table.move(after or {}, 1, #(after or {}), #argv + 1, argv)
  return sys.spawn(argv, { stdout = "capture", stderr = "capture" })
end

--- The same through a shell, for pipes and redirections; PROGRAM and SCRIPT stand for the two.
local function shell(script, command)
  local path = folder .. "/script.lua"
  assert(core.write_file(path, script))
  sys.setenv("PROGRAM", sys.exe())
  sys.setenv("SCRIPT", path)
  return sys.spawn({ "bash", "-c", command }, { stdout = "capture", stderr = "capture" })
end

describe("a script", function()
  it("gives the exit code", function()
    assert.equal(0, (run ""))
    assert.equal(0, (run "return true"))
    assert.equal(1, (run "return false"))
    assert.equal(7, (run "return 7"))
    assert.equal(1, (run "return 256"))
    assert.equal(3, (run "os.exit(3)"))
  end)

  it("gets its arguments, options too", function()
    local code, out = run([[print(arg[0]:match "[^/]+$", arg[1], arg[2], #arg, ...)]], {},
      { "-v", "--threads" })
    assert.same({ 0, "script.lua\t-v\t--threads\t2\t-v\t--threads\n" }, { code, out })
  end)

  it("finds the library", function()
    local code, out = run "print(package.searchpath('lab', package.path) ~= nil)"
    assert.same({ 0, "true\n" }, { code, out })
  end)

  it("that fails shows where", function()
    local code, out, err = run "local function f() error 'broken' end f()"
    assert.same({ 1, "" }, { code, out })
    assert.is_truthy(err:find("script.lua:1: broken", 1, true))
    assert.is_truthy(err:find("stack traceback", 1, true))
    assert.equal("lualab: ", err:sub(1, 8))
    assert.is_truthy(select(3, run "error {}"):find("error object is a table value", 1, true))
    assert.is_truthy(select(3, run [[error(setmetatable({}, {
      __tostring = function() return "as text" end }))]]):find("as text", 1, true))
  end)

  it("that is none is named", function()
    local code, _, err = run "this is no Lua"
    assert.equal(1, code)
    assert.is_truthy(err:find("script.lua:1: syntax error", 1, true))
    code, _, err = sys.spawn({ sys.exe(), "--script", folder .. "/none.lua" },
      { stderr = "capture" })
    assert.equal(1, code)
    assert.is_truthy(err:find("none.lua", 1, true))
  end)
end)

describe("options", function()
  local show = [[local o = require "lab.sys".options()
    print(o.threads, o.verbose, o.kernels, #o.plugins, require "lab.core".threads())]]

  it("are taken out wherever they stand", function()
    local alone = os.getenv "TEST_NO_THREADS" == "ON" -- however many are asked for
    assert.equal(("3\t0\tnil\t0\t%d\n"):format(alone and 1 or 3),
      select(2, run(show, { "--threads", "3" })))
    assert.equal(("2\t2\treference\t0\t%d\n"):format(alone and 1 or 2),
      select(2, run(show, { "-v", "--threads=2", "-v", "--kernels=reference" })))
    assert.equal("2", select(2, run(show, { "-vv" })):match "^nil\t(%d)")
  end)

  it("that are wrong end the program with a sentence", function()
    local cases = {
      { { "--threads", "0" }, "--threads must be 1..256, got '0'" },
      { { "--threads", "two" }, "--threads must be 1..256, got 'two'" },
      { { "--threads=" }, "--threads needs a value" },
      { { "--kernels" }, "--kernels" },
      { { "--kernels", "avx9000" }, "avx9000" },
    }
    for _, case in ipairs(cases) do
      local argv = { sys.exe(), table.unpack(case[1]) }
      local code, out, err = sys.spawn(argv, { stdout = "capture", stderr = "capture" })
      assert.same({ 2, "" }, { code, out })
      assert.is_truthy(err:find(case[2], 1, true), err)
    end
  end)

  it("may name a plugin that does not load: a warning", function()
    local code, out, err = run("print 'on'", { "--plugin", "/no/such/plugin.so" })
    assert.same({ 0, "on\n" }, { code, out })
    assert.is_truthy(err:find("warning: .*/no/such/plugin%.so"))
  end)
end)

describe("output", function()
  it("to a full disk is an error", function()
    local code, _, err = shell("print 'x'", '"$PROGRAM" --script "$SCRIPT" > /dev/full')
    assert.equal(1, code)
    assert.is_truthy(err:find("lualab: standard output: could not be written", 1, true), err)
  end)

  it("to a closed pipe is an error, not a signal", function()
    local _, out, err = shell("for i = 1, 100000 do print(i) end",
      '"$PROGRAM" --script "$SCRIPT" | head -n 1; echo "${PIPESTATUS[0]}"')
    assert.equal("1\n1\n", out)
    assert.is_truthy(err:find("standard output was closed", 1, true), err)
  end)
end)

describe("Ctrl-C", function()
  if sys.getenv "TEST_SANITIZE" == "thread" then
    pending "ThreadSanitizer holds signals back while Lua runs"
    return
  end

  for _, signal in ipairs { "INT", "TERM" } do
    it("raises in Lua code: SIG" .. signal, function()
      local code, _, err = shell("while true do end",
        ('"$PROGRAM" --script "$SCRIPT" & sleep 0.5; kill -%s $!; wait $!'):format(signal))
      assert.same({ 130, "lualab: interrupted\n" }, { code, err })
    end)
  end

  it("can be caught, and the next is new", function()
    local code, out = shell([[
      local core = require "lab.core"
      for i = 1, 2 do
        local ok, message = pcall(function() while true do end end)
        print(ok, message:match "interrupted!", core.stopped())
        core.clear_stop()
        print(core.stopped())
      end
      return 5]],
      '"$PROGRAM" --script "$SCRIPT" & sleep 0.5; kill -INT $!; sleep 0.5; kill -INT $!; wait $!')
    assert.same({ 5, ("false\tinterrupted!\ttrue\nfalse\n"):rep(2) }, { code, out })
  end)

  it("ends C work with nil, message, code", function()
    local code, out = shell([[
      local core, sys = require "lab.core", require "lab.sys"
      local db = assert(core.catalog(":memory:", "create"))
      local s = assert(db:prepare("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        .. " SELECT count(*) FROM n"))
      local ok, message = pcall(function()
        local value, text, code = s:step()
        print(value, code)
      end)
      print(ok, message)
      core.clear_stop()
      return 0]],
      '"$PROGRAM" --script "$SCRIPT" & sleep 0.7; kill -INT $!; wait $!')
    assert.equal(0, code)
    assert.is_truthy(out:find("interrupted!", 1, true) or out:find("INTERRUPTED", 1, true), out)
  end)

  it("pressed twice kills", function()
    local code = shell("while true do pcall(function() while true do end end) end",
      '"$PROGRAM" --script "$SCRIPT" & sleep 0.5; kill -INT $!; sleep 0.3; kill -INT $!; wait $!')
    assert.equal(128 + 2, code)
  end)
end)
