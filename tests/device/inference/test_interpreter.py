"""Each interpreter that is installed here, with every variant of the real bundle."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from device import runtimes
from device.bundle.bundle import Bundle
from device.bundle.manifest import Check
from device.errors import InterpreterError
from device.inference import interpreter
from device.inference.interpreter import Interpreter, choose_interpreter
from device.runtimes import PREFERENCE, Origin, default_threads, installed_interpreters
from tests.conftest import ROOT, needs_tflite_runtime

VARIANTS = ("float32", "float16", "dynamic", "int8")
SAMPLES = ("person", "cat", "motorcycle", "cup")

# In a process of its own: interpreters are not made to live beside each other.
DETECT_ON_SAMPLES = """
import json, sys
from pathlib import Path
from device.bundle.bundle import Bundle
from device.inference.engine import Engine
from device.cameras.files import ImageReader

bundle = Bundle(Path(sys.argv[1]))
said = {}
for variant in bundle.manifest.variants:
    pictures = ImageReader([bundle.file(sample.file) for sample in bundle.manifest.samples], print)
    with Engine(bundle, variant, interpreter=sys.argv[2], threads=2) as engine:
        said[variant] = {
            Path(frame.name).stem: [(d.label, d.score, d.box) for d in engine.run(frame).detections]
            for frame in pictures.frames()
        }
print(json.dumps(said))
"""


@functools.cache  # not a fixture's scope, which ends at each change of parameter in a mixed order
def detect_on_samples(bundle_dir: Path, interpreter: str) -> dict:
    """What one interpreter found: variant, sample, then label, score and box."""
    done = subprocess.run(
        [sys.executable, "-c", DETECT_ON_SAMPLES, str(bundle_dir), interpreter],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(params=installed_interpreters())
def answers(request, bundle_dir: Path) -> dict:
    return detect_on_samples(bundle_dir, request.param)


def iou(a, b) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(0, width) * max(0, height)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_interpreter_sees_what_the_sample_shows(answers, variant, sample):
    assert sample in [label for label, _, _ in answers[variant][sample]]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_interpreter_agrees_with_the_manifest(answers, bundle_dir, variant, sample):
    manifest = Bundle(bundle_dir).manifest
    expected = next(s for s in manifest.samples if Path(s.file).stem == sample).detections[variant]
    seen = answers[variant][sample]
    # Kernels differ by a step or two: what is just at the threshold may be seen or not.
    clear = 0.5 + 0.08
    assert {label for label, score, _ in seen if score > clear} <= {d.label for d in expected}
    assert {d.label for d in expected if d.score > clear} <= {label for label, _, _ in seen}
    for detection in expected:
        boxes = [box for label, _, box in seen if label == detection.label]
        if boxes or detection.score > clear:
            assert max(iou(detection.box, box) for box in boxes) > 0.8, detection


@pytest.fixture
def loaded(small_bundle):
    return Interpreter("litert", small_bundle / "int8.tflite", threads=1)


def test_interpreter_describes_its_tensors_as_the_manifest_does(loaded, small_bundle):
    variant = Bundle(small_bundle).manifest.variants["int8"]
    assert loaded.input == variant.input
    described = [tensor for head in variant.heads for tensor in head.tensors]
    assert sorted(loaded.outputs, key=lambda t: t.position) == sorted(
        described, key=lambda t: t.position
    )


def test_outputs_are_found_by_their_name_in_the_signature(loaded, small_bundle):
    names = loaded.output_names()
    assert sorted(names.values()) == list(range(12))
    assert names.keys() == {f"{kind}_{i}" for kind in ("boxes", "scores") for i in range(6)}
    for name, position in names.items():
        elements = np.prod(loaded.outputs[position].shape)
        classes = len(Bundle(small_bundle).labels)
        assert elements % (4 if name.startswith("boxes") else classes) == 0


def test_tensors_are_views_of_the_interpreters_own_memory(loaded):
    loaded.input_tensor()[:] = 0
    loaded.invoke()
    dark = [output.copy() for output in loaded.output_tensors()]
    loaded.input_tensor()[:] = 255
    assert (loaded.input_tensor() == 255).all()
    loaded.invoke()
    assert any((a != b).any() for a, b in zip(dark, loaded.output_tensors(), strict=True))


def test_invoke_while_a_view_is_alive_is_refused(loaded):
    view = loaded.input_tensor()
    with pytest.raises(InterpreterError, match=r"litert .* cannot run: "):
        loaded.invoke()
    del view
    loaded.invoke()


def test_view_that_a_profiler_keeps_for_a_moment_is_waited_for(loaded, monkeypatch):
    kept, waits = [loaded.input_tensor()], []

    def sleep(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            kept.clear()

    monkeypatch.setattr(interpreter.time, "sleep", sleep)
    loaded.invoke()
    assert len(waits) == 3


@pytest.mark.parametrize("data", [b"", b"hello", None], ids=["empty", "text", "half"])
def test_file_that_is_no_model_is_refused_in_one_line(small_bundle, tmp_path, data):
    whole = (small_bundle / "int8.tflite").read_bytes()
    model = tmp_path / "bad.tflite"
    model.write_bytes(whole[: len(whole) // 2] if data is None else data)
    with pytest.raises(InterpreterError, match=r"litert [\d.]+ refuses .*bad\.tflite: ") as caught:
        Interpreter("litert", model, threads=1)
    assert "\n" not in str(caught.value)


def test_missing_model_is_refused(tmp_path):
    with pytest.raises(InterpreterError, match=r"refuses .*nowhere\.tflite"):
        Interpreter("litert", tmp_path / "nowhere.tflite", threads=1)


def use_fake(monkeypatch, **methods):
    """Put an interpreter of our own in LiteRT's place."""
    details = {"index": 0, "shape": [1], "dtype": np.uint8, "quantization": (0.5, 3)}

    class Fake:
        def __init__(self, **_):
            pass

        def allocate_tensors(self):
            pass

        def get_input_details(self):
            return [details]

        def get_output_details(self):
            return [details | {"index": 1}]

        def get_signature_list(self):
            return {}

        def tensor(self, index):
            return lambda: np.zeros(1)

    for name, method in methods.items():
        setattr(Fake, name, method)
    fake = types.ModuleType("fake_interpreter")
    fake.__version__ = "1.0"
    fake.Interpreter = Fake
    monkeypatch.setitem(sys.modules, fake.__name__, fake)
    monkeypatch.setitem(runtimes.ORIGINS, "litert", Origin("a fake", "numpy", fake.__name__))


