"""Machines for deploy.sh: the laptop it runs on, and real hosts on the loopback interface."""

import contextlib
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.children import wait_until

ROOT = Path(__file__).resolve().parents[2]
LOCKS = {(3, 11): "pi-bookworm.txt", (3, 13): "pi-trixie.txt"}
# A shell, rsync or ssh that evaluates any part of this name leaves a file called `pwned` behind.
HOSTILE = "$(touch pwned) `touch pwned` ; touch pwned '\" : & \\ é"


def write_script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@dataclass(frozen=True)
class Laptop:
    """Where deploy.sh is run: a PATH that begins with our own tools, and a log of every ssh."""

    folder: Path
    environment: dict[str, str]

    @property
    def checkout(self) -> Path:
        """A copy of what deploy.sh sends: nobody works on it while it is being sent."""
        return self.folder / "check out"

    def deploy(
        self, *arguments: str | Path, timeout_s: float = 1000
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [self.checkout / "deploy.sh", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            start_new_session=True,  # no terminal on which ssh could ask something
        )
        assert not [name for name in self.private_folders() if Path(name).exists()]
        assert not list(self.folder.rglob("pwned"))
        return done

    def private_folders(self) -> set[str]:
        return set(re.findall(r"-S (\S+)/s ", self.ssh_log()))

    def ssh_log(self) -> str:
        log = self.folder / "ssh.log"
        return log.read_text() if log.exists() else ""


def make_laptop(folder: Path, ssh: str, **environment: str) -> Laptop:
    tools = folder / "tools"
    tools.mkdir(parents=True)
    write_script(tools / "ssh", f'echo "$* " >>{shlex.quote(str(folder))}/ssh.log\n{ssh}')
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    laptop = Laptop(folder, {**os.environ, **environment, "PATH": path})
    for name in ("device", "requirements"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, laptop.checkout / name, ignore=ignored)
    shutil.copy(ROOT / "deploy.sh", laptop.checkout)
    return laptop


def assert_fails(done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    """One line on stderr that says all of `words`."""
    assert done.returncode == status, done
    assert re.fullmatch(r"deploy\.sh: .*\n", done.stderr), done.stderr
    for word in words:
        assert word in done.stderr


@dataclass(frozen=True)
class StubHost:
    """A host made of stubs: its scripts run here, with a home and no tools but its own."""

    laptop: Laptop
    tools: Path
    home: Path
    bundle: Path

    def is_a(self, machine: str = "aarch64", bits: int = 64, python: str = "3.11") -> None:
        write_script(self.tools / "uname", f"echo {machine}")
        write_script(self.tools / "getconf", f"echo {bits}")
        write_script(self.tools / "python3", f"echo {python}")

    def deploy(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self.laptop.deploy("--bundle", self.bundle, *arguments)

    def assert_untouched(self) -> None:
        assert list(self.home.iterdir()) == []
        assert not (self.laptop.folder / "rsync.log").exists()


def make_stub_host(folder: Path) -> StubHost:
    """An aarch64 machine with Python 3.11, and nothing of liteberry."""
    tools, home, bundle = folder / "host tools", folder / "home", folder / "bundle"
    for made_here in (tools, home, bundle):
        made_here.mkdir()
    for name in ("sh", "awk", "date", "ls", "wc", "sed", "head", "cut", "tr"):
        (tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    write_script(tools / "rsync", "")
    write_script(tools / "id", "echo pi")
    write_script(tools / "getent", "")
    write_script(tools / "df", "echo Filesystem; echo /dev/root 1 2 4000000")
    (bundle / "manifest.json").write_text("{}")
    laptop = make_laptop(
        folder / "laptop",
        'case $* in *-fNMT*|*"-O exit"*) exit 0 ;; esac\n'
        'while [ "$1" != liteberry ]; do shift; done; shift\n'
        f'HOME={shlex.quote(str(home))} PATH={shlex.quote(str(tools))} exec "$@"',
    )
    write_script(
        laptop.folder / "tools" / "rsync", f'echo "$@" >{shlex.quote(str(laptop.folder))}/rsync.log'
    )
    host = StubHost(laptop, tools, home, bundle)
    host.is_a()
    return host


@dataclass(frozen=True)
class RealHost:
    """An sshd on the loopback interface, whose logins have a home and tools of their own."""

    laptop: Laptop
    home: Path
    sshd: int
    tools: Path  # first in the PATH of a login
    login: Path  # the script that each login is, whatever it asks for

    @property
    def liteberry(self) -> Path:
        return self.home / "liteberry"

    @property
    def current(self) -> Path:
        return self.liteberry / "current"

    def deploy(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        done = self.laptop.deploy(*arguments, "board")
        assert not list(self.home.rglob("pwned"))
        self.wait_until_left()
        return done

    def wait_until_left(self) -> None:
        # One that was left open would stay here.
        wait_until(lambda: not children(self.sshd), "the shared connection was left open")

    @property
    def environment(self) -> Path:
        """Where the packages go."""
        lock = self.laptop.checkout / "requirements" / LOCKS[sys.version_info[:2]]
        digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
        version = "{}.{}".format(*sys.version_info)
        return self.liteberry / "venvs" / f"{version}-{digest}"


def contents(folder: Path) -> dict[str, tuple[int, str]]:
    """When each file was written, and what is in it."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def rewritten(bundle: Path, copy: Path, indent: int) -> Path:
    """A bundle that differs in one file, but sees what it should."""
    shutil.copytree(bundle, copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest, indent=indent))
    return copy


def made_anew(bundle: Path, copy: Path, made_at: str) -> Path:
    """A bundle made at another time, which sees what it should; it differs with any variants."""
    shutil.copytree(bundle, copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["provenance"]["made_at"] = made_at
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy


def children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # processes end while we look
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def descendants(parent: int) -> list[int]:
    return [pid for child in children(parent) for pid in (*descendants(child), child)]


def login_environment(home: Path, tools: Path) -> dict[str, str]:
    """What a login there starts with: this machine's way to packages, and Python as it is here."""
    configuration = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    environment = {
        "HOME": str(home),
        "PATH": f"{tools}:{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "PIP_CACHE_DIR": str(cache / "pip"),
    }
    if (configuration / "pip" / "pip.conf").exists():
        environment["XDG_CONFIG_HOME"] = str(configuration)
    wanted = re.compile(
        r"PIP_.*|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|(https?|no|all)_proxy", re.I
    )
    return environment | {k: v for k, v in os.environ.items() if wanted.fullmatch(k)}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until_listening(port: int, sshd: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert sshd.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def sshd_program() -> str:
    """Where it is; skips where one cannot be had."""
    if not sys.platform.startswith("linux"):
        pytest.skip("deploy.sh deploys to Linux, and this machine, the host of this test, is none")
    if sys.version_info[:2] not in LOCKS:
        pytest.skip("deploy.sh deploys to Python 3.11 and 3.13, and this is another")
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"])
    needed = ("ssh", "ssh-keygen", "sshd", "rsync", "setpriv")
    lost = [name for name in needed if not shutil.which(name, path=path)]
    if lost:
        pytest.skip(f"not installed: {', '.join(lost)} (apt install openssh-server rsync)")
    return str(shutil.which("sshd", path=path))


def make_keys(server: Path) -> None:
    for name in ("host_key", "user_key", "strange_key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", server / name],
            check=True,
        )


def make_ssh_laptop(folder: Path, server: Path, port: int, user: str = "") -> Laptop:
    """With ``board``, which lets it in, and hosts that do not."""
    laptop = make_laptop(
        folder,
        f'exec {shutil.which("ssh")} "$@"',
        LITEBERRY_SSH_CONFIG=str(folder / "ssh config"),
    )
    keys = {name: (server / f"{name}.pub").read_text() for name in ("host_key", "strange_key")}
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {keys['host_key']}")
    (folder / "other_hosts").write_text(f"[127.0.0.1]:{port} {keys['strange_key']}")
    (folder / "ssh config").write_text(
        f"Host changed\n  UserKnownHostsFile {server}/other_hosts\n"
        f"Host refused\n  IdentityFile {server}/strange_key\n"
        "Host stranger\n  UserKnownHostsFile /dev/null\n"
        f"Host down\n  Port {free_port()}\n"
        f"Host behind\n  ProxyCommand ssh -F '{folder}/ssh config' -W %h:%p board\n"
        "Host nameless\n  HostName nowhere.invalid\n"
        "Host asked\n  BatchMode no\n  PreferredAuthentications password\n"
        f"Host *\n  HostName 127.0.0.1\n  Port {port}\n  BatchMode yes\n  IdentitiesOnly yes\n"
        f'  StrictHostKeyChecking yes\n  UserKnownHostsFile "{folder}/known_hosts"\n'
        f"Host * !refused\n  IdentityFile {server}/user_key\n"
        + (f"  User {user}\n" if user else "")
    )
    (server / "other_hosts").write_text((folder / "other_hosts").read_text())
    return laptop


@contextlib.contextmanager
def on_request(laptop: Laptop, number: int, action: str) -> Iterator[Callable[[], bool]]:
    """Does ``action``, words for sh, when deploy.sh asks a host for the ``number``-th thing.

    In it ``run`` asks for that. What is yielded tells whether it came to that.
    """
    ssh, requests = laptop.folder / "tools" / "ssh", laptop.folder / "requests"
    usual = ssh.read_text()
    requests.write_text("")
    run = f'{shutil.which("ssh")} "$@"'
    write_script(
        ssh,
        f'echo "$* " >>"{laptop.folder}/ssh.log"\n'
        f'case $* in *" liteberry "*) echo >>"{requests}" ;; *) exec {run} ;; esac\n'
        f"run() {{ {run}; }}\n"
        f'if [ "$(wc -l <"{requests}")" -eq {number} ]; then {action}; fi\nexec {run}',
    )
    try:
        yield lambda: len(requests.read_text()) >= number
    finally:
        ssh.write_text(usual)


@contextlib.contextmanager
def real_host(folder: Path, *within: str) -> Iterator[RealHost]:
    """``within`` are words of a command before sshd's, which becomes sshd."""
    program = sshd_program()
    server, home, tools = folder / "server", folder / "home", folder / "tools"
    for made_here in (server, home, tools):
        made_here.mkdir()
    port = free_port()
    make_keys(server)
    exports = "\n".join(
        f"export {name}={shlex.quote(value)}"
        for name, value in login_environment(home, tools).items()
    )
    write_script(server / "login", f'{exports}\ncd && exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"')
    (server / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"HostKey {server}/host_key\nAuthorizedKeysFile {server}/user_key.pub\n"
        f"AuthenticationMethods publickey password\nForceCommand {server}/login\n"
        # Before any command bash reads the .bashrc of whoever runs this, which may say and do
        # anything; where this home is the account's, there is none.
        f'SetEnv "HOME={home}"\n'
    )
    users = ("getent", "useradd", "usermod", "userdel")
    for name in ("systemctl", "journalctl", "sudo", *users):
        stub = (ROOT / "tests" / "helpers" / "stub_systemd.py").read_text()
        (tools / name).write_text(f"#!{sys.executable}\n{stub}")
        (tools / name).chmod(0o755)
    laptop = make_ssh_laptop(folder / "of mine", server, port)
    if os.geteuid() == 0:
        # As at boot. It stays: another test's sshd may need it by now.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (server / "log").open("wb") as log:
        sshd = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "KILL"),  # it ends with us, however we end
                *(*within, program, "-D", "-e", "-f", server / "sshd_config"),
            ],
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        wait_until_listening(port, sshd, server / "log")
        yield RealHost(laptop, home, sshd.pid, tools, server / "login")
    finally:
        subprocess.run(
            [tools / "systemctl", "disable", "--now", "liteberry.service"],
            env={**os.environ, "HOME": str(home)},
            check=True,
        )
        left = descendants(sshd.pid)
        sshd.terminate()
        sshd.wait(10)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
