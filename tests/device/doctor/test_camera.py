from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.doctor.camera import (
    cameras,
    check_camera,
    check_camera_access,
    check_camera_in_use,
)
from device.doctor.case import Case
from device.doctor.finding import Finding
from tests.device.doctor.conftest import of, only
from tests.helpers.boards import lay_out, set_program

NOBODY = 65534


needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root makes device files and becomes another user"
)


def test_camera_on_the_connector_is_listed(tmp_path):
    finding = only(check_camera(of(lay_out("pi_4", tmp_path))))
    assert (finding.verdict, finding.found) == ("ok", "imx708 4608x2592")


def test_camera_on_usb_is_listed_once(tmp_path):
    finding = only(check_camera(of(lay_out("pi_5", tmp_path))))
    assert (finding.verdict, finding.found) == ("ok", "HD Pro Webcam C920 (video0, USB)")


def test_no_camera_is_a_warning_that_names_the_ribbon(tmp_path):
    finding = only(check_camera(of(lay_out("pi_3", tmp_path))))
    assert finding.verdict == "warning"
    assert "ribbon" in finding.mend


def test_configuration_without_cameras_is_named(tmp_path):
    root = lay_out("pi_4", tmp_path)
    set_program(root / "usr/bin/rpicam-hello", "No cameras available!\n")
    for node in ("video0", "video1"):
        (root / f"sys/class/video4linux/{node}/name").unlink()
    (root / "boot/firmware/config.txt").write_text("arm_64bit=1\n#camera_auto_detect=1\n")
    finding = only(check_camera(of(root)))
    assert finding.verdict == "warning"
    assert "camera_auto_detect=1 | sudo tee" in finding.mend
    (root / "boot/firmware/config.txt").write_text("dtoverlay=imx519\n")
    assert "ribbon" in only(check_camera(of(root))).mend


def test_missing_tool_leaves_the_camera_unknown(tmp_path):
    root = lay_out("pi_3", tmp_path)
    (root / "usr/bin/libcamera-hello").unlink()
    finding = only(check_camera(of(root)))
    assert (finding.verdict, finding.found) == ("unknown", "rpicam-hello is not installed")
    assert "apt install rpicam-apps-lite" in finding.mend


def test_host_without_a_camera_is_ok(tmp_path):
    finding = only(check_camera(of(tmp_path)))
    assert (finding.verdict, finding.found) == ("ok", "none; files and streams need none")


def test_codecs_and_metadata_are_no_cameras(tmp_path):
    nodes = [camera.node.name for camera in cameras(lay_out("pi_4", tmp_path))]
    assert nodes == ["video0"]


def test_cameras_that_open_are_ok(tmp_path):
    finding = only(check_camera_access(of(lay_out("pi_4", tmp_path))))
    assert finding.verdict == "ok"
    assert finding.found == "/dev/video0, /dev/media0, /dev/media3 can be opened"


@needs_root
def test_device_file_without_a_device_is_a_problem(tmp_path):
    root = lay_out("pi_5", tmp_path)
    node = root / "dev/video0"
    node.unlink()
    os.mknod(node, 0o20666, os.makedev(81, 250))  # Video4Linux, with a number that nobody has
    finding = only(check_camera_access(of(root)))
    assert finding.verdict == "problem"
    assert finding.found.startswith("/dev/video0: No such device")
    assert "dmesg" in finding.mend


def test_device_file_that_is_gone_is_a_problem(tmp_path):
    root = lay_out("pi_5", tmp_path)
    (root / "dev/video0").unlink()
    finding = only(check_camera_access(of(root)))
    assert (finding.verdict, finding.found) == ("problem", "/dev/video0: No such file or directory")


def as_nobody(check: Callable[[Case], Iterator[Finding]], case: Case) -> list[Finding]:
    """What ``check`` finds in a process of a user without any group."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            found = [dataclasses.asdict(finding) for finding in check(case)]
            os.write(write_end, json.dumps(found).encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    return [Finding(**finding) for finding in json.loads(text)]


@pytest.fixture
def open_root() -> Iterator[Path]:
    """A folder that every user may enter, as none below pytest's is."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@needs_root
def test_user_outside_the_group_is_told_the_command(open_root):
    root = lay_out("pi_4", open_root)
    for node in (root / "dev").iterdir():
        node.chmod(0o660)
    case = of(root)
    assert case.cameras.sensors
    finding = only(as_nobody(check_camera_access, case))
    assert finding.verdict == "problem"
    assert finding.found == "nobody is not in the group video, which may open cameras"
    assert finding.mend.startswith("sudo usermod -aG video nobody")


@needs_root
def test_user_outside_the_group_is_warned_on_a_pi_without_a_camera(open_root):
    case = of(lay_out("pi_3", open_root))
    assert only(as_nobody(check_camera_access, case)).verdict == "warning"
    assert list(check_camera_access(case)) == [], "root needs no group"


@contextlib.contextmanager
def other_process(code: str, node: Path) -> Iterator[int]:
    """A process that holds ``node``, by ``code`` that finds it as ``file``."""
    script = (
        f"import fcntl, sys; file = open(sys.argv[1], 'r+b'); {code}; print(flush=True); input()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, node], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child.pid
        child.kill()


@pytest.fixture
def pi_4(tmp_path: Path) -> Path:
    """A board whose processes and locks are the real ones of this machine."""
    root = lay_out("pi_4", tmp_path)
    (root / "proc").rename(root / "proc.recorded")
    (root / "proc").symlink_to("/proc")
    return root


def test_camera_that_nobody_has_is_ok(pi_4):
    assert only(check_camera_in_use(of(pi_4))).verdict == "ok"


def test_media_device_that_libcamera_has_locked_is_in_use(pi_4):
    with other_process("fcntl.lockf(file, fcntl.LOCK_EX)", pi_4 / "dev/media3") as pid:
        finding = only(check_camera_in_use(of(pi_4)))
    assert finding.verdict == "warning"
    assert f"(process {pid}, /dev/media3)" in finding.found
    assert finding.mend.endswith(f"kill {pid}")


def test_camera_that_another_program_has_open_is_in_use(pi_4):
    with other_process("pass", pi_4 / "dev/video0") as pid:
        finding = only(check_camera_in_use(of(pi_4)))
    assert finding.verdict == "warning"
    assert f"(process {pid}, /dev/video0)" in finding.found


def test_desktop_that_only_watches_cameras_is_not_using_them(pi_4):
    rename = "open('/proc/self/comm', 'w').write('wireplumber')"
    with other_process(rename, pi_4 / "dev/video0"):
        assert only(check_camera_in_use(of(pi_4))).verdict == "ok"


def test_machine_without_cameras_has_none_in_use(tmp_path):
    assert list(check_camera_in_use(of(tmp_path))) == []
