from __future__ import annotations

import pytest

from convert.cli import main
from convert.report.page import report
from device.bundle.bundle import Bundle
from device.errors import BundleError


def test_command_writes_the_page_and_says_where(bundle, capsys):
    assert main(["report", str(bundle)]) == 0
    assert capsys.readouterr().out.strip() == str(bundle / "report.html")
    assert sorted(path.name for path in bundle.iterdir() if path.name.startswith(".")) == []
    Bundle(bundle).verify()


def test_command_writes_elsewhere_where_asked(bundle, tmp_path):
    assert main(["report", str(bundle), "--out", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").is_file()
    assert not (bundle / "report.html").exists()


def test_no_bundle_is_one_line(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(BundleError, match="not a bundle"):
        report(tmp_path)


@pytest.mark.parametrize("place", ["file/page.html", "folder"])
def test_place_that_cannot_be_written_is_one_line(bundle, tmp_path, capsys, place):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    assert main(["report", str(bundle), "--out", str(tmp_path / place)]) == 1
    said = capsys.readouterr().err
    assert said.rstrip().endswith("choose another --out")
    assert said.count("\n") == 1
    assert not list(tmp_path.glob(".*partial"))
