-- Writes what a pipeline made: the label map as indexed PNG (pixel = class id, palette = colours),
-- the prediction as JSON, the upright picture.

local check = require "lab.options"
local core = require "lab.core"
local pipeline = require "lab.pipeline"

local makers = {
  labels = function(r) return r.map end,
  json = function(r) return r:to_json() .. "\n" end,
  image = function(r) return r.image end,
}

local known = { labels = "string", json = "string", image = "string" }

local Save = { name = "save", runs_ahead = true }
Save.__index = Save

function Save:run(r)
  for _, what in ipairs { "labels", "json", "image" } do
    if self.templates[what] then
      if what == "json" and core.stopped() then
        return nil, "interrupted", "INTERRUPTED"
      end
      local ok, message, code = pipeline.save(r, what, makers[what](r), self.templates[what])
      if not ok then
        return nil, message, code
      end
    end
  end
  return true
end

--- Writes files; each option is a template with {dir}, {stem}, {ext}.
---@param templates table  labels, json, image
---@return table stage
return function(templates)
  return setmetatable({ templates = check.check(templates, known, "stages.save") }, Save)
end
