# lualab sql: writing only where asked, formats, named queries, the prompt with lines from a pipe.
# shellcheck shell=sh disable=SC2154

photo photos/a.png 60 40 red
photo photos/b.png 60 40 green
run 0 "$LUALAB" photos

run 1 "$LUALAB" sql "UPDATE runs SET command = 'changed'"
has err "read-only; --write lets it"
run 0 "$LUALAB" sql --write -p text=changed "UPDATE runs SET command = :text"
lines out 0
is "$(sql 'SELECT command FROM runs')" changed
run 1 "$LUALAB" sql --write --db missing.db "SELECT 1"
absent missing.db

endless="WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
run 1 "$LUALAB" sql --time-limit 0.2 "$endless"
has err "0.2 s"
run 1 "$LUALAB" sql --write --time-limit 0.2 "$endless"

run 0 "$LUALAB" sql -f tsv "SELECT 'a' || char(9) || 'b' AS x, 2 AS y"
is "$(sed -n 2p out)" "$(printf 'a\\tb\t2')"
run 0 "$LUALAB" sql -f ndjson "SELECT 1 AS a UNION SELECT 2"
is "$(sed -n 2p out)" '{"a":2}'
run 0 "$LUALAB" sql -f markdown "SELECT '|<x>' AS t, 1 AS n"
is "$(sed -n 3p out)" '| \|&lt;x> | 1 |'
run 0 "$LUALAB" sql -f raw "SELECT x'00ff0a'"
is "$(od -An -tx1 out | tr -d ' \n')" 00ff0a
run 2 "$LUALAB" sql -f xml "SELECT 1"

run 2 "$LUALAB" sql pictures-with
has err "-p label="
run 0 "$LUALAB" sql -f csv pictures-with -p label=red
is "$(sed -n 2p out | cut -d, -f3)" red
run 2 "$LUALAB" sql picture-with
has err 'did you mean "pictures-with"'
run 2 "$LUALAB" sql runs -p nonsense
has err "name=value"
run 1 "$LUALAB" sql runs -p nonesuch=1
has err "the statement has no parameter 'nonesuch'"
has_not err "catalog.lua"
run 0 "$LUALAB" sql --list
[ "$(wc -l <out)" -ge 10 ] || fail "less than ten named queries"
run 0 "$LUALAB" sql --list pictures-with
has out "-p fraction="
for name in $("$LUALAB" sql --list | cut -d' ' -f1); do
    "$LUALAB" sql "$name" -p label=red >out 2>err || "$LUALAB" sql "$name" >out 2>err ||
        fail "the query $name: $(cat err)"
done

# The prompt: statements over several lines, commands, named queries, errors that do not end it.
run 2 "$LUALAB" sql
has err "missing argument 'query'"
run 2 "$LUALAB" sql -i "SELECT 1"
printf '%s\n' 'SELECT count(*) AS n' '  FROM results -- not yet;' ';' 'SELEKT;' '.tables' '.format csv' \
    "pictures-with label='red' limit=1" 'pictures-with' '.schema runs' '.nonesuch' 'DELETE FROM runs;' \
    '.queries runs' "SELECT ';' AS semicolon;" '.quit' 'SELECT 99 AS unseen;' |
    "$LUALAB" sql -i >out 2>err || fail "the prompt"
has out "n
-
2"
has out "v_segments"
has out ",colors,red,"
has out "CREATE TABLE runs"
has out "-p limit="
has out 'semicolon
;'
has_not out unseen
has err "syntax error"
has err "needs -p label="
has err 'there is no command "nonesuch"'
has err "read-only"
