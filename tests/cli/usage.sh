# Wrong command lines: exit code 2, one sentence on standard error that names the nearest thing there
# is, nothing on standard output, nothing written.
# shellcheck shell=sh disable=SC2154

photo photos/a.png 40 30

wrong() {
    expected=$1
    shift
    run 2 "$LUALAB" "$@"
    lines out 0
    has err "$expected"
}

wrong "did you mean \"segment\"?" segmnet photos/a.png
wrong "there is no command or file \"xyzzy\"" xyzzy
wrong "did you mean \"--overlay\"?" segment photos/a.png --overlya
wrong "unknown option '--frobnicate'" segment photos/a.png --frobnicate
wrong "missing argument 'photo'" segment
wrong "did you mean \"colors\"?" segment photos/a.png -m colours
wrong "did you mean \"pascal-small\"?" segment photos/a.png -m pascal-smal
wrong "did you mean \"green\"?" segment photos/a.png -o out --cutout --label grean
wrong "did you mean \"stretch\"?" segment photos/a.png --fit strech
wrong "must be one of" segment photos/a.png --output phto
wrong "say where with -o DIR" segment photos/a.png --overlay
wrong "not a number" segment photos/a.png -o out --overlay=much
wrong "add --cutout or --mask" segment photos/a.png -o out --label red
wrong "--threads must be" segment photos/a.png --threads 0
wrong "did you mean \"verify\"?" models verfy
wrong "there is no operator \"image.resise\"; did you mean \"image.resize\"?" ops image.resise
wrong "there is no SQL or named query \"nonesuch\"" sql nonesuch
wrong "name=value" sql "SELECT 1" -p nonsense
absent out.labels.png catalog.db

# Nothing at all, and not on a terminal: the help on standard error.
wrong "Usage: lualab PHOTO..."
