"""The Ansible role in docs/fleet/ansible, by ansible-playbook, over a deploy.sh that only notes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.helpers.deploy_hosts import RealHost, real_host, rewritten, write_script
from tests.helpers.pages import Page

PLAYBOOKS = ROOT / "docs" / "fleet" / "ansible"
# By hand there may be more hosts, and a canary whose service runs, and is watched, for as long.
HOSTS = int(os.environ.get("LITEBERRY_HOSTS", "2"))
CANARY_MINUTES = float(os.environ.get("LITEBERRY_CANARY_MINUTES", "0"))
CANARY = {"canary_minutes": CANARY_MINUTES, "watch_every_s": 10}
SERVICE = ["--service", "--service-user", "root"] if CANARY_MINUTES else []
LONGEST_S = 450 * HOSTS + 120 * CANARY_MINUTES
WATCH = PLAYBOOKS / "roles" / "liteberry" / "files" / "watch.sh"
missing_ansible = pytest.mark.skipif(
    shutil.which("ansible-playbook") is None,
    reason="ansible-playbook is not installed (Debian: ansible-core)",
)


def needs_ansible(test: Callable[..., None]) -> Callable[..., None]:
    """With the other deployments: ansible-playbook takes a second for each dozen of steps."""
    return pytest.mark.deployments(missing_ansible(test))


# A host is `old` until it is deployed to; what is called `sick` or `broken` is so afterwards.
STUB = r"""#!/bin/sh
cd "$(dirname "$0")" || exit 9
echo "$*" >>log
for host; do :; done
release=$(cat "$host" 2>/dev/null) || release=old
case $* in
  --status*)
    case $host:$release in
      unreachable*) echo "{\"host\": \"$host\", \"ok\": false, \"error\": \"no way\"}"; exit 1 ;;
      *sick*:new) camera=waiting ;;
      *) camera=ok ;;
    esac
    echo "{\"host\": \"$host\", \"ok\": true, \"release\": \"$release\"," \
      "\"camera\": \"$camera\", \"restarts\": 0}" ;;
  --rollback*) echo old >"$host" ;;
  *broken*) echo "deploy.sh: it does not prove itself" >&2; exit 1 ;;
  *)
    if [ "$release" = new ]; then echo "Nothing has changed since release new"; fi
    echo new >"$host" ;;
esac
"""


class Fleet:
    """Hosts of a file, and what the notes of deploy.sh say of them."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self._folder = folder
        self._hosts = folder / "pis.txt"
        self._hosts.write_text("# mine\n" + "".join(f"{name}  # by the door\n" for name in names))
        stub = folder / "deploy.sh"
        stub.write_text(STUB)
        stub.chmod(0o755)

    def play(self, name: str = "deploy.yml", **settings: object) -> str:
        """Run a playbook; what it said last, a line a host."""
        command = ["ansible-playbook", "-i", str(self._hosts), str(PLAYBOOKS / name)]
        self.run(*command, **{"canary_minutes": 0} | settings)
        return self.said.rpartition("PLAY RECAP")[2]

    def run(self, *command: str, **settings: object) -> None:
        """Run a command that plays one, with ``settings`` beside its own."""
        given = json.dumps({"deploy_sh": str(self._folder / "deploy.sh")} | settings)
        environment = {
            **os.environ,
            "HOME": str(self._folder),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_LOCAL_TEMP": str(self._folder / "tmp"),
            "ANSIBLE_NOCOLOR": "1",
        }
        done = subprocess.run(
            [*command, "-e", given],
            env=environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
        self.failed = done.returncode != 0
        self.said = done.stdout + done.stderr

    @property
    def changes(self) -> list[str]:
        """What deploy.sh was asked for beside the status, in order."""
        lines = (self._folder / "log").read_text().splitlines()
        return [line for line in lines if "--status" not in line]


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
        fleet = Fleet(folder / "fleet", list(hosts))
        # Any name leads to a laptop's own host, by its ssh configuration.
        cases = "".join(
            f"  {name}) laptop={shlex.quote(str(host.laptop.folder))} ;;\n"
            for name, host in hosts.items()
        )
        write_script(
            folder / "fleet" / "deploy.sh",
            f"for host; do :; done\ncase $host in\n{cases}esac\n"
            f'echo "$*" >>{shlex.quote(str(folder / "fleet" / "log"))}\n'
            'export LITEBERRY_SSH_CONFIG="$laptop/ssh config" PATH="$laptop/tools:$PATH"\n'
            'exec "$laptop/check out/deploy.sh" "$@"',
        )
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
