# A report in headless Chromium: no error, nothing fetched, the slider by keyboard, the buttons, and
# the page's policy refuses a script that is not its own.
# shellcheck shell=sh disable=SC2154

chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
    skip "there is no Chromium"
command -v node >/dev/null || skip "there is no Node.js to drive Chromium with"

photo photos/a.png 300 200 red
photo photos/b.png 200 300 green
photo "photos/<img src=x onerror=alert(1)>.png" 300 200 blue
echo "no picture" >photos/bad.png
run 1 "$LUALAB" photos
sqlite3 "$LUALAB_DB" "UPDATE labels SET name = '<script>alert(3)</script>' WHERE name = 'blue'"
run 0 "$LUALAB" report
for scheme in light dark; do
    run 0 node "$SOURCE/tests/support/browser.mjs" "$chromium" report.html seen.png "$scheme"
    exists seen.png
    has out '"pictures":3,"broken":0,"unlabelled":0'
    has out '"opacity":[0.6,0,1,0.99],"shown":"99 %"'
    has out '"filtered":[1,"1 with '
    has out '"foreignScriptRan":false,"refused":true,"requests":[],"problems":[]'
    cp out "$scheme"
done
lua 'local json = require "lab.json"
local light, dark = json.decode(arg[1]), json.decode(arg[2])
assert(light.background ~= dark.background)
assert(light.wide <= 0 and light.filtered[3] == 3)' "$(cat light)" "$(cat dark)"
