from __future__ import annotations

from device.paths import ROOT


def test_root_is_the_folder_in_which_the_package_lies():
    assert (ROOT / "device" / "paths.py").samefile(__import__("device.paths").paths.__file__)
    assert ROOT.is_absolute()
