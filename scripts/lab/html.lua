-- What a page that explains itself needs: text that stays text, and pictures inside the page.

local html = {}

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;",
  ["'"] = "&#39;" }

--- Text in UTF-8: bytes that are none become U+FFFD, one for each byte.
---@param text string
---@return string
function html.valid(text)
  local parts, at = {}, 1
  while at <= #text do
    local ok, bad = utf8.len(text, at)
    if ok then
      parts[#parts + 1] = text:sub(at)
      break
    end
    parts[#parts + 1] = text:sub(at, bad - 1)
    parts[#parts + 1] = "\u{FFFD}"
    at = bad + 1
  end
  return table.concat(parts)
end

--- Any text as the text of a page or as the value of a quoted attribute. Control characters are
--- shown as their pictures (U+2400…), a line end as ␊: a name is one line.
---@param text any
---@return string
function html.escape(text)
  text = html.valid(tostring(text))
  text = text:gsub("[&<>\"']", entities)
  return (text:gsub("%c", function(c)
    return c == "\127" and "\u{2421}" or utf8.char(0x2400 + c:byte())
  end))
end

-- Two digits of base64 for each 12 bits.
local pairs_of_digits

local function make_pairs()
  local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  local list = {}
  for i = 0, 4095 do
    local high, low = i >> 6, i & 63
    list[i] = digits:sub(high + 1, high + 1) .. digits:sub(low + 1, low + 1)
  end
  return list
end

--- Bytes in base64 (RFC 4648, with padding).
---@param bytes string
---@return string
function html.base64(bytes)
  pairs_of_digits = pairs_of_digits or make_pairs()
  local two = pairs_of_digits
  local parts, n = {}, 0
  local whole = #bytes - #bytes % 3
  for i = 1, whole, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    parts[n + 1], parts[n + 2] = two[a << 4 | b >> 4], two[(b & 15) << 8 | c]
    n = n + 2
  end
  if whole < #bytes then
    local a, b = bytes:byte(whole + 1, -1)
    parts[n + 1] = two[a << 4 | (b or 0) >> 4]
    parts[n + 2] = b and two[(b & 15) << 8]:sub(1, 1) .. "=" or "=="
  end
  return table.concat(parts)
end

--- A picture's bytes as an address that holds them: "data:image/png;base64,…".
---@param bytes string
---@param kind string  "png", "jpeg"
---@return string
function html.data_url(bytes, kind)
  return "data:image/" .. kind .. ";base64," .. html.base64(bytes)
end

--- "#rrggbb" if that is what the text is, else a grey: colours come from files, too.
---@param color any
---@return string
function html.color(color)
  return type(color) == "string" and color:match "^#%x%x%x%x%x%x$" or "#808080"
end

--- The relative luminance of WCAG 2: 0 black to 1 white.
local function luminance(color)
  local sum = 0
  for i, weight in ipairs { 0.2126, 0.7152, 0.0722 } do
    local value = tonumber(color:sub(2 * i, 2 * i + 1), 16) / 255
    sum = sum + weight * (value <= 0.04045 and value / 12.92 or ((value + 0.055) / 1.055) ^ 2.4)
  end
  return sum
end

--- Black or white, whichever can be read better on a colour: at least 4.5 to 1 on any.
---@param color string  "#rrggbb"
---@return string
function html.text_color(color)
  local light = luminance(color)
  return 1.05 / (light + 0.05) > (light + 0.05) / 0.05 and "#ffffff" or "#000000"
end

return html
