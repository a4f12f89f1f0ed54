"""What --status says of a host: the truth, with an exit status, and for programs as JSON."""

import json
import shlex
import shutil

import pytest

from tests.helpers.deploy_hosts import StubHost, assert_fails, write_script

RELEASE, BEFORE = "20261128T120000Z", "20261127T120000Z"
BUNDLE_SHA256 = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # of "{}"


@pytest.fixture
def board(stub_host: StubHost) -> StubHost:
    """One with two releases, and no service."""
    for name in ("basename", "readlink", "cat", "sha256sum", "grep"):
        (stub_host.tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    liteberry = stub_host.home / "liteberry"
    for name in (RELEASE, BEFORE):
        release = liteberry / "releases" / name
        (release / "bundle").mkdir(parents=True)
        (release / "device").mkdir()
        (release / "bundle" / "manifest.json").write_text("{}")
        (release / "device" / "__init__.py").write_text('__version__ = "0.1.0"\n')
        (release / "commit").write_text("0123456789ab\n")
    (liteberry / "releases" / RELEASE / "before").write_text(f"releases/{BEFORE}\n")
    (liteberry / "current").symlink_to(f"releases/{RELEASE}")
    return stub_host


def serve(host: StubHost, state: str, said: str, owner: str = "pi") -> None:
    """Have a service in ``state`` that says ``said`` of itself."""
    shown = f"ActiveState={state}\nSubState=sub\nNRestarts=3\nStatusText={said}"
    write_script(
        host.tools / "systemctl",
        f"case $1 in cat) printf 'User=liteberry\\nOwner={owner}\\n' ;; "
        f"show) echo {shlex.quote(shown)} ;; *) exit 1 ;; esac",
    )


def test_host_with_nothing_on_it_is_told_and_fails(stub_host: StubHost):
    done = stub_host.laptop.deploy("--status", "pi")
    assert_fails(done, 1, "liteberry is not on pi; deploy it")


def test_release_without_a_service_is_fine(board: StubHost):
    done = board.laptop.deploy("--status", "pi")
    assert done.returncode == 0, done
    assert f"release:  {RELEASE}, before it: {BEFORE}\n" in done.stdout
    assert "liteberry 0.1.0 at commit 0123456789ab, bundle 44136fa355b3\n" in done.stdout
    assert "service:  not installed\n" in done.stdout


@pytest.mark.parametrize("state", ["failed", "inactive", "activating"])
def test_service_that_does_not_run_fails(board: StubHost, state: str):
    serve(board, state, "12.3 FPS, 80 MB")
    done = board.laptop.deploy("--status", "pi")
    assert_fails(done, 1, f"does not run (it is {state}); see: ./deploy.sh --logs pi")


def test_service_that_runs_tells_frames_and_restarts(board: StubHost):
    serve(board, "active", "12.3 FPS, 80 MB")
    done = board.laptop.deploy("--status", "pi")
    assert done.returncode == 0, done
    last = "service:  active (sub) as liteberry, restarts: 3; frames come through, 12.3 a second\n"
    assert done.stdout.endswith(last)


def test_service_that_waits_for_its_camera_runs_and_says_so(board: StubHost):
    serve(board, "active", "waiting for the camera to come back")
    done = board.laptop.deploy("--status", "pi")
    assert done.returncode == 0, done
    assert done.stdout.endswith("it waits for its camera\n")


def test_service_of_another_user_is_named(board: StubHost):
    serve(board, "active", "", owner="alice")
    done = board.laptop.deploy("--status", "pi")
    assert done.returncode == 0, done
    assert done.stdout.endswith("service:  alice's\n")


def test_json_has_it_all_in_one_line(board: StubHost):
    serve(board, "active", "12.3 FPS, 80 MB")
    done = board.laptop.deploy("--status", "--json", "pi@host")
    assert done.returncode == 0, done
    (line,) = done.stdout.splitlines()
    assert json.loads(line) == {
        "host": "pi@host",
        "ok": True,
        "release": RELEASE,
        "before": BEFORE,
        "after": None,
        "version": "0.1.0",
        "commit": "0123456789ab",
        "bundle": BUNDLE_SHA256,
        "owner": None,
        "user": "liteberry",
        "state": "active",
        "substate": "sub",
        "camera": "ok",
        "restarts": 3,
        "fps": 12.3,
    }


def test_json_of_a_service_that_does_not_run_is_not_ok_and_fails(board: StubHost):
    serve(board, "failed", "")
    done = board.laptop.deploy("--status", "--json", "pi")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["ok"], told["state"], told["camera"]) == (False, "failed", "unknown")


def test_json_of_several_hosts_is_a_line_for_each_in_their_order(board: StubHost):
    ssh = board.laptop.folder / "tools" / "ssh"
    down = "case $* in *' -- down') echo 'ssh: \"no\" \\\\ way \x1b[31m' >&2; exit 255 ;; esac\n"
    ssh.write_text(ssh.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n{down}"))
    done = board.laptop.deploy("--status", "--json", "one", "down", "two")
    assert done.returncode == 1
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [item["host"] for item in told] == ["one", "down", "two"]
    assert [item["ok"] for item in told] == [True, False, True]
    assert "cannot connect to down" in told[1]["error"]


@pytest.mark.parametrize(
    "arguments",
    [["--json", "pi"], ["--at-once", "0", "pi"], ["--at-once", "x[$(touch pwned)]", "pi"]],
)
def test_flags_that_cannot_be_meant_are_wrong_usage(stub_host: StubHost, arguments: list[str]):
    assert_fails(stub_host.laptop.deploy(*arguments), 2, "--help")


@pytest.mark.parametrize("at_once", [1, 2])
def test_no_more_hosts_than_allowed_are_visited_at_once(board: StubHost, at_once: int):
    folder = board.laptop.folder
    begun, most = folder / "begun", folder / "most"
    begun.mkdir()
    ssh = folder / "tools" / "ssh"
    count = (
        f"case $* in *-fNMT*) mkdir {shlex.quote(str(begun))}/$$; "
        f"ls {shlex.quote(str(begun))} | wc -l >>{shlex.quote(str(most))} ;; "
        # Two may end at once: each takes away one that the other did not.
        f"*'-O exit'*) for one in {shlex.quote(str(begun))}/*; do "
        'rmdir "$one" 2>/dev/null && break; done ;; esac\n'
    )
    ssh.write_text(ssh.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n{count}"))
    hosts = [f"host{number}" for number in range(5)]
    done = board.laptop.deploy("--status", "--at-once", str(at_once), *hosts)
    assert done.returncode == 0, done
    counts = [int(line) for line in most.read_text().split()]
    assert len(counts) == 5
    assert max(counts) <= at_once
    for host in hosts:
        assert f"[{host}] release:  {RELEASE}" in done.stdout
