#!/bin/sh
# lualab and other runtimes in turn (A B A B ...), and the ratio of their medians. Machines are
# shared and change their pace: only times taken side by side say which is faster.
#
#   compare.sh [--dry-run] PEERS_DIR [ROUNDS]
#
# A peer is a command, run in PEERS_DIR by the shell, that times one model and prints its median in
# milliseconds: as "median_ms": N or "median": N in JSON, or as a number alone on its last line.
# It is given in an environment variable PEER_NAME, with placeholders:
#
#   {model}    the model's name in the manifest: pascal
#   {stem}     its file's name without folder and ending: deeplabv3_mnv2_pascal_quant
#   {threads}  number of threads
#   {runs}     number of timed runs
#
# Example: a Python script of yours, and a program, both below ~/peers:
#
#   PEER_ORT='python3 ort_time.py onnx/{stem}.onnx --threads {threads} --runs {runs}' \
#   PEER_XNN='./xnn_time nets/{stem} {threads} {runs}' \
#   MODELS='pascal ade20k' THREADS='1 2' tests/bench/compare.sh ~/peers 5
#
# Environment: LUALAB (the program; lualab of the PATH), MODELS, THREADS ("1"), RUNS (20).
# ROUNDS is 3 unless given. --dry-run prints the commands of one round and runs none but lualab's
# look-up of the file. Exit codes: 0 all measured, 1 a command failed, 2 wrong usage.
set -eu

LUALAB=${LUALAB:-lualab}
MODELS=${MODELS:-pascal pascal-small cityscapes ade20k ade20k-int8}
THREADS=${THREADS:-1}
RUNS=${RUNS:-20}

usage() {
    echo "usage: compare.sh [--dry-run] PEERS_DIR [ROUNDS]   (peers: PEER_NAME='command ...')" >&2
    exit 2
}

dry=no
if [ "${1:-}" = --dry-run ]; then
    dry=yes
    shift
fi
if [ $# -lt 1 ] || [ $# -gt 2 ] || [ ! -d "$1" ]; then
    usage
fi
peers_dir=$1
rounds=${2:-3}
case $rounds in
'' | *[!0-9]* | 0) usage ;;
esac
peers=$(env | sed -n 's/^PEER_\([A-Za-z0-9_]*\)=.*/\1/p' | sort)
[ -n "$peers" ] || {
    echo "compare.sh: no peer: set PEER_NAME='command ...'" >&2
    exit 2
}

times=$(mktemp)
said=$(mktemp)
trap 'rm -f "$times" "$said"' EXIT
trap 'exit 1' INT TERM

# expand COMMAND MODEL STEM THREADS: the command with its placeholders filled in.
expand() {
    printf '%s\n' "$1" |
        sed -e "s|{model}|$2|g" -e "s|{stem}|$3|g" -e "s|{threads}|$4|g" -e "s|{runs}|$RUNS|g"
}

stem_of() {
    "$LUALAB" models info "$1" | sed -n 's|^file  *||p' | sed -e 's|.*/||' -e 's|\.[^.]*$||'
}

# median_in FILE: the time that a command said.
median_in() {
    found=$(sed -n 's/.*"median\(_ms\)\{0,1\}": *\([0-9.][0-9.e+-]*\).*/\2/p' "$1" | tail -n 1)
    [ -n "$found" ] || found=$(tail -n 1 "$1" | grep -Ex '[0-9]+(\.[0-9]+)?' || true)
    [ -n "$found" ] || {
        echo "compare.sh: no median in what it printed: $2" >&2
        return 1
    }
    echo "$found"
}

# take NAME MODEL THREADS COMMAND: runs it, and notes its time.
take() {
    if [ "$dry" = yes ]; then
        printf '%s\n' "$4"
        return
    fi
    (cd "$peers_dir" && sh -c "$4") >"$said" || {
        echo "compare.sh: failed: $4" >&2
        return 1
    }
    ms=$(median_in "$said" "$4")
    printf '%s %s %s %s\n' "$2" "$3" "$1" "$ms" >>"$times"
    printf '%-14s %s threads  %-10s %10.2f ms\n' "$2" "$3" "$1" "$ms" >&2
}

# One round of one cell: lualab, then each peer.
measure() {
    stem=$(stem_of "$1")
    [ -n "$stem" ] || exit 1
    take lualab "$1" "$2" "\"$program\" bench -m $1 --threads $2 --runs $RUNS --json"
    for peer in $peers; do
        eval "command=\$PEER_$peer"
        # shellcheck disable=SC2154  # set by eval
        take "$peer" "$1" "$2" "$(expand "$command" "$1" "$stem" "$2")"
    done
}

# The program's own path: commands run in another folder.
case $LUALAB in
*/*) program=$(cd "$(dirname "$LUALAB")" && pwd)/$(basename "$LUALAB") ;;
*) program=$LUALAB ;;
esac

if [ "$dry" = yes ]; then
    rounds=1
fi
round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    for model in $MODELS; do
        for threads in $THREADS; do
            measure "$model" "$threads"
        done
    done
done
[ "$dry" = no ] || exit 0

# Medians over the rounds, and lualab's time as a share of each peer's.
sort -k1,1 -k2,2n -k3,3 -k4,4n "$times" | awk '
    function median() { return n % 2 ? t[(n + 1) / 2] : (t[n / 2] + t[n / 2 + 1]) / 2 }
    function close_group() { if (n) { ms[key] = median(); keys[++groups] = key } n = 0 }
    { now = $1 " " $2 " " $3; if (now != key) close_group(); key = now; t[++n] = $4 }
    END {
        close_group()
        printf "%-14s %7s  %-10s %10s %10s %7s\n",
            "model", "threads", "peer", "lualab ms", "peer ms", "ratio"
        for (i = 1; i <= groups; i++) {
            split(keys[i], part, " ")
            if (part[3] == "lualab") continue
            own = ms[part[1] " " part[2] " lualab"]
            printf "%-14s %7s  %-10s %10.2f %10.2f %7.2f\n",
                part[1], part[2], part[3], own, ms[keys[i]], own / ms[keys[i]]
        }
    }'
