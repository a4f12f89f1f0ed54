from __future__ import annotations

import ctypes
import types

import ai_edge_litert.interpreter as litert
import pytest

from device.compiled_model import EDGE_TPU_LIBRARY, EDGE_TPU_OPERATOR
from device.errors import DelegateError, InterpreterError
from device.inference import delegates as module
from device.inference.delegates import (
    delegate_for,
    library_of,
    load_delegate,
    require_runtime,
    runtime_of,
)
from device.inference.interpreter import Interpreter
from tests.helpers import tiny_models


def test_compiled_model_takes_the_library_it_was_compiled_for_unless_told():
    assert delegate_for(None, {"CONV_2D": 1}) is None
    assert delegate_for(None, {EDGE_TPU_OPERATOR: 1}) == EDGE_TPU_LIBRARY
    assert delegate_for("/opt/npu.so", {EDGE_TPU_OPERATOR: 1}) == "/opt/npu.so"
    assert delegate_for("/opt/npu.so", {"CONV_2D": 1}) == "/opt/npu.so"


def test_library_is_a_file_or_a_name(tmp_path, monkeypatch):
    (tmp_path / "mine.so").touch()
    monkeypatch.chdir(tmp_path)
    assert library_of("mine.so") == str(tmp_path / "mine.so")
    assert library_of("libedgetpu.so.1") == "libedgetpu.so.1"
    assert library_of("./other.so") == str(tmp_path / "other.so")  # children run elsewhere


def test_library_that_is_not_installed_says_how_to_get_it(monkeypatch):
    def missing(name):
        raise OSError(f"{name}: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with pytest.raises(DelegateError, match=r"is not installed: install libedgetpu .*without a"):
        load_delegate(litert, EDGE_TPU_LIBRARY, "litert")
    with pytest.raises(DelegateError, match=r"libnpu\.so cannot be loaded \(libnpu\.so: cannot"):
        load_delegate(litert, "libnpu.so", "litert")


def test_file_that_is_no_library_is_refused(tmp_path):
    (tmp_path / "text.so").write_text("no library")
    with pytest.raises(DelegateError, match="cannot be loaded"):
        load_delegate(litert, str(tmp_path / "text.so"), "litert")


def test_library_that_makes_no_delegates_is_refused(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: types.SimpleNamespace())
    with pytest.raises(DelegateError, match="it has no tflite_plugin_create_delegate"):
        load_delegate(litert, "libc.so.6", "litert")


def test_interpreter_without_delegates_is_told():
    with pytest.raises(InterpreterError, match="openvino takes no delegate"):
        load_delegate(types.SimpleNamespace(), EDGE_TPU_LIBRARY, "openvino")


@pytest.mark.parametrize(
    ("behaviour", "name", "said"),
    [
        ("refuses", "libedgetpu.so.1", r"libedgetpu\.so\.1 opens no Edge TPU: plug one in$"),
        ("says why", "libedgetpu.so.1", r"no Edge TPU \(the chip is asleep\): plug one in$"),
        ("refuses", "libnpu.so", r"libnpu\.so makes none here: is what it drives plugged in"),
    ],
)
def test_delegate_that_refuses_says_the_next_step(delegate, monkeypatch, behaviour, name, said):
    monkeypatch.setattr(module, "what_edge_tpu_needs", lambda: "plug one in")
    with pytest.raises(DelegateError, match=said):
        load_delegate(litert, str(delegate(behaviour, name)), "litert")


def test_model_for_a_newer_runtime_than_the_library_is_refused(delegate):
    library = str(delegate())
    assert runtime_of(ctypes.CDLL(library)) == 13
    require_runtime(library, None)
    require_runtime(library, 13)
    with pytest.raises(DelegateError, match=r"needs Edge TPU runtime 14, libedgetpu\.so\.1 is"):
        require_runtime(library, 14)


def test_compiled_model_runs_in_the_delegate(delegate, tmp_path):
    (tmp_path / "model.tflite").write_bytes(tiny_models.compiled())
    interpreter = Interpreter(
        "litert", tmp_path / "model.tflite", threads=1, delegate=str(delegate())
    )
    interpreter.input_tensor()[...] = (200, 100, 0)
    interpreter.invoke()
    assert interpreter.output_tensors()[0].tolist() == [[200, 100, 0]]
    assert interpreter.delegate == "libedgetpu.so.1"
