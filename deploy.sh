#!/usr/bin/env bash
# Carries device/ and a bundle to Raspberry Pis, where the bundle must prove itself before it
# counts, and back again. macOS runs it as it is: bash 3.2 and openrsync are enough.
set -euo pipefail

root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bundle=$root/build/ssdlite_mobilenet_v2
hosts=() at_once=8 action=deploy json='' dry_run='' service='' service_user='' install_deps='' home='' offline='' wheels='' source='' variants=''
host='' work='' requirements='' python='' machine='' had_service='' runner='' shared=()

usage() {
  cat <<'EOF'
Usage: ./deploy.sh [OPTIONS] HOST...

Copies device/ and a bundle to each HOST, installs what they need into a virtual environment
there, lets the bundle prove that it sees what it saw on the laptop, and only then makes it
~/liteberry/current. Three releases are kept. HOST, whatever ssh takes, is a Raspberry Pi with a
64-bit Raspberry Pi OS (Bookworm or Trixie), or an x86-64 Linux with the same Python; or a Pi with a
32-bit Bookworm, which is slower and needs the internet.

  --bundle DIR      the bundle to deploy (default: build/ssdlite_mobilenet_v2, made by make demo)
  --variants A,B    send these of its variants only
  --service         run it as a systemd service too, from boot on, with ~/liteberry/settings.toml
  --source SRC      the service's camera, if there are no settings yet (default: the camera found)
  --service-user U  the user it runs as (default: liteberry, whom --install-deps makes)
  --install-deps    install missing Debian packages there, with sudo
  --home            install what MQTT and messages need too; done anyway where the settings there
                    have [mqtt] or notify
  --offline         for a HOST without internet: wheels are made ready on this machine
  --wheels DIR      the same, from the wheels that an earlier --offline left in DIR; requirements/
                    here decides whether they are the right ones
  --hosts FILE      deploy to the hosts in FILE too, one a line
  --at-once N       to so many hosts at the same time, at most (default: 8)
  --dry-run         look at HOST and print each step, but change nothing
  --rollback        go back to the release before the current one
  --forward         and forward again, to the one that --rollback left
  --status          what is there, and whether it runs: if not, the exit status is 1
  --json            with --status: as a line of JSON for each HOST
  --logs            the service's latest messages
  --link            the live page's link, token and all: on a terminal only
  --uninstall       remove all of it but the settings, with the token, and what the service wrote
  --help            this text

Examples:
  ./deploy.sh pi@raspberrypi.local
  ./deploy.sh --service --source picamera pi@raspberrypi.local
  ./deploy.sh --bundle build/my_model garden porch      # Hosts in ~/.ssh/config, side by side
  ./deploy.sh --rollback garden

Port, user, key and jump host come from ~/.ssh/config, or from LITEBERRY_SSH_CONFIG=FILE.
Exit status: 0 done, 1 failed somewhere (that HOST goes on with the release it had, unless the message
says otherwise), 2 wrong usage.
EOF
}

main() {
  parse_arguments "$@"
  check_here
  if [[ ${#hosts[@]} -eq 1 ]]; then visit "${hosts[0]}"; else visit_all; fi
}

# One host, all of it.
visit() {
  host=$1
  [[ ${#hosts[@]} -gt 1 || -n $json ]] || printf 'Connecting to %s\n' "$host"
  connect
  case $action in
    deploy) deploy ;;
    rollback) alone; step "Going back to the release before" rollback ;;
    forward) alone; step "Going forward to the release that was left" forward ;;
    status) status ;;
    logs) logs ;;
    link) link ;;
    uninstall) alone; step "Removing liteberry" uninstall ;;
  esac
}

deploy() {
  look_at_host
  check_host
  [[ -n $dry_run ]] || lock_host
  step "Copying device/, $requirements and $bundle to ~/liteberry/releases/incoming" stage
  step "Installing $requirements${offline:+ from wheels made ready here}" install_requirements
  if [[ -z $dry_run ]] && is_unchanged; then
    echo "Nothing has changed since release $(fact same)"
    if [[ -z $had_service || -n $(fact started) ]]; then
      [[ -z $service ]] || step "Seeing that the service runs" keep_running
      farewell
      return 0
    fi
  else
    step "Proving that the bundle sees there what it saw here" prove
    [[ -z $service$had_service ]] || step "Trying the service's settings with it" try_settings
    step "Making it ~/liteberry/current" switch
  fi
  if [[ -n $service$had_service ]]; then
    step "Starting the service with it, and going back should it not come up" run_service
  fi
  [[ -n $dry_run ]] || farewell
}

# ---------- Arguments ------------------------------------------------------------------

