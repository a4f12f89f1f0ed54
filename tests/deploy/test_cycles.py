"""What happens to a host over many deployments: ``make test-deploy``, a few minutes.

Every release, every cut connection and every service here is real, on the loopback interface.
"""

import os
import re
import shutil
import signal
import subprocess
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.cut_deployments import close_connections, cut
from tests.helpers.deploy_hosts import (
    HOSTILE,
    RealHost,
    assert_fails,
    contents,
    free_port,
    on_request,
    real_host,
    rewritten,
    write_script,
)

pytestmark = pytest.mark.deployments


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHost]:
    with real_host(tmp_path_factory.mktemp("real")) as made:
        (made.home / ".systemd").mkdir()
        (made.home / ".systemd" / "users").write_text("liteberry\n")
        yield made


@pytest.fixture(scope="module")
def first_deploy(host: RealHost, bundle_dir: Path) -> None:
    done = host.deploy("--bundle", bundle_dir)
    assert done.returncode == 0, done.stdout + done.stderr


def test_changed_bundle_becomes_a_release_that_shares_the_rest_and_rolls_back(
    host: RealHost,
    first_deploy: None,
    bundle_dir: Path,
    tmp_path: Path,
):
    old = host.current.resolve()
    changed = rewritten(bundle_dir, tmp_path / "changed", 3)
    done = host.deploy("--bundle", changed)
    assert done.returncode == 0, done.stdout + done.stderr
    new = host.current.resolve()
    assert new != old
    model, manifest = Path("bundle", "int8.tflite"), Path("bundle", "manifest.json")
    assert (old / model).samefile(new / model)
    assert (new / manifest).read_bytes() == (changed / "manifest.json").read_bytes()
    assert (old / manifest).read_bytes() == (bundle_dir / "manifest.json").read_bytes()

    status = host.deploy("--status")
    assert f"release:  {new.name}, before it: {old.name}\n" in status.stdout
    assert host.deploy("--rollback").returncode == 0
    assert host.current.resolve() == old
    assert host.deploy("--forward").returncode == 0
    assert host.current.resolve() == new
    assert "there is no release after the current one" in host.deploy("--forward").stderr
    assert host.deploy("--rollback").returncode == 0
    refused = host.deploy("--rollback")
    assert refused.returncode == 1
    assert "cannot go back" in refused.stderr
    assert host.current.resolve() == old


def test_changed_python_file_sends_under_200_kb(
    host: RealHost, first_deploy: None, bundle_dir: Path
):
    tools, log = host.laptop.folder / "tools", host.laptop.folder / "sent"
    write_script(tools / "rsync", f'exec {shutil.which("rsync")} --stats "$@" >>"{log}"')
    with (host.laptop.checkout / "device" / "cli.py").open("a") as file:
        file.write("# changed\n")
    done = host.deploy("--bundle", bundle_dir)
    (tools / "rsync").unlink()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing has changed" not in done.stdout
    sent = re.findall(r"^Total bytes sent: ([\d,]+)", log.read_text(), re.MULTILINE)
    assert sum(int(number.replace(",", "")) for number in sent) < 200_000


def test_fourth_release_removes_the_first(
    host: RealHost,
    first_deploy: None,
    bundle_dir: Path,
    tmp_path: Path,
):
    wanted = []
    for variants in ("int8", "int8,float32", "int8,float16", "int8,dynamic"):
        done = host.deploy("--bundle", bundle_dir, "--variants", variants)
        assert done.returncode == 0, done.stdout + done.stderr
        wanted.append(host.current.resolve())
        bundle = wanted[-1] / "bundle"
        assert {path.stem for path in bundle.glob("*.tflite")} == set(variants.split(","))
    assert set((host.liteberry / "releases").iterdir()) == set(wanted[1:])
    assert list((host.liteberry / "venvs").iterdir()) == [host.environment]


