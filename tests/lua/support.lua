-- What the specs share: assertions on the two kinds of failure, and small things to work on.

local core = require "lab.core"

local support = {}

support.shared = os.getenv "TEST_SHARED_DIR" or "../shared"
support.tools = os.getenv "TEST_TOOLS" or "."

--- Misuse: `f` must raise a message that contains `text`.
function support.raises(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok, "no error was raised; expected: " .. text)
  message = tostring(message)
  assert(message:find(text, 1, true), ("expected %q in %q"):format(text, message))
end

--- The outside world: the results must be nil, a message that contains `text`, and `code`.
function support.fails(code, text, value, message, actual, ...)
  assert(value == nil, "expected nil, got " .. tostring(value))
  assert(type(message) == "string" and message:find(text, 1, true),
    ("expected %q in %q"):format(text, tostring(message)))
  assert(actual == code, ("expected code %s, got %s"):format(code, tostring(actual)))
  assert(select("#", ...) == 0, "more than three results")
end

--- A picture whose bytes are all different enough to notice a mix-up.
function support.picture(width, height, channels)
  local bytes = {}
  for i = 1, width * height * channels do
    bytes[i] = string.char(i * 7 % 256)
  end
  return core.image(width, height, channels, table.concat(bytes))
end

--- A label map of a few classes in stripes.
function support.map(width, height, labels)
  local bytes = {}
  for i = 1, width * height do
    bytes[i] = string.char((i - 1) % 3)
  end
  return core.labelmap(width, height, table.concat(bytes), labels)
end

function support.labels()
  return core.labels { name = "pets", names = { "background", "cat", "dog" },
    colors = { 0x000000, 0x400000, 0x40ff80 } }
end

--- The whole file, or nil.
function support.read(path)
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  local bytes = file:read "a"
  file:close()
  return bytes
end

return support