parse_arguments() {
  local LC_ALL=C value  # so that a-z means these 26 letters
  while [[ $# -gt 0 ]]; do
    case $1 in
      -h | --help) usage; exit 0 ;;
      --dry-run) dry_run=yes ;;
      --service) service=yes ;;
      --install-deps) install_deps=yes ;;
      --offline) offline=yes ;;
      --home) home=yes ;;
      --json) json=yes ;;
      --rollback | --forward | --status | --logs | --link | --uninstall) only_action "${1#--}" ;;
      --bundle=* | --variants=* | --source=* | --service-user=* | --wheels=* | --hosts=* | --at-once=*)
        value=${1#*=}
        set -- "${1%%=*}" "$value" "${@:2}"
        continue ;;
      --bundle | --variants | --source | --service-user | --wheels | --hosts | --at-once)
        [[ -n ${2:-} ]] || usage_error "$1 needs a value"
        case $1 in
          --bundle) bundle=$2 ;;
          --variants) variants=$2 ;;
          --source) source=$2 ;;
          --service-user) service_user=$2 ;;
          --wheels) wheels=$2 offline=yes ;;
          --hosts) add_hosts_of "$2" ;;
          --at-once) at_once=$2 ;;
        esac
        shift ;;
      -*) usage_error "unknown option $1" ;;
      *) add_host "$1" ;;
    esac
    shift
  done
  [[ ${#hosts[@]} -gt 0 ]] || usage_error "which HOST?"
  [[ $action != link || ( ${#hosts[@]} -eq 1 && -t 1 ) ]] ||
    usage_error "--link shows who may watch to one terminal: one HOST, and no pipe or file"
  case $variants in *[!a-zA-Z0-9_,-]* | ,* | *, | *,,*) usage_error "--variants takes names with commas between" ;; esac
  case $service_user in [!a-z_]* | *[!a-z0-9_-]*) usage_error "'$service_user' is no name of a user" ;; esac
  case $at_once in 0* | *[!0-9]* | ????*) usage_error "--at-once takes a number of hosts, 1 to 999" ;; esac
  [[ -z $json || $action == status ]] || usage_error "--json is for --status"
  [[ -z $source$service_user || -n $service ]] || usage_error "--source and --service-user are for the service; add --service"
  # rsync would take the start of a relative name with a colon in it for a machine.
  case $bundle in /*) ;; *) bundle=./$bundle ;; esac
  case $wheels in /* | '') ;; *) wheels=./$wheels ;; esac
}

only_action() {
  [[ $action == deploy ]] || usage_error "--$action and --$1 exclude each other"
  action=$1
}

add_host() {
  local name=$1
  # An address of IPv6 is often written in brackets, which ssh takes in an ssh:// only.
  case $name in ssh://*) ;; \[*:*\] | *@\[*:*\]) name=${name/\[/} name=${name%\]} ;; esac
  # As strict as this because a ProxyCommand in an ssh configuration hands the name to a shell.
  case $name in
    '' | -* | *@-* | *[!a-zA-Z0-9._@:%/+-]*) usage_error "'$1' is not a host name" ;;
  esac
  hosts+=("$name")
}

add_hosts_of() {
  local line
  [[ -r $1 && ! -d $1 ]] || usage_error "--hosts $1 cannot be read"
  while read -r line || [[ -n $line ]]; do
    line=${line%%#*} line=${line%%[[:space:]]*}
    [[ -z $line ]] || add_host "$line"
  done <"$1"
}

check_here() {
  local tool variant
  for tool in ssh rsync; do
    command -v "$tool" >/dev/null || die "$tool is missing on this machine; install it and try again"
  done
  [[ $action == deploy ]] || return 0
  [[ -f $bundle/manifest.json ]] ||
    die "$bundle is no bundle, it has no manifest.json; make one with: make demo"
  for variant in ${variants//,/ }; do
    [[ -f $bundle/$variant.tflite ]] ||
      die "$bundle has no variant $variant; name some of: $(cd "$bundle" && echo *.tflite | sed 's/\.tflite//g')"
  done
  [[ -z $wheels || -d $wheels ]] || die "$wheels is no folder of wheels; make one with --offline"
}

die() {
  [[ -z $json || -z $host ]] ||
    printf '{"host": "%s", "ok": false, "error": "%s"}\n' "$host" "$(printf %s "$1" | LC_ALL=C tr -cd ' !#-[]-~')"
  printf 'deploy.sh: %s\n' "$1" >&2
  exit 1
}

usage_error() { printf 'deploy.sh: %s; see ./deploy.sh --help\n' "$1" >&2; exit 2; }

# step TEXT FUNCTION: says what FUNCTION does, and calls it unless this is a dry run.
step() { printf '%s%s\n' "${dry_run:+(dry run) }" "$1"; [[ -n $dry_run ]] || "$2"; }

# ---------- Connection -----------------------------------------------------------------

# Side by side, each line with the name of its host. In job control each has a process group, by
# which all of it can be ended. A slot is a character in a pipe: who reads one has it, and puts it
# back at the end.
visit_all() {
  local failed=0 number verdict pids=()
  work=$(mktemp -d /tmp/liteberry.XXXXXX)
  trap end_all INT TERM
  mkfifo "$work/slots"
  exec 7<>"$work/slots"
  printf "%${at_once}s" '' | tr ' ' x >&7
  set -m
  for number in "${!hosts[@]}"; do
    {
      read -r -n 1 -u 7
      trap 'printf x >&7' EXIT
      if [[ -n $json ]]; then
        (visit "${hosts[$number]}") </dev/null >"$work/$number" 7>&-
      else
        (visit "${hosts[$number]}") 2>&1 </dev/null 7>&- | tee "$work/$number" |
          sed "s|^|[${hosts[$number]}] |"
      fi
    } &
    pids+=($!)
  done
  set +m
  for number in "${!hosts[@]}"; do
    wait "${pids[$number]}" || { pids[number]=failed; failed=1; }
  done
  if [[ -n $json ]]; then
    for number in "${!hosts[@]}"; do cat "$work/$number"; done
    rm -rf -- "$work"
    return "$failed"
  fi
  echo
  for number in "${!hosts[@]}"; do
    verdict=ok
    [[ ${pids[$number]} != failed ]] || verdict=FAILED
    printf '%-24s %-6s  %s\n' "${hosts[$number]}" "$verdict" "$(tail -n 1 "$work/$number")"
  done
  rm -rf -- "$work"
  return "$failed"
}

end_all() {
  local group
  for group in $(jobs -p); do kill -TERM -- "-$group" 2>/dev/null || true; done
  wait
  rm -rf -- "$work"
  exit 130
}

# Every later ssh and rsync goes through this one connection: one login, and rsync, which splits
# its -e at spaces, is given neither the host's name nor that of a configuration file.
connect() {
  work=$(mktemp -d /tmp/liteberry.XXXXXX)  # a socket's path must be short; macOS's TMPDIR is not
  trap disconnect EXIT
  trap 'exit 130' INT TERM HUP PIPE
  # Beside others nobody could tell whose password is asked for.
  local batch=''
  [[ ${#hosts[@]} -eq 1 ]] || batch=yes
  # Without the agent, the display and the ports that a configuration lets other hosts have.
  # Compressed: int8 packs into four fifths, with --weight-clusters into half.
  ssh ${LITEBERRY_SSH_CONFIG:+-F "$LITEBERRY_SSH_CONFIG"} ${batch:+-o BatchMode=yes} -fNMTaxC \
    -o ClearAllForwardings=yes -S "$work/s" -o ControlPersist=60 -o ConnectTimeout=15 \
    -o ServerAliveInterval=15 -- "$host" \
    >/dev/null 2>"$work/log" || die "cannot connect to $host ($(why_not)); $(way_out)"
  # Should the connection break, ProxyCommand=false keeps ssh from making another.
  shared=(ssh -F /dev/null -S "$work/s" -o ProxyCommand=false)
}

disconnect() {
  trap '' INT TERM HUP PIPE  # to the end
  exec 8>&-  # lets go of the lock
  ssh -F /dev/null -S "$work/s" -O exit liteberry >/dev/null 2>&1 || true
  rm -rf -- "$work"
}

why_not() {
  if grep -q 'HOST IDENTIFICATION HAS CHANGED' "$work/log"; then
    echo 'its host key is not the one known here'
  else
    tail -n 1 "$work/log" | shown
  fi
}

way_out() {
  if grep -q 'HOST IDENTIFICATION HAS CHANGED' "$work/log"; then
    # ssh knows it by its address, and by its port.
    local known
    known=$(sed -n "s/^Host key for \\([][A-Za-z0-9._:%-]*\\) has changed .*/\\1/p" "$work/log")
    known=${known:-$host}
    echo "if its card was flashed anew, run: ssh-keygen -R '${known%%$'\n'*}'"
  elif grep -q 'Host key verification failed' "$work/log"; then
    echo "its key is not known here yet; log in once, and say that it is the right one: ssh $host"
  elif grep -q 'Could not resolve hostname' "$work/log"; then
    echo "is it on, and the name right? try its address; with a port, that is ssh://pi@192.168.1.7:2222"
  elif grep -q 'Permission denied' "$work/log"; then
    echo "let this machine's key in with: ssh-copy-id $host"
  else
    echo "see that it is on, then try: ssh $host"
  fi
}

# Held by a command that lives as long as the connection does, so that no lock outlives us.
lock_host() {
  mkfifo "$work/hold"
  : >"$work/lock" # it is read before the command in the background has opened it
  "${shared[@]}" liteberry "sh -c 'mkdir -p ~/liteberry && exec 9<~/liteberry && \
    { flock -n 9 || { echo liteberry-busy; flock -w 600 9; }; } && echo liteberry-held && cat 9<&-'" \
    <"$work/hold" >"$work/lock" 2>&1 &
  local holder=$! told=''
  exec 8>"$work/hold"
  until grep -q '^liteberry-held' "$work/lock"; do
    if [[ -z $told ]] && grep -q '^liteberry-busy' "$work/lock"; then
      told=yes
      echo "Somebody else is deploying to $host: waiting for them, ten minutes at most"
    fi
    kill -0 "$holder" 2>/dev/null || grep -q '^liteberry-held' "$work/lock" || {
      # Its own sshd learns only hours later of a laptop that is gone.
      [[ -z $told ]] ||
        die "somebody else is still deploying to $host; if that is a laptop that fell asleep, run: ssh $host pkill -f '[l]iteberry-held', and deploy again"
      die "the folder liteberry on $host cannot be locked ($(tail -n 1 "$work/lock" | shown)); mend that and deploy again"
    }
    sleep 0.1
  done
}

# Runs stdin as a script on the host: as data, so that no login shell has a say in its quoting; in
# braces, so that sh reads all of it before it runs any of it. Arguments are words of our own, of
# which an empty one is lost on the way. In
# English, whatever ssh hands on of the user's language, since we read it too.
on_host() {
  { { echo '{ umask 022; export LC_ALL=C.UTF-8'; cat; echo '} </dev/null'; } |
    "${shared[@]}" liteberry sh -s -- "$@" 2>&1 >&3 | shown >&2; } 3>&1 | shown
}

# The same, for a script that calls "deployment WORD...": our device/system/deployment.py, run by the
# Python there. It is sent each time, for the release there may be older, or not there yet.
with_module() {
  {
    printf '%s\n' 'deployment() { python3 -I - "$@" <<\END_OF_MODULE'
    cat "$root/device/system/deployment.py"
    printf 'END_OF_MODULE\n}\n'
    cat
  } | on_host "$@"
}

# Lines of a host as they come, without what a terminal obeys instead of showing it.
shown() {
  local LC_ALL=C line
  while IFS= read -r -n 4096 line || [[ -n $line ]]; do
    line=${line//$'\t'/ } line=${line//$'\302'[$'\200'-$'\237']/}
    printf '%s\n' "${line//[[:cntrl:]]/}"
  done
}

# Shows what a command says, and keeps what it says on stderr.
heard() { { "$@" 2>&1 >&3 | tee "$work/heard" | shown >&2; } 3>&1; }

# What a host says is a stranger's text, and none of it is ever evaluated: [[ -lt ]] and $(( )), for
# example, would run what stands in the subscript of an array. This is its only way in. Facts come
# as lines that begin with a marker, which tells them from what a talkative .bashrc says; each is
# taken whole, once, in the form that it must have, or the host is refused.
form_of() {
  case $1 in
    machine) echo '[a-z0-9_]{1,16}-(32|64)' ;;
    python) echo '([0-9]\.[0-9]{1,2})?' ;;
    missing) echo '( (rsync|gcc|python3|python3-(venv|picamera2|dev|numpy|opencv|tornado|yaml)))*' ;;
    free) echo '[1-9][0-9]{0,8}|0' ;;
    days) echo '-?[1-9][0-9]{0,8}|0' ;;
    current) echo '(releases/[0-9A-Za-z][0-9A-Za-z._-]{0,63})?' ;;
    same | release | before | after) echo '[0-9A-Za-z][0-9A-Za-z._-]{0,63}' ;;
    version) echo '[0-9A-Za-z.+-]{1,40}' ;;
    commit) echo '[0-9a-f]{7,40}(-changed)?' ;;
    bundle) echo '[0-9a-f]{64}' ;;
    state | substate) echo '[a-z-]{1,30}' ;;
    restarts) echo '[0-9]{1,9}' ;;
    fps) echo '[0-9]{1,6}(\.[0-9])?' ;;
    camera) echo 'ok|waiting|unknown' ;;
    environments | settings) echo '[ -~]{0,255}' ;;
    service | nouser | started | home) echo yes ;;
    owner | runner) echo '[A-Za-z_][A-Za-z0-9_.-]{0,31}' ;;
    systemd) echo missing ;;
    sudo) echo refused ;;
    port) echo '[1-9][0-9]{0,4}' ;;
    token) echo '[!-~]{1,255}' ;;
  esac
}

