"""A Pi's life with deploy.sh, on emulated ones: ``make test-pi``, a few minutes each."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import SHARED_DATA
from tests.emulated.pi.root import PASSWORD, SYSTEM_PYTHON, EmulatedPi, emulated_pi
from tests.helpers.deploy_hosts import rewritten, write_script

pytestmark = pytest.mark.emulated_pi

VIDEO = SHARED_DATA / "videos" / "vtest.avi"
LITEBERRY = ".local/bin/liteberry"


@pytest.fixture(scope="module", params=SYSTEM_PYTHON)
def pi(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmulatedPi]:
    with emulated_pi(request.param, tmp_path_factory.mktemp(request.param)) as made:
        yield made


@pytest.fixture(scope="module")
def deployed(pi: EmulatedPi, bundle_dir: Path) -> str:
    """What the first deployment said: that of wheels, to a Pi that is not asked for the network."""
    done = pi.deploy("--bundle", bundle_dir, "--variants", "int8,float32", "--offline")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_offline_deploy_proves_the_bundle_with_arm_instructions(pi: EmulatedPi, deployed: str):
    assert "int8 in litert 2.3.0: 4 sample pictures, as on the laptop" in deployed
    assert not (pi.liteberry / "wheels").exists()


def test_system_packages_are_seen_and_numpy_is_that_of_the_lock(pi: EmulatedPi, deployed: str):
    (environment,) = (pi.liteberry / "venvs").iterdir()
    system = [name.removeprefix("python3-") for name in pi.system_python]
    done = pi.run(
        f"liteberry/venvs/{environment.name}/bin/python -c "
        f"'import {', '.join(system)}; print(numpy.__file__)'"
    )
    assert done.returncode == 0, done.stderr
    assert environment.name in done.stdout
    apt_has = list((pi.root / "usr/lib/python3/dist-packages").glob("numpy/__init__.py"))
    assert apt_has, "there is one to choose from"


def test_detects_on_a_video(pi: EmulatedPi, deployed: str):
    source = "demo"
    if VIDEO.exists():
        shutil.copy(VIDEO, pi.root / "home/pi/video.avi")
        source = "video.avi"
    done = pi.run(
        f"{LITEBERRY} detect liteberry/current/bundle --source {source} --frames 5 --log seen.jsonl"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (pi.root / "home/pi/seen.jsonl").read_text().splitlines()
    found = [item for line in lines for item in json.loads(line)["detections"]]
    assert len(lines) == 5
    assert found


def test_bench_measures(pi: EmulatedPi, deployed: str):
    done = pi.run(
        f"{LITEBERRY} bench liteberry/current/bundle --variants int8 --interpreters litert "
        "--threads 1 --rounds 1 --warmups 1 --min-count 1 --min-time 0.1"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "int8" in done.stdout


def test_second_deploy_changes_nothing_and_asks_for_the_password_once(
    pi: EmulatedPi, deployed: str, bundle_dir: Path, tmp_path: Path
):
    asker, asked = tmp_path / "asker", tmp_path / "asked"
    write_script(asker, f"echo >>{asked}; echo {PASSWORD}")
    asks = {"SSH_ASKPASS": str(asker), "SSH_ASKPASS_REQUIRE": "force"}  # instead of a terminal
    laptop = replace(pi.laptop, environment={**pi.laptop.environment, **asks})
    options = ("--bundle", bundle_dir, "--variants", "int8,float32")
    done = laptop.deploy(*options, "asked", timeout_s=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing has changed" in done.stdout
    assert asked.read_text() == "\n"


def test_broken_bundle_is_not_switched_to_and_a_changed_one_rolls_back(
    pi: EmulatedPi, deployed: str, bundle_dir: Path, tmp_path: Path
):
    first = (pi.liteberry / "current").readlink()
    broken = rewritten(bundle_dir, tmp_path / "broken", 3)
    model = bytearray((broken / "int8.tflite").read_bytes())
    model[len(model) // 2] ^= 1
    (broken / "int8.tflite").write_bytes(model)
    done = pi.deploy("--bundle", broken, "--variants", "int8,float32")
    assert done.returncode == 1
    assert "does not prove itself" in done.stderr
    assert (pi.liteberry / "current").readlink() == first

    changed = rewritten(bundle_dir, tmp_path / "changed", 3)
    assert pi.deploy("--bundle", changed, "--variants", "int8").returncode == 0
    assert (pi.liteberry / "current").readlink() != first
    assert pi.deploy("--rollback").returncode == 0
    assert (pi.liteberry / "current").readlink() == first


def test_uninstall_leaves_nothing(pi: EmulatedPi, deployed: str):
    assert pi.deploy("--uninstall").returncode == 0
    assert not pi.liteberry.exists()
