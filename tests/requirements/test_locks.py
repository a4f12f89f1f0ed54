"""The locks of Pis, held against each other."""

import re

import pytest

from tests.conftest import ROOT


def pinned(name: str) -> dict[str, str]:
    lock = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE))


@pytest.mark.parametrize("home", ["", "-home"])
def test_32_bit_lock_has_the_versions_of_the_64_bit_one_and_what_compiles(home: str):
    narrow, wide = (pinned(f"pi-bookworm{bits}{home}.txt") for bits in ("-32", ""))
    assert {name: wide.get(name, version) for name, version in narrow.items()} == narrow
    compilers = {"packaging", "setuptools", "setuptools-scm", "vcs-versioning"}
    assert narrow.keys() - wide.keys() == compilers
    of_debian = {"numpy", "opencv-python-headless", "tornado"} | ({"pyyaml"} if home else set())
    assert of_debian <= wide.keys() - narrow.keys()
    assert "ai-edge-litert" not in narrow
