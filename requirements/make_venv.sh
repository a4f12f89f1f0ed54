#!/usr/bin/env bash
# The virtual environment that the Makefile's targets run in, from the lock of its Python:
#
#     requirements/make_venv.sh FOLDER [PYTHON]
#
# One that was begun is taken up again, one of a Python that will not do is made anew, and one
# that is as its lock says is left alone. FOLDER/installed is written last, and says for which.
set -euo pipefail

readonly FOLDER=${1:?which folder?} PYTHON=${2:-}
readonly HERE=${0%/*}
readonly STAMP=$FOLDER/installed LOG=$FOLDER/pip.log
# Measured on Linux, rounded up: what TensorFlow and the others take, and their wheels on the way.
readonly VENV_MB=3300 WHEELS_MB=1200

fail() {
  echo "make: $*" >&2
  exit 1
}

# Free megabytes where a folder is, or will be.
free_mb() {
  local folder=$1
  while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
  df -Pk "$folder" | awk 'NR == 2 { print int($4 / 1000) }'
}

# Sets version, platform, python and lock: of the environment that is there, if it works and no
# other Python is asked for; else of the best that is installed.
choose() {
  local found
  if [ -n "$PYTHON" ] || [ -z "$there" ] ||
    ! found=$("$HERE/find_python.sh" "$FOLDER/bin/python" 2>/dev/null); then
    found=$("$HERE/find_python.sh" ${PYTHON:+"$PYTHON"} 2>&1) || fail "$found"
  fi
  read -r version platform python <<<"$found"
  lock=$HERE/laptop-$version-$platform.txt
  [ -e "$lock" ] || fail "there is no $lock: this checkout is not whole, or make lock has not made it"
}

# The version of the environment that is there, if it works.
version_there() {
  "$FOLDER/bin/python" -c 'import pip, sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

check_space() {
  local temporary=${TMPDIR:-/tmp} free
  free=$(free_mb "$FOLDER")
  [ "$free" -ge "$VENV_MB" ] || fail "$FOLDER takes $VENV_MB MB, and $free MB are free there;" \
    "make room, or name another disk: make VENV=/there/venv"
  free=$(free_mb "$temporary")
  [ "$free" -ge "$WHEELS_MB" ] || fail "packages take $WHEELS_MB MB of $temporary on their way, and" \
    "$free MB are free there; make room, or name another folder: TMPDIR=/there make"
}

# Says in one line what pip's log says in many.
explain() {
  local next="see $LOG, and run make again: it goes on from here"
  if grep -q "No space left" "$LOG"; then
    next="the disk is full; make room and run make again"
  elif grep -qE "name resolution|Connection|Network is unreachable|timed out|Max retries" "$LOG"; then
    next="the package index cannot be reached; look at the network, and run make again"
  elif grep -qE "gcc|cc1|compiler|Python\.h" "$LOG"; then
    next="a package had no wheel for this machine and could not be built: sudo apt install gcc python$version-dev"
  fi
  fail "the packages could not be installed: $next"
}

# Make asks again when any lock is newer than the stamp, and what depends on it is made anew when
# it changes: so it is touched only where a lock is.
keep() {
  [ -z "$(find "$HERE" \( -name '*.sh' -o -name 'laptop-*.txt' \) -newer "$STAMP")" ] || touch "$STAMP"
}

main() {
  local version platform python lock state there
  if [ -e "$FOLDER" ] && [ ! -e "$FOLDER/pyvenv.cfg" ] && ! rmdir "$FOLDER" 2>/dev/null; then
    fail "$FOLDER is there and is no virtual environment; remove it, or name another: make VENV=.venv-liteberry"
  fi
  there=$(version_there)
  choose
  state="$version $platform $(cksum <"$lock")"
  if [ "$there" = "$version" ] && [ "$(cat "$STAMP" 2>/dev/null)" = "$state" ]; then
    keep
    return
  fi
  [ "$there" = "$version" ] || check_space
  rm -f "$STAMP"
  echo "Installing what the laptop side needs into $FOLDER, for Python $version (TensorFlow among it: a minute or two)"
  if [ "$there" != "$version" ]; then
    [ -z "$there" ] || echo "$FOLDER was of Python $there, and is made anew"
    "$python" -m venv --clear "$FOLDER" || fail "$python could not make $FOLDER, see above"
  fi
  # --no-deps: the lock names them all.
  "$FOLDER/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
    -r "$lock" 2>"$LOG" || explain
  echo "$state" >"$STAMP"
}

main
