# lualab models: list, info, verify.
# shellcheck shell=sh disable=SC2154

run 0 "$LUALAB" models
for name in pascal pascal-small cityscapes ade20k ade20k-int8 pascal-float portrait selfie colors; do
    has out "$name "
done
has out "Apache-2.0"
run 0 "$LUALAB" models list -v
has out "$work/models/colors.tflite"

run 0 "$LUALAB" models info colors
has out "1x65x65x3 u8"
has out "33x33x4 scores, enlarged to 65x65, corners aligned, arg-max"
has out "0 background, 1 red, 2 green, 3 blue"
has_not out "kernel"
has out "3 in the file, 2 of them rewritten: 2 run, 0 computed at load time"
run 0 "$LUALAB" models info colors -v --kernels reference
has out "In the file:"
has out "is done together with the arg-max"
has out "As it runs:"
has out "alive at node"
has out "kernel"
has out "CONV_2D"
has out "reference."
run 0 "$LUALAB" models info glow
has out "logistic"
run 0 "$LUALAB" models info models/glow.tflite
has out "person"
run 2 "$LUALAB" models info clours
has err "did you mean \"colors\"?"

run 0 "$LUALAB" models verify colors glow
lines out 2
has out "good"
printf 'x' | dd of=models/colors.tflite bs=1 seek=100 conv=notrunc 2>/dev/null
run 1 "$LUALAB" models verify colors glow
has err "colors.tflite: sha256"
has out "glow"
