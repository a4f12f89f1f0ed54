#!/usr/bin/env bash
# The tests of V4L2 cameras, on a camera: vivid, which the kernel brings to test programs with.
# Most machines on which tests run have no such module, so this starts one that has: Debian's
# kernel in an emulated PC, on this machine's own files, read-only. Takes about two minutes.
# With LITEBERRY_RUNS a camera is lost five times as often there, and that alone is looked at.
set -euo pipefail

readonly CACHE=build/v4l2
readonly CAMERAS="n_devs=1 node_types=0x1 num_inputs=1 input_types=0"

fail() {
  echo "tests/emulated/v4l2/run.sh: $*" >&2
  exit 1
}

fetch_kernel() {
  [ -e "$CACHE/complete" ] && return
  local package
  package=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
  [ -n "$package" ] || fail "apt knows no linux-image-amd64; try: apt-get update"
  echo "fetching $package (70 MB) into $CACHE" >&2
  rm -rf "$CACHE"
  mkdir -p "$CACHE"
  (cd "$CACHE" && apt-get download -qq "$package" && dpkg-deb -x ./*.deb . && rm ./*.deb)
  busybox depmod -b "$CACHE" "$(ls "$CACHE/lib/modules")"
  touch "$CACHE/complete"
}

# A module's file and those it needs, in the order in which they are loaded.
module_files() {
  sed -n "s|^\([^:]*/$1\.ko\): *|\1 |p" "$modules/modules.dep" | tr ' ' '\n' | tac
}

make_initrd() {
  local module file
  mkdir -p "$work/initrd/bin" "$work/initrd/modules" "$work/initrd/root"
  cp "$(command -v busybox)" "$work/initrd/bin/busybox"
  for module in virtio_pci 9pnet_virtio 9p vivid; do
    for file in $(module_files "$module"); do
      [ -e "$work/initrd/modules/$(basename "$file")" ] && continue
      cp "$modules/$file" "$work/initrd/modules/"
      basename "$file" >>"$work/initrd/modules/order"
    done
  done
  cat >"$work/initrd/init" <<EOF
#!/bin/busybox sh
busybox=/bin/busybox
while read -r module; do
  options=
  [ "\$module" = vivid.ko ] && options="$CAMERAS"
  \$busybox insmod /modules/\$module \$options
done </modules/order
\$busybox mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,ro,cache=loose files /root
\$busybox mount -t devtmpfs dev /root/dev
\$busybox mount -t proc proc /root/proc
\$busybox mount -t sysfs sys /root/sys
\$busybox mount -t tmpfs tmp /root/tmp
\$busybox mkdir /root/tmp/job
# Once more where it is: it may lie below /tmp, which is empty here.
\$busybox mkdir -p /root$(printf %q "$PWD")
\$busybox mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,ro,cache=loose project /root$(printf %q "$PWD")
\$busybox mount -t 9p -o trans=virtio,version=9p2000.L job /root/tmp/job
\$busybox chroot /root /bin/bash /tmp/job/job.sh >/root/tmp/job/output 2>&1
echo \$? >/root/tmp/job/code
\$busybox poweroff -f
EOF
  chmod +x "$work/initrd/init"
  (cd "$work/initrd" && busybox find . | busybox cpio -o -H newc | gzip -1) >"$work/initrd.gz"
}

run_machine() {
  timeout "$limit_s" qemu-system-x86_64 -M q35 -accel tcg -cpu max -smp 2 -m 1500 -nographic -no-reboot \
    -nic none -kernel "$CACHE"/boot/vmlinuz-* -initrd "$work/initrd.gz" \
    -append "console=ttyS0 panic=-1 quiet no_timer_check" \
    -virtfs "local,path=/,mount_tag=files,security_model=none,readonly=on,multidevs=remap" \
    -virtfs "local,path=$PWD,mount_tag=project,security_model=none,readonly=on,multidevs=remap" \
    -virtfs "local,path=$work/job,mount_tag=job,security_model=none" \
    </dev/null >"$work/console" 2>&1 || true
  if [ ! -s "$work/job/code" ]; then
    tail -n 20 "$work/console" >&2
    fail "the machine did not come to its end"
  fi
}

main() {
  local tool runs=${LITEBERRY_RUNS:-} limit_s=600
  local tests="tests/device/cameras/test_v4l2.py tests/device/cameras/test_contract.py"
  if [ -n "$runs" ]; then
    tests="-s -m endurance tests/endurance/test_cameras.py"
    limit_s=$((600 + 60 * runs))
  fi
  cd "$(dirname "$0")/../../.."
  for tool in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static apt-get:apt; do
    command -v "${tool%%:*}" >/dev/null || fail "install ${tool##*:} (Debian's name for it)"
  done
  fetch_kernel
  modules=$(echo "$CACHE"/lib/modules/*)
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  make_initrd
  mkdir "$work/job"
  cat >"$work/job/job.sh" <<EOF
cd $(printf %q "$PWD")
export HOME=/tmp PATH=$(printf %q "$PATH") PYTHONDONTWRITEBYTECODE=1
export LITEBERRY_RUNS=${runs:-0}
.venv/bin/python -m pytest -p no:cacheprovider -k v4l2 $tests
EOF
  echo "starting a machine with a test camera" >&2
  run_machine
  cat "$work/job/output"
  return "$(cat "$work/job/code")"
}

main "$@"