# facts WORD...: those that the script on stdin tells, when run on the host with these words.
facts() {
  with_module "$@" | head -c 1000000 >"$work/answer" || return 1
  local LC_ALL=C line name form
  : >"$work/facts"
  while IFS= read -r line; do
    name=${line#liteberry-} name=${name%% *} line=${line#* }
    form=$(form_of "$name")
    [[ -n $form ]] || continue
    form="^($form)\$"
    ! grep -q "^$name " "$work/facts" || form='twice^'
    [[ $line =~ $form ]] ||
      die "$host gives no answer that could be one to what its '$name' is (${line:0:60}); see what that machine is"
    printf '%s %s\n' "$name" "$line" >>"$work/facts"
  done < <(grep -a '^liteberry-[a-z]* ' "$work/answer")
}

fact() { sed -n "s/^$1 //p" "$work/facts"; }

# A word for sh that means TEXT and nothing else.
quoted() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }

# Where a browser finds the host, whose name may be one of the ssh configuration only.
address() {
  ssh ${LITEBERRY_SSH_CONFIG:+-F "$LITEBERRY_SSH_CONFIG"} -TG -- "$host" |
    sed -n -e 's/^hostname \(.*:.*\)/[\1]/p' -e 's/^hostname \([^:]*\)$/\1/p'  # IPv6 in brackets
}

