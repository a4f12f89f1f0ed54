"""Deployments to emulated Pis that are cut at every request: ``make test-pi-cuts``, an hour."""

import json
from pathlib import Path

import pytest

from tests.emulated.pi.root import SYSTEM_PYTHON, EmulatedPi, emulated_pi
from tests.helpers.children import wait_until
from tests.helpers.cut_deployments import cut
from tests.helpers.deploy_hosts import made_anew

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(0)]

FLAGS = ("--variants", "int8")
INTO_IT_S = 1.5  # emulated, all takes longer


def made_of(bundle: Path) -> str:
    """When a bundle was made, by which those here are told apart."""
    return json.loads((bundle / "manifest.json").read_text())["provenance"]["made_at"]


def deploy(pi: EmulatedPi, bundle: Path) -> None:
    """Deploy once the host has seen that the connection before is gone."""

    def is_done() -> bool:
        done = pi.deploy("--bundle", bundle, *FLAGS)
        is_left = "somebody else is still deploying" not in done.stderr
        assert done.returncode == 0 or not is_left, done.stdout + done.stderr
        return is_left

    wait_until(is_done, within_s=600)


@pytest.mark.parametrize("suite", SYSTEM_PYTHON)
def test_cut_at_every_request_leaves_a_release_that_runs_and_the_next_deploy_succeeds(
    suite: str, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, bundle_dir: Path
):
    old, new = (
        made_anew(bundle_dir, tmp_path / str(year), f"{year}-01-01T00:00:00+00:00")
        for year in (2001, 2002)
    )
    with emulated_pi(suite, tmp_path_factory.mktemp(suite)) as pi:
        done = pi.deploy("--bundle", old, *FLAGS, "--offline")
        assert done.returncode == 0, done.stdout + done.stderr
        number = 1
        while cut(pi.laptop, new, number, "during", *FLAGS, after_s=INTO_IT_S):
            assert made_of(pi.liteberry / "current" / "bundle") in (made_of(old), made_of(new))
            ran = pi.run(".local/bin/liteberry info liteberry/current/bundle")
            assert ran.returncode == 0, (number, ran.stderr)
            deploy(pi, new)
            assert made_of(pi.liteberry / "current" / "bundle") == made_of(new)
            print(suite, "cut at request", number, flush=True)  # noqa: T201
            number += 1
            old, new = new, old
    assert number > 9  # it got through all of them
