from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.build import checker as module
from convert.build.check_run import Answers
from convert.build.checker import Checker, ConvertedFile, agreement, as_sample, compared
from convert.errors import ConversionError
from convert.quantization import flatbuffer
from device.bundle.heads import TensorSpec
from device.bundle.manifest import Check, SampleDetection
from device.errors import InterpreterError
from device.records import Classification, Detection

CAT = Detection(1, "cat", 0.87654, 10.04, 20.06, 30.0, 40.0)
DOG = Detection(2, "dog", 0.5, 0.0, 0.0, 10.0, 10.0)


def answers(values, found=((CAT,),)) -> Answers:
    spec = TensorSpec(position=0, shape=(1, 4, 4, 3), dtype="uint8")
    arrays = {} if values is None else {"scores": np.float32(values)}
    return Answers("2.3.0", spec, (), list(found), arrays, 1.23456)


def test_check_holds_what_was_compared_rounded():
    check = compared(answers([[3.0, 4.0]]), answers([[4.0, 3.0]]))
    assert check.ok
    assert check.version == "2.3.0"
    assert check.cosine == 0.96  # (3 * 4 + 4 * 3) / 25
    assert check.error_max == 1.0
    assert check.agreement == 1.0
    assert check.invoke_ms == 1.235


def test_rows_of_detections_have_no_values_to_compare():
    check = compared(answers(None), answers(None, ((CAT, DOG),)))
    assert (check.cosine, check.error_max) == (None, None)
    assert check.agreement == round(2 / 3, 4)  # one of them matched on both sides: 2 of 1 + 2


def test_agreement_of_classifiers_is_the_share_of_equal_first_choices():
    cat, dog = Classification(1, "cat", 0.9), Classification(2, "dog", 0.8)
    assert agreement([(cat, dog), (dog,)], [(cat,), (cat, dog)]) == 0.5
    assert agreement([(), ()], [(), ()]) == 1.0
    assert agreement([()], [(cat,)]) == 0.0


def test_sample_is_rounded_and_a_class_has_no_box():
    assert as_sample((CAT,)) == (SampleDetection("cat", 0.8765, (10.0, 20.1, 30.0, 40.0)),)
    assert as_sample((Classification(1, "cat", 0.5),)) == (SampleDetection("cat", 0.5),)


class FakeRun:
    """Answers for files by their names, and remembers who was asked."""

    def __init__(self, contract, images):
        self.images = tuple(images)
        self.asked = []
        self.known = {"float32": answers([[3.0, 4.0]]), "int8": answers([[4.0, 3.0]])}

    def answers(self, file, interpreter):
        (found,) = self.answers_of([file], interpreter)
        return found

    def answers_of(self, files, interpreter):
        self.asked += [(file.stem, interpreter) for file in files]
        return [self.known.get((file.stem, interpreter), self.known[file.stem]) for file in files]


FLOAT32, INT8 = Path("float32.tflite"), Path("int8.tflite")


@pytest.fixture
def checker(monkeypatch):
    """Knows float32, and two interpreters."""
    monkeypatch.setattr(module, "CheckRun", FakeRun)
    monkeypatch.setattr(module, "installed_interpreters", lambda: {"litert": "1", "other": "2"})
    checker = Checker(None, [Path("a.jpg")])
    checker.set_reference(FLOAT32)
    return checker


def test_reference_is_not_run_again_to_be_compared_with_itself(checker):
    check, _ = checker.check(FLOAT32, "litert", 0.999)
    assert check.cosine == 1.0
    assert checker._run.asked == [("float32", "litert")]
    checker.check(FLOAT32, "other")
    assert checker._run.asked[1:] == [("float32", "other")]


def test_variant_below_the_similarity_asked_for_is_refused(checker):
    assert checker.check(INT8, "litert", 0.96)[0].cosine == 0.96
    with pytest.raises(ConversionError, match=r"int8 in litert is no longer .* cosine 0\.96000"):
        checker.check(INT8, "litert", 0.97)


def test_comparison_that_fails_names_the_file_and_the_interpreter(checker):
    checker._run.known["int8"] = answers([[np.nan, 1.0]])
    with pytest.raises(ConversionError, match=r"^int8 in other: .*NaN"):
        checker.check(INT8, "other")


def test_failure_elsewhere_than_in_litert_is_recorded(checker, built):
    checker._run.known["int8", "other"] = InterpreterError("needs ADD version 9")
    file = built / "bundle" / "int8.tflite"
    ((variant, found),) = checker.check_everywhere([ConvertedFile(file, {"precision": "int8"})])
    assert variant.checks["litert"].ok
    assert variant.checks["other"] == Check(version="2", ok=False, reason="needs ADD version 9")
    assert found == [(CAT,)]
    assert variant.size_bytes == file.stat().st_size
    assert variant.recipe == {"precision": "int8"}
    assert variant.operators == flatbuffer.operator_versions(flatbuffer.read(file.read_bytes()))


def test_failure_in_litert_is_an_error(checker):
    checker._run.known["int8"] = InterpreterError("refused")
    with pytest.raises(InterpreterError, match="refused"):
        checker.check_everywhere([ConvertedFile(FLOAT32, {}), ConvertedFile(INT8, {})])


def test_each_interpreter_is_asked_once_for_all_files(checker, built):
    files = [built / "bundle" / f"{name}.tflite" for name in ("float32", "int8")]
    checker.set_reference(files[0])
    calls = []
    answers_of = checker._run.answers_of
    checker._run.answers_of = lambda *asked: calls.append(asked) or answers_of(*asked)
    found = checker.check_everywhere([ConvertedFile(file, {}) for file in files])
    assert calls == [([files[1]], "litert"), (files, "other")]
    assert [variant.checks["other"].cosine for variant, _ in found] == [1.0, 0.96]