# ---------- Look and check -------------------------------------------------------------

# What changes a host waits for its turn there, after a look at what is there.
alone() {
  look_at_host
  [[ -z $had_service ]] || check_service
  [[ -n $dry_run ]] || lock_host
}

look_at_host() {
  local camera=other
  case $source in picamera | picamera:*) camera=picamera ;; esac
  facts "${service:-no}" "$camera" "$(date +%s)" "${home:-no}" "$service_user" <<'EOF' || die "$host runs no commands for us; try: ssh $host uname -m"
missing='' service=''
for tool in rsync python3; do command -v "$tool" >/dev/null || missing="$missing $tool"; done
python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
if [ "$1$2" = yespicamera ] && [ ! -s ~/liteberry/settings.toml ]; then
  python3 -c 'from importlib.util import find_spec as f; assert f("picamera2")' 2>/dev/null ||
    missing="$missing python3-picamera2"
fi
echo "liteberry-machine $(uname -m)-$(getconf LONG_BIT)"
echo "liteberry-python $(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)"
free=$({ df -Pk ~/liteberry/ || df -Pk ~; } 2>/dev/null | awk 'NR == 2 {print int($4 / 1024)}')
echo "liteberry-free ${free:-0}"
echo "liteberry-days $((($(date +%s) - $3) / 86400))"
echo "liteberry-current $(readlink ~/liteberry/current 2>/dev/null)"
cd ~/liteberry/venvs 2>/dev/null && echo "liteberry-environments $(echo */installed | cut -c 1-255)"
said=''
[ ! -s ~/liteberry/settings.toml ] || said=$(python3 -c '
import os, tomllib
settings = tomllib.load(open(os.path.expanduser("~/liteberry/settings.toml"), "rb"))
if {"mqtt", "mqtt_host", "notify"} & set(settings): print("home")' 2>&1) ||
  echo "liteberry-settings $(printf '%s\n' "${said##*Error: }" | tail -n 1 | tr -cd '\40-\176' | cut -c 1-255)"
[ "$said" != home ] || echo "liteberry-home yes"
if [ "$(getconf LONG_BIT)" = 32 ]; then  # most of what a lock has otherwise has no wheel for it
  has() { python3 -c "from importlib.util import find_spec; assert find_spec('$1')" 2>/dev/null; }
  has numpy || missing="$missing python3-numpy"
  has cv2 || missing="$missing python3-opencv"
  has tornado || missing="$missing python3-tornado"
  [ "$4$said" = no ] || has yaml || missing="$missing python3-yaml"  # for messages
  command -v gcc >/dev/null || missing="$missing gcc"
  python3 -c 'import os, sysconfig as s; assert os.path.exists(s.get_path("include") + "/Python.h")' \
    2>/dev/null || missing="$missing python3-dev"
fi
echo "liteberry-missing $missing"
if unit=$(systemctl cat liteberry.service 2>/dev/null); then
  names() { printf '%s\n' "$unit" | sed -n "s/^$1=//p" | head -n 1; }
  owner=$(names Owner) runner=$(names User)
  [ -n "$owner" ] || owner=${runner:-root}  # by an older version of this script
  if [ "$owner" = "$(id -un)" ]; then echo "liteberry-service ${service:=yes}"
  else echo "liteberry-owner $owner"; runner=''; fi
fi
if [ "$1$service" != no ]; then
  runner=${5:-${runner:-liteberry}}
  echo "liteberry-runner $runner"
  getent passwd "$runner" >/dev/null 2>&1 || echo "liteberry-nouser yes"
  systemctl show -p Version >/dev/null 2>&1 || echo "liteberry-systemd missing"
  sudo -n true 2>/dev/null || echo "liteberry-sudo refused"
fi
EOF
  had_service=$(fact service) runner=$(fact runner)
}

# Refuses what cannot work before anything is changed.
check_host() {
  local missing free days
  machine=$(fact machine) python=$(fact python) missing=$(fact missing)
  free=$(fact free) days=$(fact days)
  # A 32-bit system may well run on a 64-bit kernel, which is all that uname tells about.
  local bits=''
  case $machine in
    aarch64-64 | x86_64-64) ;;
    armv7l-32 | armv8l-32 | aarch64-32) bits=-32 ;;
    *) die "$host runs a ${machine##*-}-bit system on ${machine%-*}, for which no interpreter has wheels: take a Raspberry Pi 2 or newer, and install a 64-bit Raspberry Pi OS where it can have one" ;;
  esac
  case $python$bits in
    3.11*) requirements=pi-bookworm$bits.txt ;;
    3.13) requirements=pi-trixie.txt ;;
    '' | -32) ;;  # reported below, with whatever else is missing
    *-32) die "$host has Python $python and runs a 32-bit system, for which wheels of interpreters end with tflite-runtime 2.14 and Python 3.11: install a 64-bit Raspberry Pi OS, or the 32-bit Bookworm on a board that has no 64 bits" ;;
    *) die "$host has Python $python, not 3.11 (Raspberry Pi OS Bookworm) or 3.13 (Trixie): install one of these systems" ;;
  esac
  [[ -z $offline || -z $bits ]] ||
    die "$host runs a 32-bit system, for which msgspec has no wheel: it is compiled there, so deploy without --offline"
  # Whoever tells a home nothing gets nothing that it takes.
  [[ -z $requirements || -z $home$(fact home) ]] || requirements=${requirements%.txt}-home.txt
  # Certificates and systemd's timers are of no use to a clock that is off.
  [[ $days == 0 ]] ||
    die "the clock of $host is ${days#-} days off; run: ssh -t $host sudo date -s @$(date +%s)"
  [[ -z $service$had_service ]] || check_service
  local nouser; nouser=$(fact nouser)
  if [[ -n $missing$nouser && -n $install_deps ]]; then
    [[ -z $missing ]] || step "Installing$missing" install_missing
    [[ -z $nouser ]] || step "Making the user $runner, whom the service runs as" make_user
    install_deps=''
    [[ -n $dry_run ]] || { look_at_host; check_host; return 0; }
    missing='' nouser='' requirements=${requirements:-the lock of its Python}
  fi
  [[ -z $missing ]] ||
    die "missing on $host:$missing; deploy with --install-deps, or run: ssh -t $host sudo apt install --no-install-recommends$missing"
  [[ -z $nouser ]] ||
    die "$host has no user $runner for the service to run as; deploy with --install-deps, which makes one, or name one that is there with --service-user"
  [[ -z $wheels ]] || cmp -s "$root/requirements/$requirements" "$wheels/$requirements-${machine%-*}" ||
    die "the wheels in $wheels are not those that $requirements asks for on $host; --offline alone makes them ready"
  local need=800
  case " $(fact environments) " in *" $(environment)/installed "*) need=80 ;; esac
  ! is_less "$free" "$need" ||
    die "$host has $free MB free and needs $need; make room and deploy again"
  [[ -z $service$had_service ]] || check_settings
}

