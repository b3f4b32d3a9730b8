-- The line-by-line Lua, fed from a file; terminal.c does the same with keys.

require "busted.runner"()

local core = require "lab.core"
local repl = require "lab.repl"
local sys = require "lab.sys"

local folder
setup(function()
  folder = assert(sys.tmp_dir "repl-spec-")
  sys.setenv("XDG_STATE_HOME", folder)
  sys.setenv("PROGRAM", sys.exe())
  sys.setenv("FOLDER", folder)
end)
teardown(function() assert(sys.remove_tree(folder)) end)

--- Types these lines; gives exit code, stdout and stderr.
local function type_lines(lines, options)
  assert(core.write_file(folder .. "/input", table.concat(lines, "\n") .. "\n"))
  return sys.spawn({ "sh", "-c", '"$PROGRAM" repl ' .. (options or "") .. ' < "$FOLDER/input"' },
    { stdout = "capture", stderr = "capture" })
end

local function given(...)
  local code, out, err = sys.spawn({ sys.exe(), "repl", ... },
    { stdout = "capture", stderr = "capture" })
  return code, out, err ~= "" and err or nil
end

describe("the loop", function()
  it("prints expressions and runs statements", function()
    local code, out, err = type_lines { "1 + 1", "x = 5", "x, nil, 'a'", "=x + 1", "", "-- note",
      "nil", "_" }
    assert.same({ 0, "2\n5\tnil\ta\n6\nnil\nnil\n", "" }, { code, out, err })
  end)

  it("goes on with the next line while a chunk is not complete", function()
    local _, out = type_lines { "for i = 1, 2 do", "  print(i)", "end", "(", "7", ")", "[[a",
      "b]]" }
    assert.equal("1\n2\n7\na\nb\n", out)
  end)

  it("reports errors and goes on", function()
    local code, out, err = type_lines { "error 'oops'", "x +", "1 1", "error {}", "y.z", "'on'" }
    assert.same({ 0, "on\n" }, { code, out })
    for _, text in ipairs { "stdin:1: oops\n", "(error object is a table value)\n",
      "attempt to index a nil value (global 'y')", "<eof>" } do
      assert.is_truthy(err:find(text, 1, true) or text == "<eof>", err)
    end
    assert.is_nil(err:find("traceback", 1, true))
  end)

  it("tells where the last error came from on request", function()
    local _, _, err = type_lines { "traceback()", "function f() error 'deep' end", "f()",
      "traceback()" }
    assert.is_truthy(err:find("there was no error yet", 1, true))
    assert.is_truthy(err:find("stack traceback:.*in function 'f'"))
    assert.is_truthy(select(3, type_lines({ "error 'x'" }, "-v")):find("stack traceback", 1, true))
  end)

  it("prints through the global print, whatever that is", function()
    local _, out, err = type_lines { "local p = print; print = function(v) p('<' .. v .. '>') end",
      "3", "print = 5", "4" }
    assert.equal("<3>\n", out)
    assert.is_truthy(err:find("error calling 'print'", 1, true))
  end)

  it("knows the library", function()
    local _, out = type_lines { "lab.version", "help()", "help 'image.resize'",
      "help(lab.core.image(1, 1, 1))" }
    assert.is_truthy(out:find(core.version, 1, true))
    assert.is_truthy(out:find("locals do not", 1, true))
    assert.is_truthy(out:find("width", 1, true))
  end)

  it("ends at the end of input in the middle of a chunk", function()
    local code, _, err = type_lines { "for i = 1, 2 do" }
    assert.equal(0, code)
    assert.is_truthy(err:find("<eof>", 1, true))
  end)
end)

describe("what is given", function()
  it("runs in order, with modules first", function()
    assert.same({ 0, "3\n" }, { given("-e", "x = 3", "-e", "x") })
    assert.same({ 0, "table\n" }, { given("-l", "j=lab.json", "-e", "type(j)") })
    assert.equal(1, (given("-l", "no.such.module", "-e", "1")))
    assert.equal(1, (given("-e", "error 'x'", "-e", "print 'not reached'")))
  end)

  it("includes LUA_INIT", function()
    sys.setenv("LUA_INIT", "greeting = 'hello'")
    assert.same({ 0, "hello\n" }, { given("-e", "greeting") })
    assert.same({ 0, "nil\n" }, { given("-E", "-e", "greeting") })
    core.write_file(folder .. "/init.lua", "greeting = 'from a file'")
    sys.setenv("LUA_INIT_5_4", "@" .. folder .. "/init.lua")
    assert.same({ 0, "from a file\n" }, { given("-e", "greeting") })
    sys.setenv("LUA_INIT", nil)
    sys.setenv("LUA_INIT_5_4", nil)
  end)

  it("may end in a prompt", function()
    local _, out = type_lines({ "x + 1" }, "-e 'x = 1' -i")
    assert.equal("2\n", out)
  end)
end)

describe("compile", function()
  it("tells apart wrong and not complete", function()
    assert.is_function(repl.compile "1 + 1")
    assert.is_function(repl.compile "local x")
    assert.same({ nil, true }, { repl.compile "f(", (select(3, repl.compile "f(")) })
    assert.is_false(select(3, repl.compile "f)"))
    assert.is_nil((repl.compile "\27Lua"))
  end)

  it("has a place for what was typed", function()
    assert.equal(folder .. "/lualab/history", repl.history_file())
  end)
end)

