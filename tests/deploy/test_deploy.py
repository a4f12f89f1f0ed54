"""deploy.sh, against a host made of stubs and against a real sshd on the loopback interface."""

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.cli import make_parser
from tests.helpers.children import is_running, start, wait_until
from tests.helpers.deploy_hosts import (
    HOSTILE,
    ROOT,
    RealHost,
    StubHost,
    assert_fails,
    contents,
    free_port,
    on_request,
    real_host,
    rewritten,
    write_script,
)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [""],
        ["--bundle"],
        ["--bundle", ""],
        ["--bundle="],
        ["--turbo", "pi"],
        ["--rollback", "--uninstall", "pi"],
        ["--variants", "int8;touch pwned", "pi"],
        ["--variants", "int8,", "pi"],
        ["--source", "picamera", "pi"],
        ["--service-user", "liteberry", "pi"],
        ["--service", "--service-user", "$(touch pwned)", "pi"],
        ["--service", "--service-user=-x", "pi"],
        ["--hosts", "nowhere"],
        ["--hosts", "/"],
        ["-oProxyCommand=touch pwned"],
        ["pi@-oProxyCommand=touch"],
        ["pi", "pi berry"],
        ["$(touch pwned)"],
        ["`touch pwned`"],
        ["pi;touch${IFS}pwned"],
        ["pi@[$(touch pwned):1]"],
        ["[pi"],
        [HOSTILE],
    ],
)
def test_wrong_usage_exits_2_without_any_connection(stub_host: StubHost, arguments: list[str]):
    assert_fails(stub_host.laptop.deploy(*arguments), 2, "--help")
    assert stub_host.laptop.ssh_log() == ""


def test_hosts_file_with_a_name_that_is_none_exits_2_without_any_connection(stub_host: StubHost):
    hosts = stub_host.laptop.folder / HOSTILE.replace("/", "")
    hosts.write_text("pi  # by the door\n\n# $(touch pwned)\n$(touch${IFS}pwned)\n")
    assert_fails(stub_host.laptop.deploy("--hosts", hosts), 2, "not a host name")
    assert stub_host.laptop.ssh_log() == ""


@pytest.mark.parametrize("name", ["pi@[::1]", "[fe80::1%eth0]"])
def test_address_in_brackets_is_given_to_ssh_without_them(stub_host: StubHost, name: str):
    assert stub_host.deploy("--dry-run", name).returncode == 0
    assert f" -- {name.replace('[', '').replace(']', '')} " in stub_host.laptop.ssh_log()


def test_what_is_copied_is_compressed(stub_host: StubHost):
    stub_host.deploy("--dry-run", "pi")
    (first,) = [line for line in stub_host.laptop.ssh_log().splitlines() if " -- pi" in line]
    assert re.search(r"-fN\w*C", first)


def test_help_teaches_and_exits_0(stub_host: StubHost):
    done = stub_host.laptop.deploy("--help")
    assert done.returncode == 0
    assert "./deploy.sh pi@raspberrypi.local" in done.stdout
    assert "LITEBERRY_SSH_CONFIG" in done.stdout


@pytest.mark.parametrize("name", ["nowhere", "-dash", HOSTILE])
def test_folder_that_is_no_bundle_exits_1_and_says_how_to_make_one(stub_host: StubHost, name: str):
    assert_fails(stub_host.laptop.deploy("--bundle", name, "pi"), 1, name, "make demo")
    assert stub_host.laptop.ssh_log() == ""


def test_variant_that_the_bundle_lacks_exits_1_and_names_those_it_has(stub_host: StubHost):
    (stub_host.bundle / "int8.tflite").touch()
    done = stub_host.deploy("--variants", "int8,int9", "pi")
    assert_fails(done, 1, "has no variant int9; name some of: int8\n")
    assert stub_host.laptop.ssh_log() == ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pi-trixie.txt-aarch64", None),
        ("pi-bookworm.txt-x86_64", None),
        ("pi-bookworm.txt-aarch64", "numpy==1.0\n"),
    ],
)
def test_wheels_for_another_python_machine_or_lock_leave_the_host_untouched(
    stub_host: StubHost, name: str, text: str | None
):
    wheels = stub_host.laptop.folder / "some wheels"
    wheels.mkdir()
    lock = ROOT / "requirements" / name.rpartition("-")[0]
    (wheels / name).write_text(text or lock.read_text())
    done = stub_host.deploy("--wheels", wheels, "pi")
    assert_fails(done, 1, f"{wheels} are not those that pi-bookworm.txt", "--offline alone")
    stub_host.assert_untouched()


