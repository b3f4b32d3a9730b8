-- The progress line of a batch: on standard error, only when that is a terminal, one line that is
-- written over. What is being done, how far it is, how fast it goes and when it will be done.

local paint = require "lab.paint"
local sys = require "lab.sys"

local progress = {}

local shown = false

--- Takes the line away, so that something else can be printed.
function progress.clear()
  if shown then
    io.stderr:write "\r\27[K"
    io.stderr:flush()
    shown = false
  end
end

--- "2 s", "3 min", "1 h 20 min".
---@param seconds number
---@return string
function progress.duration(seconds)
  if seconds < 90 then
    return ("%.0f s"):format(seconds)
  elseif seconds < 5400 then
    return ("%.0f min"):format(seconds / 60)
  end
  return ("%d h %d min"):format(seconds // 3600, seconds % 3600 // 60)
end

--- Cuts text to a number of columns, at its start, at a character boundary: the end of a path says
--- more.
local function fit_text(text, columns)
  local length = utf8.len(text) or #text
  if length <= columns then
    return text
  elseif columns < 4 then
    return ""
  end
  if not utf8.len(text) then
    return "…" .. text:sub(-(columns - 1))
  end
  return "…" .. text:sub(utf8.offset(text, length - columns + 2))
end
progress.fit_text = fit_text

---@class lab.Progress
---@field total integer
---@field done integer
---@field failed integer
local Progress = {}
Progress.__index = Progress

--- A line for `total` things. It stays silent when standard error is no terminal.
---@param total integer
---@return lab.Progress
function progress.new(total)
  return setmetatable({
    total = total, done = 0, failed = 0, start = sys.clock(),
    active = total > 1 and sys.is_tty(2),
  }, Progress)
end

local function styled(style, text)
  return paint.wanted(2) and paint.text(style, text) or text
end

--- The line as text, without colours.
---@param current string  what is being worked on
---@param elapsed number  seconds since the start
---@return string head, string tail
function Progress:text(current, elapsed)
  local head = ("%d/%d"):format(self.done + 1, self.total)
  local tail = ""
  if self.done > 0 and elapsed > 0 then
    local rate = self.done / elapsed
    tail = ("  %.1f/s, %s left"):format(rate,
      progress.duration((self.total - self.done) / rate))
  end
  if self.failed > 0 then
    tail = tail .. (", %d failed"):format(self.failed)
  end
  return head, " " .. current .. tail
end

--- Shows what is being worked on.
---@param current string
function Progress:show(current)
  if not self.active then
    return
  end
  local columns = sys.columns()
  local elapsed = sys.clock() - self.start
  local head, rest = self:text(current, elapsed)
  local tail = rest:sub(#current + 2)
  local room = columns - #head - #tail - 2
  io.stderr:write("\r\27[K", styled("1", head), " ", fit_text(current, room), styled("2", tail))
  io.stderr:flush()
  shown = true
end

--- Counts one thing as done.
---@param ok boolean
function Progress:step(ok)
  self.done = self.done + 1
  if not ok then
    self.failed = self.failed + 1
  end
end

function Progress.finish()
  progress.clear()
end

return progress
