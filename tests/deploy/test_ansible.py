"""The Ansible role in docs/fleet/ansible, by ansible-playbook, over a deploy.sh that only notes."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.helpers.deploy_hosts import RealHost, real_host, rewritten
from tests.helpers.fleet import PLAYBOOKS, Fleet, missing_ansible
from tests.helpers.pages import Page

# By hand there may be more hosts, and a canary whose service runs, and is watched, for as long.
HOSTS = int(os.environ.get("LITEBERRY_HOSTS", "2"))
CANARY_MINUTES = float(os.environ.get("LITEBERRY_CANARY_MINUTES", "0"))
CANARY = {"canary_minutes": CANARY_MINUTES, "watch_every_s": 10}
SERVICE = ["--service", "--service-user", "root"] if CANARY_MINUTES else []
LONGEST_S = 450 * HOSTS + 120 * CANARY_MINUTES
WATCH = PLAYBOOKS / "roles" / "liteberry" / "files" / "watch.sh"


def needs_ansible(test: Callable[..., None]) -> Callable[..., None]:
    """With the other deployments: ansible-playbook takes a second for each dozen of steps."""
    return pytest.mark.deployments(missing_ansible(test))


@needs_ansible
def test_twenty_are_deployed_to_in_batches_after_a_canary(tmp_path):
    names = [f"pi@board-{number}.local" for number in range(20)]
    fleet = Fleet(tmp_path, names)
    recap = fleet.play()
    assert not fleet.failed, fleet.said
    assert fleet.changes[0] == names[0]
    assert sorted(fleet.changes) == sorted(names)
    assert set(fleet.changes[1:9]) == set(names[1:9]), "the first batch, in any order"
    assert recap.count("changed=1 ") == 20


@needs_ansible
def test_deploying_again_changes_nothing(tmp_path):
    fleet = Fleet(tmp_path, ["one", "two"])
    assert fleet.play().count("changed=1 ") == 2, fleet.said
    assert fleet.play().count("changed=0 ") == 2, fleet.said


@contextlib.contextmanager
def real_fleet(folder: Path, count: int) -> Iterator[tuple[Fleet, dict[str, RealHost]]]:
    """An sshd for each, and a deploy.sh that notes what it is asked for, and does it."""
    with contextlib.ExitStack() as stack:
        hosts = {}
        for name in (f"board-{number}" for number in range(count)):
            (folder / name).mkdir()
            hosts[name] = stack.enter_context(real_host(folder / name))
        (folder / "fleet").mkdir()
        fleet = Fleet(folder / "fleet", list(hosts), LONGEST_S)
        fleet.lead_to({name: host.laptop for name, host in hosts.items()})
        yield fleet, hosts


@needs_ansible
def test_failure_tells_what_deploy_sh_said_and_no_password_of_a_camera(tmp_path):
    fleet = Fleet(tmp_path, ["broken"])
    source = "rtsp://me:s3cr3t@camera/"
    fleet.play(options=["--service", "--source", source])
    assert fleet.failed
    assert fleet.changes == [f"--service --source {source} broken"]
    assert "it does not prove itself" in fleet.said
    assert "s3cr3t" not in fleet.said


@needs_ansible
def test_real_deployments_to_all_hosts_and_back(tmp_path, bundle_dir):
    with real_fleet(tmp_path, HOSTS) as (fleet, hosts):
        for host in hosts.values() if SERVICE else ():
            # Without a page: all of them are one machine, which has each port once.
            host.liteberry.mkdir()
            settings = f'bundle = "{host.current}/bundle"\nsource = "demo"\n'
            (host.liteberry / "settings.toml").write_text(settings)

        def deploy(bundle: Path) -> str:
            return fleet.play(options=[*SERVICE, "--bundle", str(bundle)], **CANARY)

        def releases() -> dict[str, Path]:
            return {name: host.current.resolve() for name, host in hosts.items()}

        assert deploy(bundle_dir).count("changed=1 ") == HOSTS, fleet.said
        first = releases()
        assert all((release / "bundle" / "manifest.json").exists() for release in first.values())
        log = (tmp_path / "fleet" / "log").read_text()
        watched = log.partition(" board-1\n")[0].count("--status --json board-0\n")
        assert watched >= 1 + CANARY_MINUTES * 60 / CANARY["watch_every_s"], "before the second"
        assert deploy(bundle_dir).count("changed=0 ") == HOSTS, fleet.said
        changed = rewritten(bundle_dir, tmp_path / "bundle", 1)
        assert deploy(changed).count("changed=1 ") == HOSTS, fleet.said
        assert all(release != first[name] for name, release in releases().items())
        fleet.play("rollback.yml")
        assert not fleet.failed, fleet.said
        assert releases() == first


@needs_ansible
def test_canary_that_is_not_well_goes_back_and_nobody_else_is_deployed_to(tmp_path):
    fleet = Fleet(tmp_path, ["sick", "one", "two"])
    fleet.play()
    assert fleet.failed
    assert fleet.changes == ["sick", "--rollback sick"]
    assert "sick is not well: its camera is gone" in fleet.said


@needs_ansible
def test_first_batch_that_breaks_is_the_last(tmp_path):
    fleet = Fleet(tmp_path, ["canary", "one", "broken", "three", "four"])
    fleet.play(batch=2)
    assert fleet.failed
    assert fleet.changes[0] == "canary"
    assert sorted(fleet.changes[1:]) == ["broken", "one"]
    assert "it does not prove itself" in fleet.said


@needs_ansible
def test_host_that_cannot_be_asked_is_not_deployed_to(tmp_path):
    fleet = Fleet(tmp_path, ["unreachable", "one"])
    fleet.play()
    assert fleet.failed
    assert not [line for line in (tmp_path / "log").read_text().splitlines() if "one" in line]


@needs_ansible
@pytest.mark.parametrize("command", Page("fleet.md").commands_of("ansible-playbook"))
def test_command_of_the_page_is_one_that_is_played(tmp_path, command):
    fleet = Fleet(tmp_path, ["one", "two", "three"])
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    fleet.run(*shlex.split(command), canary_minutes=0)
    assert not fleet.failed, fleet.said
    options = "--rollback " if "rollback" in command else "--service " * ("--service" in command)
    assert sorted(fleet.changes) == [f"{options}{name}" for name in ("one", "three", "two")]


def watch(folder: Path, answers: list[str], seconds: int = 0) -> subprocess.CompletedProcess[str]:
    """watch.sh over a deploy.sh that answers one after another, the last one again and again."""
    (folder / "answers").write_text("".join(f"{answer}\n" for answer in answers))
    stub = folder / "deploy.sh"
    stub.write_text(
        '#!/bin/sh\ncd "$(dirname "$0")" || exit 9\nhead -n 1 answers\n'
        "[ $(wc -l <answers) -eq 1 ] || sed -i 1d answers\n! grep -q inactive answers\n"
    )
    stub.chmod(0o755)
    sleep = folder / "sleep"
    sleep.write_text("#!/bin/sh\n")
    sleep.chmod(0o755)
    return subprocess.run(
        ["sh", WATCH, stub, "pi", str(seconds), "15"],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


WELL = '{"host": "pi", "camera": "ok", "restarts": 2, "fps": 9.1}'


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ([WELL], None),
        (['{"host": "pi", "camera": null, "restarts": null, "fps": null}'], None),
        ([WELL, WELL.replace("ok", "waiting")], "its camera is gone"),
        ([WELL, WELL.replace("2", "3")], "it was started anew: 3 restarts, 2 before"),
        ([WELL.replace("ok", "inactive")], "its service does not run"),
    ],
)
def test_watch_holds_as_long_as_all_is_well(tmp_path, answers, complaint):
    done = watch(tmp_path, answers, seconds=60)
    assert (done.returncode == 0) == (complaint is None), done
    assert complaint is None or re.search(complaint, done.stderr)
