"""A Raspberry Pi by emulation: an Arm Debian with its own sshd, on the loopback interface.

Of a Pi it has the processor's instructions, the system's packages and Python. It has no systemd,
no camera, and nothing of a Pi's speed.
"""

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.deploy_hosts import (
    ROOT,
    Laptop,
    free_port,
    make_keys,
    make_ssh_laptop,
    wait_until_listening,
)

HERE = Path(__file__).parent
KEPT_IN = ROOT / "build" / "pi"
TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "qemu-aarch64-static": "qemu-user-static",  # qemu-arm-static is in it too
    "rsync": "rsync",
    "ssh": "openssh-client",
}
PACKAGES = (
    *("base-files", "base-passwd", "bash", "ca-certificates", "coreutils", "dash", "diffutils"),
    *("findutils", "grep", "hostname", "libc-bin", "libgcc-s1", "libstdc++6", "login", "mawk"),
    *("openssh-server", "passwd", "procps", "python3", "python3-venv", "rsync", "sed"),
    "util-linux",
)
# What Picamera2 stands on; it is itself in Raspberry Pi's own archive only, not in Debian's.
SYSTEM_PYTHON = {"bookworm": ("python3-numpy",), "trixie": ("python3-numpy", "python3-libcamera")}
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PASSWORD = "raspberry"
HASHED = (  # openssl passwd -6 -salt liteberry raspberry
    "$6$liteberry$J3ldDYRNnqH77gqfw5RxAkwZLC0JX/VUeKZi9"
    "rAxtpxRsxRKmM2ZsWBKqrOv8e6jE2xJ4A4DuRNGrcePGCS0U/"
)
USERS = "0 0 65536"  # each as it is outside


@dataclass(frozen=True)
class Processor:
    """A processor, as QEMU has it and as ``/proc/cpuinfo`` shows each of its cores.

    Where that file shows another one, LiteRT crashes or takes other kernels.
    """

    architecture: str  # as Debian calls it
    emulator: str
    model: str
    cpuinfo: str


PI_4 = Processor(
    "arm64",
    "qemu-aarch64",
    "cortex-a72",
    "processor\t: {}\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\n"
    "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\n"
    "CPU revision\t: 3\n\n",
)
PI_2 = Processor(
    "armhf",
    "qemu-arm",
    "cortex-a7",
    "processor\t: {}\nmodel name\t: ARMv7 Processor rev 5 (v7l)\nBogoMIPS\t: 38.40\n"
    "Features\t: half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae "
    "evtstrm\n"
    "CPU implementer\t: 0x41\nCPU architecture: 7\nCPU variant\t: 0x0\nCPU part\t: 0xc07\n"
    "CPU revision\t: 5\n\n",
)


