#!/bin/sh
# watch.sh DEPLOY_SH HOST SECONDS EVERY_S: fails as soon as HOST is not well within SECONDS, by what
# deploy.sh --status says: its service is gone, was started anew, or has no camera.
set -eu
deploy_sh=$1 host=$2 left=$3 every=$4 first=''
while :; do
  status=$("$deploy_sh" --status --json "$host") || { echo "its service does not run: $status" >&2; exit 1; }
  case $status in *'"camera": "waiting"'*) echo "its camera is gone" >&2; exit 1 ;; esac
  restarts=$(printf '%s\n' "$status" | sed -n 's/.*"restarts": \([0-9]*\).*/\1/p')
  [ "${first:-$restarts}" = "$restarts" ] ||
    { echo "it was started anew: $restarts restarts, $first before" >&2; exit 1; }
  first=$restarts
  [ "$left" -gt 0 ] || exit 0
  [ "$left" -ge "$every" ] || every=$left
  sleep "$every"
  left=$((left - every))
done
