from __future__ import annotations

import json

import pytest

from convert.training.weights_file import WEIGHTS
from device.bundle.bundle import Bundle

# The converter calibrates with the interpreter that TensorFlow is about to drop.
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings(
        r"ignore:\s*Warning. tf\.lite\.Interpreter is deprecated:UserWarning"
    ),
]


def test_weights_and_log_lie_beside_it_and_do_not_travel(trained):
    folder = trained[0]
    beside = {WEIGHTS, "training.jsonl", "training.json"}
    assert not beside & Bundle(folder).manifest.files.keys()
    lines = [json.loads(line) for line in (folder / "training.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert lines[-1]["losses"]["class"] < lines[0]["losses"]["class"]
