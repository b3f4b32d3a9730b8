# Four programs segment pictures of their own into one catalog at once, while others ask and check
# it: nothing is lost or doubled, and nobody hears of a lock. 30 pictures each, 1,000 with
# LUALAB_TEST_LONG.
# shellcheck shell=sh disable=SC2154

each=30
[ -z "${LUALAB_TEST_LONG:-}" ] || each=1000
lua 'local core = require "lab.core"; require "lab"
local each = tonumber(arg[1])
for writer = 1, 4 do
  assert(core.make_dirs("shared" .. writer))
  for i = 1, each do -- no two are alike
    local row = ("\200\20\20"):rep(20) .. string.char(writer, i % 256, i // 256):rep(12)
    assert(core.image(32, 16, 3, row:rep(16)):save(("shared%d/%04d.png"):format(writer, i)))
  end
end' "$each"

writers=
for writer in 1 2 3 4; do
    "$LUALAB" segment "shared$writer" -q >"said$writer" 2>"wrong$writer" &
    writers="$writers $!"
    last=$!
done
asked=0
while kill -0 "$last" 2>/dev/null; do
    if [ -e "$LUALAB_DB" ]; then
        run 0 "$LUALAB" sql "SELECT count(*) FROM v_segments"
        run 0 "$LUALAB" catalog check
        asked=$((asked + 1))
    fi
    sleep 0.2
done
for pid in $writers; do
    wait "$pid" || fail "a writer ended with $?: $(cat wrong?)"
done
cat said? wrong? >all
has_not all locked
is "$(sql "SELECT count(*) FROM results WHERE state = 'done'")" "$((4 * each))"
is "$(sql "SELECT count(*) FROM results")" "$((4 * each))"
is "$(sql "SELECT count(DISTINCT path) FROM results")" "$((4 * each))"
is "$(sql "SELECT count(DISTINCT image) FROM results")" "$((4 * each))"
is "$(sql "SELECT count(*) FROM images")" "$((4 * each))"
is "$(sql "SELECT count(*) FROM models")" 1
is "$(sql "SELECT count(*) FROM runs WHERE state = 'done'")" 4
run 0 "$LUALAB" catalog check
has out "is whole: $((4 * each)) label maps read"
echo "$((4 * each)) results by four programs, checked $asked times meanwhile"
