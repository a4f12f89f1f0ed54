from __future__ import annotations

import pytest

from convert.cli import main
from tests.helpers.measured_report import accuracy_of, write_accuracy


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{", "measure again"), (b'{"model": 3}', "measure again"), (b"\xff\xfe", "measure again")],
)
def test_damaged_measurement_is_one_line(bundle, capsys, content, said):
    (bundle / "accuracy.json").write_bytes(content)
    assert main(["report", str(bundle)]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_measurement_of_another_model_is_refused(bundle, manifest, capsys):
    write_accuracy(bundle, accuracy_of(manifest, model="another"))
    assert main(["report", str(bundle)]) == 1
    assert "is about another" in capsys.readouterr().err


def test_damaged_bundle_is_refused(bundle, capsys):
    (bundle / "int8.tflite").write_bytes(b"x")
    assert main(["report", str(bundle)]) == 1
    assert "damaged" in capsys.readouterr().err