@pytest.mark.parametrize(
    ("machine", "bits"),
    [("armv6l", 32), ("i686", 32), ("riscv64", 64)],
)
def test_host_without_interpreters_is_refused_untouched(
    stub_host: StubHost, machine: str, bits: int
):
    stub_host.is_a(machine, bits)
    done = stub_host.deploy("pi")
    assert_fails(done, 1, machine, f"{bits}-bit", "64-bit Raspberry Pi OS", "no interpreter")
    stub_host.assert_untouched()


THIRTY_TWO_BITS = ["armv7l", "armv8l", "aarch64"]  # the last by its kernel only


@pytest.mark.parametrize("machine", THIRTY_TWO_BITS)
def test_32_bit_host_with_a_python_without_wheels_is_refused_untouched(
    stub_host: StubHost, machine: str
):
    stub_host.is_a(machine, 32, "3.13")
    done = stub_host.deploy("pi")
    assert_fails(done, 1, "32-bit", "3.13", "tflite-runtime 2.14 and Python 3.11", "Bookworm")
    stub_host.assert_untouched()


@pytest.mark.parametrize("machine", THIRTY_TWO_BITS)
def test_32_bit_host_is_asked_for_debians_packages(stub_host: StubHost, machine: str):
    stub_host.is_a(machine, 32)
    write_script(
        stub_host.tools / "python3", "case $* in *find_spec*|*Python.h*) exit 1; esac; echo 3.11"
    )
    packages = "python3-numpy python3-opencv python3-tornado gcc python3-dev"
    assert_fails(
        stub_host.deploy("pi"), 1, f"sudo apt install --no-install-recommends {packages}\n"
    )
    stub_host.assert_untouched()


def test_32_bit_host_gets_a_lock_of_its_own_and_no_wheels_from_here(stub_host: StubHost):
    stub_host.is_a("armv7l", 32)
    write_script(stub_host.tools / "gcc", "")
    done = stub_host.deploy("--dry-run", "pi")
    assert done.returncode == 0, done.stderr
    assert "Installing pi-bookworm-32.txt\n" in done.stdout
    assert_fails(stub_host.deploy("--offline", "pi"), 1, "msgspec", "without --offline")
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
    assert_fails(
        stub_host.deploy("pi"), 1, f"sudo apt install --no-install-recommends {packages}\n"
    )
    stub_host.assert_untouched()


@pytest.mark.parametrize(
    ("settings", "source", "lacks"),
    [
        ("", "picamera", True),
        ("", "picamera:1", True),
        ("", "0", False),
        ("a = 1", "picamera", False),
    ],
)
def test_picamera2_is_asked_for_where_the_service_will_need_it(
    stub_host: StubHost, settings: str, source: str, lacks: bool
):
    write_script(stub_host.tools / "systemctl", '[ "$1" = show ]')
    write_script(stub_host.tools / "sudo", "")
    write_script(stub_host.tools / "python3", "case $* in *picamera2*) exit 1 ;; esac; echo 3.11")
    if settings:
        (stub_host.home / "liteberry").mkdir()
        (stub_host.home / "liteberry" / "settings.toml").write_text(settings)
    done = stub_host.deploy("--dry-run", "--service", "--source", source, "pi")
    if lacks:
        assert_fails(done, 1, "sudo apt install --no-install-recommends python3-picamera2")
    else:
        assert done.returncode == 0, done