def failing(error: Exception):
    def fail(self, *_):
        raise error

    return fail


@pytest.mark.parametrize("error", [ValueError("bad\nsecond line"), RuntimeError("bad"), ValueError])
def test_reason_for_a_refusal_is_its_first_line(monkeypatch, error):
    use_fake(monkeypatch, allocate_tensors=failing(error))
    reason = "no reason given" if error is ValueError else "bad"
    with pytest.raises(InterpreterError, match=f"refuses m: {reason}$"):
        Interpreter("litert", Path("m"), 1)


def test_model_that_fails_while_running_is_an_interpreter_error(monkeypatch):
    use_fake(monkeypatch, invoke=failing(RuntimeError("Node 3 failed\nmore")))
    with pytest.raises(InterpreterError, match=r"cannot run: Node 3 failed$"):
        Interpreter("litert", Path("m"), 1).invoke()


def test_model_with_two_inputs_is_refused(monkeypatch):
    use_fake(monkeypatch, get_input_details=lambda self: [{}, {}])
    with pytest.raises(InterpreterError, match="has 2 inputs, expected one picture"):
        Interpreter("litert", Path("m"), 1)


def test_model_with_two_signatures_is_refused(monkeypatch):
    use_fake(monkeypatch, get_signature_list=lambda self: dict.fromkeys(range(2)))
    with pytest.raises(InterpreterError, match="has 2 signatures, expected one"):
        Interpreter("litert", Path("m"), 1).output_names()


def test_outputs_without_a_signature_are_called_by_their_number(monkeypatch):
    use_fake(monkeypatch, get_signature_list=lambda self: {})
    assert Interpreter("litert", Path("m"), 1).output_names() == {"0": 0}


