"""A whole arm64 machine by emulation: Debian's kernel and its systemd, on a disk of its own.

Of a Raspberry Pi it has the processor's instructions and the system's packages, and no internet.
Its camera is ``camera/picamera2``, which does what files in the machine's ``/run`` ask of it.
"""

import contextlib
import os
import platform
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulated.pi.root import archive_of, furnish
from tests.helpers.deploy_hosts import Laptop, free_port, make_keys, make_ssh_laptop

HERE = Path(__file__).parent
TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "qemu-system-aarch64": "qemu-system-arm",
    "busybox": "busybox-static",
    "mke2fs": "e2fsprogs",
    "setpriv": "util-linux",
    "rsync": "rsync",
    "ssh": "openssh-client",
}
PACKAGES = (
    *("systemd", "systemd-sysv", "udev", "dbus", "sudo", "busybox-static"),
    "linux-image-cloud-arm64",
)
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "ext4")
DISK_SIZE = "4G"  # of which the file takes what is written
SYSTEM_USERS = ("messagebus", "systemd-network")
NETWORK = """\
[Match]
Type=ether
[Network]
Address=10.0.2.15/24
"""
# Loads what the disk needs, and hands over to systemd.
INIT = """\
#!/bin/busybox sh
while read -r module; do /bin/busybox insmod "/modules/$module"; done </modules/order
/bin/busybox mount -t devtmpfs dev /dev
while [ ! -b /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 /dev/vda /disk
exec /bin/busybox switch_root /disk /sbin/init
"""
BOOT_S = 240  # at most, on a machine that is busy with other things


class Machine:
    """``board`` in the laptop's ssh configuration."""

    def __init__(self, folder: Path) -> None:
        """Make its disk; it is off."""
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        server = folder / "server"
        server.mkdir()
        make_keys(server)
        root = folder / "root"
        root.mkdir()
        subprocess.run(["tar", "-xf", archive_of("bookworm", *PACKAGES), "-C", root], check=True)
        furnish(root, server, 22, "0.0.0.0")
        _furnish_for_systemd(root)
        (kernel,) = (root / "boot").glob("vmlinuz-*")
        shutil.copy(kernel, folder / "kernel")
        _make_initrd(root, folder)
        disk = folder / "disk"
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", root, disk, DISK_SIZE], check=True)
        shutil.rmtree(root)
        self.laptop: Laptop = make_ssh_laptop(folder / "of mine", server, self._port, "pi")

    def switch_on(self) -> None:
        """Returns when somebody can log in."""
        cores = min(os.cpu_count() or 1, 4)
        with (self._folder / "console").open("ab") as console:
            self._process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "KILL"),  # it ends with us, however we end
                    *("qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72"),
                    *("-smp", f"{cores}", "-m", "1024", "-nographic"),
                    *("-kernel", self._folder / "kernel"),
                    *("-initrd", self._folder / "initrd", "-append", "console=ttyAMA0 panic=-1"),
                    # What it has written is safe while the machine around it runs on.
                    *("-drive", f"file={self._folder}/disk,format=raw,if=virtio,cache=unsafe"),
                    "-netdev",
                    f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{self._port}-10.0.2.15:22",
                    # It boots from no network: what it would need for that is another package.
                    *("-device", "virtio-net-pci,netdev=net,romfile="),
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        deadline = time.monotonic() + BOOT_S
        while self.run("true").returncode != 0:
            assert self._process.poll() is None, self.console()
            assert time.monotonic() < deadline, self.console()
            time.sleep(1)

    def cut_power(self) -> None:
        """What its kernel has not written is lost."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def console(self) -> str:
        """The end of what it said while it started."""
        return (self._folder / "console").read_text(errors="replace")[-3000:]

    def deploy(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self.laptop.deploy(*arguments, "board", timeout_s=900)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """What a user types after logging in."""
        return subprocess.run(
            [
                *("ssh", "-F", self.laptop.environment["LITEBERRY_SSH_CONFIG"]),
                *("-o", "ConnectTimeout=60", "board", command),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
        )

    def show(self, name: str) -> str:
        """A property of the service, as systemd knows it."""
        done = self.run(f"systemctl show liteberry.service --value -p {name}")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def journal(self) -> str:
        return self.run("sudo journalctl -u liteberry.service --no-pager -o cat").stdout

    def wait_until(self, command: str, seconds: int = 600) -> None:
        """Until the command, in the machine, succeeds. One login waits: each is slow here."""
        done = self.run(f"timeout {seconds} sh -c 'until {command}; do sleep 1; done'")
        assert done.returncode == 0, f"{command}\n{done}\n{self.journal()[-3000:]}"


def skip_unless_possible() -> None:
    if platform.system() != "Linux" or os.geteuid() != 0:
        pytest.skip("an emulated machine's disk is made by root, on Linux")
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool, path=path)]
    if missing:
        pytest.skip(f"apt install --no-install-recommends {' '.join(missing)}")


def _furnish_for_systemd(root: Path) -> None:
    """What the packages' own scripts would have done, a camera, and a sudo that does not ask."""
    etc = root / "etc"
    with (etc / "passwd").open("a") as passwd, (etc / "group").open("a") as group:
        for number, name in enumerate(SYSTEM_USERS, 900):
            passwd.write(f"{name}:x:{number}:{number}::/:/usr/sbin/nologin\n")
            group.write(f"{name}:x:{number}:\n")
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
    (etc / "machine-id").write_text(f"{uuid.uuid4().hex}\n")
    (etc / "fstab").write_text("/dev/vda / ext4 defaults 0 1\n")
    (etc / "systemd/network/wired.network").write_text(NETWORK)
    wanted = etc / "systemd/system/multi-user.target.wants"
    wanted.mkdir(parents=True, exist_ok=True)
    for unit in ("ssh.service", "systemd-networkd.service"):
        (wanted / unit).symlink_to(f"/usr/lib/systemd/system/{unit}")
    for kind in ("auth", "account", "password", "session", "session-noninteractive"):
        (etc / f"pam.d/common-{kind}").write_text(f"{kind.split('-')[0]} required pam_permit.so\n")
    rule = etc / "sudoers.d" / "pi"
    rule.write_text("pi ALL=(ALL) NOPASSWD: ALL\n")
    rule.chmod(0o440)
    (etc / "tmpfiles.d/camera.conf").write_text("d /run/camera 0755 pi pi\n")
    packages = root / "usr/lib/python3/dist-packages"
    shutil.copytree(HERE / "camera", packages, dirs_exist_ok=True)


