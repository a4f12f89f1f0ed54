"""The service's life under a real systemd: ``make test-systemd``, in a machine of its own.

Each test goes on from where the one before it left the machine.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulated.systemd.machine import Machine, emulated_machine

pytestmark = pytest.mark.emulated_systemd

WATCHDOG_S = 30  # instead of 60, so that waiting for it takes less
RESTARTS = "test $(systemctl show liteberry.service --value -p NRestarts) -gt {}"
ACTIVE = "systemctl is-active --quiet liteberry.service"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with emulated_machine(tmp_path_factory.mktemp("machine")) as made:
        yield made


@pytest.fixture(scope="module")
def service(machine: Machine, bundle_dir: Path) -> str:
    """What the deployment said that installed it."""
    done = machine.deploy(
        *("--bundle", bundle_dir, "--variants", "int8", "--offline"),
        *("--service", "--source", "picamera", "--install-deps"),
    )
    assert done.returncode == 0, done.stdout + done.stderr + machine.journal()
    return done.stdout


def test_deploy_starts_a_service_that_frames_come_through(machine: Machine, service: str):
    assert 'healthy: {"status":"ok"}' in service
    assert machine.show("ActiveState") == "active"
    assert machine.show("User") == "liteberry"
    assert "FPS" in machine.show("StatusText")


# What a command of --run could try, one line each: a word, and whether it came off.
PROBE = """\
#!/bin/sh
try() { word=$1; shift; if "$@" 2>/dev/null; then echo "$word yes"; else echo "$word no"; fi; }
{
  try keys sh -c 'echo mine >>/home/pi/.ssh/authorized_keys'
  try profile sh -c 'echo mine >>/home/pi/.bashrc'
  try code sh -c 'echo mine >>/home/pi/liteberry/current/device/cli.py'
  try settings cat /home/pi/liteberry/settings.toml
  try system sh -c 'echo mine >>/etc/passwd'
  try root sudo -n true
  try disk sh -c ': </dev/vda'
  try here sh -c 'echo mine >here'
  try temporary sh -c 'echo mine >/tmp/here'
  for device in DEVICES; do try "$device" sh -c ": <>$device"; done
} >probed
"""
# This machine has no camera's device; a line is another of those that the unit names, and a clock
# one of those that it does not. Both are open to all here, but for what the unit says.
ALLOWED, DENIED = "/dev/gpiochip0", "/dev/rtc0"


def test_what_the_service_runs_reaches_its_folder_and_cameras_and_nothing_else(
    machine: Machine, service: str
):
    assert machine.run(f"sudo chmod 666 {ALLOWED} {DENIED}").returncode == 0
    probe = PROBE.replace("DEVICES", f"{ALLOWED} {DENIED}")
    machine.run(
        f"cat >liteberry/probe <<'EOF'\n{probe}EOF\nchmod +x liteberry/probe && "
        "sudo mkdir -p /run/systemd/system/liteberry.service.d && "
        "printf '[Service]\\nExecStartPre=/home/pi/liteberry/probe\\n' | "
        "sudo tee /run/systemd/system/liteberry.service.d/probe.conf && "
        "sudo systemctl daemon-reload && sudo systemctl restart liteberry.service"
    )
    machine.wait_until(ACTIVE)
    probed = machine.run("sudo cat /var/lib/liteberry/probed").stdout
    machine.run(
        "rm liteberry/probe; sudo rm /run/systemd/system/liteberry.service.d/probe.conf; "
        "sudo systemctl daemon-reload"
    )
    came_off = {line.split()[0] for line in probed.splitlines() if line.endswith(" yes")}
    assert came_off == {"here", "temporary", ALLOWED}, probed
    judged = machine.run("systemd-analyze security liteberry.service --threshold=25 --no-pager")
    assert judged.returncode == 0, judged.stdout[-2000:]


def test_power_cut_right_after_it_is_deployed_and_it_is_up_after_boot(
    machine: Machine, service: str
):
    machine.cut_power()
    machine.switch_on()
    machine.wait_until(ACTIVE)
    assert "FPS" in machine.show("StatusText")


def test_killed_and_back(machine: Machine, service: str):
    before = machine.show("MainPID")
    assert machine.run(f"sudo kill -KILL {before}").returncode == 0
    machine.wait_until(f"{RESTARTS.format(0)} && {ACTIVE}")
    assert machine.show("MainPID") not in (before, "0")


def test_camera_that_is_gone_is_waited_for_without_a_restart(machine: Machine, service: str):
    machine.run(
        "sudo mkdir -p /run/systemd/system/liteberry.service.d && "
        f"printf '[Service]\\nWatchdogSec={WATCHDOG_S}\\n' | "
        "sudo tee /run/systemd/system/liteberry.service.d/watchdog.conf && "
        "sudo systemctl daemon-reload && sudo systemctl restart liteberry.service"
    )
    machine.wait_until(ACTIVE)
    process = machine.show("MainPID")
    assert machine.run("touch /run/camera/gone").returncode == 0
    waiting = "systemctl show liteberry.service -p StatusText | grep waiting"
    machine.wait_until(waiting)
    machine.run(f"sleep {WATCHDOG_S + 15}")
    assert machine.run(waiting).returncode == 0
    assert machine.show("MainPID") == process
    assert machine.run("rm /run/camera/gone").returncode == 0
    machine.wait_until("systemctl show liteberry.service -p StatusText | grep FPS")
    assert machine.show("MainPID") == process
    assert "back after" in machine.journal()


def test_watchdog_ends_a_service_whose_camera_hangs_and_it_comes_back(
    machine: Machine, service: str
):
    process, restarts = machine.show("MainPID"), machine.show("NRestarts")
    assert machine.run("date >/run/camera/hang").returncode == 0
    machine.wait_until(f"{RESTARTS.format(restarts)} && {ACTIVE}")
    assert machine.show("MainPID") != process
    assert "Watchdog timeout" in machine.journal()


def test_release_whose_page_is_not_healthy_is_taken_back(
    machine: Machine, service: str, bundle_dir: Path
):
    release = machine.run("readlink liteberry/current").stdout
    handlers = machine.laptop.checkout / "device" / "web" / "handlers.py"
    sound = handlers.read_text()
    handlers.write_text(sound.replace('r"/healthz"', 'r"/illness"'))
    assert handlers.read_text() != sound
    done = machine.deploy("--bundle", bundle_dir, "--variants", "int8", "--offline")
    handlers.write_text(sound)
    assert done.returncode == 1
    assert "did not come up on board, see above, and the release before is back" in done.stderr
    assert machine.run("readlink liteberry/current").stdout == release
    assert machine.show("ActiveState") == "active"


def test_uninstall_leaves_nothing_but_the_settings(machine: Machine, service: str):
    assert machine.deploy("--uninstall").returncode == 0
    assert machine.run("ls liteberry").stdout == "settings.toml\n"
    assert machine.show("LoadState") == "not-found"
