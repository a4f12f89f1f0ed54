from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest

from convert.errors import EvaluationError
from convert.evaluation.predict import (
    Panel,
    Unreadable,
    as_array,
    as_classes,
    as_detections,
    look_here,
    predict,
)
from convert.evaluation.variant_file import VariantFile
from device.bundle.bundle import Bundle
from device.errors import InterpreterError, UsageError
from device.images import read_image
from device.inference.engine import Engine
from device.records import Classification, Detection, Frame, Result, Timings

TIMINGS = Timings(0, 0, 0, 0)


@pytest.fixture
def panel(bundle_dir) -> Panel:
    return Panel(bundle_dir, ("float32", "int8"), "litert", 0.001)


@pytest.fixture
def images(bundle_dir, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    good = sorted((bundle_dir / "samples").iterdir())
    return [good[0], tmp_path / "bad.jpg", *good[1:]] * 2


def test_results_come_in_order_and_do_not_depend_on_processes(panel, images):
    alone, shared = (list(look_here(panel, images, processes)) for processes in (1, 2))
    assert len(alone) == len(shared) == len(images)
    for one, other in zip(alone, shared, strict=True):
        if isinstance(one, Unreadable):
            assert one == other
            assert "bad.jpg" in one.reason
        else:
            assert one.keys() == other.keys() == {"float32", "int8"}
            for name, found in one.items():
                assert len(found)
                assert np.array_equal(found, other[name])
    assert [isinstance(item, Unreadable) for item in alone].count(True) == 2


def test_what_is_found_is_what_the_engine_finds(panel, bundle_dir, photo):
    (found,) = predict(panel, [photo])
    with Engine(Bundle(bundle_dir), "int8", interpreter="litert", threshold=0.5) as engine:
        expected = list(engine.run(Frame(read_image(photo), 0, 0.0)).detections)
        assert as_detections(found["int8"], engine.labels, 0.5) == expected
    assert expected[0].label == "person"


def test_classes_survive_the_way_between_processes():
    classes = (Classification(2, "cat", 0.75), Classification(0, "dog", 0.25))
    array = as_array(Result(0, (), TIMINGS, classes))
    assert array.shape == (2, 2)
    assert as_classes(array, ["dog", "", "cat"]) == list(classes)


def test_detections_of_at_least_the_threshold_are_kept():
    boxes = (Detection(1, "cat", 0.5, 1, 2, 3, 4), Detection(1, "cat", 0.4375, 5, 6, 7, 8))
    array = as_array(Result(0, boxes, TIMINGS))
    assert as_detections(array, ["", "cat"], 0.5) == [boxes[0]]
    assert as_array(Result(0, (), TIMINGS)).shape == (0, 6)


def test_unknown_variant_is_refused_before_any_process_starts(bundle_dir):
    with pytest.raises(UsageError, match="no variant"):
        Panel(bundle_dir, ("int4",), "litert", 0.5).interpreters()


def test_interpreters_are_named_with_their_version(panel):
    names = panel.interpreters()
    assert set(names) == {"float32", "int8"}
    assert names["int8"].startswith("litert 2.")


def test_a_model_that_breaks_meanwhile_is_an_error_in_every_process(bundle_dir, tmp_path, photo):
    broken = tmp_path / "bundle"
    shutil.copytree(bundle_dir, broken)
    (broken / "int8.tflite").write_bytes(b"")
    panel = Panel(broken, ("int8",), "litert", 0.5)
    for processes in (1, 2):
        with pytest.raises((ValueError, InterpreterError), match=r"int8\.tflite is damaged"):
            list(look_here(panel, [photo] * 4, processes))


def test_panel_with_a_file_of_its_own_goes_to_another_process(built):
    bundle = Bundle(built / "bundle")
    int8 = VariantFile(bundle.file("int8.tflite"), bundle.variant("int8"))
    panel = Panel(bundle.folder, ("candidate",), "litert", 0.0, {"candidate": int8})
    there = pickle.loads(pickle.dumps(panel))
    assert there == panel
    (found,) = predict(there, [built / "pictures" / "00.png"])
    (own,) = predict(Panel(bundle.folder, ("int8",), "litert", 0.0), [built / "pictures/00.png"])
    assert np.array_equal(found["candidate"], own["int8"])


def _kill_itself(*_):
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_process_is_an_error_and_not_a_wait_for_ever(panel, photo, monkeypatch):
    monkeypatch.setattr("convert.evaluation.predict._work", _kill_itself)
    with pytest.raises(EvaluationError, match="was killed"):
        list(look_here(panel, [photo] * 4, 2))
