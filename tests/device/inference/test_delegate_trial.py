from __future__ import annotations

import pytest

from device.errors import InterpreterError
from device.inference.delegate_trial import DelegateRequest, try_delegate
from tests.helpers import tiny_models


@pytest.fixture
def compiled(tmp_path):
    (tmp_path / "model.tflite").write_bytes(tiny_models.compiled())

    def compiled(library):
        return DelegateRequest(
            model=str(tmp_path / "model.tflite"),
            interpreter="litert",
            delegate=str(library),
            input_shape=(1, 32, 32, 3),
        )

    return compiled


def test_delegate_that_runs_the_model_is_taken(compiled, delegate):
    try_delegate(compiled(delegate()))


@pytest.mark.parametrize("behaviour", ["crashes", "crashes when run"])
def test_crash_is_told_and_not_died_of(compiled, delegate, behaviour):
    with pytest.raises(
        InterpreterError,
        match=r"^model\.tflite in litert with the delegate libedgetpu\.so\.1: the interpreter "
        r"crashed \(SIGSEGV\): it was likely built for another version",
    ):
        try_delegate(compiled(delegate(behaviour)))


def test_refusal_is_told_as_it_is(compiled, delegate):
    with pytest.raises(InterpreterError, match=r"^the delegate libnpu\.so makes none here"):
        try_delegate(compiled(delegate("refuses", "libnpu.so")))
