#!/usr/bin/env bash
# Runs the benchmarks on this machine, one after another: ratios are what to look at.
#   benchmarks/run.sh [BUNDLE]
set -euo pipefail

python=${PYTHON:-.venv/bin/python}

run() {
  local name=$1
  shift
  printf '\n== benchmarks/%s.py\n' "$name"
  "$python" "benchmarks/$name.py" "$@"
}

main() {
  cd "$(dirname "$0")/.."
  local bundle=${1:-build/ssdlite_mobilenet_v2}
  printf '== What invokes and whole frames take, beside other loops\n'
  "$python" -m device bench "$bundle" --source demo --references \
    --json build/bench/here.json --html build/bench/here.html
  run runner "$bundle"
  run compiled_model "$bundle"
  run build
}

main "$@"
