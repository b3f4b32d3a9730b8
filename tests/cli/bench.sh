# lualab bench, and the script that compares it with other runtimes (with made-up ones).
# shellcheck shell=sh disable=SC2154

# A table for people.
run 0 "$LUALAB" bench --runs 3 --warm 0
lines out 3
has out "colors"
has out "GMAC/s"
run 0 "$LUALAB" bench -m colors -m glow --runs 2 --threads 2 --per-layer
has out "CONV_2D"
has out "33x33x4"
has out "ARG_MAX"
has out "LOGISTIC"

# JSON for machines: one object a line, and what it says hangs together.
run 0 "$LUALAB" bench -m colors -m glow --runs 5 --threads 1 --kernels reference --per-layer --json
lines out 2
cp out bench.json
lua 'local json = require "lab.json"
local names = {}
for line in io.lines(arg[1]) do
  local r = assert(json.decode(line))
  names[#names + 1] = r.model
  assert(r.threads == 1 and r.kernels == "reference" and r.runs == 5)
  assert(r.p10_ms > 0 and r.p10_ms <= r.median_ms and r.median_ms <= r.p90_ms)
  assert(r.gmacs > 0 and r.peak > r.gmacs and math.abs(r.share - r.gmacs / r.peak) < 1e-9)
  assert(r.peak_isa == "avx2" or r.peak_isa == "c")
  local percent, macs = 0, 0
  for _, layer in ipairs(r.layers) do
    assert(layer.ms >= 0 and layer.kernel:find "^reference%." and #layer.shape > 0)
    percent, macs = percent + layer.percent, macs + layer.macs
  end
  assert(math.abs(percent - 100) < 1e-6 and macs == r.macs)
end
assert(table.concat(names, " ") == "colors glow")' bench.json

# A photo of the user; layers only on request.
photo photos/red.png 40 30
run 0 "$LUALAB" bench --runs 1 --warm 0 --input photos/red.png --json
has out '"layers":[]'
run 1 "$LUALAB" bench --input nothing.png
has err "nothing.png"

# Mistakes. A model that fails does not keep the others from being measured.
run 1 "$LUALAB" bench -m nothing -m colors --runs 1
has err "nothing"
has out "colors"
run 2 "$LUALAB" bench --runs 0
has err "whole number from 1"
run 2 "$LUALAB" bench --run 3

# ---- compare.sh ----

compare="$SOURCE/tests/bench/compare.sh"
export LUALAB MODELS="colors glow" THREADS="1 2" RUNS=2
run 2 "$compare"
run 2 "$compare" "$work"
has err "PEER_NAME"
export PEER_FAST='echo "{\"median\": 0.001}"' PEER_SLOW='echo {model} {stem}; echo {threads}000'
run 0 "$compare" --dry-run "$work"
lines out 12
has out 'bench -m colors --threads 2 --runs 2 --json'
has out 'echo colors colors; echo 2000'
run 0 "$compare" "$work" 2
lines out 9
grep -Eq '^colors +2 +SLOW +[0-9.]+ +2000\.00 +0\.[0-9]+$' out || fail "no ratio: $(cat out)"
grep -Eq '^glow +1 +FAST +[0-9.]+ +0\.00 ' out || fail "no ratio: $(cat out)"
lines err 24
export PEER_SLOW='echo nothing'
run 1 "$compare" "$work" 1
has err "no median"
run 2 "$compare" "$work" many

# ---- ahead.sh ----

ahead="$SOURCE/tests/bench/ahead.sh"
run 2 "$ahead"
run 2 "$ahead" "$work/none"
mkdir empty
run 2 "$ahead" empty
has err "no .jpg or .png file"
run 2 "$ahead" empty 0
has err "ROUNDS must be a whole number"
mkdir shots
photo shots/a.png 90 60 red
photo shots/b.png 40 80 green
export MODEL=colors COUNT=5 THREADS=2
run 0 "$ahead" shots 2
grep -Eq '^5 photos, .* [0-9.]+ ms a photo, ahead [0-9.]+ ms: [0-9.]+ times as fast$' out ||
    fail "no ratio: $(cat out)"
has out "the same files"
lines err 4