describe("inspect", function()
  local inspect = repl.inspect

  it("writes tables as Lua does, with sorted keys", function()
    assert.equal('{ 1, "a", b = true }', inspect { 1, "a", b = true })
    assert.equal('{ [2.5] = 0, ["a b"] = 1, ["end"] = 2, x = 3 }',
      inspect { x = 3, ["end"] = 2, ["a b"] = 1, [2.5] = 0 })
    assert.equal("{}", inspect {})
    assert.equal('"two\\nlines\\27"', inspect "two\nlines\27")
  end)

  it("is bounded in depth, entries, width and strings", function()
    assert.equal("{ { { {…} } } }", inspect { { { { 1 } } } })
    assert.equal("{ {…} }", inspect({ { 1 } }, { depth = 1 }))
    assert.equal("{ 0, 0, … 3 more }", inspect({ 0, 0, 0, 0, 0 }, { items = 2 }))
    assert.equal('"ab"…', inspect("abc", { string = 2 }))
    assert.equal('"ä"…', inspect("äö", { string = 3 }))
    assert.equal("{\n  aaaa = 1,\n  bbbb = 2\n}", inspect({ aaaa = 1, bbbb = 2 }, { width = 12 }))
  end)

  it("survives cycles and values that cannot say what they are", function()
    local t = { 1 }
    t.self = t
    assert.equal("{ 1, self = <cycle> }", inspect(t))
    assert.equal("{ { 1 }, { 1 } }", inspect((function(u) return { u, u } end) { 1 }))
    assert.is_truthy(inspect(setmetatable({}, { __tostring = error })):find "fails")
    assert.equal("me", inspect(setmetatable({}, { __tostring = function() return "me" end })))
    assert.equal("{ 1 }", inspect(setmetatable({ 1 }, { __index = error, __pairs = error,
      __len = error })))
  end)

  it("shows the first elements of tensors", function()
    local t = core.tensor { dtype = "u8", shape = { 3 }, data = "\1\2\3" }
    assert.is_truthy(inspect(t):find("u8: 1 2 3", 1, true))
    assert.is_truthy(inspect(t, { items = 2 }):find("1 2 … 1 more", 1, true))
  end)

  it("colours by type when asked", function()
    assert.equal('{ \27[36m1\27[0m, \27[32m"a"\27[0m }', inspect({ 1, "a" }, { colors = true }))
  end)
end)

describe("completion", function()
  local function at(line, earlier)
    return repl.complete(earlier or "", line, #line)
  end

  it("inserts what is certain and lists the rest", function()
    assert.equal("ing", (at "str"))
    assert.equal("e", (at "string.r"))
    assert.is_truthy(select(2, at "string.re"):find("rep +reverse"))
    assert.is_nil((at "nothing.like.this"))
    assert.equal("  ", (at("", "for i = 1, 2 do\n")))
    assert.equal("erse", (at("x = string.rev", "y = 1\n")))
  end)

  it("closes strings, but not of folders", function()
    assert(core.write_file(folder .. "/only.txt", "x"))
    assert(core.make_dirs(folder .. "/folder"))
    assert.equal("ly.txt'", (at("io.open('" .. folder .. "/on")))
    assert.equal("der/", (at("io.open('" .. folder .. "/fol")))
  end)

  it("knows commands and their arguments", function()
    assert.equal("me", (at ":ti"))
    assert.equal("erse", (at ":time string.rev"))
    assert.equal("ze", (at ":ops image.resi"))
    assert.equal("fy", (at ":models veri"))
    assert.equal("ECT", (at ":sql SEL"))
    assert.equal("ct", (at ":sql sele"))
    assert.is_nil((at "::lab"))
  end)
end)

describe("commands", function()
  it("run what the program has, and tell what is wrong", function()
    local code, out, err = type_lines { ":time 1 + 1", ":ops resize", ":opps", ":repl", "::l::",
      ":time +", ":quit", "'not reached'" }
    assert.equal(0, code)
    assert.is_truthy(out:find("^2\n[%d.]+ ms\nimage.resize: "))
    assert.is_truthy(err:find('there is no command "opps"; did you mean "ops"?', 1, true))
    assert.is_truthy(err:find("this is the prompt", 1, true))
    assert.is_nil(out:find("not reached", 1, true))
  end)

  it("end also as at other prompts, unless that is a variable", function()
    for _, word in ipairs { "exit", "quit" } do
      local code, out = type_lines { word, "'not reached'" }
      assert.equal(0, code)
      assert.is_nil(out:find("not reached", 1, true))
    end
    local _, out = type_lines { "exit = 3", "exit" }
    assert.is_truthy(out:find "3")
  end)

  it("have help, as functions and values do", function()
    local _, out = type_lines { ":help", "?lab.open", "help(lab.core.image(1, 1, 1).crop)",
      "help(print)", "?" }
    assert.is_truthy(out:find(":sql  ", 1, true))
    assert.is_truthy(out:find("function picture.open(", 1, true))
    assert.is_truthy(out:find("image.crop:", 1, true))
    assert.is_truthy(out:find("written in C", 1, true))
    assert.is_truthy(out:find("Globals stay from line to line", 1, true))
  end)

  it("have help without brackets, too", function()
    local _, out = type_lines { "help" }
    assert.is_truthy(out:find("Globals stay from line to line", 1, true))
    assert.is_nil(out:find("function: ", 1, true))
  end)

  it("have help on modules and stages, each function with what it does", function()
    local _, out = type_lines { "help(lab)", "help(lab.stages)", "help(lab.stages.colorize)" }
    assert.is_truthy(out:find("\n  segment          Segments one picture\n", 1, true))
    assert.is_truthy(out:find("\n  version (string)\n", 1, true))
    assert.is_truthy(out:find("\n  colorize         Lays the colours over the picture", 1, true))
    assert.is_truthy(out:find("\n  evaluate         %u%l+ "))
    assert.is_truthy(out:find("alpha = 0..1 (0.6)", 1, true))
    for line in out:gmatch "[^\n]+" do
      assert.is_true(utf8.len(line) <= 100, line)
    end
  end)
end)