@pytest.mark.parametrize(
    ("settings", "flags", "lock"),
    [
        ('[mqtt]\nhost = "attic"', [], "pi-bookworm-home.txt"),
        ('mqtt_host = "attic"', [], "pi-bookworm-home.txt"),
        ('notify = ["ntfy://ntfy.sh/topic"]', [], "pi-bookworm-home.txt"),
        ('source = "demo"', [], "pi-bookworm.txt"),
        ("", [], "pi-bookworm.txt"),
        ("", ["--home"], "pi-bookworm-home.txt"),
    ],
)
def test_what_a_home_needs_is_installed_where_the_settings_tell_one(
    stub_host: StubHost, settings: str, flags: list[str], lock: str
):
    python = shlex.quote(sys.executable)
    write_script(
        stub_host.tools / "python3", f'case $* in *mqtt*) exec {python} "$@" ;; esac; echo 3.11'
    )
    if settings:
        (stub_host.home / "liteberry").mkdir()
        (stub_host.home / "liteberry" / "settings.toml").write_text(settings)
    done = stub_host.deploy("--dry-run", *flags, "pi")
    assert done.returncode == 0, done
    assert f"Installing {lock}\n" in done.stdout


def test_install_deps_installs_what_lacks_and_goes_on(stub_host: StubHost):
    (stub_host.tools / "rsync").unlink()
    rsync = shlex.quote(str(stub_host.tools / "rsync"))
    write_script(stub_host.tools / "sudo", '[ "$1" = -n ] && shift\nexec env "$@"')
    (stub_host.tools / "env").symlink_to("/usr/bin/env")
    write_script(
        stub_host.tools / "apt-get",
        'case "$*" in update*) exit ;; '
        '"install -o DPkg::Lock::Timeout=300 -q -y --no-install-recommends rsync") ;; '
        '*) echo "unexpected $*" >&2; exit 1 ;; esac\n'
        f": >{rsync}; /bin/chmod +x {rsync}",
    )
    done = stub_host.deploy("--install-deps", "pi")
    assert "Installing rsync\n" in done.stdout
    assert "missing" not in done.stderr
    assert "locked" in done.stderr  # the next step, which this host has no tools for


@pytest.mark.parametrize("tool", ["rsync", "python3"])
def test_dry_run_says_what_would_be_installed_and_goes_on(stub_host: StubHost, tool: str):
    (stub_host.tools / tool).unlink()
    done = stub_host.deploy("--dry-run", "--install-deps", "pi")
    assert done.returncode == 0, done.stderr
    assert f"(dry run) Installing {tool}" in done.stdout
    assert "(dry run) Proving" in done.stdout
    stub_host.assert_untouched()


@pytest.mark.parametrize("lacks", ["3.12", "a clock"])
def test_install_deps_installs_nothing_where_the_rest_cannot_work(stub_host: StubHost, lacks: str):
    (stub_host.tools / "rsync").unlink()
    if lacks == "3.12":
        stub_host.is_a(python=lacks)
    else:
        (stub_host.tools / "date").unlink()
        write_script(stub_host.tools / "date", "echo 120")
    done = stub_host.deploy("--install-deps", "pi")
    assert_fails(done, 1)
    assert "Installing" not in done.stdout
    stub_host.assert_untouched()


def test_host_with_too_little_space_is_refused_untouched(stub_host: StubHost):
    write_script(stub_host.tools / "df", "echo Filesystem; echo /dev/root 1 2 51200")
    assert_fails(stub_host.deploy("pi"), 1, "has 50 MB free and needs 800", "make room")
    stub_host.assert_untouched()


def test_host_whose_clock_is_in_1970_is_refused_untouched(stub_host: StubHost):
    (stub_host.tools / "date").unlink()
    write_script(stub_host.tools / "date", "echo 120")
    assert_fails(stub_host.deploy("pi"), 1, "days off", "ssh -t pi sudo date -s @1")
    stub_host.assert_untouched()


@pytest.mark.parametrize(
    ("tool", "message"),
    [("", "has no systemd"), ("systemctl", "sudo asks for a password")],
)
def test_service_that_could_not_be_managed_is_refused_untouched(
    stub_host: StubHost, tool: str, message: str
):
    if tool:
        write_script(stub_host.tools / tool, '[ "$1" = show ]')
    assert_fails(stub_host.deploy("--service", "pi"), 1, message)
    stub_host.assert_untouched()


