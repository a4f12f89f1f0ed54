"""What deploy.sh has a host's Python do: it stands alone, and writes what can be read back."""

import ast
import http.server
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.outputs.systemd import WAITING
from device.paths import ROOT
from device.system import deployment
from device.system.deployment import (
    DeploymentError,
    await_health,
    fill_in,
    first_settings,
    health_url,
    page_facts,
    write_launcher,
    write_unit,
)

SOURCE = ROOT / "device" / "system" / "deployment.py"


def run_as_deploy_does(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-", *words],
        input=SOURCE.read_text(),
        env={"HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_it_imports_the_standard_library_alone():
    tree = ast.parse(SOURCE.read_text())
    imported = {
        name.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for name in node.names
    } | {
        (node.module or "").partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    }
    assert imported <= sys.stdlib_module_names


def test_no_line_of_it_ends_the_shell_text_that_carries_it():
    assert "END_OF_MODULE" not in SOURCE.read_text()


def test_placeholder_without_a_value_is_an_error():
    assert fill_in("@a@ $b @@ a@b @home@", {"a": "1", "home": "/x"}) == "1 $b @@ a@b /x"
    with pytest.raises(KeyError):
        fill_in("@nothing@", {})


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A folder with the templates, where a release would be."""
    release = tmp_path / "liteberry" / "releases" / "1"
    templates = release / deployment.TEMPLATES
    templates.mkdir(parents=True)
    for file in (ROOT / deployment.TEMPLATES).iterdir():
        (templates / file.name).write_bytes(file.read_bytes())
    return release


def test_launcher_runs_the_release_it_lies_in_through_any_link(release: Path, tmp_path: Path):
    python = tmp_path / "liteberry" / "venvs" / "3.11-abc" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$PYTHONPATH" "$@"\n')
    python.chmod(0o755)
    write_launcher(release, "venvs/3.11-abc")
    link = tmp_path / "link"
    link.symlink_to(release / "liteberry")
    said = subprocess.run([link, "detect", "a b"], capture_output=True, text=True, check=True)
    assert said.stdout == f"{release} -P -m device detect a b\n"


@pytest.mark.parametrize("home", ["/home/a b", "/home/$x", "/home/%h", "/home/x\nUser=root"])
def test_unit_of_a_home_folder_that_systemd_would_read_otherwise_is_refused(
    release: Path, home: str
):
    with pytest.raises(DeploymentError, match="home folder"):
        write_unit(release, Path(home), "pi", "liteberry")
    assert not (release / "liteberry.service").exists()


def unit_of(release: Path, home: str) -> str:
    write_unit(release, Path(home), "pi", "liteberry")
    return (release / "liteberry.service").read_text()


def test_unit_names_owner_user_and_folders(release: Path):
    unit = unit_of(release, "/home/pi")
    for line in (
        "User=liteberry",
        "Owner=pi",
        "LoadCredential=settings.toml:/home/pi/liteberry/settings.toml",
        "BindReadOnlyPaths=/home/pi/liteberry",
        "StateDirectory=liteberry",
    ):
        assert f"\n{line}\n" in unit
    assert "TemporaryFileSystem" not in unit  # ProtectHome= hides it
    assert "TemporaryFileSystem=/srv/pi:ro\n" in unit_of(release, "/srv/pi")


# What bounds the service, each line alone: the score of all together forgives one that is gone.
BOUNDS = (
    # where it writes
    "StateDirectoryMode=0750",
    "UMask=0027",
    "PrivateTmp=yes",
    "ProtectSystem=strict",
    "ProtectHome=tmpfs",
    "BindReadOnlyPaths=/home/pi/liteberry",
    "BindReadOnlyPaths=-/home/pi/.local/state/liteberry",
    # what rights it has
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "RestrictNamespaces=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "KeyringMode=private",
    "RemoveIPC=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged",
    "SystemCallErrorNumber=EPERM",
    "ProtectProc=invisible",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    # which devices it reaches, and no other
    "DevicePolicy=closed",
    "DeviceAllow=char-video4linux rw",
    "DeviceAllow=char-media rw",
    "DeviceAllow=char-dma_heap rw",
    "DeviceAllow=/dev/udmabuf rw",
    "DeviceAllow=char-drm rw",
    "DeviceAllow=char-vcio rw",
    "DeviceAllow=char-gpiochip rw",
    "DeviceAllow=char-i2c rw",
    "DeviceAllow=char-alsa rw",
)
# What the unit says besides: how the service runs.
RUNNING = {
    "Type", "NotifyAccess", "WatchdogSec", "TimeoutStartSec", "Restart", "RestartSec", "User",
    "SupplementaryGroups", "LoadCredential", "ExecStart", "StateDirectory", "WorkingDirectory",
    "Environment",
}  # fmt: skip


def service_lines(unit: str) -> list[str]:
    section = unit.partition("[Service]\n")[2].partition("\n[")[0]
    return [line for line in section.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("line", BOUNDS)
def test_unit_has_each_bound_of_the_service(release: Path, line: str):
    assert line in service_lines(unit_of(release, "/home/pi"))


def test_unit_has_no_bound_or_exception_that_is_not_listed(release: Path):
    lines = service_lines(unit_of(release, "/home/pi"))
    others = [line for line in lines if line not in BOUNDS]
    assert {line.partition("=")[0] for line in others} == RUNNING
    assert len(others) == len(RUNNING), "none is said twice"


def test_unit_leaves_the_service_little_to_harm(release: Path, tmp_path: Path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    unit = unit_of(release, "/home/pi").replace(
        '"/home/pi/liteberry/current/liteberry"', "/bin/true"
    )
    (tmp_path / "liteberry.service").write_text(unit)
    for command in (
        ["verify", "--man=no"],
        ["security", "--offline=true", "--threshold=25", "--no-pager"],  # in tenths: 2.5
    ):
        done = subprocess.run(
            ["systemd-analyze", *command, tmp_path / "liteberry.service"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "liteberry.service:" not in done.stderr  # where it warns of a line


@pytest.mark.parametrize("source", ["0", "demo", 'a"b\\c\n= [', "rtsp://u:p@h/$(x)`y`", "é ☕"])
def test_first_settings_are_toml_that_has_the_source_as_it_was_given(source: str):
    text = first_settings(source, Path("/home/pi"), 2_000_000_000)
    settings = tomllib.loads(text)
    assert settings["source"] == source
    assert settings["bundle"] == "/home/pi/liteberry/current/bundle"
    assert settings["memory_limit"] == 1000
    assert len(settings["token"]) == 22
    assert tomllib.loads(first_settings(source, Path("/"), 1))["token"] != settings["token"]


def test_settings_are_written_by_the_request_that_deploy_sends(tmp_path: Path):
    done = run_as_deploy_does("settings", "it's $(a) camera", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert tomllib.loads(done.stdout)["source"] == "it's $(a) camera"


@pytest.mark.parametrize(
    ("serve", "url"),
    [
        (None, None),
        ("", None),
        ("8080", "http://127.0.0.1:8080/healthz"),
        (8080, "http://127.0.0.1:8080/healthz"),
        ("0.0.0.0:80", "http://127.0.0.1:80/healthz"),
        ("[::1]:80", "http://[::1]:80/healthz"),
        ("pi.local:80", "http://pi.local:80/healthz"),
    ],
)
def test_health_is_asked_for_where_the_page_is_served(serve: object, url: str | None):
    settings: dict[str, object] = {} if serve is None else {"serve": serve}
    assert health_url(settings) == url


def test_page_is_told_with_its_port_and_its_token_on_request_only():
    assert page_facts({}, with_token=True) == {}
    assert page_facts({"serve": "0.0.0.0:8080"}, with_token=True) == {"port": "8080"}
    settings = {"serve": "0.0.0.0:8080", "token": "a&b"}
    assert page_facts(settings, with_token=False) == {"port": "8080"}
    assert page_facts(settings, with_token=True) == {"port": "8080", "token": "a%26b"}


@pytest.fixture
def page() -> Iterator[tuple[str, list[int]]]:
    """A server that answers with the statuses in a list, the last one for good."""
    statuses = [200]

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
            self.end_headers()
            self.wfile.write(b"it is " + b"well " * 1000)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/healthz", statuses
        server.shutdown()
        thread.join()


def test_health_is_waited_for_and_told_shortly(page: tuple[str, list[int]]):
    url, statuses = page
    statuses[:] = [503, 503, 200]
    pauses: list[float] = []
    assert await_health(url, str, pauses.append).startswith("it is well")
    assert len(await_health(url, str, pauses.append)) <= 200
    assert pauses == [1.0, 1.0]


def test_service_that_waits_for_its_camera_is_as_well_as_it_can_be(page: tuple[str, list[int]]):
    url, statuses = page
    statuses[:] = [503]
    said, pauses = ["", "", WAITING], list[float]()
    assert "waits for its camera" in await_health(url, lambda: said.pop(0), pauses.append)
    assert pauses == [1.0, 1.0]
    assert WAITING.startswith(deployment.WAITING)


def test_health_that_never_comes_is_told_with_its_reason(page: tuple[str, list[int]]):
    url, statuses = page
    statuses[:] = [503]
    pauses: list[float] = []
    with pytest.raises(DeploymentError, match="/healthz: HTTP Error 503"):
        await_health(url, str, pauses.append)
    assert len(pauses) == 30


@pytest.mark.parametrize("words", [[], ["nonsense"], ["settings"], ["health", "a", "b"]])
def test_request_that_is_none_is_one_line_and_exit_1(words: list[str], tmp_path: Path):
    done = run_as_deploy_does(*words, home=tmp_path)
    assert done.returncode == 1
    assert "is no request" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a = = 1", "line 1"),
        pytest.param(f"a = {'9' * 5000}", "4300 digits", id="digits"),
        pytest.param(f"a = {'[' * 9000}", "nested too deep", id="deep"),
        pytest.param("#" * 4_000_001, "more than 4 MB", id="large"),
    ],
)
def test_settings_that_are_no_toml_are_one_line_and_exit_1(tmp_path: Path, text, complaint):
    (tmp_path / "settings.toml").write_text(text)
    done = run_as_deploy_does("page", str(tmp_path / "settings.toml"), home=tmp_path)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


def test_every_request_of_deploy_sh_is_known():
    script = (ROOT / "deploy.sh").read_text()
    asked = {
        shlex.split(line.split("deployment ", 1)[1])[0]
        for line in script.splitlines()
        if line.lstrip().startswith("deployment ") and not line.lstrip().startswith("deployment()")
    }
    known = {
        node.patterns[0].value.value  # type: ignore[attr-defined]
        for node in ast.walk(ast.parse(SOURCE.read_text()))
        if isinstance(node, ast.MatchSequence) and node.patterns
    }
    assert asked
    assert asked <= known