# Whether one row of digits is the lesser number.
is_less() { [[ ${#1} -lt ${#2} || ( ${#1} -eq ${#2} && $1 < $2 ) ]]; }

# What changes a service has to be root.
check_service() {
  [[ -z $service || -z $(fact owner) ]] ||
    die "the service on $host is $(fact owner)'s, and is left to them: deploy as $(fact owner), or without --service, or have them --uninstall it first"
  [[ -z $(fact systemd) ]] || die "$host has no systemd, which would run the service; deploy without --service"
  [[ -z $(fact sudo) ]] ||
    die "sudo asks for a password on $host, and the service cannot be managed; let it not: ssh -t $host 'echo \"\$USER ALL=(ALL) NOPASSWD: ALL\" | sudo tee /etc/sudoers.d/010_\$USER'"
}

# Broken ones would end a service that runs.
check_settings() {
  [[ -z $(fact settings) ]] ||
    die "settings.toml on $host cannot be read ($(fact settings)); mend it: ssh -t $host nano liteberry/settings.toml"
}

# The name of the virtual environment that these requirements get there.
environment() {
  local digest; digest=$(digest)
  printf '%s-%s' "$python" "$($digest <"$root/requirements/$requirements" | cut -c 1-12)"
}

install_missing() {
  local missing; missing=$(fact missing)
  # shellcheck disable=SC2086 # the packages are words
  on_host $missing >"$work/log" 2>&1 <<'EOF' || die "installing$missing on $host failed ($(tail -n 1 "$work/log")); run: ssh -t $host sudo apt install --no-install-recommends$missing"
# Freshly started, it may be busy with its own upgrades.
sudo -n apt-get update -q && sudo -n DEBIAN_FRONTEND=noninteractive apt-get install \
  -o DPkg::Lock::Timeout=300 -q -y --no-install-recommends "$@"
EOF
}

# One that nobody logs in as, and that may do nothing with sudo. Who deploys may read what it writes.
make_user() {
  on_host "$runner" >"$work/log" 2>&1 <<'EOF' || die "the user $runner could not be made on $host ($(tail -n 1 "$work/log")); make one yourself, and name it with --service-user"
sudo -n useradd --system --user-group --home-dir /var/lib/liteberry --no-create-home \
  --shell /usr/sbin/nologin "$1" && sudo -n usermod --append --groups "$1" "$(id -un)"
EOF
}

# ---------- Release --------------------------------------------------------------------

# What the release there has need not travel again. Links are safe: rsync replaces whole files.
stage() {
  { listed; cat <<'EOF'; } | heard on_host "$requirements" "$(commit)" || give_up "cannot write to ~/liteberry on $host, see above; mend that and deploy again"
set -eu
mkdir -p ~/liteberry/releases
cd ~/liteberry/releases
if [ -d ../current/ ] && [ ! -d incoming ]; then
  mkdir incoming && cp -al ../current/device ../current/bundle incoming/
  [ ! -e "../current/$1" ] || cp -al "../current/$1" incoming/
fi
mkdir -p incoming
rm -f incoming/commit
[ -z "${2:-}" ] || printf '%s\n' "$2" | tee incoming/commit >/dev/null
find incoming -name __pycache__ -prune -exec rm -rf {} +
cd incoming
# Times and sizes, by which rsync tells what to send, say nothing of bits that a card has lost.
listed | sha256sum -c --quiet - 2>/dev/null | sed -n 's/: FAILED.*//p' |
  while IFS= read -r name; do rm -f "$name"; done
rm -f code.sha256 compiled.sha256
listed | sed -n '/^[0-9a-f]*  device\//p' | tee code.sha256 >/dev/null
EOF
  send "$root/device" "$root/requirements/$requirements" liteberry:liteberry/releases/incoming/
  # shellcheck disable=SC2046 # none of the names has a space
  send --exclude /report.html --exclude /accuracy.json $(chosen) \
    "$bundle/" liteberry:liteberry/releases/incoming/bundle/
}

# For a script on a host: "listed" prints the sha256 of each file that is sent.
listed() {
  local digest; digest=$(digest)
  printf '%s\n' 'listed() { cat <<\END_OF_LIST'
  # shellcheck disable=SC2086 # the digest is a command and its words
  {
    (cd "$root" && find device -name __pycache__ -prune -o -type f -exec $digest {} +)
    (cd "$bundle" && find . -name __pycache__ -prune -o -type f ! -path ./report.html \
      ! -path ./accuracy.json -exec $digest {} + | sed 's|  \./|  bundle/|')
  } | LC_ALL=C sort -k 2
  printf 'END_OF_LIST\n}\n'
}

digest() { if command -v sha256sum >/dev/null; then echo sha256sum; else echo shasum -a 256; fi; }

# Which commit of this checkout it is, for --status; nothing where there is no git.
commit() {
  local at changed=''
  at=$(git -C "$root" rev-parse --verify --short=12 HEAD 2>/dev/null) || return 0
  [[ -z $(git -C "$root" status --porcelain -- device requirements 2>/dev/null) ]] || changed=-changed
  printf '%s%s' "$at" "$changed"
}

send() {
  heard rsync -rlt --delete --exclude __pycache__ -e "${shared[*]}" "$@" ||
    give_up "copying to $host failed, see above; mend that and deploy again"
}

chosen() {
  [[ -n $variants ]] || return 0
  # shellcheck disable=SC2086 # the variants are words
  printf -- '--include=/%s.tflite\n' ${variants//,/ }
  printf -- '--exclude=/*.tflite\n'
}

# A bundle of fewer variants: its manifest, read as strictly as a run reads it, vouches for the files
# that are there.
keep_variants() {
  heard on_host "$(environment)" "$variants" <<'EOF' || give_up "the bundle cannot be cut down to $variants on $host, see above; name others, or build it again"
cd ~/liteberry/releases/incoming &&
PYTHONPATH=$PWD ../../venvs/$1/bin/python -P -m device.bundle.subset bundle "$2"
EOF
}

# The stamp is written last: an environment without one is made anew. Picamera2 comes from apt:
# hence the site packages. The lock is for the pip of an interrupted deployment, which works on.
install_requirements() {
  local advice='--offline installs without internet there'
  [[ -z $offline ]] || advice='--offline without --wheels makes the wheels ready anew'
  [[ -z $offline ]] || send_wheels
  heard with_module "${offline:-no}" "$(environment)" "$requirements" "${runner:-liteberry}" <<'EOF' || give_up "installing on $host failed, see above ($advice); ~/liteberry/current is as it was: mend that and deploy again"
set -eu
cd ~/liteberry
mkdir -p venvs
exec 9<venvs
flock 9
venv=venvs/$2 lock=releases/incoming/$3 user=$4
if [ -e "$venv/installed" ]; then
  echo "Its environment is there already"
else
  echo "Making $venv, a few minutes' work for a Pi"
  python3 -m venv --clear --system-site-packages "$venv"
  if [ "$1" = yes ]; then
    set -- --no-index --find-links wheels -r wheels/requirements.txt
  else
    set -- -r "$lock"
  fi
  # Trixie's /tmp is memory, of which a Zero 2 W has too little for what pip unpacks.
  mkdir "$venv/tmp"
  # Python compiles what is used when it is used first, not all of it now.
  pip_install() {
    TMPDIR=$PWD/$venv/tmp "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
      --no-deps --no-compile --require-hashes "$@"
  }
  case $lock in
    *-32*)  # msgspec is compiled, and by the tools of the lock: pip would get others without a hash
      awk '/^[a-z]/ { ours = !/^msgspec==/ } ours' "$lock" >"$venv/tmp/wheels.txt"
      pip_install --only-binary :all: -r "$venv/tmp/wheels.txt"
      echo "Compiling msgspec, which has no wheel for 32 bits"
      pip_install --no-build-isolation "$@" ;;
    *) pip_install "$@" ;;
  esac
  rm -rf "$venv/tmp"
  sync -f .  # before the stamp: a Pi loses power without notice, and then what was not written
  touch "$venv/installed"
fi
deployment launcher releases/incoming "$venv"
deployment unit releases/incoming "$user"
# The service's user has to read it, whatever the modes of the files that were sent.
chmod -R go+rX releases/incoming && chmod go+rX . releases venvs
EOF
  [[ -z $variants ]] || keep_variants
}

# For a host that reaches no package index.
send_wheels() {
  if on_host "$(environment)" <<'EOF'; then return 0; fi
test -e ~/liteberry/venvs/"$1"/installed
EOF
  local with=$root/.venv/bin/python ready=$root/build/wheels/${requirements%.txt}-${machine%-*}
  [[ -x $with ]] || with=python3
  command -v "$with" >/dev/null || give_up "--offline needs python3 with pip on this machine"
  # What lies in a folder that was named is copied where it passes the checkout's lock, no more.
  [[ -z $wheels ]] || ready=$work/wheels
  "$with" "$root/requirements/wheels.py" "$root/requirements/$requirements" "$python" \
    "${machine%-*}" "$ready" ${wheels:+"$wheels"} ||
    give_up "the wheels for $host could not be made ready, see above"
  send --exclude '*.tar.gz' "$ready/" liteberry:liteberry/wheels/
}

# What was staged goes again if the current release is the same.
is_unchanged() {
  facts <<'EOF' || return 1
cd ~/liteberry/releases && [ -d ../current/ ] &&
  { [ ! -e ../current/compiled.sha256 ] ||
    (cd ../current && sha256sum -c --status compiled.sha256 2>/dev/null); } &&
  diff -rq -x __pycache__ -x before -x after -x started -x commit -x compiled.sha256 \
    ../current/ incoming >/dev/null &&
  { [ ! -e incoming/commit ] || mv incoming/commit ../current/commit; } &&
  echo "liteberry-same $(basename "$(readlink ../current)")" && rm -rf incoming ../wheels &&
  [ ! -e ../current/started ] || echo "liteberry-started yes"
EOF
  [[ -n $(fact same) ]]
}

# Compiled now, for good: a service that may not write here would compile at each of its starts.
# What the proof takes from the environment, Python compiles as it goes.
prove() {
  heard on_host <<'EOF' || give_up "the bundle does not prove itself on $host, see above; ~/liteberry/current is as it was: mend that and deploy again"
cd ~/liteberry/releases/incoming
python3 -m compileall -q device >&2 || exit 1
find device -name '*.pyc' -exec sha256sum {} + | tee compiled.sha256 >/dev/null
./liteberry verify bundle || exit 1
# What doctor finds is worth knowing, but the run above has shown that it works.
report=$(./liteberry doctor 2>&1) || printf '%s\n' "$report"
printf '%s\n' "$report" | tail -n 1
EOF
}

# Those that it does not know would only end the service, which runs on until then.
try_settings() {
  heard on_host <<'EOF' || give_up "the new release does not take the settings on $host, see above, and the service is left to run: mend them, and deploy again: ssh -t $host nano liteberry/settings.toml"
[ ! -s ~/liteberry/settings.toml ] ||
  ~/liteberry/releases/incoming/liteberry detect --config ~/liteberry/settings.toml --print-config >/dev/null
EOF
}

# A release knows the one before it, so that renaming one link changes both, wholly or not at all.
switch() {
  heard on_host "$(date -u +%Y%m%dT%H%M%SZ)" <<'EOF' || give_up "switching on $host failed, see above; deploy again"
set -eu
cd ~/liteberry
id=$1
while [ -e "releases/$id" ]; do id=${id}a; done
now=$(readlink current || true)
printf '%s\n' "$now" | tee releases/incoming/before >/dev/null  # which, unlike sh, says why not
mv releases/incoming "releases/$id"
[ -L current ] || rm -rf current previous venv-*  # left by the first version of this script
mkdir -p ~/.local/bin
ln -sfn ~/liteberry/current/liteberry ~/.local/bin/liteberry
sync -f .  # a link that outlives a loss of power must not lead to files that did not
ln -sfn "releases/$id" current.new
mv -T current.new current
# This release and the two before it stay, and the environments that these need. It counts by now:
# what does not go, such as what a sudo left there, is no reason to stop.
set +e
before=
[ -z "$now" ] || before=$(cat "$now/before" 2>/dev/null || true)
for old in releases/*; do
  case $old in "releases/$id" | "$now" | "$before") ;; *) rm -rf "$old" ;; esac
done
for venv in venvs/*; do grep -qs "/$venv/" releases/*/liteberry || rm -rf "$venv"; done
rm -rf wheels
sync -f .
echo "current is releases/$id"
EOF
}

# give_up TEXT: what a failed deployment has begun goes, and gives its room back. One that was cut
# off may have left a pip that works on, in a folder that it needs.
give_up() {
  ssh -F /dev/null -S "$work/s" -O check liteberry >/dev/null 2>&1 ||
    die "the connection to $host broke, and what was begun there does not count; deploy again"
  on_host >/dev/null 2>&1 <<'EOF' || true
cd ~/liteberry || exit 0
rm -rf releases/incoming
if [ -d venvs ]; then
  exec 9<venvs && flock -n 9 || exit 0
  for venv in venvs/*; do [ -e "$venv/installed" ] || rm -rf "$venv"; done
fi
rm -rf wheels
EOF
  ! grep -qs 'No space left on device' "$work/heard" ||
    die "the disk of $host is full, and what was sent is gone again; make room (ssh -t $host sudo apt clean) and deploy again"
  die "$1"
}

# go_to before|after|releases/NAME. The one that is left is kept in mind, to go forward to.
go_to() {
  on_host "$1" <<'EOF'
set -eu
cd ~/liteberry
now=$(readlink current) to=$1
case $1 in before | after) to=$(cat "current/$1" 2>/dev/null || true) ;; esac
case $to in releases/*/* | releases/.*) to='' ;; esac
[ -n "$to" ] && [ -d "$to" ] || { echo "there is no release $1 the current one" >&2; exit 1; }
if [ -e "$to/code.sha256" ] && ! (cd "$to" && sha256sum -c --status code.sha256 2>/dev/null); then
  echo "$to is damaged; deploy again instead" >&2
  exit 1
fi
rm -f "$to/started"
[ "$1" != before ] || printf '%s\n' "$now" >"$to/after"
ln -sfn "$to" current.new
mv -T current.new current
echo "current is $to"
EOF
}

rollback() { change_to before "go back"; }

forward() { change_to after "go forward"; }

change_to() {
  go_to "$1" || die "$host cannot $2, see above; it is as it was"
  [[ -n $had_service ]] || return 0
  if install_service && start_service restart; then return 0; fi
  last_words
  if go_to "$(fact current)" && install_service && start_service restart; then
    die "the release $1 did not come up on $host, see above, and the one it had runs again"
  fi
  die "neither the release $1 nor the one it had comes up on $host, see above; mend that and deploy again"
}

# Another's service stays.
uninstall() {
  local owner; owner=$(fact owner)
  [[ -z $had_service ]] || { remove_service; remove_user; }
  on_host "$owner" <<'EOF' || die "not all of it could be removed from $host, see above"
set -eu
rm -f ~/.local/bin/liteberry
cd ~/liteberry 2>/dev/null || exit 0
[ -d releases ] || [ -z "${1:-}" ] ||
  { echo "nothing of liteberry here is yours, and the service is $1's" >&2; exit 1; }
rm -rf current current.new releases venvs wheels
if [ -e settings.toml ]; then echo "Left: ~/liteberry/settings.toml"; fi
[ -z "${1:-}" ] || echo "Left: the service, which is $1's"
rmdir ~/liteberry 2>/dev/null || true
EOF
}

# What the service has written stays, and then its user too.
remove_user() {
  on_host "$runner" <<'EOF' || true
[ ! -d /var/lib/liteberry ] || sudo -n rmdir /var/lib/liteberry 2>/dev/null ||
  echo "Left: /var/lib/liteberry, which the service wrote"
[ -d /var/lib/liteberry ] || [ "$1" != liteberry ] || sudo -n userdel liteberry >/dev/null 2>&1
EOF
}

farewell() {
  if [[ -n $service$had_service ]]; then
    ask_page
    if [[ -n $(fact port) ]]; then
      local page; page=http://$(address):$(fact port)/
      printf 'Look at it: %s (with its token: ./deploy.sh --link %s)\n' "$page" "$host"
      qr_code "$page"
    fi
  else
    printf 'Run it with: ssh%s -t %s .local/bin/liteberry detect liteberry/current/bundle --source demo\n' \
      "${LITEBERRY_SSH_CONFIG:+ -F $(printf %q "$LITEBERRY_SSH_CONFIG")}" "$host"
  fi
}

# ---------- Service --------------------------------------------------------------------

run_service() {
  if install_service && start_service restart; then return 0; fi
  last_words
  local back=''
  if go_to before; then
    back=", and the release before is back"
    if [[ -n $had_service ]] && ! { install_service && start_service restart; }; then
      back=", nor does the release before, which is back"
    fi
  fi
  [[ -n $had_service ]] || remove_service
  die "the service did not come up on $host, see above$back; mend that and deploy again"
}

# For a release that is there already: what runs is left to run.
keep_running() {
  if install_service && start_service start; then return 0; fi
  last_words
  [[ -n $had_service ]] || remove_service
  die "the service does not come up on $host, see above; mend that and deploy again"
}

# Each release has its own unit, so that one that goes back takes its own along.
install_service() {
  make_settings || return 1
  on_host <<'EOF'
set -eu
unit=$HOME/liteberry/current/liteberry.service
owner=$(systemctl cat liteberry.service 2>/dev/null | sed -n 's/^Owner=//p' | head -n 1)
[ "${owner:-$(id -un)}" = "$(id -un)" ] || { echo "the service is $owner's by now" >&2; exit 1; }
if ! systemctl cat liteberry.service 2>/dev/null | sed 1d | cmp -s - "$unit"; then
  sudo -n install -m 644 "$unit" /etc/systemd/system/liteberry.service
  sudo -n systemctl daemon-reload
fi
sudo -n systemctl enable --quiet liteberry.service
sync -f /etc ~  # an empty unit file, after a loss of power, would be a masked service
EOF
}

make_settings() {
  { printf 'source=%s\n' "$(quoted "$source")"; cat <<'EOF'; } | with_module
set -eu
cd ~/liteberry
if [ -s settings.toml ]; then
  [ -z "$source" ] || echo "settings.toml is there already and stays as it is, its source too"
  exit 0
fi
if [ -z "$source" ]; then
  source=demo
  if [ -e /dev/video0 ]; then source=0; fi
  if python3 -c 'from picamera2 import Picamera2; assert Picamera2.global_camera_info()' 2>/dev/null
  then source=picamera; fi
fi
umask 077
deployment settings "$source" >settings.new
mv settings.new settings.toml
EOF
}

# systemd returns when the first frame is through, or fails; then the page's own word is taken.
start_service() {
  with_module "$1" <<'EOF'
set -eu
sudo -n systemctl "$1" liteberry.service
deployment health ~/liteberry/settings.toml
touch ~/liteberry/current/started  # not just switched to: a deployment may be cut off in between
EOF
}

last_words() {
  on_host <<'EOF' || true
{ sudo -n journalctl -u liteberry.service -n 30 --no-pager -o short-iso 2>/dev/null ||
    systemctl status --no-pager liteberry.service; } |
  sed 's/token=[^ &]*/token=.../g'  # older releases wrote it there
EOF
}

logs() {
  look_at_host
  [[ -z $(fact owner) ]] || die "the service on $host is $(fact owner)'s; log in as $(fact owner) to see what it says"
  [[ -n $had_service ]] || die "$host has no service; deploy with --service"
  last_words
}

# The QR code of a link, for a phone, where this is a terminal and the checkout has what draws it.
# It goes by standard input: other users of this machine see what a command is called with.
qr_code() {
  if [[ -t 1 && -x $root/.venv/bin/python ]]; then
    printf '%s\n' "$1" | (cd "$root" && .venv/bin/python -m device.web.qr_code) || true
  fi
}

# ask_page [with token]: where the live page is.
ask_page() {
  facts "$@" <<'EOF' || true
deployment page ~/liteberry/settings.toml "$@"
EOF
}

link() {
  look_at_host
  [[ -n $had_service ]] || die "$host has no service of yours; deploy with --service"
  ask_page with token
  [[ -n $(fact port) ]] || die "the service on $host serves no page; add to its settings: serve = \"0.0.0.0:8080\""
  local token; token=$(fact token)
  local link; link=$(printf 'http://%s:%s/%s' "$(address)" "$(fact port)" "${token:+?token=$token}")
  printf '%s\n' "$link"
  qr_code "$link"
}

status() {
  facts <<'EOF' || die "$host does not tell, see above; try: ssh $host ls liteberry"
cd ~/liteberry 2>/dev/null || exit 0
if [ -d current/ ]; then
  echo "liteberry-release $(basename "$(readlink current)")"
  for other in before after; do
    [ ! -s current/$other ] || [ ! -d "$(cat current/$other)" ] ||
      echo "liteberry-$other $(basename "$(cat current/$other)")"
  done
  version=$(sed -n 's/^__version__ = "\([^"]*\)".*/\1/p' current/device/__init__.py)
  [ -z "$version" ] || echo "liteberry-version $version"
  [ ! -s current/commit ] || echo "liteberry-commit $(cat current/commit)"
  bundle=$(sha256sum <current/bundle/manifest.json) && echo "liteberry-bundle ${bundle%% *}"
fi
unit=$(systemctl cat liteberry.service 2>/dev/null) || exit 0
names() { printf '%s\n' "$unit" | sed -n "s/^$1=//p" | head -n 1; }
owner=$(names Owner) runner=$(names User)
[ "${owner:-${runner:-root}}" = "$(id -un)" ] || { echo "liteberry-owner ${owner:-${runner:-root}}"; exit 0; }
echo "liteberry-service yes"
echo "liteberry-runner ${runner:-root}"
shown=$(systemctl show liteberry.service -p ActiveState,SubState,NRestarts,StatusText)
of() { printf '%s\n' "$shown" | sed -n "s/^$1=//p" | head -n 1; }
echo "liteberry-state $(of ActiveState)"
echo "liteberry-substate $(of SubState)"
restarts=$(of NRestarts)
echo "liteberry-restarts ${restarts:-0}"
fps=$(of StatusText | sed -n 's/^\([0-9][0-9.]*\) FPS.*/\1/p')
case $(of ActiveState):$(of StatusText) in
  active:waiting*) echo "liteberry-camera waiting" ;;
  active:*FPS*) echo "liteberry-camera ok"; [ -z "$fps" ] || echo "liteberry-fps $fps" ;;
  *) echo "liteberry-camera unknown" ;;
