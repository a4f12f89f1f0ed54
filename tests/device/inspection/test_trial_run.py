from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from device.bundle.hints import Hints
from device.errors import InterpreterError
from device.inspection import trial_run as module
from device.inspection.trial_run import (
    Examination,
    ExamineRequest,
    answer,
    examine,
    output_values,
    trial_images,
)
from tests.conftest import needs_tflite_runtime
from tests.helpers import tiny_models


@pytest.fixture
def write(tmp_path):
    def write(data: bytes):
        path = tmp_path / "model.tflite"
        path.write_bytes(data)
        return path

    return write


def request(path, interpreter="litert", **hints) -> ExamineRequest:
    return ExamineRequest(model=str(path), interpreter=interpreter, hints=Hints(**hints))


def test_child_sees_what_this_process_sees(write):
    path = write(tiny_models.ssd((2, 0, 3, 1), rows=3))
    there = examine(path, "litert", Hints())
    assert there == answer(request(path))
    assert there.version
    assert [spec.shape for spec in there.outputs] == [(1, 3), (1, 3, 4), (1,), (1, 3)]


def test_values_show_what_an_output_is_for(write):
    seen = answer(request(write(tiny_models.ssd())))
    assert [len(item.runs) for item in seen.held] == [len(trial_images())] * 4
    for run in zip(*(item.runs for item in seen.held), strict=True):
        boxes, classes, scores, count = (np.frombuffer(data, np.float32) for data in run)
        assert count.tolist() == [3]
        assert set(classes[:3]) <= {0, 1, 2}
        assert 1 > scores[0] >= scores[1] >= scores[2] > 0
        assert len(boxes) == 4 * len(scores) == 20


@pytest.mark.parametrize(
    "interpreter", ["litert", pytest.param("tflite-runtime", marks=needs_tflite_runtime)]
)
def test_outputs_without_a_shape_have_one_after_running(write, interpreter):
    path = write(tiny_models.shape_computed_late())
    assert answer(request(path, interpreter)).outputs[0].shape == (1, 3)


@pytest.mark.parametrize("size_wh", [(320, 320), (40, 24)])
def test_model_of_any_size_is_set_to_one(write, size_wh):
    path = write(tiny_models.classifier(side=1, signature=(1, -1, -1, 3)))
    seen = answer(request(path, input_size=size_wh if size_wh != (320, 320) else None))
    assert seen.input.shape == (1, size_wh[1], size_wh[0], 3)


def test_model_that_is_not_run_is_described_all_the_same(write):
    seen = answer(request(write(tiny_models.two_inputs())))
    assert [tensor.name for tensor in seen.facts.inputs] == ["left", "right"]
    assert (seen.version, seen.outputs) == ("", ())


def test_damaged_file_is_an_answer_and_not_an_error(write):
    seen = answer(request(write(tiny_models.ssd()[:500])))
    assert seen == Examination(unreadable=seen.unreadable)
    assert "damaged or incomplete" in seen.unreadable


def test_damage_that_only_litert_sees_is_an_answer_too(write):
    # A text without its end can be read here, but crashes who trusts it.
    data = tiny_models.classifier()
    at = data.index(b"picture\0") + len("picture")
    seen = answer(request(write(data[:at] + b"X" + data[at + 1 :])))
    assert "damaged or incomplete" in seen.unreadable
    assert "Flatbuffer" in seen.unreadable


def test_interpreter_that_refuses_is_an_error_in_the_parent(write):
    # An operator that no interpreter has.
    data = tiny_models.ssd().replace(
        tiny_models.POST_PROCESS.encode(), b"TFLite_Detection_PostProcexx"
    )
    with pytest.raises(InterpreterError, match=r"refuses model\.tflite"):
        examine(write(data), "litert", Hints())


def test_child_that_dies_is_an_error_in_the_parent(write, monkeypatch):
    """A crash in earnest: the child's interpreter is told to kill it."""
    path = write(tiny_models.classifier())
    monkeypatch.setenv("PYTHONPATH", str(path.parent))
    (path.parent / "sitecustomize.py").write_text(
        f"import os, sys\nif 'device.inspection.trial_run' in sys.orig_argv: "
        f"os.kill({os.getpid() * 0} or "
        f"os.getpid(), {signal.SIGSEGV.value})\n"
    )
    with pytest.raises(InterpreterError, match=r"model\.tflite in litert: .* crashed \(SIGSEGV\)"):
        examine(path, "litert", Hints())


def test_child_that_does_not_answer_is_given_up(write):
    with pytest.raises(InterpreterError, match="no answer in 0 s"):
        examine(write(tiny_models.classifier()), "litert", Hints(), timeout_s=0.01)


def test_trial_pictures_are_always_the_same_and_differ():
    first, again = trial_images(), trial_images()
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert len({image.tobytes() for image in first}) == len(first)


def test_look_by_hand(monkeypatch):
    runs = [np.array([[1, 2]], np.float32), np.array([[-3, 0.5]], np.float32)]
    look = output_values(runs)
    assert (look.finite, look.minimum, look.maximum) == (True, -3, 2)
    assert [np.frombuffer(data, np.float32).tolist() for data in look.runs] == [[1, 2], [-3, 0.5]]
    monkeypatch.setattr(module, "MAX_KEPT", 1)
    assert output_values(runs).runs == ()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_value_that_is_no_number_shows(bad):
    assert not output_values([np.array([1, bad], np.float32)]).finite
