"""Deployments that are cut: the connection and the script end at a request to the host."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

from tests.helpers.children import wait_until
from tests.helpers.deploy_hosts import Laptop, on_request

LONGEST_S = 900


def cut(
    laptop: Laptop, bundle: Path, number: int, when: str, *flags: str, after_s: float = 0.2
) -> bool:
    """Whether a deployment to ``board`` got as far as its request ``number``, and was ended there.

    ``during``: so long after it has begun, while the host goes on with it. Nothing on the laptop
    gets to clean up.
    """
    kill = "kill -9 0"  # the process group
    actions = {"before": kill, "during": f"run & sleep {after_s}; {kill}", "after": f"run; {kill}"}
    with on_request(laptop, number, actions[when]):
        process = subprocess.Popen(
            [laptop.checkout / "deploy.sh", "--bundle", bundle, *flags, "board"],
            env=laptop.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        status = process.wait(LONGEST_S)
    close_connections(laptop)
    return status == -signal.SIGKILL


def close_connections(laptop: Laptop) -> None:
    """What a killed deployment leaves open for a minute."""
    for private in map(Path, laptop.private_folders()):
        if private.exists():
            closing = ["ssh", "-F", "/dev/null", "-S", private / "s", "-O", "exit", "x"]
            subprocess.run(closing, capture_output=True)
            wait_until(lambda folder=private: _is_removed(folder))


def _is_removed(folder: Path) -> bool:
    """Remove ``folder``, from which ssh may be taking its socket away just now."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
