from __future__ import annotations

import contextlib
import json

import pytest

from convert.cli import main
from convert.evaluation import evaluate as module
from device.errors import UsageError
from tests.helpers.measured_report import accuracy_of


@pytest.fixture
def asked(monkeypatch, bundle):
    """What was to be measured; the figures are made up."""
    asked = {}

    def evaluate_bundle(folder, sets, variants, interpreter, warn, seed, tiles, looker):
        asked.update(
            folder=folder,
            sets=sets,
            variants=variants,
            interpreter=interpreter,
            seed=seed,
            tiles=tiles,
            looker=looker,
        )
        return accuracy_of(Bundle(bundle).manifest)

    from device.bundle.bundle import Bundle

    monkeypatch.setattr(module, "evaluate_bundle", evaluate_bundle)
    return asked


def test_flags_say_what_is_measured(bundle, asked, tmp_path):
    flags = ("--variants", "int8,float16", "--variant", "dynamic", "--interpreter", "litert")
    words = ["evaluate", str(bundle), "--images", str(tmp_path), *flags, "--seed", "7"]
    assert main(words) == 0
    assert asked == {
        "folder": bundle,
        "sets": [(tmp_path, None)],
        "variants": ["int8", "float16", "dynamic"],
        "interpreter": "litert",
        "seed": 7,
        "tiles": None,
        "looker": None,
    }


def test_workers_of_the_executor_look_at_the_pictures(bundle, asked, monkeypatch):
    monkeypatch.setattr("convert.evaluation.workers.looker_at", contextlib.nullcontext)
    address = "tcp://farm:8786"
    assert main(["evaluate", str(bundle), "--images", "x", "--executor", address]) == 0
    assert asked["looker"] == address


def test_figures_with_tiles_are_not_left_in_the_bundle(bundle, asked, tmp_path):
    file = tmp_path / "figures.json"
    words = ["evaluate", str(bundle), "--images", "x", "--tiles", "3x2", "--json", str(file)]
    assert main(words) == 0
    assert asked["tiles"] == (3, 2)
    assert file.is_file()
    assert not (bundle / "accuracy.json").exists()


def test_figures_are_printed_left_in_the_bundle_and_where_asked(bundle, asked, tmp_path, capsys):
    file = tmp_path / "new" / "figures.json"
    assert main(["evaluate", str(bundle), "--images", "x", "--json", str(file)]) == 0
    assert "intervals of 95 %" in capsys.readouterr().out
    assert file.read_bytes() == (bundle / "accuracy.json").read_bytes()
    assert json.loads(file.read_bytes())["images"] == 100


def test_bundle_that_takes_no_file_does_not_spoil_the_measurement(bundle, asked, capsys):
    (bundle / "accuracy.json").mkdir()
    assert main(["evaluate", str(bundle), "--images", "x"]) == 0
    assert "not left in the bundle: " in capsys.readouterr().err


def test_file_that_cannot_be_written_is_one_line(bundle, asked, tmp_path, capsys):
    assert main(["evaluate", str(bundle), "--images", "x", "--json", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Is a directory" in said


def test_error_of_the_measurement_ends_it_with_nothing_written(bundle, monkeypatch, capsys):
    def refuses(*_):
        raise UsageError("no variant 'int4'")

    monkeypatch.setattr(module, "evaluate_bundle", refuses)
    assert main(["evaluate", str(bundle), "--images", "x", "--variants", "int4"]) == 2
    assert "no variant 'int4'" in capsys.readouterr().err
    assert not (bundle / "accuracy.json").exists()
