-- Who may talk to the server, and what browsers may do with its answers. A page of another site
-- must not reach it (Host, Origin), not even when that site's name has been made to mean this
-- machine; from outside this machine nobody may without the token.

local core = require "lab.core"
local http = require "lab.web.http"

local security = {}

--- What every answer carries.
security.headers = {
  ["Content-Security-Policy"] = "default-src 'none'; script-src 'self'; style-src 'self'; "
    .. "img-src 'self' blob: data:; connect-src 'self'; media-src 'self' blob:; "
    .. "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ["X-Content-Type-Options"] = "nosniff",
  ["Referrer-Policy"] = "no-referrer",
  ["Cross-Origin-Resource-Policy"] = "same-origin",
  ["Cross-Origin-Opener-Policy"] = "same-origin",
}

---@class lab.WebGuard
---@field token string?
local Guard = {}
Guard.__index = Guard

--- Whether an address is this machine's own.
---@param host string
---@return boolean
function security.is_loopback(host)
  return host == "localhost" or host == "::1" or host:find "^127%.%d+%.%d+%.%d+$" ~= nil
end

--- Whether a host stands for every address of the machine.
local function is_any(host)
  return host == "0.0.0.0" or host == "::" or host == "*"
end

--- As URLs write it: IPv6 addresses in brackets.
---@param host string
---@return string
function security.url_host(host)
  return host:find(":", 1, true) and "[" .. host .. "]" or host
end

--- Makes the guard of a server.
---@param options { host: string, port: integer, token: string?, names: string[]? }
---@return lab.WebGuard
function security.new(options)
  local hosts = {}
  local function allow(name)
    hosts[name:lower() .. ":" .. options.port] = true
    if options.port == 80 then
      hosts[name:lower()] = true
    end
  end
  for _, name in ipairs { "localhost", "127.0.0.1", "[::1]", security.url_host(options.host),
    table.unpack(options.names or {}) } do
    allow(name)
  end
  return setmetatable({ hosts = hosts, any = is_any(options.host), token = options.token,
    port = options.port, cookie = "lualab_" .. options.port }, Guard)
end

--- A server of every address is also reached by the machine's numbers; a name is none of them, and
--- names are what other sites can turn to this machine.
local function is_number(self, host)
  local name, port = host:match "^(.-):(%d+)$"
  return self.any and tonumber(port) == self.port
    and (name:find "^%d+%.%d+%.%d+%.%d+$" or name:find "^%[[%x:.]+%]$") ~= nil
end

--- Whether a Host header names this server.
---@param host string?
---@return boolean
function Guard:knows(host)
  host = (host or ""):lower()
  return self.hosts[host] or is_number(self, host) or false
end

--- Compared by their sums: how long that takes tells nothing about the token.
local function same(a, b)
  return core.sha256(a) == core.sha256(b)
end

--- The token that a request brings, by header or cookie.
local function token_of(self, request)
  local header = http.header(request, "authorization")
  return header and header:match "^[Bb]earer%s+(%S+)%s*$" or http.cookie(request, self.cookie)
end

--- Takes ?token= of the page's address: it becomes a cookie, and the address loses it.
local function enter(self, request)
  local query = http.query(request.query)
  local given = query and query.token
  if not given or request.path ~= "/" or not same(given, self.token) then
    return nil
  end
  return http.response(303, "text/plain; charset=utf-8", "", { Location = "/",
    ["Cache-Control"] = "no-store",
    ["Set-Cookie"] = self.cookie .. "=" .. self.token .. "; Path=/; HttpOnly; SameSite=Strict" })
end

--- What keeps a request out; nil when it may pass.
---@param request lab.WebRequest
---@return lab.WebResponse? refusal
function Guard:check(request)
  local host = http.header(request, "host")
  if not self:knows(host) then
    return http.problem(421, ("this server is not '%s': use the address that lualab serve printed")
      :format(http.shown(host or "")))
  end
  if request.method ~= "GET" and request.method ~= "HEAD" then
    local origin = http.header(request, "origin")
    local site = http.header(request, "sec-fetch-site")
    if origin and origin:lower() ~= "http://" .. host:lower()
      or site and site ~= "same-origin" and site ~= "none" then
      return http.problem(403, ("a page of another site (%s) may not do this"):format(
        http.shown(origin or site)))
    end
  end
  if not self.token then
    return nil
  end
  local given = token_of(self, request)
  if given and same(given, self.token) then
    return nil
  end
  local entry = request.method == "GET" and enter(self, request)
  return entry or http.problem(401, "this server asks for its token: open the address that lualab "
    .. "serve printed, or send 'Authorization: Bearer TOKEN'", { ["WWW-Authenticate"] = "Bearer" })
end

--- A token that cannot be guessed: 128 bits of the system's random numbers.
---@return string? token
---@return string? message
function security.make_token()
  local file = io.open("/dev/urandom", "rb")
  local bytes = file and file:read(16)
  if file then
    file:close()
  end
  if not bytes or #bytes < 16 then
    return nil, "/dev/urandom gives no random numbers: say --token"
  end
  return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

return security
