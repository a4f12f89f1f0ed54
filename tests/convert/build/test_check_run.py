from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from convert.build.check_run import CheckRun, compared_tensors
from convert.errors import ConversionError
from convert.tuning.install import bundle_contract
from device.bundle.bundle import Bundle
from device.bundle.heads import DenseHead, DetectionsHead, RowsHead, TensorSpec
from device.errors import InterpreterError
from device.images import read_image
from device.inference.engine import Engine
from device.records import Frame


@pytest.fixture
def tiny(built):
    return Bundle(built / "bundle")


@pytest.fixture
def images(built):
    return [built / "pictures" / "00.png", built / "pictures" / "01.png"]


def test_answers_are_those_that_the_device_gives(tiny, images):
    answers = CheckRun(bundle_contract(tiny), images).answers(tiny.file("int8.tflite"), "litert")
    with Engine(tiny, "int8", interpreter="litert", threads=1) as engine:
        expected = [
            engine.run(Frame(read_image(path), number, 0.0)).classes
            for number, path in enumerate(images)
        ]
    assert answers.found == expected
    assert answers.heads == tiny.variant("int8").heads
    assert answers.input == tiny.variant("int8").input
    assert answers.version
    assert answers.invoke_ms is not None


def test_values_are_real_numbers_with_an_entry_for_each_image(tiny, images):
    run = CheckRun(bundle_contract(tiny), images)
    int8, float32 = (
        run.answers(tiny.file(f"{name}.tflite"), "litert").values["scores"]
        for name in ("int8", "float32")
    )
    assert int8.dtype == float32.dtype == np.float32
    assert int8.shape == float32.shape == (2, 1, 5)
    assert (int8 != np.round(int8)).any()


def test_file_that_is_refused_is_an_error(tiny, images, tmp_path):
    (tmp_path / "broken.tflite").write_bytes(b"TFL3")
    with pytest.raises(InterpreterError, match=r"refuses broken\.tflite"):
        CheckRun(bundle_contract(tiny), images).answers(tmp_path / "broken.tflite", "litert")


def test_outputs_that_are_not_those_of_the_contract_are_an_error(tiny, images):
    def heads(outputs):
        raise ConversionError("a classifier has one output")

    contract = dataclasses.replace(bundle_contract(tiny), heads=heads)
    with pytest.raises(ConversionError, match="one output"):
        CheckRun(contract, images[:1]).answers(tiny.file("int8.tflite"), "litert")


def test_rows_and_anchors_are_not_compared_value_by_value():
    a, b, c = (TensorSpec(position=n, shape=(1, 3, 6), dtype="float32") for n in range(3))
    assert compared_tensors(RowsHead(rows=a)) == ()
    assert compared_tensors(DetectionsHead(boxes=a, classes=b, scores=c)) == ()
    assert compared_tensors(DenseHead(boxes=a, scores=b, anchors=c)) == (a, b)
    assert compared_tensors(DenseHead(boxes=a, scores=a)) == (a,)
