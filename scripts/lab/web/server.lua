-- A server put together: guard, models, catalog, page, routes and loop around a transport.

local api = require "lab.web.api"
local cache = require "lab.web.cache"
local catalog = require "lab.catalog"
local core = require "lab.core"
local fetch = require "lab.fetch"
local loop = require "lab.web.loop"
local models = require "lab.web.models"
local page = require "lab.web.page"
local pipeline = require "lab.pipeline"
local security = require "lab.web.security"
local segment = require "lab.web.segment"
local sys = require "lab.sys"

local server = {}

local MB = 1 << 20

--- What holds when nothing else is said: max_models, max_waiting and recent are megabytes (of
--- loaded models, of pictures that wait, of pictures that are remembered), waiting is how many
--- pictures may wait in all and waiting_each of one client.
server.defaults = {
  max_pixels = 50000000, max_models = 512, sql_seconds = 5, ahead = pipeline.default_ahead,
  waiting = 1000, waiting_each = 200, max_waiting = 256, recent = 32,
}

---@class lab.WebServer
---@field loop lab.WebLoop
---@field context table
local Server = {}
Server.__index = Server

--- How much may be done at once and wait, by kind of work.
local function lanes(options)
  return {
    segment = { limit = options.ahead, total = options.waiting, each = options.waiting_each,
      max_bytes = options.max_waiting * MB },
    picture = { limit = 2, total = 500, each = 500 }, -- of the catalog: a page of thumbnails
    load = { limit = 8, total = 50, each = 20 },
  }
end

--- Opens what the command line asks for: the models it names, and the catalog.
local function prepare(context, options)
  for i, name in ipairs(options.models or {}) do
    local held, message, code = context.models:load_own(name)
    if not held then
      return nil, message, code
    end
    context.models.default = i == 1 and held.name or context.models.default
  end
  if options.keep then
    -- Absolute: the catalog remembers it, and the next server may run elsewhere.
    local ok, message, code = core.make_dirs(options.keep)
    if ok then
      context.keep, message, code = sys.real_path(options.keep)
    end
    if not context.keep then
      return nil, message, code
    end
  end
  if options.record ~= false then
    local message, code
    context.catalog, message, code = catalog.open(context.db_path)
    return context.catalog, message, code
  end
  return true
end

--- Puts a server together.
---@param options table  transport (with next, reply, send, leaving), host, port; and token, names,
---                      models, db, record, keep, page (a folder), log and server.defaults
---@return lab.WebServer? server
---@return string? message
---@return string? code
function server.new(options)
  local given = setmetatable(options, { __index = server.defaults })
  local context = { started = sys.clock(), max_pixels = given.max_pixels,
    db_path = given.db or catalog.default_path(), sql_seconds = given.sql_seconds,
    offline = fetch.offline, page = page.new(given.page or page.folder()),
    recent = cache.new(given.recent * MB), thumbnails = cache.new(8 * MB) }
  context.models = models.new { limit = given.max_models * MB, close = segment.close_lines,
    pause = function(seconds) context.loop:pause(seconds) end }
  function context.open_reader()
    return catalog.open(context.db_path, "read")
  end
  local self = setmetatable({ context = context }, Server)
  local ok, message, code = prepare(context, given)
  if not ok then
    self:close()
    return nil, message, code
  end
  self.loop = loop.new { server = given.transport, routes = api.routes(), context = context,
    guard = security.new { host = given.host, port = given.port, token = given.token,
      names = given.names }, lanes = lanes(given), log = given.log }
  return self
end

--- Serves until it is interrupted. What goes wrong in a route is logged and answered; what is
--- raised here is a mistake of the loop itself.
---@return boolean interrupted
---@return any problem
function Server:run()
  local ok, problem = pcall(function()
    while true do
      self.loop:turn()
    end
  end)
  local stopped = core.stopped() or tostring(problem):find("interrupted!", 1, true) ~= nil
  core.clear_stop()
  return ok or stopped, problem
end

--- Ends all work, the runs in the catalog and the connections.
function Server:close()
  local context = self.context
  if self.loop then
    self.loop:close "the server ends"
  end
  context.models:close_all()
  for _, name in ipairs { "catalog", "reader", "asker" } do
    if context[name] then
      context[name]:close()
      context[name] = nil
    end
  end
end

return server
