"""A deployment to an emulated Pi 2 with a 32-bit Bookworm: ``make test-pi-32``."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulated.pi.root import PI_2, EmulatedPi, emulated_pi

pytestmark = [pytest.mark.emulated_pi_32, pytest.mark.timeout(0)]

LITEBERRY = ".local/bin/liteberry"
OF_APT = ("numpy", "opencv", "tornado")


@pytest.fixture(scope="module")
def pi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedPi]:
    packages = (*(f"python3-{name}" for name in OF_APT), "gcc", "python3-dev")
    with emulated_pi("bookworm", tmp_path_factory.mktemp("pi_2"), PI_2, packages) as made:
        yield made


@pytest.fixture(scope="module")
def deployed(pi: EmulatedPi, bundle_dir: Path) -> str:
    """What the deployment said, which compiles msgspec."""
    done = pi.deploy("--bundle", bundle_dir, "--variants", "int8,float32")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_deployment_proves_the_bundle_with_32_bit_instructions(pi: EmulatedPi, deployed: str):
    assert pi.run("uname -m; getconf LONG_BIT").stdout.split() == ["armv7l", "32"]
    assert "int8 in tflite-runtime 2.14.0: 4 sample pictures, as on the laptop" in deployed
    done = pi.run(f"{LITEBERRY} verify liteberry/current/bundle --variants float32")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "float32 in tflite-runtime 2.14.0: 4 sample pictures, as on the laptop" in done.stdout


def test_packages_are_those_of_apt_and_of_the_lock(pi: EmulatedPi, deployed: str):
    (environment,) = (pi.liteberry / "venvs").iterdir()
    done = pi.run(
        f"liteberry/venvs/{environment.name}/bin/python -c "
        "'import cv2, msgspec._core, numpy; print(numpy.__file__, cv2.__file__, msgspec.__file__)'"
    )
    assert done.returncode == 0, done.stderr
    numpy, cv2, msgspec = done.stdout.split()
    assert numpy.startswith("/usr/lib/python3")
    assert cv2.startswith("/usr/lib/python3")
    assert environment.name in msgspec


def test_doctor_finds_nothing_that_stops_a_run(pi: EmulatedPi, deployed: str):
    done = pi.run(f"{LITEBERRY} doctor liteberry/current/bundle")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tflite-runtime 2.14.0 loads a model" in done.stdout


def test_detects_and_benches(pi: EmulatedPi, deployed: str):
    done = pi.run(
        f"{LITEBERRY} detect liteberry/current/bundle --source demo --frames 5 --log seen.jsonl"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (pi.root / "home/pi/seen.jsonl").read_text().splitlines()
    assert len(lines) == 5
    assert any(json.loads(line)["detections"] for line in lines)
    done = pi.run(
        f"{LITEBERRY} bench liteberry/current/bundle --variants int8 "
        "--threads 1 --rounds 1 --warmups 1 --min-count 1 --min-time 0.1"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "int8" in done.stdout


def test_bare_model_is_refused_in_a_line(pi: EmulatedPi, deployed: str):
    done = pi.run(f"{LITEBERRY} info liteberry/current/bundle/int8.tflite")
    assert done.returncode == 1
    assert done.stderr.count("\n") <= 1
    assert "make a bundle of it on a laptop" in done.stderr


def test_second_deployment_changes_nothing(pi: EmulatedPi, deployed: str, bundle_dir: Path):
    done = pi.deploy("--bundle", bundle_dir, "--variants", "int8,float32")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing has changed" in done.stdout
