from __future__ import annotations

import pytest

from device.paths import ROOT, real_path


def test_root_is_the_folder_in_which_the_package_lies():
    assert (ROOT / "device" / "paths.py").samefile(__import__("device.paths").paths.__file__)
    assert ROOT.is_absolute()


@pytest.fixture
def circle(tmp_path):
    """A link to a link to it."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.symlink_to(other)
    other.symlink_to(one)
    return one


def test_links_are_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "there")
    assert real_path(tmp_path / "link" / "..") == real_path(tmp_path)
    assert real_path(str(tmp_path / "link")) == real_path(tmp_path) / "there"


def test_links_in_a_circle_lead_to_a_path_that_cannot_be_opened(circle):
    with pytest.raises(OSError, match="symbolic links"):
        real_path(circle / "file").open()
