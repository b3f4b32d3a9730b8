-- A TrueType font for text in pictures: LUALAB_FONT, else one that systems have in known places.
-- Without any, the operators draw with simple letters of their own (ASCII only).

local core = require "lab.core"
local log = require "lab.log"

local font = {}

local places = {
  "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", -- Debian
  "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf", -- Fedora
  "/usr/share/fonts/TTF/DejaVuSans.ttf", -- Arch
  "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
  "/System/Library/Fonts/Supplemental/Arial.ttf", -- macOS
  "/Library/Fonts/Arial.ttf",
}

--- Larger than any Latin font; a file of another kind is not read whole.
local limit = 1 << 25

local found -- bytes, or false when there is none

--- The font's bytes; nil when there is none. Looked for once.
---@return string?
function font.bytes()
  if found == nil then
    found = false
    local named = os.getenv "LUALAB_FONT"
    for _, path in ipairs(named and named ~= "" and { named } or places) do
      local bytes, message = core.read_file(path, limit)
      if bytes then
        log.info("font: %s", path)
        found = bytes
        break
      elseif named then
        log.warn("LUALAB_FONT: %s", message)
      end
    end
  end
  return found or nil
end

return font
