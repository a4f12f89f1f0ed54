#!/bin/sh
# boot.sh ROOT CPUINFO: becomes the sshd of the arm64 system in ROOT. It is run in namespaces of its
# own for users, mounts and processes, with which everything it mounts, registers and starts ends.
set -eu
read -r _ # until the users are mapped
exec /bin/sh -eu -s "$@" <<'SCRIPT' # as root of the namespace, which only a new program becomes
root=$1
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
cat /usr/lib/binfmt.d/qemu-aarch64.conf >/proc/sys/fs/binfmt_misc/register
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --bind "$2" "$root/proc/cpuinfo"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mkdir -p "$root/run/sshd"
hostname emulated-pi
exec chroot "$root" /usr/sbin/sshd -D -e
SCRIPT