def test_old_release_that_cannot_be_removed_does_not_stop_the_new_one(
    host: RealHost, first_deploy: None, bundle_dir: Path, tmp_path: Path
):
    (host.liteberry / "releases" / "0").mkdir()
    write_script(host.tools / "rm", 'case $* in *releases/0) exit 1 ;; esac\nexec /bin/rm "$@"')
    done = host.deploy("--bundle", rewritten(bundle_dir, tmp_path / "7", 7), "--variants", "int8")
    (host.tools / "rm").unlink()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"current is releases/{host.current.resolve().name}" in done.stdout


def test_hosts_side_by_side_each_get_a_verdict_and_one_lock(
    host: RealHost, first_deploy: None, bundle_dir: Path
):
    hosts = host.laptop.folder / "hosts"
    hosts.write_text("# ours\ndown\nother-name # the same machine\nbehind # and by way of it\n")
    done = host.deploy("--bundle", bundle_dir, "--hosts", hosts)
    assert done.returncode == 1
    *_, down, other, behind, board = done.stdout.splitlines()
    assert down.split()[:2] == ["down", "FAILED"]
    assert "Connection refused" in down
    assert other.split()[:2] == ["other-name", "ok"]
    assert behind.split()[:2] == ["behind", "ok"]
    assert board.split()[:2] == ["board", "ok"]
    assert "Somebody else is deploying" in done.stdout


def test_service_that_does_not_come_up_is_gone_again(
    host: RealHost, first_deploy: None, bundle_dir: Path
):
    done = host.deploy("--bundle", bundle_dir, "--service", "--source", HOSTILE)
    assert done.returncode == 1
    assert "does not come up" in done.stderr
    settings = tomllib.loads((host.liteberry / "settings.toml").read_text())
    assert settings["source"] == HOSTILE
    assert settings["bundle"] == str(host.current / "bundle")
    assert (host.liteberry / "settings.toml").stat().st_mode & 0o077 == 0
    assert not (host.home / ".systemd" / "liteberry.service").exists()


