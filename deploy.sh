#!/usr/bin/env bash
# Carries device/ and a bundle to a Raspberry Pi, where the bundle must run before it counts.
# macOS runs it as it is: nothing here needs more than bash 3.2 and openrsync.
set -euo pipefail

root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bundle=$root/build/ssdlite_mobilenet_v2
host='' dry_run='' work='' requirements=''

usage() {
  cat <<'EOF'
Usage: ./deploy.sh [--bundle DIR] [--dry-run] HOST

Copies device/ and a bundle to HOST, installs what they need into a virtual environment there,
runs the bundle for five frames, and only then makes it ~/liteberry/current; the release before
it stays as ~/liteberry/previous. HOST, whatever ssh takes, is a Raspberry Pi with a 64-bit
Raspberry Pi OS (Bookworm or Trixie), or an x86-64 Linux with the same Python.

  --bundle DIR   the bundle to deploy (default: build/ssdlite_mobilenet_v2, made by make demo)
  --dry-run      look at HOST and print each step, but change nothing
  --help         this text

Examples:
  ./deploy.sh pi@raspberrypi.local
  ./deploy.sh --dry-run pi@raspberrypi.local
  ./deploy.sh --bundle build/my_model garden        # "garden" is a Host in ~/.ssh/config

Port, user, key and jump host come from ~/.ssh/config, or from LITEBERRY_SSH_CONFIG=FILE.
Exit status: 0 deployed, 1 failed (HOST goes on with the release it had), 2 wrong usage.
EOF
}

die() { printf 'deploy.sh: %s\n' "$1" >&2; exit 1; }
usage_error() { printf 'deploy.sh: %s; see ./deploy.sh --help\n' "$1" >&2; exit 2; }

# step TEXT FUNCTION: says what FUNCTION does, and calls it unless this is a dry run.
step() { printf '%s%s\n' "${dry_run:+(dry run) }" "$1"; [[ -n $dry_run ]] || "$2"; }