@pytest.mark.parametrize(("python", "lock"), [("3.11", "bookworm"), ("3.13", "trixie")])
def test_dry_run_prints_every_step_and_changes_nothing(stub_host: StubHost, python: str, lock: str):
    stub_host.is_a(python=python)
    write_script(stub_host.tools / "systemctl", '[ "$1" = show ]')
    write_script(stub_host.tools / "sudo", "")
    done = stub_host.deploy("--dry-run", "--service", "--offline", "pi@pi.local")
    assert done.returncode == 0, done.stderr
    for word in (f"pi-{lock}.txt", "incoming", "wheels", "Proving", "current", "service"):
        assert word in done.stdout
    assert all(line.startswith("(dry run)") for line in done.stdout.splitlines()[1:])
    stub_host.assert_untouched()


def test_logs_of_a_host_without_service_exit_1_and_say_so(stub_host: StubHost):
    assert_fails(stub_host.laptop.deploy("--logs", "pi"), 1, "no service", "--service")


@pytest.mark.parametrize("action", ["--rollback", "--uninstall"])
def test_dry_run_of_other_actions_changes_nothing(stub_host: StubHost, action: str):
    done = stub_host.laptop.deploy("--dry-run", action, "pi")
    assert done.returncode == 0, done.stderr
    assert "(dry run)" in done.stdout
    stub_host.assert_untouched()


def test_talkative_login_shell_does_not_confuse(stub_host: StubHost):
    shell = stub_host.tools / "sh"
    shell.unlink()
    write_script(shell, 'echo "Welcome, armv7l fans!"; exec /bin/sh "$@"')
    done = stub_host.deploy("--dry-run", "pi")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("hosts", [["garden"], ["garden", "porch"]])
def test_interrupt_ends_every_host_and_leaves_nothing(stub_host: StubHost, hosts: list[str]):
    pids = stub_host.laptop.folder / "pids"
    with (stub_host.laptop.folder / "tools" / "ssh").open("w") as ssh:
        ssh.write(
            f"#!/bin/sh\ncase $* in *'-O exit'*) exit ;; esac\n"
            f'echo "$* " >>{stub_host.laptop.folder}/ssh.log\necho $$ >>{pids}\nexec sleep 100\n'
        )
    with start(
        [stub_host.laptop.checkout / "deploy.sh", "--bundle", stub_host.bundle, *hosts],
        env=stub_host.laptop.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as deploy:
        wait_until(lambda: pids.exists() and len(pids.read_text().split()) >= len(hosts))
        os.killpg(deploy.pid, signal.SIGINT)
    assert deploy.returncode in (-signal.SIGINT, 130)
    wait_until(lambda: not any(Path(one).exists() for one in stub_host.laptop.private_folders()))
    wait_until(lambda: not any(is_running(int(pid)) for pid in pids.read_text().split()))


# What the pages tell people to type.


def commands() -> list[str]:
    found = []
    for page in ("README.md", "docs/pi.md"):
        text = (ROOT / page).read_text()
        for block in re.findall(r"```(?:sh|bash)\n(.*?)```", text, re.DOTALL):
            lines = [line.partition("  #")[0].strip() for line in block.splitlines()]
            found += [line for line in lines if line.startswith(("./deploy.sh", "ssh"))]
    return found


@pytest.mark.parametrize("command", commands())
def test_command_of_the_pages_is_understood(stub_host: StubHost, command: str):
    (stub_host.laptop.folder / "garden.txt").write_text("garden\nporch\n")
    program, *words = shlex.split(command)
    if program == "./deploy.sh":
        done = stub_host.laptop.deploy(*words, "--help")
        assert done.returncode == 0, done.stderr
    elif ".local/bin/liteberry" in words:
        make_parser().parse_args(words[words.index(".local/bin/liteberry") + 1 :])
    else:
        assert words in (
            ["pi@raspberrypi.local"],
            ["-t", "pi@raspberrypi.local", "sudo", "systemctl", "restart", "liteberry"],
            ["-t", "pi@raspberrypi.local", "sudo", "systemctl", "edit", "liteberry"],
            shlex.split(
                "-t pi@raspberrypi.local sudo install -d -o liteberry /media/disk/liteberry"
            ),
        )


# A real host.


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHost]:
    with real_host(tmp_path_factory.mktemp("real")) as made:
        yield made


