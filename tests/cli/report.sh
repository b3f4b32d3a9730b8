# lualab report: a page that holds a run, and nothing that a name in it could do.
# shellcheck shell=sh disable=SC2154

run 1 "$LUALAB" report
has err "catalog.db"
absent report.html

photo photos/a.png 60 40 red
photo photos/b.png 60 40 green
hostile='photos/<img src=x onerror=alert(1)> & "q" '"'s'"'.png'
photo "$hostile" 60 40 blue
echo "no picture" >'photos/bad<script>alert(2)<b>.png'
run 1 "$LUALAB" photos
run 0 "$LUALAB" report
has out "report.html"
has report.html "<h1>Run 1</h1>"
has report.html "3 segmented"
has report.html "lualab segment photos"
# Three pictures and their three layers are in the page.
is "$(grep -o 'src="data:image/jpeg;base64,' report.html | wc -l)" 3
is "$(grep -o 'src="data:image/png;base64,' report.html | wc -l)" 3
# What was found, in colours that were given, with text that can be read on them.
has report.html "background: #ff0000; color: #000000"
has report.html "background: #0000ff; color: #ffffff"
has report.html 'role="img"'
# Names are text.
has report.html "&lt;img src=x onerror=alert(1)&gt; &amp; &quot;q&quot; &#39;s&#39;.png"
has report.html "bad&lt;script&gt;alert(2)"
has_not report.html "<img src=x"
# Nothing from elsewhere: no address but those inside the page, no style or handler attributes.
if grep -oE '(src|href)="[^"]{1,12}' report.html | grep -vE '"(data:|#)'; then
    fail "the page refers to something outside"
fi
if grep -vE 'base64' report.html | grep -E '<[^>]* (style|on[a-z]+)="'; then
    fail "an attribute that the policy forbids"
fi
has report.html "default-src 'none'; img-src data:; style-src 'sha256-"
# The policy names exactly the style and the script that are there.
lua 'local core, html = require "lab.core", require "lab.html"
local text = io.read "a"
local function digest(inner)
  return html.base64((core.sha256(inner):gsub("%x%x", function(h)
    return string.char(tonumber(h, 16)) end)))
end
local style, script = text:match "<style>(.-)</style>", text:match "<script>(.-)</script>"
assert(text:find("style-src \x27sha256-" .. digest(style) .. "\x27", 1, true), "style")
assert(text:find("script-src \x27sha256-" .. digest(script) .. "\x27", 1, true), "script")
assert(not text:find("<script.-<script"), "one script only")
-- The pictures are pictures.
local n = 0
for kind, digits in text:gmatch "src=\"data:image/(%a+);base64,([^\"]+)\"" do
  n = n + 1
  assert(#digits % 4 == 0 and (kind == "png" or kind == "jpeg"))
end
assert(n == 6)' <report.html

# A label that is HTML, a colour that is CSS, a path with a line end: a catalog made elsewhere.
sqlite3 "$LUALAB_DB" "UPDATE labels SET name = '<script>alert(3)</script>' WHERE name = 'red';
    UPDATE runs SET command = '</code><script>alert(4)</script>' || char(10) || 'x';
    PRAGMA ignore_check_constraints = 1; UPDATE labels SET color = 'red;}body{display:none' WHERE name = 'green'"
run 0 "$LUALAB" report 1 -o other/page.html
has_not other/page.html "<script>alert"
has_not other/page.html "display:none"
has other/page.html "&lt;script&gt;alert(3)"
has other/page.html "class 2 is wrong" # the reason why there are no layers
sqlite3 "$LUALAB_DB" "UPDATE labels SET color = '#00ff00' WHERE name = 'green'"

# Pictures that are gone or changed, limits, standard output, what is not there.
rm photos/a.png
photo photos/b.png 60 40 blue
run 0 "$LUALAB" report -o gone.html
has gone.html "there is no such file"
has gone.html "its bytes have changed"
is "$(grep -o 'src="data:image/png;base64,' gone.html | wc -l)" 3
run 0 "$LUALAB" report --limit 1 -o - --size 16
has out "the first of 3"
is "$(grep -o 'class="picture"' out | wc -l)" 1
run 1 "$LUALAB" report 99
has err "no run 99"
run 2 "$LUALAB" report x
run 1 "$LUALAB" report -o photos/b.png/page.html
has err "photos/b.png"
