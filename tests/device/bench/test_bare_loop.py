from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import ClassVar

import numpy as np

from device.bench import bare_loop
from tests.conftest import ROOT


class FakeInterpreter:
    made: ClassVar[list] = []

    def __init__(self, model_path, num_threads):
        self.arguments, self.invokes, self.given = (model_path, num_threads), 0, None
        self.made.append(self)

    def allocate_tensors(self):
        pass

    def get_input_details(self):
        return [{"index": 7}]

    def set_tensor(self, index, values):
        self.given = index, values

    def invoke(self):
        self.invokes += 1


def test_loop_warms_up_then_times_as_many_as_asked_on_the_input_it_is_given(
    tmp_path, monkeypatch, capsys
):
    module = ModuleType("fake_interpreter")
    module.Interpreter = FakeInterpreter
    monkeypatch.setitem(sys.modules, "fake_interpreter", module)
    np.save(tmp_path / "input.npy", np.arange(3))
    words = ["fake_interpreter", "m.tflite", "2", "3", "5", str(tmp_path / "input.npy")]
    monkeypatch.setattr(sys, "argv", ["bare_loop", *words])
    bare_loop.main()
    (interpreter,) = FakeInterpreter.made
    assert interpreter.arguments == ("m.tflite", 2)
    assert interpreter.invokes == 3 + 5
    assert interpreter.given[0] == 7
    assert interpreter.given[1].tolist() == [0, 1, 2]
    times_ms = json.loads(capsys.readouterr().out)
    assert len(times_ms) == 5
    assert min(times_ms) >= 0


def test_loop_knows_nothing_of_liteberry():
    source = (ROOT / "device/bench/bare_loop.py").read_text()
    assert "import device" not in source
    assert "from device" not in source
