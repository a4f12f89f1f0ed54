"""Deployment on the host: a release's files, its settings, and the page's health.

``deploy.sh`` sends this file, as it is on the laptop, to the Python of the host::

    python3 -I - WORD ARGUMENT... <device/system/deployment.py

for the release that lies there may be older, damaged, or not there yet. So it stands alone: the
standard library of Python 3.11, and nothing else of this package.
"""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pwd
import re
import secrets
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

TEMPLATES = "device/system/templates"
# Who may open cameras and the GPU, and what commands of --run are there for.
DEVICE_GROUPS = ("video", "render", "gpio", "i2c", "audio")
PLACEHOLDER = re.compile(r"@([a-z]+)@")
HIDDEN_HOMES = ("/home/", "/root/", "/run/user/")  # by ProtectHome=
# systemd splits at spaces and expands $ and %; a home folder with more than this is not common.
PLAIN_PATH = re.compile(r"/[A-Za-z0-9._/+@-]*")

ATTEMPTS, PAUSE_S, TIMEOUT_S = 30, 1.0, 5.0
MOST_OF_AN_ANSWER = 200
MOST_OF_SETTINGS = 4_000_000  # bytes
WAITING = "waiting for the camera"  # as the service says it: device/outputs/systemd.py

Say = Callable[[str], object]


class DeploymentError(Exception):
    """What cannot be done on this host; told in one line."""


def fill_in(template: str, values: Mapping[str, str]) -> str:
    """``template`` with each ``@name@`` replaced by its value. Raises ``KeyError`` for others."""
    return PLACEHOLDER.sub(lambda found: values[found[1]], template)


def write_launcher(release: Path, environment: str) -> None:
    """Write ``liteberry``, the command of a release that runs in ``environment``."""
    template = (release / TEMPLATES / "launcher").read_text("utf-8")
    launcher = release / "liteberry"
    launcher.write_text(fill_in(template, {"environment": environment}), "utf-8")
    launcher.chmod(0o755)


def write_unit(release: Path, home: Path, owner: str, user: str) -> None:
    """Write the systemd unit of a release that ``owner`` has in ``home``, to be run by ``user``."""
    if not PLAIN_PATH.fullmatch(str(home)):
        raise DeploymentError(f"{home}: a unit cannot name a home folder with such characters")
    is_hidden = f"{home}/".startswith(HIDDEN_HOMES)
    values = {
        "home": str(home),
        "owner": owner,
        "user": user,
        "groups": " ".join(device_groups()),
        "hidden": "" if is_hidden else f"TemporaryFileSystem={home}:ro",
    }
    template = (release / TEMPLATES / "liteberry.service").read_text("utf-8")
    (release / "liteberry.service").write_text(fill_in(template, values), "utf-8")


def device_groups() -> list[str]:
    """Those groups of :data:`DEVICE_GROUPS` that this machine has."""
    found = []
    for name in DEVICE_GROUPS:
        with contextlib.suppress(KeyError):
            found.append(grp.getgrnam(name).gr_name)
    return found


def first_settings(source: str, home: Path, memory_bytes: int) -> str:
    """``settings.toml`` as a new service gets it; half of the memory is its bound."""
    # Raspberry Pi OS itself bounds no service.
    bundle = str(home / "liteberry/current/bundle")
    return f"""\
# Settings of the liteberry service: every flag of "liteberry detect", by its name. Yours to edit;
# then run: sudo systemctl restart liteberry
bundle = {json.dumps(bundle, ensure_ascii=False)}
source = {json.dumps(source, ensure_ascii=False)}
serve = "0.0.0.0:8080"
token = "{secrets.token_urlsafe(16)}"
memory_limit = {memory_bytes // 2_000_000}
"""


def total_memory_bytes() -> int:
    """All of this machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def health_url(settings: Mapping[str, object]) -> str | None:
    """Where the service answers for its health; None where it serves no page."""
    serve = str(settings.get("serve", ""))
    if not serve:
        return None
    host, _, port = serve.rpartition(":")
    if host in ("", "0.0.0.0"):  # noqa: S104  # all of this machine's addresses, or this machine
        host = "127.0.0.1"
    return f"http://{host}:{port}/healthz"


def service_status() -> str:
    """What the service tells systemd of itself."""
    words = ["systemctl", "show", "liteberry.service", "--value", "-p", "StatusText"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def await_health(
    url: str,
    status: Callable[[], str] = service_status,
    pause: Callable[[float], object] = time.sleep,
) -> str:
    """What ``url`` says once it is well, or that the service waits for its camera.

    No release could do more about a camera that is off. Raises ``DeploymentError`` where it does
    not get well.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    problem = ""
    for _ in range(ATTEMPTS):
        if status().startswith(WAITING):
            return "as far as it can be: it waits for its camera"
        try:
            with opener.open(url, timeout=TIMEOUT_S) as answer:
                return str(answer.read(MOST_OF_AN_ANSWER).decode(errors="replace").strip())
        except (OSError, ValueError) as exc:
            problem = str(exc)
            if isinstance(exc, urllib.error.HTTPError):
                exc.close()
        pause(PAUSE_S)
    raise DeploymentError(f"/healthz: {problem}")


def page_facts(settings: Mapping[str, object], with_token: bool) -> dict[str, str]:
    """Port and, where that is asked for, token of the live page, as a link has them."""
    if not settings.get("serve"):
        return {}
    found = {"port": str(settings["serve"]).rpartition(":")[2]}
    if with_token and "token" in settings:
        found["token"] = urllib.parse.quote(str(settings["token"]), safe="")
    return found


def read_settings(path: Path) -> dict[str, object]:
    """The service's settings; none where there is no such file.

    Raises ``DeploymentError`` or ``OSError`` where they cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_OF_SETTINGS + 1)
        if len(data) > MOST_OF_SETTINGS:
            raise DeploymentError(f"{path}: more than {MOST_OF_SETTINGS / 1e6:g} MB")
        return tomllib.loads(data.decode("utf-8"))
    except FileNotFoundError:
        return {}
    except RecursionError as exc:
        raise DeploymentError(f"{path}: nested too deep") from exc
    except ValueError as exc:  # no TOML, no UTF-8, or a number of thousands of digits
        raise DeploymentError(f"{path}: {exc}") from exc


def run(words: list[str], say: Say) -> None:
    """Do what ``words`` say: see the functions above, one for each."""
    home = Path.home()
    match words:
        case ["launcher", release, environment]:
            write_launcher(Path(release), environment)
        case ["unit", release, user]:
            write_unit(Path(release), home, pwd.getpwuid(os.geteuid()).pw_name, user)
        case ["settings", source]:
            say(first_settings(source, home, total_memory_bytes()))
        case ["health", settings]:
            url = health_url(read_settings(Path(settings)))
            if url is not None:  # else systemd has said that frames come through
                say(f"healthy: {await_health(url)}\n")
        case ["page", settings, *more]:
            asked_for = more == ["with", "token"]
            for name, fact in page_facts(read_settings(Path(settings)), asked_for).items():
                say(f"liteberry-{name} {fact}\n")
        case _:
            raise DeploymentError(f"deployment.py: {words} is no request")


def main() -> None:
    """What ``deploy.sh`` sends to a host ends here."""
    try:
        run(sys.argv[1:], sys.stdout.write)
    except (DeploymentError, OSError) as exc:
        sys.exit(str(exc))


if __name__ == "__main__":
    main()