parse_arguments() {
  local LC_ALL=C  # so that a-z below means these 26 letters
  while [[ $# -gt 0 ]]; do
    case $1 in
      -h | --help) usage; exit 0 ;;
      --dry-run) dry_run=yes ;;
      --bundle) [[ -n ${2:-} ]] || usage_error "--bundle needs a folder"; bundle=$2; shift ;;
      --bundle=?*) bundle=${1#*=} ;;
      -*) usage_error "unknown option $1" ;;
      *) [[ -z $host ]] || usage_error "one HOST at a time, not $host and $1"
         host=$1 ;;
    esac
    shift
  done
  # As strict as this because a ProxyCommand in an ssh configuration hands the name to a shell.
  case $host in
    '') usage_error "which HOST?" ;;
    *@-* | *[!a-zA-Z0-9._@:%/+-]*) usage_error "'$host' is not a host name" ;;
  esac
  # rsync would take the start of a relative name with a colon in it for a machine.
  [[ $bundle == /* ]] || bundle=./$bundle
}

check_here() {
  [[ -f $bundle/manifest.json ]] ||
    die "$bundle is no bundle, it has no manifest.json; make one with: make demo"
  local tool
  for tool in ssh rsync; do
    command -v "$tool" >/dev/null || die "$tool is missing on this machine; install it and try again"
  done
}

# Every later ssh and rsync goes through this one connection: one login, and rsync, which splits
# its -e at spaces, is given neither the host's name nor that of a configuration file.
connect() {
  work=$(mktemp -d /tmp/liteberry.XXXXXX)  # a socket's path must be short; macOS's TMPDIR is not
  trap disconnect EXIT
  ssh ${LITEBERRY_SSH_CONFIG:+-F "$LITEBERRY_SSH_CONFIG"} -fNMT -S "$work/s" -o ControlPersist=60 \
    -o ConnectTimeout=15 -o ServerAliveInterval=15 -- "$host" >/dev/null 2>"$work/log" ||
    die "cannot connect to $host ($(tail -n 1 "$work/log" | tr -d '\r')); see that it is on, then try: ssh $host"
  # Should the connection break, ProxyCommand=false keeps ssh from making another.
  shared=(ssh -F /dev/null -S "$work/s" -o ProxyCommand=false)
}

disconnect() {
  ssh -F /dev/null -S "$work/s" -O exit liteberry >/dev/null 2>&1 || true
  rm -rf -- "$work"
}

# Runs stdin as a script on the host: as data, so that no login shell has a say in its quoting; in
# braces, so that sh reads all of it before it runs any of it. Arguments are words of our own.
on_host() { { echo '{'; cat; echo '} </dev/null'; } | "${shared[@]}" liteberry sh -s -- "$@"; }

look_at_host() {
  local machine='' bits='' python='' missing=''
  on_host >"$work/facts" <<'EOF' || die "$host runs no commands for us; try: ssh $host uname -m"
missing=
for tool in rsync python3; do command -v "$tool" >/dev/null || missing="$missing $tool"; done
python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || python=none
echo "liteberry-host $(uname -m) $(getconf LONG_BIT) $python $missing"
EOF
  # The marker tells our line from what a talkative .bashrc says.
  read -r machine bits python missing <<<"$(sed -n 's/^liteberry-host //p' "$work/facts")"
  # A 32-bit system may well run on a 64-bit kernel, which is all that uname tells about.
  case $machine-$bits in
    aarch64-64 | x86_64-64) ;;
    *) die "$host runs a $bits-bit system on $machine, but the interpreters need 64 bits (aarch64 or x86_64): install a 64-bit Raspberry Pi OS" ;;
  esac
  case $python in
    3.11) requirements=pi-bookworm.txt ;;
    3.13) requirements=pi-trixie.txt ;;
    none) ;;  # reported below, with whatever else is missing
    *) die "$host has Python $python, not 3.11 (Raspberry Pi OS Bookworm) or 3.13 (Trixie): install one of these systems" ;;
  esac
  [[ -z $missing ]] || die "missing on $host: $missing; run: ssh -t $host sudo apt install $missing"
}

send() {
  rsync -rlt --delete --exclude __pycache__ -e "${shared[*]}" "$@" ||
    die "copying to $host failed, see above; mend that and deploy again"
}

# What the release there has need not travel again. Links are safe: rsync replaces whole files.
copy_release() {
  on_host <<'EOF' || die "cannot write to ~/liteberry on $host, see above; mend that and deploy again"
set -eu
mkdir -p ~/liteberry && cd ~/liteberry
if [ -d current ] && [ ! -d incoming ]; then
  mkdir incoming && cp -al current/device current/bundle incoming/
fi
mkdir -p incoming && rm -f incoming/smoke.jsonl
find incoming -name __pycache__ -prune -exec rm -rf {} +
EOF
  send "$root/device" "$root/requirements/$requirements" liteberry:liteberry/incoming/
  send --exclude /report.html --exclude /accuracy.json "$bundle/" liteberry:liteberry/incoming/bundle/
}

# The stamp is written last: an environment without one is made anew. The lock is for the pip of
# an interrupted deployment, which works on. Picamera2 comes from apt: hence the site packages.
install_requirements() {
  on_host "$requirements" <<'EOF' || die "installing on $host failed, see above; deploy again to take it up"
set -eu
cd ~/liteberry
exec 9<. && flock 9
venv=venv-$(sha256sum "incoming/$1" | cut -c 1-12)
if [ -e "$venv/installed" ]; then
  echo "$venv is there already"
else
  echo "Making $venv, a few minutes' work for a Pi"
  python3 -m venv --clear --system-site-packages "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --require-hashes -r "incoming/$1"
  touch "$venv/installed"
fi
cat >incoming/liteberry <<LAUNCHER
#!/bin/sh
here=\$(dirname "\$(readlink -f "\$0")")
exec env PYTHONPATH="\$here" "\$here/../$venv/bin/python" -P -m device "\$@"
LAUNCHER
chmod +x incoming/liteberry
EOF
}

smoke_run() {
  on_host <<'EOF' || die "the bundle does not run on $host, see above; ~/liteberry/current is as it was: mend the bundle and deploy again"
cd ~/liteberry/incoming && ./liteberry info bundle >/dev/null &&
  exec ./liteberry detect bundle --source demo --frames 5 --log smoke.jsonl
EOF
}

swap_in() {
  on_host <<'EOF' || die "swapping on $host failed, see above; mend that and deploy again"
set -eu
cd ~/liteberry
rm -rf previous
if [ -d current ]; then mv current previous; fi
mv incoming current
EOF
  printf 'Run it with:\n  ssh%s -t %s liteberry/current/liteberry detect liteberry/current/bundle --source demo\n' \
    "${LITEBERRY_SSH_CONFIG:+ -F $(printf %q "$LITEBERRY_SSH_CONFIG")}" "$host"
}

main() {
  parse_arguments "$@"
  check_here
  printf 'Connecting to %s\n' "$host"
  connect
  look_at_host
  step "Copying device/, $requirements and $bundle to ~/liteberry/incoming" copy_release
  step "Installing $requirements" install_requirements
  step "Running the bundle on $host for five frames" smoke_run
  step "Making it ~/liteberry/current; what was there is ~/liteberry/previous" swap_in
}

main "$@"
