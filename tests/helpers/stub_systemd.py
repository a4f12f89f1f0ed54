"""systemctl, journalctl and sudo of a host that has no systemd: as much of them as deploy.sh uses.

A service is really started, with a socket for its signs of life, and is up when it says so. Users
are names in a file.
"""

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HOME = Path(os.environ["HOME"])
STATE = HOME / ".systemd"
UNIT = STATE / "liteberry.service"
TIMEOUT_S = 300


def stop() -> None:
    with contextlib.suppress(OSError, ValueError):
        os.killpg(int((STATE / "pid").read_text()), signal.SIGKILL)
    (STATE / "pid").unlink(missing_ok=True)


def is_active() -> bool:
    with contextlib.suppress(OSError, ValueError):
        stat = Path("/proc", (STATE / "pid").read_text(), "stat").read_text()
        return stat.rpartition(")")[2].split()[0] != "Z"
    return False


def of_unit(name: str) -> str:
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)[-1]


def start() -> None:
    command = of_unit("ExecStart").replace("${CREDENTIALS_DIRECTORY}", str(STATE / "credentials"))
    name, _, credential = of_unit("LoadCredential").partition(":")
    for folder in ("credentials", "work"):
        (STATE / folder).mkdir(exist_ok=True)
    shutil.copy(credential, STATE / "credentials" / name)
    status = STATE / "status"
    status.write_text("")
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
                cwd=STATE / "work",
            )
        (STATE / "pid").write_text(str(child.pid))
        deadline = time.monotonic() + TIMEOUT_S
        while child.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):
                said = ear.recv(4096).decode()
                status.write_text("".join(re.findall(r"^STATUS=(.*)$", said, re.MULTILINE)))
                if "READY=1" in said:
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
        case ["show", "liteberry.service", wanted]:
            state, sub = ("active", "running") if is_active() else ("inactive", "dead")
            said = (STATE / "status").read_text() if (STATE / "status").exists() else ""
            known = {"ActiveState": state, "SubState": sub, "StatusText": said, "NRestarts": "0"}
            for name in wanted.split(","):
                sys.stdout.write(f"{'' if '--value' in words else f'{name}='}{known[name]}\n")
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
    elif program == "getent":
        made = (STATE / "users").read_text().split() if (STATE / "users").exists() else []
        if words[0] != "passwd" or words[1] not in made:
            os.execv("/usr/bin/getent", ["getent", *words])
    elif program in ("useradd", "usermod", "userdel"):
        with (STATE / "calls").open("a") as calls:
            calls.write(f"{program} {' '.join(words)}\n")
        if program == "useradd":
            with (STATE / "users").open("a") as users:
                users.write(f"{words[-1]}\n")
        elif program == "userdel":
            (STATE / "users").unlink(missing_ok=True)
    else:  # sudo -n COMMAND...
        unit = "/etc/systemd/system/liteberry.service"
        command = [str(UNIT) if word == unit else word for word in words[1:]]
        os.execvp(command[0], command)


if __name__ == "__main__":
    main(Path(sys.argv[0]).name, *sys.argv[1:])
