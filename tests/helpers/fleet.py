"""Fleets for the Ansible role in docs/fleet/ansible, which ansible-playbook plays."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.helpers.deploy_hosts import ROOT, Laptop, write_script

PLAYBOOKS = ROOT / "docs" / "fleet" / "ansible"
missing_ansible = pytest.mark.skipif(
    shutil.which("ansible-playbook") is None,
    reason="ansible-playbook is not installed (Debian: ansible-core)",
)

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

    def __init__(self, folder: Path, names: list[str], longest_s: float = 900) -> None:
        self._longest_s = longest_s  # of a playbook
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
            timeout=self._longest_s,
            check=False,
        )
        self.failed = done.returncode != 0
        self.said = done.stdout + done.stderr

    @property
    def changes(self) -> list[str]:
        """What deploy.sh was asked for beside the status, in order."""
        lines = (self._folder / "log").read_text().splitlines()
        return [line for line in lines if "--status" not in line]

    def lead_to(self, laptops: Mapping[str, Laptop]) -> None:
        """Have deploy.sh done, by the laptop of each host, and not noted only."""
        cases = "".join(
            f"  {name}) laptop={shlex.quote(str(laptop.folder))} ;;\n"
            for name, laptop in laptops.items()
        )
        # Any name leads to a laptop's own host, by its ssh configuration.
        write_script(
            self._folder / "deploy.sh",
            f"for host; do :; done\ncase $host in\n{cases}esac\n"
            f'echo "$*" >>{shlex.quote(str(self._folder / "log"))}\n'
            'export LITEBERRY_SSH_CONFIG="$laptop/ssh config" PATH="$laptop/tools:$PATH"\n'
            'exec "$laptop/check out/deploy.sh" "$@"',
        )
