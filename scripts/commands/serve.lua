-- lualab serve: the page and the HTTP API, on this machine, for this machine.

local arguments = require "lab.arguments"
local cli = require "lab.cli"
local core = require "lab.core"
local log = require "lab.log"
local security = require "lab.web.security"
local server = require "lab.web.server"
local sys = require "lab.sys"

local summary = "a page to segment photos on and look at results, and its HTTP API"

local epilog = [[
Prints the address of the page and serves until Ctrl-C. Photos stay on this machine. Results go
into the catalog; the photos themselves are not kept unless --keep says where. With another --host
than this machine's own the page can be reached from elsewhere, by whoever has the token.

  lualab serve --open
  lualab serve --model ade20k --no-record --port 0
  curl --data-binary @photo.jpg 'http://127.0.0.1:8080/api/segment?model=pascal&name=photo.jpg'

GET /api and plugins/http/README.md tell what programs may ask for.]]

local function make_parser()
  local parser = arguments.parser("lualab serve", summary, epilog)
  local number = arguments.number
  parser:option("--host", "The address to listen at."):argname "ADDRESS":default "127.0.0.1"
  parser:option("--port", "The port; 0: any that is free."):default "8080"
    :convert(number(0, 65535, true))
  parser:option("--token", "Ask for this token also on this machine."):argname "TEXT"
  parser:option("--allow-host", "Another name of this server in requests; can be repeated.")
    :argname "NAME":count "*"
  parser:flag("--open", "Open the page in the browser.")
  parser:option("-m --model", "Load this model at the start, a name or a path; the first is the "
    .. "page's choice; can be repeated."):count "*"
  parser:option("--db", "The catalog (default LUALAB_DB, else in the user's data folder).")
    :argname "FILE"
  parser:flag("--no-record", "Write nothing into the catalog.")
  parser:option("--keep", "Keep the photos that are sent, in this folder, by their SHA-256.")
    :argname "DIR"
  parser:option("--max-upload", "Megabytes of a photo at most (64)."):argname "MB"
    :convert(number(1, 1024, true))
  parser:option("--max-pixels", "Pixels of a photo at most, in millions (50)."):argname "N"
    :convert(number(1, 268, true))
  parser:option("--max-models", "Megabytes that loaded models may hold together (512).")
    :argname "MB":convert(number(1, 1 << 20, true))
  parser:option("--sql-seconds", "How long a query of the page may take (5)."):argname "SECONDS"
    :convert(number(0.01, 3600))
  parser:option("--ahead", ("Photos under way at most; others wait their turn (%d)."):format(
    server.defaults.ahead)):argname "N":convert(number(1, 64, true))
  parser:flag("--api", "Print the routes of the HTTP API as Markdown, and exit.")
  return parser
end

local function fail(message)
  io.stderr:write("lualab serve: ", message, "\n")
  return 1
end

--- The socket, or why there is none.
local function listen(args)
  local open = core.service "http"
  if not open then
    return nil, "this program was built without libmicrohttpd, which its server needs (Debian: "
      .. "libmicrohttpd-dev), or its plugin http is not where 'lualab plugins' looks"
  end
  return open { host = args.host, port = args.port,
    body_bytes = args.max_upload and args.max_upload << 20 or nil }
end

--- The token: the user's, else one of our own where others can reach us.
local function token_of(args)
  if args.token and not args.token:find "^[%w_.~-]+$" then
    return nil, "--token: letters, digits, '-', '_', '.' and '~', so that it fits into an address"
  elseif args.token or security.is_loopback(args.host) then
    return args.token
  end
  return security.make_token()
end

-- In the background: some browsers keep the program that opened them waiting.
local open_script = [[
for opener in xdg-open open; do
  command -v "$opener" >/dev/null && { "$opener" "$1" >/dev/null 2>&1 </dev/null & exit 0; }
done
exit 1]]

--- Says where the page is, on standard output and at once: programs wait for that line.
local function announce(args, port, token)
  local any = args.host == "0.0.0.0" or args.host == "::"
  local host = any and "localhost" or security.url_host(args.host)
  local url = ("http://%s:%d/%s"):format(host, port, token and "?token=" .. token or "")
  if not security.is_loopback(args.host) then
    log.warn("%s can be reached from other machines: whoever has the token may use it, and what "
      .. "is sent is not encrypted", args.host)
  end
  print(url)
  io.stdout:flush()
  if args.open and sys.spawn { "/bin/sh", "-c", open_script, "sh", url } ~= 0 then
    log.warn "neither xdg-open nor open is here to open a browser: the address is above"
  end
end

local function run(argv)
  local parser = make_parser()
  local args, code = arguments.parse(parser, argv)
  if not args then
    return code
  elseif args.api then
    io.stdout:write(require("lab.web.manual").markdown())
    return 0
  end
  local token, message = token_of(args)
  if message then
    return arguments.usage_error(parser, message)
  end
  local transport <close>, problem = listen(args)
  if not transport then
    return fail(problem)
  end
  local port = transport:port()
  local built
  built, message = server.new { transport = transport, host = args.host, port = port,
    token = token, names = args.allow_host, models = args.model, db = args.db,
    record = not args.no_record, keep = args.keep, sql_seconds = args.sql_seconds,
    max_pixels = args.max_pixels and args.max_pixels * 1000000, max_models = args.max_models,
    ahead = args.ahead, log = function(text) log.warn("%s", text) end }
  if not built then
    return fail(message)
  end
  announce(args, port, token)
  local ended
  ended, problem = built:run()
  built:close()
  if not ended then
    return fail(tostring(problem))
  end
  io.stderr:write "lualab: stopped\n"
  return cli.interrupted
end

return { summary = summary, run = run }
