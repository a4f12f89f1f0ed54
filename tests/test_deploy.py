"""deploy.sh, against a host made of stubs and against a real sshd on the loopback interface."""

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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy.sh"
REQUIREMENTS = {(3, 11): "pi-bookworm.txt", (3, 13): "pi-trixie.txt"}
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

    def deploy(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [DEPLOY, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
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
    return Laptop(folder, {**os.environ, **environment, "PATH": path})


def assert_fails(done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    """One line on stderr that says all of `words`."""
    assert done.returncode == status, done
    assert re.fullmatch(r"deploy\.sh: .*\n", done.stderr), done.stderr
    for word in words:
        assert word in done.stderr


# A host made of stubs: its scripts run here, with its own home and nothing but its own tools.


@dataclass(frozen=True)
class StubHost:
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


@pytest.fixture
def stub_host(tmp_path: Path) -> StubHost:
    tools, home, bundle = tmp_path / "host tools", tmp_path / "home", tmp_path / "bundle"
    for folder in (tools, home, bundle):
        folder.mkdir()
    (tools / "sh").symlink_to("/bin/sh")
    write_script(tools / "rsync", "")
    (bundle / "manifest.json").write_text("{}")
    laptop = make_laptop(
        tmp_path / "laptop",
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


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [""],
        ["--bundle"],
        ["--bundle", ""],
        ["--bundle="],
        ["--turbo", "pi"],
        ["pi", "berry"],
        ["-oProxyCommand=touch pwned"],
        ["pi@-oProxyCommand=touch"],
        ["pi berry"],
        ["$(touch pwned)"],
        ["`touch pwned`"],
        ["pi;touch${IFS}pwned"],
        [HOSTILE],
    ],
)
def test_wrong_usage_exits_2_without_any_connection(stub_host: StubHost, arguments: list[str]):
    assert_fails(stub_host.laptop.deploy(*arguments), 2, "--help")
    assert stub_host.laptop.ssh_log() == ""


def test_help_teaches_and_exits_0(stub_host: StubHost):
    done = stub_host.laptop.deploy("--help")
    assert done.returncode == 0
    assert "./deploy.sh pi@raspberrypi.local" in done.stdout
    assert "LITEBERRY_SSH_CONFIG" in done.stdout


@pytest.mark.parametrize("name", ["nowhere", "-dash", HOSTILE])
def test_folder_that_is_no_bundle_exits_1_and_says_how_to_make_one(stub_host: StubHost, name: str):
    assert_fails(stub_host.laptop.deploy("--bundle", name, "pi"), 1, name, "make demo")
    assert stub_host.laptop.ssh_log() == ""


@pytest.mark.parametrize(
    ("machine", "bits"),
    [("armv7l", 32), ("armv6l", 32), ("aarch64", 32), ("i686", 32), ("riscv64", 64)],
)
def test_host_without_interpreters_is_refused_untouched(
    stub_host: StubHost, machine: str, bits: int
):
    stub_host.is_a(machine, bits)
    assert_fails(stub_host.deploy("pi"), 1, machine, f"{bits}-bit", "64-bit Raspberry Pi OS")
    stub_host.assert_untouched()


@pytest.mark.parametrize("python", ["2.7", "3.9", "3.12", "3.14"])
def test_host_with_a_python_without_lock_is_refused_untouched(stub_host: StubHost, python: str):
    stub_host.is_a(python=python)
    assert_fails(stub_host.deploy("pi"), 1, python, "3.11", "3.13", "Bookworm")
    stub_host.assert_untouched()


@pytest.mark.parametrize(
    ("lost", "packages"),
    [("rsync", "rsync"), ("python3", "python3 python3-venv"), ("venv", "python3-venv")],
)
def test_host_that_lacks_a_tool_is_told_which_package(
    stub_host: StubHost, lost: str, packages: str
):
    if lost == "venv":
        write_script(stub_host.tools / "python3", "case $* in *venv*) exit 1 ;; esac; echo 3.11")
    else:
        (stub_host.tools / lost).unlink()
    assert_fails(stub_host.deploy("pi"), 1, f"ssh -t pi sudo apt install {packages}\n")
    stub_host.assert_untouched()


@pytest.mark.parametrize(("python", "lock"), [("3.11", "bookworm"), ("3.13", "trixie")])
def test_dry_run_prints_every_step_and_changes_nothing(stub_host: StubHost, python: str, lock: str):
    stub_host.is_a(python=python)
    done = stub_host.deploy("--dry-run", "pi@pi.local")
    assert done.returncode == 0, done.stderr
    for word in (f"pi-{lock}.txt", "incoming", "five frames", "current", "(dry run)"):
        assert word in done.stdout
    stub_host.assert_untouched()


def test_talkative_login_shell_does_not_confuse(stub_host: StubHost):
    write_script(stub_host.tools / "rsync", "")
    write_script(stub_host.tools / "uname", "echo aarch64")
    shell = stub_host.tools / "sh"
    shell.unlink()
    write_script(shell, 'echo "Welcome, armv7l fans!"; exec /bin/sh "$@"')
    done = stub_host.deploy("--dry-run", "pi")
    assert done.returncode == 0, done.stderr


# A real host: an sshd of our own on the loopback interface, whose logins have a home of their own.


@dataclass(frozen=True)
class RealHost:
    laptop: Laptop
    home: Path
    sshd: int

    @property
    def current(self) -> Path:
        return self.home / "liteberry" / "current"

    def deploy(self, bundle: Path) -> subprocess.CompletedProcess[str]:
        done = self.laptop.deploy("--bundle", bundle, "board")
        assert not list(self.home.rglob("pwned"))
        deadline = time.monotonic() + 10
        while children(self.sshd):  # a connection that was left open would stay here
            assert time.monotonic() < deadline, "the shared connection was left open"
            time.sleep(0.05)
        return done


def children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # processes end while we look
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def descendants(parent: int) -> list[int]:
    return [pid for child in children(parent) for pid in (*descendants(child), child)]


def login_environment(home: Path) -> dict[str, str]:
    """What a login there starts with: this machine's way to packages, and Python as it is here."""
    configuration = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    environment = {
        "HOME": str(home),
        "PATH": f"{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin",
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


@pytest.fixture(scope="module")
def sshd_program() -> str:
    if not sys.platform.startswith("linux"):
        pytest.skip("deploy.sh deploys to Linux, and this machine, the host of this test, is none")
    if sys.version_info[:2] not in REQUIREMENTS:
        pytest.skip("deploy.sh deploys to Python 3.11 and 3.13, and this is another")
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"])
    lost = [
        name for name in ("ssh", "ssh-keygen", "sshd", "rsync") if not shutil.which(name, path=path)
    ]
    if lost:
        pytest.skip(f"not installed: {', '.join(lost)} (apt install openssh-server rsync)")
    return str(shutil.which("sshd", path=path))


@pytest.fixture(scope="module")
def real_host(sshd_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHost]:
    server = tmp_path_factory.mktemp("sshd")
    home = tmp_path_factory.mktemp("home")
    laptop_folder = tmp_path_factory.mktemp("laptop") / "of mine"
    port = free_port()
    for name in ("host_key", "user_key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", server / name],
            check=True,
        )
    exports = "\n".join(
        f"export {name}={shlex.quote(value)}" for name, value in login_environment(home).items()
    )
    write_script(server / "login", f'{exports}\ncd && exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"')
    (server / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"HostKey {server}/host_key\nAuthorizedKeysFile {server}/user_key.pub\n"
        f"AuthenticationMethods publickey\nForceCommand {server}/login\n"
    )
    laptop = make_laptop(
        laptop_folder,
        f'exec {shutil.which("ssh")} "$@"',
        LITEBERRY_SSH_CONFIG=str(laptop_folder / "ssh config"),
    )
    host_key = (server / "host_key.pub").read_text()
    (laptop_folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}")
    (laptop_folder / "ssh config").write_text(
        "Host *\n  HostName 127.0.0.1\n  BatchMode yes\n  IdentitiesOnly yes\n"
        f"  IdentityFile {server}/user_key\n  StrictHostKeyChecking yes\n"
        f'  UserKnownHostsFile "{laptop_folder}/known_hosts"\n'
        f"Host board\n  Port {port}\nHost down\n  Port {free_port()}\n"
    )
    privilege_separation = Path("/run/sshd")
    made = os.geteuid() == 0 and not privilege_separation.exists()
    if made:
        privilege_separation.mkdir(mode=0o755)
    with (server / "log").open("wb") as log:
        sshd = subprocess.Popen(
            [sshd_program, "-D", "-e", "-f", server / "sshd_config"],
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        wait_until_listening(port, sshd, server / "log")
        yield RealHost(laptop, home, sshd.pid)
    finally:
        left = descendants(sshd.pid)
        sshd.terminate()
        sshd.wait(10)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if made:
            privilege_separation.rmdir()


def environment_folder(host: RealHost) -> Path:
    lock = ROOT / "requirements" / REQUIREMENTS[sys.version_info[:2]]
    name = f"venv-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    return host.home / "liteberry" / name


@pytest.fixture(scope="module")
def first_deploy(real_host: RealHost, bundle_dir: Path) -> subprocess.CompletedProcess[str]:
    """After an installation that was interrupted: there is an environment, but without a stamp."""
    rest = environment_folder(real_host) / "bin"
    rest.mkdir(parents=True)
    write_script(rest / "python", "exit 99")
    return real_host.deploy(bundle_dir)


def contents(folder: Path) -> dict[str, tuple[int, str]]:
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_first_deploy_runs_and_prints_a_command_that_detects(
    real_host: RealHost, first_deploy: subprocess.CompletedProcess[str]
):
    assert first_deploy.returncode == 0, first_deploy
    assert (environment_folder(real_host) / "installed").exists()
    assert len((real_host.current / "smoke.jsonl").read_text().splitlines()) == 5
    command = shlex.split(first_deploy.stdout.splitlines()[-1])
    done = subprocess.run(
        [*command, "--frames", "10", "--log", "found.jsonl"],
        env=real_host.laptop.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done
    lines = [json.loads(line) for line in (real_host.home / "found.jsonl").read_text().splitlines()]
    assert len(lines) == 10
    assert any(line["detections"] for line in lines)


def test_second_deploy_installs_nothing_and_sends_only_what_changed(
    real_host: RealHost,
    first_deploy: subprocess.CompletedProcess[str],
    bundle_dir: Path,
    tmp_path: Path,
):
    assert first_deploy.returncode == 0
    stamp = environment_folder(real_host) / "installed"
    installed_at = stamp.stat().st_mtime_ns
    before = contents(real_host.current / "bundle")
    bundle = tmp_path / HOSTILE
    shutil.copytree(bundle_dir, bundle)
    done = real_host.deploy(bundle)
    assert done.returncode == 0, done
    assert "is there already" in done.stdout
    assert stamp.stat().st_mtime_ns == installed_at
    assert contents(real_host.current / "bundle") == before
    previous = real_host.home / "liteberry" / "previous"
    model = Path("bundle", "int8.tflite")
    assert (previous / model).samefile(real_host.current / model)
    assert not (real_host.home / "liteberry" / "incoming").exists()
    assert not list(tmp_path.rglob("pwned"))


def test_broken_bundle_exits_1_and_leaves_current_until_a_sound_one_comes(
    real_host: RealHost,
    first_deploy: subprocess.CompletedProcess[str],
    bundle_dir: Path,
    tmp_path: Path,
):
    assert first_deploy.returncode == 0
    before = contents(real_host.current)
    broken = tmp_path / "broken"
    shutil.copytree(bundle_dir, broken)
    model = bytearray((broken / "int8.tflite").read_bytes())
    model[len(model) // 2] ^= 1
    (broken / "int8.tflite").write_bytes(model)
    done = real_host.deploy(broken)
    assert done.returncode == 1
    message = done.stderr.splitlines()[-1]
    assert message.startswith("deploy.sh: the bundle does not run on board")
    assert "current is as it was" in message
    assert contents(real_host.current) == before

    assert real_host.deploy(bundle_dir).returncode == 0
    sound = hashlib.sha256((bundle_dir / "int8.tflite").read_bytes()).hexdigest()
    assert contents(real_host.current)["bundle/int8.tflite"][1] == sound


def test_host_that_is_down_is_one_line_and_exit_1(real_host: RealHost, stub_host: StubHost):
    done = real_host.laptop.deploy("--bundle", stub_host.bundle, "down")
    assert_fails(done, 1, "cannot connect to down", "Connection refused", "ssh down")
