"""A fleet of two emulated Pis, one of each Debian, deployed to by Ansible: by hand."""

from pathlib import Path

import pytest

from tests.emulated.pi.root import emulated_pi
from tests.helpers.deploy_hosts import made_anew
from tests.helpers.fleet import Fleet, missing_ansible

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(0), missing_ansible]

LONGEST_S = 3600  # emulated, all takes longer
OPTIONS = ("--variants", "int8", "--offline")


def test_canary_and_the_other_are_deployed_to_and_go_back(tmp_path: Path, bundle_dir: Path):
    (tmp_path / "fleet").mkdir()
    for name in ("bookworm", "trixie"):
        (tmp_path / name).mkdir()
    with (
        emulated_pi("bookworm", tmp_path / "bookworm") as canary,
        emulated_pi("trixie", tmp_path / "trixie") as other,
    ):
        pis = {"canary": canary, "other": other}
        fleet = Fleet(tmp_path / "fleet", list(pis), LONGEST_S)
        fleet.lead_to({name: pi.laptop for name, pi in pis.items()})

        def deploy(bundle: Path) -> str:
            return fleet.play(options=[*OPTIONS, "--bundle", str(bundle)])

        def releases() -> list[Path]:
            return [(pi.liteberry / "current").readlink() for pi in pis.values()]

        assert deploy(bundle_dir).count("changed=1 ") == 2, fleet.said
        first = releases()
        assert deploy(bundle_dir).count("changed=0 ") == 2, fleet.said
        changed = made_anew(bundle_dir, tmp_path / "changed", "2001-01-01T00:00:00+00:00")
        assert deploy(changed).count("changed=1 ") == 2, fleet.said
        assert all(new != old for new, old in zip(releases(), first, strict=True))
        fleet.play("rollback.yml")
        assert not fleet.failed, fleet.said
        assert releases() == first
