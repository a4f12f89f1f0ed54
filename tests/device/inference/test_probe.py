from __future__ import annotations

import numpy as np
import pytest

from device.bundle.bundle import Bundle
from device.errors import InterpreterError
from device.inference.probe import (
    ProbeReply,
    ProbeRequest,
    answer,
    invoke_times,
    probe,
    probe_all,
)


@pytest.fixture
def request_int8(small_bundle) -> ProbeRequest:
    return ProbeRequest(
        model=str(small_bundle / "int8.tflite"),
        interpreter="litert",
        rule=Bundle(small_bundle).manifest.input,
    )


def with_images(request: ProbeRequest, folder, outputs) -> ProbeRequest:
    return ProbeRequest(
        model=request.model,
        interpreter=request.interpreter,
        rule=request.rule,
        images=tuple(str(folder / "samples" / f"{name}.jpg") for name in ("cat", "cup")),
        outputs=str(outputs),
    )


def test_child_describes_the_model_as_the_manifest_does(request_int8, small_bundle):
    reply = probe(request_int8)
    variant = Bundle(small_bundle).manifest.variants["int8"]
    assert reply.input == variant.input
    assert {t for head in variant.heads for t in head.tensors} == set(reply.outputs.values())
    assert reply.version == variant.checks["litert"].version
    assert reply.invoke_ms is None


def test_child_leaves_the_outputs_that_this_process_computes(request_int8, small_bundle, tmp_path):
    there, here = tmp_path / "there.npz", tmp_path / "here.npz"
    reply = probe(with_images(request_int8, small_bundle, there))
    assert reply.invoke_ms > 0
    same = answer(with_images(request_int8, small_bundle, here))
    assert same.outputs == reply.outputs
    with np.load(there) as ours, np.load(here) as theirs:
        assert set(ours) == set(reply.outputs)
        for name, spec in reply.outputs.items():
            assert ours[name].shape == (2, *spec.shape)
            assert ours[name].dtype == spec.dtype
            assert np.array_equal(ours[name], theirs[name])
            assert (ours[name][0] != ours[name][1]).any(), "the same outputs for two pictures"


def changed(request: ProbeRequest, **values) -> ProbeRequest:
    fields = {name: getattr(request, name) for name in request.__struct_fields__}
    return ProbeRequest(**fields | values)


def test_refused_model_is_an_interpreter_error(request_int8, tmp_path):
    (tmp_path / "bad.tflite").write_bytes(b"bad")
    with pytest.raises(InterpreterError, match=r"litert .* refuses .*bad\.tflite"):
        probe(changed(request_int8, model=str(tmp_path / "bad.tflite")))


def test_bad_picture_is_an_interpreter_error_with_its_name(request_int8, tmp_path):
    with pytest.raises(InterpreterError, match=r"nowhere\.jpg: No such file"):
        probe(changed(request_int8, images=(str(tmp_path / "nowhere.jpg"),)))


@pytest.mark.parametrize(("took_s", "invokes"), [(0.01, 20), (0.125, 4), (0.5, 3), (9.0, 3)])
def test_slow_invokes_are_timed_less_often(took_s, invokes):
    now_s = 0.0

    def invoke() -> None:
        nonlocal now_s
        now_s += took_s

    times = invoke_times(invoke, lambda: now_s)
    assert times == pytest.approx([took_s] * invokes)


def test_child_goes_on_with_the_next_model_where_one_is_refused(request_int8, tmp_path):
    (tmp_path / "bad.tflite").write_bytes(b"bad")
    bad = changed(request_int8, model=str(tmp_path / "bad.tflite"))
    first, refused, last = probe_all([request_int8, bad, request_int8])
    assert isinstance(refused, InterpreterError)
    assert first == last == probe(request_int8)


def test_model_that_crashes_its_child_is_named_and_the_rest_is_asked_of_another(
    request_int8, monkeypatch
):
    asked = []

    def crashing(module, batch, reply, what, timeout_s):
        names = [request.model for request in batch.requests]
        asked.append(names)
        for name in names:
            if name == "bad.tflite":
                raise InterpreterError(f"{what}: the interpreter crashed (SIGSEGV)")
            yield ProbeReply(error=f"answered {name}")

    monkeypatch.setattr("device.inference.probe.converse", crashing)
    requests = [changed(request_int8, model=f"{name}.tflite") for name in ("a", "bad", "b")]
    assert [str(item) for item in probe_all(requests)] == [
        "answered a.tflite",
        "bad.tflite in litert: the interpreter crashed (SIGSEGV)",
        "answered b.tflite",
    ]
    assert asked == [["a.tflite", "bad.tflite", "b.tflite"], ["b.tflite"]]