def test_service_is_kept_through_an_upgrade_that_fails_it_and_goes_back_when_told(
    host: RealHost,
    first_deploy: None,
    bundle_dir: Path,
    tmp_path: Path,
):
    settings, port = host.liteberry / "settings.toml", free_port()
    settings.write_text(
        f'bundle = "{host.current}/bundle"\nsource = "demo"\nvariant = "float32"\n'
        f'serve = "127.0.0.1:{port}"\ntoken = "open-sesame"\n'
    )
    systemd = host.home / ".systemd"
    done = host.deploy("--bundle", bundle_dir, "--service")
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'healthy: {"status":"ok"}' in done.stdout
    assert f"Look at it: http://127.0.0.1:{port}/ (with" in done.stdout
    running, release = (systemd / "pid").read_text(), host.current.resolve()
    assert host.deploy("--bundle", bundle_dir, "--service").returncode == 0
    assert (systemd / "pid").read_text() == running  # what runs is left to run

    failed = host.deploy("--bundle", bundle_dir, "--variants", "int8")
    assert failed.returncode == 1
    assert "did not come up on board, see above, and the release before is back" in failed.stderr
    assert "float32" in failed.stdout  # the journal's reason
    assert host.current.resolve() == release
    status = host.deploy("--status").stdout
    assert "service:  active (running) as liteberry" in status
    assert "does not run" not in status
    restarted = (systemd / "pid").read_text()
    assert restarted != running
    assert 'variant = "float32"' in settings.read_text()

    os.kill(int(restarted), signal.SIGKILL)
    dead = host.deploy("--status")
    assert dead.returncode == 1
    assert "does not run (it is inactive); see: ./deploy.sh --logs board" in dead.stderr

    # A camera that is off stops no deployment.
    wanted = settings.read_text()
    settings.write_text(wanted.replace('"demo"', f'"rtsp://127.0.0.1:{free_port()}/live"'))
    changed = rewritten(bundle_dir, tmp_path / "changed", 3)
    done = host.deploy("--bundle", changed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "healthy: as far as it can be: it waits for its camera" in done.stdout
    assert host.current.resolve() != release
    status = host.deploy("--status")
    assert status.returncode == 0, status
    assert status.stdout.endswith("it waits for its camera\n")
    settings.write_text(wanted)
    running = (systemd / "pid").read_text()
    done = host.deploy("--rollback")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "healthy" in done.stdout
    assert host.current.resolve() == release
    assert (systemd / "pid").read_text() != running


@pytest.fixture
def service(host: RealHost, first_deploy: None, bundle_dir: Path) -> Iterator[Path]:
    """A folder of what systemd there knows, and liteberry in its service."""
    (host.liteberry / "settings.toml").write_text(
        f'bundle = "{host.current}/bundle"\nsource = "demo"\nserve = "127.0.0.1:{free_port()}"\n'
    )
    (host.home / ".systemd" / "users").write_text("liteberry\n")  # --uninstall takes them along
    done = host.deploy("--bundle", bundle_dir, "--variants", "int8,dynamic", "--service")
    assert done.returncode == 0, done.stdout + done.stderr
    yield host.home / ".systemd"
    (host.liteberry / "settings.toml").write_text('source = "demo"\n')
    assert host.deploy("--uninstall").returncode == 0


def test_service_runs_as_the_user_it_ran_as_until_another_is_named(
    host: RealHost, service: Path, bundle_dir: Path
):
    unit = service / "liteberry.service"
    assert "\nUser=liteberry\n" in unit.read_text()
    assert (
        host.deploy("--bundle", bundle_dir, "--service", "--service-user", "root").returncode == 0
    )
    assert "\nUser=root\n" in unit.read_text()
    assert host.deploy("--bundle", bundle_dir).returncode == 0
    assert "\nUser=root\n" in unit.read_text()


def served(systemd: Path) -> str:
    """The release that the service runs."""
    environment = Path("/proc", (systemd / "pid").read_text(), "environ").read_text()
    (path,) = re.findall(r"PYTHONPATH=([^\0]*)", environment)
    return Path(path).name


def test_service_that_a_cut_deployment_did_not_restart_is_restarted_by_the_next(
    host: RealHost, service: Path, bundle_dir: Path
):
    old = served(service)
    deploy = [host.laptop.checkout / "deploy.sh", "--bundle", bundle_dir, "--variants", "int8"]
    with subprocess.Popen(
        [*deploy, "board"],
        env=host.laptop.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        while not process.stdout.readline().startswith("Starting the service"):
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
    close_connections(host.laptop)
    host.wait_until_left()
    assert served(service) == old != host.current.resolve().name  # switched, not restarted
    done = host.deploy("--bundle", bundle_dir, "--variants", "int8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert served(service) == host.current.resolve().name
    running = (service / "pid").read_text()
    done = host.deploy("--bundle", bundle_dir, "--variants", "int8")
    assert "Nothing has changed" in done.stdout
    assert (service / "pid").read_text() == running


def test_rollback_to_a_release_that_does_not_come_up_leaves_the_one_that_ran(
    host: RealHost, service: Path, bundle_dir: Path
):
    assert host.deploy("--bundle", bundle_dir, "--variants", "int8").returncode == 0
    release = host.current.resolve()
    before = host.liteberry / (host.current / "before").read_text().strip()
    write_script(before / "liteberry", "echo cannot; exit 1")
    done = host.deploy("--rollback")
    assert done.returncode == 1
    assert "the one it had runs again" in done.stderr
    assert host.current.resolve() == release
    assert served(service) == release.name


def test_settings_that_are_broken_are_told_before_the_service_is_touched(
    host: RealHost, service: Path, bundle_dir: Path
):
    with (host.liteberry / "settings.toml").open("a") as settings:
        settings.write("oops = = 1\n")
    running, before = (service / "pid").read_text(), contents(host.liteberry)
    for arguments in ([], ["--service"]):
        done = host.deploy("--bundle", bundle_dir, *arguments)
        assert_fails(done, 1, "settings.toml on board cannot be read", "line 4", "nano")
    assert (service / "pid").read_text() == running
    assert contents(host.liteberry) == before
    assert "no service" not in host.deploy("--logs").stderr


def test_lock_of_a_laptop_that_fell_asleep_is_told_with_what_lets_go_of_it(
    host: RealHost, first_deploy: None, bundle_dir: Path
):
    write_script(host.tools / "flock", 'for last; do :; done; exec /usr/bin/flock -w 1 "$last"')
    asleep, ssh = host.laptop.folder / "asleep", shutil.which("ssh")
    # What its connection waits for is a laptop that says no more.
    with on_request(host.laptop, 3, f"touch '{asleep}'; sleep 1000"):
        first = subprocess.Popen(
            [host.laptop.checkout / "deploy.sh", "--bundle", bundle_dir, "board"],
            env=host.laptop.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while not asleep.exists():
            assert first.poll() is None
            time.sleep(0.05)
    (host.laptop.folder / "ssh.log").unlink()  # which tells whose folders ought to be gone
    try:
        second = host.laptop.deploy("--bundle", bundle_dir, "board")
        assert "waiting" in second.stdout
        assert_fails(second, 1, "somebody else is still deploying to board", "fell asleep")
        told = re.findall(r"run: ssh board (.*), and deploy again", second.stderr)
        config = host.laptop.environment["LITEBERRY_SSH_CONFIG"]
        subprocess.run([str(ssh), "-F", config, "board", told[0]], check=True)
        third = host.laptop.deploy("--bundle", bundle_dir, "board")
        assert third.returncode == 0, third
        assert "waiting" not in third.stdout
    finally:
        (host.tools / "flock").unlink()
        os.killpg(first.pid, signal.SIGTERM)
        first.wait(10)
        host.wait_until_left()


def test_uninstall_leaves_nothing_but_the_settings(
    host: RealHost, first_deploy: None, bundle_dir: Path
):
    (host.liteberry / "settings.toml").write_text('source = "demo"\n')
    done = host.deploy("--uninstall")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in host.liteberry.iterdir()] == ["settings.toml"]
    assert not (host.home / ".local" / "bin" / "liteberry").is_symlink()
    assert not (host.home / ".systemd" / "liteberry.service").exists()
    assert not (host.home / ".systemd" / "pid").exists()
    again = host.deploy("--uninstall")
    assert again.returncode == 0, again
    assert "liteberry is not on board" in host.deploy("--status").stderr


@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_cut_at_every_request_leaves_a_release_that_runs_and_the_next_deploy_succeeds(
    host: RealHost, first_deploy: None, bundle_dir: Path, tmp_path: Path, when: str
):
    bundles = [bundle_dir, rewritten(bundle_dir, tmp_path / "other", 5)]
    number = 0
    while True:
        number += 1
        old, new = bundles[number % 2], bundles[(number + 1) % 2]
        assert host.deploy("--bundle", old).returncode == 0
        if not cut(host.laptop, new, number, when):
            break
        # Whatever the host was at when the connection broke, it ends.
        host.wait_until_left()
        manifest = (host.current / "bundle" / "manifest.json").read_bytes()
        assert manifest in {(bundle / "manifest.json").read_bytes() for bundle in bundles}
        ran = subprocess.run(
            [host.current / "liteberry", "info", host.current / "bundle"], capture_output=True
        )
        assert ran.returncode == 0, (number, ran)
        done = host.deploy("--bundle", new)
        assert done.returncode == 0, f"{number}: {done.stdout}{done.stderr}"
        assert (host.current / "bundle" / "manifest.json").read_bytes() == (
            new / "manifest.json"
        ).read_bytes()
    assert number > 9  # it got through all of them
