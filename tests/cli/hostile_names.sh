# Names that somebody chose to do harm: paths and labels with SQL, quotes, line ends, HTML, terminal
# sequences, formulas for spreadsheets. In the catalog, in tables, CSV, reports and exports they stay
# what they are: data.
# shellcheck shell=sh disable=SC2154

python=/usr/bin/python3
[ -x "$python" ] || python=python3
command -v "$python" >/dev/null || skip "python3 is not here"

# A file system takes all signs in a name but / and NUL.
# shellcheck disable=SC2016  # names for Lua, not for the shell
lua 'local core = require "lab.core"; require "lab"
for i, name in ipairs {
  "x\x27); DROP TABLE results; --", "\"quoted\", and, commas", "two\nlines\r\n", "<script>alert(1)<b>",
  "=cmd|\x27 !A0\x27", "+1+1", "@SUM(A1)", "\27]0;title\7\27[31m", "-rf", "%s%n%1$d", "$(id) `id`",
  "\u{202E}gnp", "]]>&amp;" } do
  local row = ("\220\20\20"):rep(10 + i) .. ("\20\20\220"):rep(10)
  local image = core.image(20 + i, 6, 3, row:rep(6))
  local file = assert(io.open("photos/" .. name .. ".png", "wb"))
  file:write(assert(image:encode { format = "png" }))
  file:close()
end'
run 0 "$LUALAB" segment photos -q
count=13
is "$(sql "SELECT count(*) FROM results WHERE state = 'done'")" $count
# Labels and a command of the same kind, as a foreign catalog could bring them.
sqlite3 "$LUALAB_DB" "UPDATE labels SET name = '=1+1\",''); DROP TABLE labels;--' || char(10) ||
        '<b onclick=\"x\">' WHERE name = 'red';
    UPDATE labels SET name = '</title><script>alert(2)</script>]]>' WHERE name = 'blue';
    UPDATE models SET name = '<img src=x onerror=alert(3)>', licence = '\"><script>';
    UPDATE runs SET command = '=HYPERLINK(\"http://x\")</pre><script>'"
run 0 "$LUALAB" catalog check

mkdir out_files
run 0 "$LUALAB" report -o out_files/page.html
for format in coco csv labelstudio; do
    run 0 "$LUALAB" export --all --format $format -o out_files/all.$format
done
for format in geojson svg png; do
    run 0 "$LUALAB" export --all --format $format -o out_files/$format
    is "$(find out_files/$format -type f | wc -l)" $count
done
for format in csv tsv json ndjson markdown table; do
    "$LUALAB" sql -f $format "SELECT path, label FROM v_segments ORDER BY result, class_id" \
        >out_files/sql.$format || fail "sql -f $format"
done
run 0 "$LUALAB" sql -p "label=x' OR 1=1 --" "SELECT count(*) FROM v_segments WHERE label = :label"
has out " 0"
run 0 "$LUALAB" sql find -p 'words="drop table"'
has out "DROP TABLE"
run 1 "$LUALAB" sql find -p "words=\"x') --"
run 0 "$LUALAB" catalog check

cat >check.py <<'END'
import csv, html.parser, json, os, re, sqlite3
import xml.etree.ElementTree as tree

db = sqlite3.connect(os.environ["LUALAB_DB"])
pairs = db.execute("SELECT path, label FROM v_segments ORDER BY result, class_id").fetchall()
paths = {path for path, _ in pairs}
labels = {label for _, label in pairs}
folder = os.path.realpath("photos")
assert paths == {os.path.join(folder, name) for name in os.listdir(folder)} and len(paths) == 13

def rows_of(name, **options):
    with open(name, newline="", encoding="utf-8") as file:
        return [tuple(row) for row in csv.reader(file, **options)][1:]

# Spreadsheets must be told that cells are text: a CSV that changed them would lie.
assert rows_of("out_files/sql.csv") == pairs
exported = rows_of("out_files/all.csv")
assert [(row[1], row[4]) for row in exported if row] and {row[1] for row in exported} == paths
assert {row[4] for row in exported} == labels
with open("out_files/sql.json", encoding="utf-8") as file:
    assert [(row["path"], row["label"]) for row in json.load(file)] == pairs
with open("out_files/sql.ndjson", encoding="utf-8") as file:
    lines = [json.loads(line) for line in file.read().split("\n") if line]
assert [(row["path"], row["label"]) for row in lines] == pairs
for name in ("table", "markdown"): # for people: on a terminal they must do nothing
    with open("out_files/sql." + name, newline="", encoding="utf-8") as file:
        text = file.read()
    assert text.count("\n") == len(pairs) + 2, (name, text.count("\n"))
    assert not any(sign in text for sign in "\x1b\x07\r\x7f"), name
signs = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\\\": "\\"}
with open("out_files/sql.tsv", newline="", encoding="utf-8") as file:
    lines = [line.split("\t") for line in file.read().split("\n")[1:-1]]
assert [tuple(re.sub(r"\\.", lambda found: signs[found[0]], cell) for cell in line)
        for line in lines] == pairs
with open("out_files/all.coco", encoding="utf-8") as file:
    coco = json.load(file)
assert {image["file_name"] for image in coco["images"]} == paths
assert {category["name"] for category in coco["categories"]} == labels
with open("out_files/all.labelstudio", encoding="utf-8") as file:
    assert {task["data"]["image"] for task in json.load(file)} == paths
seen = set()
for name in os.listdir("out_files/geojson"):
    assert not any(ord(sign) < 32 for sign in name), name
    with open("out_files/geojson/" + name, encoding="utf-8") as file:
        collection = json.load(file)
    seen.add(collection["image"]["path"])
    assert {feature["properties"]["label"] for feature in collection["features"]} <= labels
assert seen == paths
for name in os.listdir("out_files/svg"):
    root = tree.parse("out_files/svg/" + name).getroot()
    tags = {element.tag.split("}")[1] for element in root.iter()}
    assert tags == {"svg", "title", "path"}, tags

# The page has the elements and attributes of any page, and one script: its own.
class Page(html.parser.HTMLParser):
    scripts = 0
    def handle_starttag(self, tag, attributes):
        self.scripts += tag == "script"
        for key, value in attributes:
            assert not key.startswith("on") and key != "style", (tag, key)
            if key in ("src", "href"):
                assert value.startswith(("data:image/", "data:,", "#")), value[:40]
    texts = ""
    def handle_data(self, data):
        self.texts += data

page = Page()
with open("out_files/page.html", encoding="utf-8") as file:
    page.feed(file.read())
assert page.scripts == 1
assert "alert(2)" in page.texts and "DROP TABLE results" in page.texts
print("all names are data")
END
run 0 "$python" check.py
has out "all names are data"
