"""systemctl, journalctl and sudo of a host that has no systemd: as much of them as deploy.sh uses.

A service is really started, with a socket for its signs of life, and is up when it says so.
"""

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HOME = Path(os.environ["HOME"])
STATE = HOME / ".systemd"
UNIT = STATE / "liteberry.service"
TIMEOUT_S = 30


def stop() -> None:
    with contextlib.suppress(OSError, ValueError):
        os.killpg(int((STATE / "pid").read_text()), signal.SIGKILL)
    (STATE / "pid").unlink(missing_ok=True)


def is_active() -> bool:
    with contextlib.suppress(OSError, ValueError):
        stat = Path("/proc", (STATE / "pid").read_text(), "stat").read_text()
        return stat.rpartition(")")[2].split()[0] != "Z"
    return False


def start() -> None:
    (command,) = re.findall(r"^ExecStart=(.*)$", UNIT.read_text(), re.MULTILINE)
    (STATE / "notify").unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(STATE / "notify"))
        ear.settimeout(0.2)
        with (STATE / "journal").open("ab") as journal:
            child = subprocess.Popen(
                shlex.split(command),
                env={**os.environ, "NOTIFY_SOCKET": str(STATE / "notify")},
                stdin=subprocess.DEVNULL,
                stdout=journal,
                stderr=journal,
                start_new_session=True,
            )
        (STATE / "pid").write_text(str(child.pid))
        deadline = time.monotonic() + TIMEOUT_S
        while child.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):
                if b"READY=1" in ear.recv(4096):
                    return
    stop()
    sys.exit("Job for liteberry.service failed.")


def systemctl(*words: str) -> None:
    arguments = [word for word in words if not word.startswith("-")]
    with (STATE / "calls").open("a") as calls:
        calls.write(" ".join(arguments) + "\n")
    match arguments:
        case ["cat", _]:
            if not UNIT.exists():
                sys.exit("No files found for liteberry.service.")
            sys.stdout.write(f"# /etc/systemd/system/liteberry.service\n{UNIT.read_text()}")
        case ["show", "liteberry.service", _]:
            sys.stdout.write(f"ActiveState={'active' if is_active() else 'inactive'}\n")
        case ["is-active", _]:
            sys.exit(0 if is_active() else 3)
        case ["restart", _]:
            stop()
            start()
        case ["start", _]:
            if not is_active():
                start()
        case ["disable", _] if "--now" in words:
            stop()


def main(program: str, *words: str) -> None:
    STATE.mkdir(exist_ok=True)
    if program == "systemctl":
        systemctl(*words)
    elif program == "journalctl":
        sys.stdout.write((STATE / "journal").read_text())
    else:  # sudo -n COMMAND...
        unit = "/etc/systemd/system/liteberry.service"
        command = [str(UNIT) if word == unit else word for word in words[1:]]
        os.execvp(command[0], command)


if __name__ == "__main__":
    main(Path(sys.argv[0]).name, *sys.argv[1:])
