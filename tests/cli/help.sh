# --help of the program and of every command: on standard output, exit code 0, and something in it.
# shellcheck shell=sh disable=SC2154

run 0 "$LUALAB" --help
for command in segment run repl sql models ops plugins bench doctor; do
    has out "$command"
done
lines err 0

run 0 "$LUALAB" --version
has out "lualab 0."
lines out 1

for command in segment run repl sql models ops plugins bench doctor; do
    run 0 "$LUALAB" "$command" --help
    has out "Usage: lualab $command"
    has out "--help"
    lines err 0
    run 0 "$LUALAB" help "$command"
    has out "Usage: lualab $command"
done

# Paragraphs are broken anew for the terminal's width, examples stay as they are.
if command -v script >/dev/null && command -v stty >/dev/null; then
    script -qec "stty cols 64; '$LUALAB' segment --help" /dev/null </dev/null | tr -d '\r' >narrow
    wide=$(awk 'length > 64 && !/^ /' narrow)
    is "$wide" "" "lines wider than the terminal"
    has narrow "  lualab photos/ -o out --overlay --resume"
    short=$(awk '/^With -o DIR/ { on = 1 } on && !/^ / && /^./ && length < 40' narrow | wc -l)
    [ "$short" -le 1 ] || fail "paragraphs have lines of a few words"
fi
run 0 "$LUALAB" eval --help
[ "$(awk 'length > 96' out | wc -l)" -eq 0 ] || fail "lines wider than 96 columns"
run 2 "$LUALAB" ops fether
has err 'did you mean "feather"'

# Every option of segment that the README names is in its help.
run 0 "$LUALAB" segment --help
for option in --model --output-dir --label --overlay --cutout --background --legend --json --soft \
    --output --fit --labels --resume --db --no-record; do
    has out "$option"
done

# A user's own command is found, listed and told apart from ours.
mkdir -p "$XDG_CONFIG_HOME/lualab/commands"
cat >"$XDG_CONFIG_HOME/lualab/commands/greet.lua" <<'EOF'
return { summary = "says hello", run = function(argv) print("hello " .. argv[1]) return 0 end }
EOF
run 0 "$LUALAB" greet you
has out "hello you"
run 0 "$LUALAB" --help
has out "says hello"
echo 'this is no Lua' >"$XDG_CONFIG_HOME/lualab/commands/broken.lua"
run 1 "$LUALAB" broken
has err "broken.lua:1:"
