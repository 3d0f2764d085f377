#!/bin/sh
# Build the wheel into a folder and use it in an environment of its own: sh scripts/check-wheel.sh FOLDER
set -eu
out=$(mkdir -p "$1" && cd "$1" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip wheel --quiet --no-deps --wheel-dir "$out" .
"$place/env/bin/python" -m pip install --quiet "$out"/vbench_ann-*.whl
cd "$place"
export VBENCH_HOME="$place/home"
"$place/env/bin/vbench" --version
"$place/env/bin/vbench" data list >/dev/null
"$place/env/bin/vbench" index check flat
"$place/env/bin/vbench" run --index flat --dataset books:items --builds 1 --out run
test -s run/report.html
