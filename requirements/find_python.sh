#!/usr/bin/env bash
# The Python that the laptop side runs on. Prints one line, "VERSION PLATFORM EXECUTABLE":
#
#     requirements/find_python.sh             # the best one that is installed
#     requirements/find_python.sh --newest    # the newest one
#     requirements/find_python.sh PYTHON      # this one, if it will do
#
# 3.11 is the best: it is the last that tflite-runtime was released for, so every variant is
# checked in a second interpreter before it ships. Then the older first, for which wheels of
# everything have been out the longest. Each candidate is run, for a name on PATH proves little:
# pyenv leaves a `python3.13` there that only says that it is not the chosen one.
set -euo pipefail

readonly BEST_FIRST="3.11 3.12 3.13"
readonly NEWEST_FIRST="3.13 3.12 3.11"
readonly HOW="Debian and Ubuntu: sudo apt install python3-venv, or python3.11-venv and the like; elsewhere: pyenv install 3.11"

# What a candidate says of itself, in words that Python 2 understands. Debian's python3 has `venv`
# without what it works with, which is in a package of its own.
readonly PROBE='
import platform, struct, sys, sysconfig
try:
    import ensurepip, venv
    makes_venvs = "venv"
except ImportError:
    makes_venvs = "no-venv"
libc = "musl" if "musl" in str(sysconfig.get_config_var("SOABI")) else "libc"
print("%d.%d" % sys.version_info[:2], platform.python_implementation(), struct.calcsize("P") * 8,
      libc, makes_venvs, platform.system(), platform.machine())
'

fail() {
  echo "$*" >&2
  exit 1
}

# Sets version, platform and why: the last is empty if the executable will do.
look_at() {
  local said implementation bits libc makes_venvs system machine
  version="" platform="" why=""
  if ! command -v "$1" >/dev/null; then
    why="there is no $1 here"
    return
  fi
  if ! said=$("$1" -c "$PROBE" 2>/dev/null </dev/null) || [ -z "$said" ]; then
    why="$1 is no Python that runs"
    return
  fi
  # Python 2 prints a tuple.
  read -r version implementation bits libc makes_venvs system machine <<<"$(tr -d "(),'" <<<"$said")"
  case $system-$machine in
    Linux-x86_64 | Linux-aarch64) platform=linux-$machine ;;
    Linux-arm64) platform=linux-aarch64 ;;
    Darwin-arm64) platform=macos-arm64 ;;
    *) why="TensorFlow 2.21 has no wheels for $system on $machine: take Linux (or WSL) on x86-64 or 64-bit Arm, or macOS on Apple silicon" ;;
  esac
  case " $BEST_FIRST " in
    *" $version "*) ;;
    *) why="$1 is Python $version, and TensorFlow 2.21 has wheels for 3.11, 3.12 and 3.13" ;;
  esac
  [ -z "$why" ] || return 0
  if [ "$implementation" != CPython ]; then
    why="$1 is $implementation, and there are wheels for CPython only"
  elif [ "$bits" != 64 ]; then
    why="$1 is a $bits-bit Python, and there are wheels for 64 bits only"
  elif [ "$libc" = musl ]; then
    why="$1 is linked with musl, as in Alpine, and there are wheels for glibc only"
  elif [ "$makes_venvs" != venv ]; then
    why="$1 cannot make virtual environments; install its venv module: sudo apt install python$version-venv"
  fi
}

# Where a Python of that version may be.
candidates() {
  local folder
  command -v "python$1" || true
  command -v python3 || true
  for folder in "${PYENV_ROOT:-${HOME:-}/.pyenv}/versions" "${HOME:-}/.local/share/uv/python"; do
    printf '%s\n' "$folder/$1".*/bin/python3 "$folder/cpython-$1".*/bin/python3
  done | sort -rV
}

main() {
  local order=$BEST_FIRST wanted candidate nearest=""
  local version platform why
  case ${1:-} in
    "") ;;
    --newest) order=$NEWEST_FIRST ;;
    *)
      look_at "$1"
      [ -z "$why" ] || fail "$why"
      echo "$version $platform $(command -v "$1")"
      return
      ;;
  esac
  for wanted in $order; do
    while read -r candidate; do
      [ -x "$candidate" ] || continue
      look_at "$candidate"
      if [ -z "$why" ] && [ "$version" = "$wanted" ]; then
        echo "$version $platform $candidate"
        return
      fi
      # Of several that will not do, the one that was nearest to it is the one to mend.
      [ "$version" != "$wanted" ] || [ -n "$nearest" ] || nearest=$why
    done < <(candidates "$wanted")
  done
  [ -z "$nearest" ] || fail "$nearest"
  look_at python3
  [ -n "$why" ] && [ -n "$version" ] || why="there is no Python 3.11, 3.12 or 3.13 here"
  fail "$why; install one ($HOW), or name it: make PYTHON=/path/to/python3.11"
}

main "$@"