esac
EOF
  local problem=''
  if [[ -n $(fact service) && $(fact state) != active ]]; then
    problem="the service on $host does not run (it is $(fact state)); see: ./deploy.sh --logs $host"
  elif [[ -z $(fact release) ]]; then
    problem="liteberry is not on $host; deploy it: ./deploy.sh $host"
  fi
  if [[ -n $json ]]; then
    local ok=true
    [[ -z $problem ]] || ok=false
    printf '{"host": "%s", "ok": %s' "$host" "$ok"
    json_text release before after version commit bundle owner
    json_text runner:user state substate camera
    json_number restarts fps
    printf '}\n'
    [[ -z $problem ]] || exit 1
    return 0
  fi
  if [[ -n $(fact release) ]]; then
    printf 'release:  %s%s%s\n' "$(fact release)" "$(fact before | sed 's/^/, before it: /')" \
      "$(fact after | sed 's/^/, after it: /')"
    printf 'made of:  liteberry %s%s, bundle %s\n' "$(fact version)" \
      "$(fact commit | sed 's/^/ at commit /')" "$(fact bundle | cut -c 1-12)"
  fi
  [[ -z $problem ]] || die "$problem"
  if [[ -n $(fact owner) ]]; then
    printf "service:  %s's\n" "$(fact owner)"
  elif [[ -z $(fact service) ]]; then
    echo "service:  not installed"
  else
    local camera; camera=$(fact camera)
    case $camera in
      waiting) camera='it waits for its camera' ;;
      ok) camera="frames come through$(fact fps | sed 's/.*/, & a second/')" ;;
    esac
    printf 'service:  %s (%s) as %s, restarts: %s; %s\n' "$(fact state)" "$(fact substate)" \
      "$(fact runner)" "$(fact restarts)" "$camera"
  fi
}

# Facts as members of an object of JSON, "name" or "name:called". No fact's form has a quote in it.
json_text() {
  local name value
  for name; do
    value=$(fact "${name%%:*}")
    [[ -z $value ]] || value="\"$value\""
    printf ', "%s": %s' "${name##*:}" "${value:-null}"
  done
}

json_number() {
  local name value
  for name; do
    value=$(fact "$name")
    printf ', "%s": %s' "$name" "${value:-null}"
  done
}

remove_service() {
  on_host <<'EOF' || die "the service could not be removed from $host, see above"
set -eu
sudo -n systemctl disable --quiet --now liteberry.service
sudo -n rm -f /etc/systemd/system/liteberry.service
sudo -n systemctl daemon-reload
EOF
}

main "$@"
