"""What happens to a host over many deployments: ``make test-deploy``, a few minutes.

Every release, every cut connection and every service here is real, on the loopback interface.
"""

import re
import shutil
import signal
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy_hosts import (
    HOSTILE,
    RealHost,
    free_port,
    on_request,
    real_host,
    rewritten,
    write_script,
)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHost]:
    with real_host(tmp_path_factory.mktemp("real")) as made:
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
    assert f"current:  {new.name}, before it: {old.name}" in status.stdout
    assert host.deploy("--rollback").returncode == 0
    assert host.current.resolve() == old
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
    assert f"Look at it: http://127.0.0.1:{port}/?token=open-sesame" in done.stdout
    running, release = (systemd / "pid").read_text(), host.current.resolve()
    assert host.deploy("--bundle", bundle_dir, "--service").returncode == 0
    assert (systemd / "pid").read_text() == running  # what runs is left to run

    failed = host.deploy("--bundle", bundle_dir, "--variants", "int8")
    assert failed.returncode == 1
    assert "did not come up on board, see above, and the release before is back" in failed.stderr
    assert "float32" in failed.stdout  # the journal's reason
    assert host.current.resolve() == release
    assert "ActiveState=active" in host.deploy("--status").stdout
    assert (systemd / "pid").read_text() != running
    assert 'variant = "float32"' in settings.read_text()

    changed = rewritten(bundle_dir, tmp_path / "changed", 3)
    done = host.deploy("--bundle", changed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert host.current.resolve() != release
    running = (systemd / "pid").read_text()
    done = host.deploy("--rollback")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "healthy" in done.stdout
    assert host.current.resolve() == release
    assert (systemd / "pid").read_text() != running


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
    assert "liteberry is not here" in host.deploy("--status").stdout


# The connection and the script end, before and after each thing the script asks of the host.


def cut(host: RealHost, bundle: Path, number: int, when: str) -> bool:
    """Whether a deployment got as far as its request ``number``, and was ended there.

    ``during``: while the host goes on with it. Nothing on the laptop gets to clean up.
    """
    kill = "kill -9 0"  # the process group
    actions = {"before": kill, "during": f"run & sleep 0.2; {kill}", "after": f"run; {kill}"}
    with on_request(host.laptop, number, actions[when]):
        process = subprocess.Popen(
            [host.laptop.checkout / "deploy.sh", "--bundle", bundle, "board"],
            env=host.laptop.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        status = process.wait(120)
    for private in map(Path, host.laptop.private_folders()):
        if private.exists():
            closing = ["ssh", "-F", "/dev/null", "-S", private / "s", "-O", "exit", "x"]
            subprocess.run(closing, capture_output=True)
            shutil.rmtree(private)
    return status == -signal.SIGKILL


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
        if not cut(host, new, number, when):
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