def _make_initrd(root: Path, folder: Path) -> None:
    (modules,) = (root / "usr/lib/modules").iterdir()
    subprocess.run(["busybox", "depmod", "-b", root, modules.name], check=True)
    needs = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        file, _, others = line.partition(":")
        needs[Path(file).stem] = (file, others.split())
    made = folder / "initrd.made"
    for name in ("bin", "modules", "dev", "disk"):
        (made / name).mkdir(parents=True)
    shutil.copy(root / "usr/bin/busybox", made / "bin")
    order: dict[str, None] = {}
    for module in MODULES:
        if module in needs:  # others are part of the kernel
            file, others = needs[module]
            order |= dict.fromkeys([*reversed(others), file])
    for file in order:
        shutil.copy(
            modules / file if not file.startswith("/") else root / file[1:], made / "modules"
        )
    (made / "modules/order").write_text("".join(f"{Path(file).name}\n" for file in order))
    (made / "init").write_text(INIT)
    (made / "init").chmod(0o755)
    names = subprocess.run(["busybox", "find", "."], cwd=made, capture_output=True, check=True)
    packed = subprocess.run(
        ["busybox", "cpio", "-o", "-H", "newc"],
        cwd=made,
        input=names.stdout,
        capture_output=True,
        check=True,
    )
    (folder / "initrd").write_bytes(packed.stdout)
    shutil.rmtree(made)


@contextlib.contextmanager
def emulated_machine(folder: Path) -> Iterator[Machine]:
    """One that is on."""
    skip_unless_possible()
    folder.chmod(0o755)
    machine = Machine(folder)
    try:
        machine.switch_on()
        yield machine
    finally:
        machine.cut_power()
        (folder / "disk").unlink(missing_ok=True)