@pytest.fixture(scope="module")
def first_deploy(host: RealHost, bundle_dir: Path) -> subprocess.CompletedProcess[str]:
    """After an installation that was interrupted: there is an environment, but without a stamp."""
    rest = host.environment / "bin"
    rest.mkdir(parents=True)
    write_script(rest / "python", "exit 99")
    done = host.deploy("--bundle", bundle_dir)
    assert done.returncode == 0, done
    return done


def test_first_deploy_runs_and_prints_a_command_that_detects(
    host: RealHost, first_deploy: subprocess.CompletedProcess[str]
):
    assert (host.environment / "installed").exists()
    assert "4 sample pictures, as on the laptop" in first_deploy.stdout
    assert not {"device", "convert"} & {
        path.name for path in host.environment.glob("lib/*/site-packages/*")
    }
    command = shlex.split(first_deploy.stdout.splitlines()[-1].partition(": ")[2])
    done = subprocess.run(
        [*command, "--frames", "10", "--log", "found.jsonl"],
        env=host.laptop.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done
    lines = [json.loads(line) for line in (host.home / "found.jsonl").read_text().splitlines()]
    assert len(lines) == 10
    assert any(line["detections"] for line in lines)


def test_service_that_may_not_write_finds_all_of_the_release_compiled(
    host: RealHost, first_deploy: subprocess.CompletedProcess[str]
):
    sources = list((host.current / "device").rglob("*.py"))
    assert sources
    for source in sources:
        compiled = Path(importlib.util.cache_from_source(str(source))).read_bytes()
        # As Python itself checks it: by when its source was written, and how long that is.
        written, size = struct.unpack("<II", compiled[8:16])
        assert (written, size) == (int(source.stat().st_mtime), source.stat().st_size), source


def test_second_deploy_changes_nothing_and_says_so(
    host: RealHost,
    first_deploy: subprocess.CompletedProcess[str],
    bundle_dir: Path,
    tmp_path: Path,
):
    before, release = contents(host.liteberry), host.current.readlink()
    bundle = tmp_path / HOSTILE
    shutil.copytree(bundle_dir, bundle)
    done = host.deploy("--bundle", bundle)
    assert done.returncode == 0, done
    assert f"Nothing has changed since release {release.name}" in done.stdout
    assert contents(host.liteberry) == before
    assert host.current.readlink() == release
    assert not list(tmp_path.rglob("pwned"))


def test_broken_bundle_exits_1_and_leaves_current_until_a_sound_one_comes(
    host: RealHost,
    first_deploy: subprocess.CompletedProcess[str],
    bundle_dir: Path,
    tmp_path: Path,
):
    before = contents(host.current)
    broken = tmp_path / "broken"
    shutil.copytree(bundle_dir, broken)
    model = bytearray((broken / "int8.tflite").read_bytes())
    model[len(model) // 2] ^= 1
    (broken / "int8.tflite").write_bytes(model)
    done = host.deploy("--bundle", broken)
    assert done.returncode == 1
    message = done.stderr.splitlines()[-1]
    assert message.startswith("deploy.sh: the bundle does not prove itself on board")
    assert "current is as it was" in message
    assert contents(host.current) == before

    assert host.deploy("--bundle", bundle_dir).returncode == 0
    sound = hashlib.sha256((bundle_dir / "int8.tflite").read_bytes()).hexdigest()
    assert contents(host.current)["bundle/int8.tflite"][1] == sound


def test_connection_that_breaks_is_told_as_that(
    host: RealHost, first_deploy: subprocess.CompletedProcess[str], bundle_dir: Path
):
    leave = f'{shutil.which("ssh")} -F /dev/null -S "$4" -O exit x >/dev/null 2>&1; exit 255'
    with on_request(host.laptop, 3, leave) as came_to_it:
        done = host.deploy("--bundle", bundle_dir)
        assert came_to_it()
    assert done.returncode == 1
    assert "deploy.sh: the connection to board broke" in done.stderr.splitlines()[-1]
    assert host.deploy("--bundle", bundle_dir).returncode == 0


def flip_a_bit(file: Path) -> None:
    """As a card does, which tells nobody: size and time stay."""
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=times)


@pytest.mark.parametrize("damaged", ["device/web/static/page.css", "bundle/samples/cup.jpg"])
def test_file_that_the_card_damaged_is_found_and_mended_by_the_next_deployment(
    host: RealHost,
    first_deploy: subprocess.CompletedProcess[str],
    bundle_dir: Path,
    damaged: str,
):
    sound = (host.current / damaged).read_bytes()
    flip_a_bit(host.current / damaged)
    verify = [host.current / "liteberry", "verify", host.current / "bundle"]
    ran = subprocess.run(verify, capture_output=True, text=True)
    assert ran.returncode == 1
    assert damaged in ran.stderr
    done = host.deploy("--bundle", bundle_dir)
    assert done.returncode == 0, done
    assert "Nothing has changed" not in done.stdout
    assert (host.current / damaged).read_bytes() == sound
    back = host.deploy("--rollback")
    if damaged.startswith("device"):
        assert back.returncode == 1
        assert "is damaged; deploy again instead" in back.stderr
    else:  # other tests go on from a sound release
        assert back.returncode == 0
        assert host.deploy("--forward").returncode == 0
    assert (host.current / damaged).read_bytes() == sound


@pytest.fixture
def service(
    host: RealHost, first_deploy: subprocess.CompletedProcess[str], bundle_dir: Path
) -> Iterator[Path]:
    """A folder of what systemd there knows; what a test adds to it is gone afterwards."""
    state = host.home / ".systemd"
    yield state
    subprocess.run(
        [host.tools / "systemctl", "disable", "--now", "liteberry.service"],
        env={**os.environ, "HOME": str(host.home)},
        check=True,
    )
    for file in (state / "liteberry.service", state / "users", host.liteberry / "settings.toml"):
        file.unlink(missing_ok=True)


def write_settings(host: RealHost, **more: str) -> Path:
    """Those of a service that shows the demo; the page is this machine's alone."""
    settings = host.liteberry / "settings.toml"
    lines = {
        "bundle": f"{host.current}/bundle",
        "source": "demo",
        "serve": f"127.0.0.1:{free_port()}",
        "token": "open-sesame",
        **more,
    }
    settings.write_text("".join(f"{name} = {json.dumps(lines[name])}\n" for name in lines))
    return settings


def test_service_gets_a_user_of_its_own_where_that_is_allowed(
    host: RealHost, service: Path, bundle_dir: Path
):
    write_settings(host)
    done = host.deploy("--bundle", bundle_dir, "--service")
    assert_fails(done, 1, "has no user liteberry", "--install-deps", "--service-user")
    done = host.deploy("--bundle", bundle_dir, "--service", "--install-deps")
    assert done.returncode == 0, done
    assert "Making the user liteberry" in done.stdout
    assert 'healthy: {"status":"ok"}' in done.stdout
    unit = (service / "liteberry.service").read_text()
    assert "\nUser=liteberry\n" in unit
    assert "@" not in unit.replace("@system-service", "").replace("~@privileged", "")
    calls = (service / "calls").read_text()
    assert re.search("useradd --system .*--shell /usr/sbin/nologin liteberry\n", calls)


def test_token_is_shown_on_a_terminal_on_request_and_nowhere_else(
    host: RealHost, service: Path, bundle_dir: Path
):
    write_settings(host)
    (service / "users").write_text("liteberry\n")
    done = host.deploy("--bundle", bundle_dir, "--service")
    assert done.returncode == 0, done
    assert "(with its token: ./deploy.sh --link board)" in done.stdout
    with (service / "journal").open("a") as journal:
        journal.write("watch it at http://old:1/?token=open-sesame\n")  # by an older release
    logs = host.deploy("--logs").stdout
    assert "watch it at http://127.0.0.1:" in logs
    assert "token=...\n" in logs
    for said in (done.stdout, done.stderr, logs):
        assert "open-sesame" not in said
    assert_fails(host.deploy("--link"), 2, "to one terminal")
    python = host.laptop.checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "called with: $*"\nsed "s/^/QR code of /"\n')
    python.chmod(0o755)
    link = [host.laptop.checkout / "deploy.sh", "--link", "board"]
    near, far = os.openpty()
    with os.fdopen(near, "rb", buffering=0) as terminal:
        ran = subprocess.run(
            link, env=host.laptop.environment, stdin=subprocess.DEVNULL, stdout=far, timeout=60
        )
        os.close(far)
        assert ran.returncode == 0
        said = b""
        with contextlib.suppress(OSError):  # the terminal's end
            while part := terminal.read(4096):
                said += part
    shown = re.search(
        rb"(http://127\.0\.0\.1:\d+/\?token=open-sesame)\r\n"
        rb"called with: -m device\.web\.qr_code\r\nQR code of (.*)\r\n",
        said,
    )
    assert shown
    assert shown[1] == shown[2]


def test_service_of_another_user_is_neither_taken_over_nor_removed(
    host: RealHost, service: Path, bundle_dir: Path
):
    unit = service / "liteberry.service"
    before = "[Service]\nExecStart=/bin/true\nUser=liteberry\n[X-Liteberry]\nOwner=alice\n"
    unit.write_text(before)
    (service / "calls").write_text("")
    done = host.deploy("--bundle", bundle_dir, "--service")
    assert_fails(done, 1, "the service on board is alice's, and is left to them")
    assert_fails(host.deploy("--logs"), 1, "the service on board is alice's")
    done = host.deploy("--bundle", bundle_dir)
    assert done.returncode == 0, done
    assert "Run it with" in done.stdout
    nothing_else = set((service / "calls").read_text().split("\n"))
    assert {call.split(" ")[0] for call in nothing_else} <= {"", "cat", "show"}
    kept, gone = host.liteberry, host.home / "mine"
    kept.rename(gone)
    done = host.deploy("--uninstall")
    assert done.returncode == 1, done
    assert "nothing of liteberry here is yours, and the service is alice's" in done.stderr
    host.liteberry.rmdir()
    gone.rename(kept)
    (host.home / ".local/bin/liteberry").symlink_to(host.current / "liteberry")  # others go on
    assert unit.read_text() == before


def test_manifest_that_names_a_file_outside_the_bundle_has_nothing_removed(
    host: RealHost,
    first_deploy: subprocess.CompletedProcess[str],
    bundle_dir: Path,
    tmp_path: Path,
):
    precious, outside = host.home / "precious", "../../../../precious"
    precious.write_text("mine")
    before = contents(host.current)
    hostile = rewritten(bundle_dir, tmp_path / "hostile", 1)
    manifest = json.loads((hostile / "manifest.json").read_text())
    manifest["variants"]["float32"]["file"] = outside
    manifest["files"][outside] = "0" * 64
    (hostile / "manifest.json").write_text(json.dumps(manifest))
    done = host.deploy("--bundle", hostile, "--variants", "int8")
    assert precious.read_text() == "mine"
    assert done.returncode == 1
    assert f"names a file outside it: {outside}" in done.stderr
    assert "cannot be cut down to int8 on board" in done.stderr.splitlines()[-1]
    assert contents(host.current) == before


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("down", ["Connection refused", "ssh down"]),
        ("refused", ["Permission denied", "ssh-copy-id refused"]),
        ("changed", ["its host key is not the one known here", "ssh-keygen -R '[127.0.0.1]:"]),
        ("nameless", ["Could not resolve hostname", "ssh://"]),
    ],
)
def test_host_that_cannot_be_reached_is_one_line_and_exit_1(
    host: RealHost, stub_host: StubHost, name: str, words: list[str]
):
    done = host.laptop.deploy("--bundle", stub_host.bundle, name)
    assert_fails(done, 1, f"cannot connect to {name}", *words)