def absent(monkeypatch, *names):
    """Make interpreters impossible to import and unknown to pip."""
    for name in names:
        monkeypatch.setitem(
            runtimes.ORIGINS, name, Origin(name, f"no-such-{name}", f"no_such.{name}")
        )


def test_missing_interpreter_says_what_to_install(monkeypatch, tmp_path):
    absent(monkeypatch, "tflite-runtime")
    with pytest.raises(InterpreterError, match="pip install no-such-tflite-runtime"):
        Interpreter("tflite-runtime", tmp_path / "model.tflite", threads=1)


def test_only_what_is_installed_is_listed(monkeypatch):
    assert "litert" in installed_interpreters()
    absent(monkeypatch, "litert")
    assert "litert" not in installed_interpreters()


GOOD = Check(version="1", ok=True)
BAD = Check(version="1", ok=False, reason="wrong answers")


@pytest.fixture
def all_here(monkeypatch):
    """Every interpreter can be imported, without waiting for the real ones."""
    for name in PREFERENCE:
        monkeypatch.setitem(runtimes.ORIGINS, name, Origin(name, "numpy", "math"))


@pytest.mark.parametrize("checks", [{}, {"litert": GOOD}, {"tensorflow": BAD}])
def test_first_choice_is_litert(all_here, checks):
    assert choose_interpreter(checks) == ("litert", "first choice")


def test_interpreter_known_to_fail_is_passed_over(all_here):
    name, why = choose_interpreter({"litert": BAD, "tflite-runtime": GOOD})
    assert name == "tflite-runtime"
    assert why == "litert is known to fail on this variant (wrong answers)"


def test_interpreter_that_is_not_here_is_passed_over(all_here, monkeypatch):
    absent(monkeypatch, "litert", "tflite-runtime", "openvino")
    name, why = choose_interpreter({})
    assert name == "tensorflow"
    assert "litert cannot be imported (No module named" in why
    assert "; tflite-runtime cannot" in why


def test_no_interpreter_at_all_says_what_to_do(all_here, monkeypatch):
    absent(monkeypatch, "tflite-runtime", "openvino")
    with pytest.raises(InterpreterError, match=r"wrong answers.*pip install ai-edge-litert"):
        choose_interpreter({"litert": BAD, "tensorflow": BAD})


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (3, 3), (4, 4), (16, 4)])
def test_a_thread_per_core_but_at_most_four(monkeypatch, cores, threads):
    monkeypatch.setattr(
        runtimes.os, "sched_getaffinity", lambda _: set(range(cores)), raising=False
    )
    assert default_threads() == threads


def test_package_built_for_another_numpy_is_told_apart(monkeypatch):
    def clash(self, **_):
        raise SystemError("initialization of _pywrap raised unreported exception")

    use_fake(monkeypatch, __init__=clash)
    with pytest.raises(InterpreterError, match=r"built for another NumPy than [12]"):
        Interpreter("litert", Path("model"), threads=1)


def test_delegate_is_named_where_it_works(bundle_dir):
    file = bundle_dir / "int8.tflite"
    assert Interpreter("litert", file, threads=1).delegate == "XNNPACK"


@needs_tflite_runtime
def test_delegate_of_one_built_without_is_missed(bundle_dir):
    file = bundle_dir / "int8.tflite"
    assert Interpreter("tflite-runtime", file, threads=1).delegate == "no delegate"


@pytest.mark.parametrize(
    ("shape", "signature", "is_open"),
    [
        ((1, 1), (1, -1), True),  # declared as one, and any number once it has run
        ((1, 0, 4), (1, 0, 4), True),
        ((), (), True),
        ((1, 1000), (-1, 1000), False),  # any number of pictures: one is given
        ((1, 1000), (1, 1000), False),
    ],
)
def test_output_is_open_whose_length_is_only_known_after_a_run(shape, signature, is_open):
    from device.inference.interpreter import _is_open

    assert _is_open({"shape": shape, "shape_signature": signature}) is is_open
