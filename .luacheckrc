-- Lua 5.4 everywhere; scripts see nothing but the standard library and what they require.
std = "lua54"
max_line_length = 100
codes = true
include_files = { "scripts/**/*.lua", "tests/**/*.lua", "weights/*.lua", ".luacheckrc" }
exclude_files = { "scripts/lab/meta/" } -- declarations for editors, written by lualab ops --meta
files["tests/**/*_spec.lua"] = { std = "lua54+busted" }
files[".luacheckrc"] = { std = "lua54+luacheckrc" }
