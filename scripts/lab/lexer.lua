-- Lua's tokens, as far as completion needs them: names, numbers, strings and single characters of
-- everything else. Text that ends in the middle of a string or comment is no error: that is where a
-- user is typing.

local lexer = {}

---@class lab.Token
---@field type "name"|"number"|"string"|"symbol"
---@field text string   of a string: its content, escapes as they are
---@field at integer    position of its first byte

local long_open = "^%[(=*)%["

--- The end of a quoted string whose content begins at `at`: position of the closing quote, or nil.
local function closing_quote(text, at, quote)
  while at <= #text do
    local c = text:sub(at, at)
    if c == quote then
      return at
    end
    at = at + (c == "\\" and 2 or 1)
  end
end

--- A string that begins at `at`: where its content begins, the last byte of the content, and the
--- position after it; the last two are nil when it does not end.
local function string_at(text, at)
  local level = text:match(long_open, at)
  if level then
    local first = at + 2 + #level
    local last, stop = text:find("]" .. level .. "]", first, true)
    return first, last and last - 1, stop and stop + 1
  end
  local last = closing_quote(text, at + 1, text:sub(at, at))
  return at + 1, last and last - 1, last and last + 1
end

--- The position after a comment that begins at `at`, or nil when the text ends in it.
local function after_comment(text, at)
  local level = text:match(long_open, at + 2)
  local _, stop
  if level then
    _, stop = text:find("]" .. level .. "]", at + 4 + #level, true)
  else
    stop = text:find("\n", at, true)
  end
  return stop and stop + 1
end

--- The tokens of a text. With an unfinished string: its token beside them (`text` is what there is
--- of it). With an unfinished comment: "comment".
---@param text string
---@return lab.Token[] tokens
---@return lab.Token|"comment"|nil unfinished
function lexer.tokens(text)
  local tokens, at = {}, 1
  local function add(kind, content, length)
    tokens[#tokens + 1] = { type = kind, text = content, at = at }
    at = at + length
  end
  while true do
    at = text:find("%S", at)
    if not at then
      return tokens
    end
    local name = text:match("^[%a_][%w_]*", at)
    local number = not name and text:match("^%.?%d[%w%.]*", at)
    if name then
      add("name", name, #name)
    elseif number then
      add("number", number, #number)
    elseif text:find("^%-%-", at) then
      at = after_comment(text, at)
      if not at then
        return tokens, "comment"
      end
    elseif text:find("^[\"']", at) or text:find(long_open, at) then
      local first, last, after = string_at(text, at)
      if not after then
        return tokens, { type = "string", text = text:sub(first), at = first }
      end
      add("string", text:sub(first, last), after - at)
    else
      add("symbol", text:sub(at, at), 1)
    end
  end
end

return lexer
