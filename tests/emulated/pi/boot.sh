#!/bin/sh
# boot.sh ROOT CPUINFO EMULATOR: runs the sshd of the Arm system in ROOT until its stdin ends, in
# namespaces of its own for users, mounts and processes. As their first process it takes along, when
# it ends, all that was mounted, registered and started in them, however its caller ended.
set -eu
if [ "$1" != inside ]; then
  read -r _ # the users are mapped
  exec /bin/sh "$0" inside "$@" # only a new program becomes root of the namespace
fi
root=$2
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
cat "/usr/lib/binfmt.d/$4.conf" >/proc/sys/fs/binfmt_misc/register
mount -t proc proc "$root/proc"
mount --bind "$3" "$root/proc/cpuinfo"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mkdir -p "$root/run/sshd"
hostname emulated-pi
chroot "$root" /usr/sbin/sshd -D -e </dev/null &
read -r _ || true