@dataclass(frozen=True)
class EmulatedPi:
    """``board`` in the laptop's ssh configuration."""

    laptop: Laptop
    root: Path
    system_python: tuple[str, ...]  # packages that apt brought

    @property
    def liteberry(self) -> Path:
        return self.root / "home" / "pi" / "liteberry"

    def deploy(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self.laptop.deploy(*arguments, "board", timeout_s=900)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """What a user types after logging in."""
        return subprocess.run(
            ["ssh", "-F", self.laptop.environment["LITEBERRY_SSH_CONFIG"], "board", command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )


def skip_unless_possible() -> None:
    if platform.system() != "Linux" or os.geteuid() != 0:
        pytest.skip("an emulated Pi needs Linux and root")
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing:
        pytest.skip(f"apt install --no-install-recommends {' '.join(missing)}")
    mounting = "mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc"
    probe = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounting]
    if subprocess.run(probe, capture_output=True).returncode != 0:
        pytest.skip("this kernel has no binfmt_misc for a namespace (Linux 6.7 has)")


def archive_of(suite: str, *more: str, architecture: str = "arm64") -> Path:
    """The packages of a Debian, unpacked only: no program of it has run. Made once.

    ``more`` are packages beside those that every emulated Pi has.
    """
    packages = (*PACKAGES, *more)
    recipe = hashlib.sha256(" ".join([suite, *packages]).encode()).hexdigest()[:12]
    archive = KEPT_IN / f"{suite}-{architecture}-{recipe}.tar"
    if not archive.exists():
        KEPT_IN.mkdir(parents=True, exist_ok=True)
        making = archive.with_suffix(f".{os.getpid()}.tar")
        try:
            subprocess.run(
                [
                    *("mmdebstrap", "--quiet", "--variant=extract"),
                    f"--architectures={architecture}",
                    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
                    *(f"--include={','.join(packages)}", suite, making),
                ],
                check=True,
            )
            making.rename(archive)
        finally:
            making.unlink(missing_ok=True)
    return archive


def furnish(
    root: Path, server: Path, port: int, address: str = "127.0.0.1", model: str = PI_4.model
) -> None:
    """What the packages' own scripts would have done, and a user called pi."""
    etc, home = root / "etc", root / "home" / "pi"
    shutil.copy(root / "usr/share/base-passwd/passwd.master", etc / "passwd")
    shutil.copy(root / "usr/share/base-passwd/group.master", etc / "group")
    with (etc / "passwd").open("a") as file:
        file.write(
            "sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\npi:x:1000:1000::/home/pi:/bin/bash\n"
        )
    with (etc / "group").open("a") as file:
        file.write("pi:x:1000:\n")
    (etc / "shadow").write_text(
        f"root:*:19000::::::\nsshd:!:19000::::::\npi:{HASHED}:19000::::::\n"
    )
    (etc / "hostname").write_text("emulated-pi\n")
    (etc / "hosts").write_text("127.0.0.1 localhost emulated-pi\n")
    shutil.copy("/etc/resolv.conf", etc / "resolv.conf")
    (etc / "ssl/certs").mkdir(parents=True, exist_ok=True)
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, etc / "ssl/certs")
    awk = root / "usr/bin/awk"  # an alternative, which a script sets
    if not awk.exists():
        awk.symlink_to("mawk")
    for name in ("blas", "lapack"):  # alternatives too
        for library in root.glob(f"usr/lib/*/{name}/lib{name}.so.3"):
            (library.parents[1] / library.name).symlink_to(Path(name) / library.name)
    (home / ".ssh").mkdir(parents=True)
    shutil.copy(server / "user_key.pub", home / ".ssh" / "authorized_keys")
    for path in (home, *home.rglob("*")):
        os.chown(path, 1000, 1000)
    shutil.copy(server / "host_key", etc / "ssh" / "host_key")
    (etc / "ssh/host_key").chmod(0o600)
    pip_settings = {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
    pip_settings |= {"PIP_CERT": str(CERTIFICATES)}
    (etc / "ssh/sshd_config").write_text(
        f"ListenAddress {address}\nPort {port}\nPidFile none\nUsePAM no\nStrictModes no\n"
        "HostKey /etc/ssh/host_key\nAuthenticationMethods publickey password\n"
        "Subsystem sftp internal-sftp\n"
        f"SetEnv QEMU_CPU={model} {' '.join(f'{k}={v}' for k, v in pip_settings.items())}\n"
    )


@contextlib.contextmanager
def emulated_pi(
    suite: str,
    folder: Path,
    processor: Processor = PI_4,
    system_python: tuple[str, ...] | None = None,
) -> Iterator[EmulatedPi]:
    """``system_python`` are packages of apt, by default those of :data:`SYSTEM_PYTHON`."""
    system_python = system_python or SYSTEM_PYTHON[suite]
    skip_unless_possible()
    root, server, port = folder / "root", folder / "server", free_port()
    for made_here in (root, server):
        made_here.mkdir()
    make_keys(server)
    folder.chmod(0o755)
    archive = archive_of(suite, *system_python, architecture=processor.architecture)
    subprocess.run(["tar", "-xf", archive, "-C", root], check=True)
    furnish(root, server, port, model=processor.model)
    cpuinfo = folder / "cpuinfo"
    cores = range(os.cpu_count() or 1)
    cpuinfo.write_text("".join(processor.cpuinfo.format(core) for core in cores))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *("unshare", "--user", "--mount", "--propagation=private", "--pid", "--fork"),
                *("--uts", "/bin/sh", HERE / "boot.sh", root, cpuinfo, processor.emulator),
            ],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    try:
        _map_users(process)
        wait_until_listening(port, process, folder / "log")
        yield EmulatedPi(
            make_ssh_laptop(folder / "of mine", server, port, "pi"), root, system_python
        )
    finally:
        assert process.stdin is not None
        process.stdin.close()  # by which the namespaces end, and all that is in them
        process.wait(60)
        shutil.rmtree(root, ignore_errors=True)


def _map_users(process: subprocess.Popen[bytes]) -> None:
    own = Path("/proc/self/ns/user").readlink()
    while Path(f"/proc/{process.pid}/ns/user").readlink() == own:
        time.sleep(0.01)
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{process.pid}/{name}").write_text(USERS)
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()
