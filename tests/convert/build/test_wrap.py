from __future__ import annotations

import signal

import numpy as np
import pytest

from convert.build import wrap as module
from convert.build.wrap import wrap
from convert.cli import main
from convert.errors import ConversionError
from device.bundle.bundle import Bundle
from device.bundle.hashes import sha256_of
from device.bundle.hints import Hints
from device.errors import ModelError, UsageError
from device.images import read_image
from device.inference.engine import Engine
from device.inspection import recognition as recognise_module
from device.records import Frame
from device.runtimes import installed_interpreters
from tests.helpers import tiny_models

FIRST_TWO = tuple(installed_interpreters().items())[:2]


@pytest.fixture(autouse=True)
def without_tensorflow(monkeypatch):
    """TensorFlow takes seconds to start: it is left out where there are two others."""
    monkeypatch.setattr(recognise_module, "installed_interpreters", lambda: dict(FIRST_TWO))


@pytest.fixture
def labels(tmp_path) -> str:
    (tmp_path / "labels.txt").write_text(tiny_models.LABELS)
    return str(tmp_path / "labels.txt")


def wrapped(tmp_path, data: bytes, **hints) -> Bundle:
    """The bundle that a model becomes."""
    (tmp_path / "mine.tflite").write_bytes(data)
    folder = tmp_path / "bundle"
    folder.mkdir()
    wrap(tmp_path / "mine.tflite", Hints(**hints), folder, lambda _: None)
    bundle = Bundle(folder)
    bundle.verify()
    return bundle


NORMALISED = {"mean": (127.5,), "std": (127.5,)}


def see_red(bundle: Bundle):
    pixels = np.full((48, 64, 3), (0, 0, 255), np.uint8)
    with Engine(bundle, threads=1) as engine:
        return engine.run(Frame(pixels, 0, 0.0))


def test_bundle_of_a_detector_runs_as_the_file_did(tmp_path, labels):
    bundle = wrapped(tmp_path, tiny_models.ssd((2, 0, 3, 1)), labels=labels, **NORMALISED)
    manifest = bundle.manifest
    assert (manifest.model, manifest.task) == ("mine", "detection")
    assert list(manifest.variants) == ["float32"]
    assert bundle.file("float32.tflite").read_bytes() == (tmp_path / "mine.tflite").read_bytes()
    assert bundle.labels == ("red", "green", "blue")
    assert [found.label for found in see_red(bundle).detections] == ["red"]


def test_variant_is_named_by_what_it_contains(tmp_path, labels, shared_data):
    model = shared_data / "models" / "mlperf_tiny_vww_96_int8.tflite"
    (tmp_path / "two.txt").write_text("nobody\nperson\n")
    bundle = wrapped(tmp_path, model.read_bytes(), labels=str(tmp_path / "two.txt"))
    assert list(bundle.manifest.variants) == ["int8"]
    assert bundle.default_variant == "int8"
    assert (bundle.folder / "int8.tflite").is_file()


def test_raw_heads_bring_their_anchors_along(tmp_path):
    np.save(tmp_path / "mine.npy", tiny_models.ANCHORS)
    (tmp_path / "five.txt").write_text("???\na\nred\ngreen\nblue\n")
    bundle = wrapped(
        tmp_path,
        tiny_models.raw_ssd(classes=5),
        labels=str(tmp_path / "five.txt"),
        anchors=str(tmp_path / "mine.npy"),
        **NORMALISED,
    )
    assert np.array_equal(bundle.anchors, tiny_models.ANCHORS)
    assert bundle.manifest.decoder.background == 0
    assert [found.label for found in see_red(bundle).detections] == ["red"]


def test_output_that_is_always_the_same_is_refused(tmp_path, labels):
    data = tiny_models.classifier(gain=1e-30)  # nothing is left of the picture
    with pytest.raises(ConversionError, match=r"answers sensibly in no interpreter.*same on every"):
        wrapped(tmp_path, data, labels=labels)


def test_every_interpreter_is_checked_against_the_first(tmp_path, labels):
    bundle = wrapped(tmp_path, tiny_models.classifier(), labels=labels, **NORMALISED)
    (variant,) = bundle.manifest.variants.values()
    assert variant.recipe == {"precision": "float32", "wrapped": True}
    assert tuple(variant.checks) == tuple(name for name, _ in FIRST_TWO)
    for check in variant.checks.values():
        assert check.ok
        assert check.agreement == 1
        assert check.cosine > 0.9999
        assert check.invoke_ms > 0
    assert bundle.manifest.provenance.checked_on >= len(bundle.manifest.samples) > 0


def test_rows_of_detections_are_compared_as_detections(tmp_path, labels):
    bundle = wrapped(tmp_path, tiny_models.ssd(), labels=labels, **NORMALISED)
    for check in bundle.manifest.variants["float32"].checks.values():
        assert check.ok
        assert (check.cosine, check.agreement) == (None, 1)


def test_samples_carry_what_the_model_found(tmp_path, labels):
    bundle = wrapped(tmp_path, tiny_models.classifier(), labels=labels, **NORMALISED)
    with Engine(bundle, threads=1) as engine:
        for sample in bundle.manifest.samples:
            classes = engine.run(Frame(read_image(bundle.file(sample.file)), 0, 0.0)).classes
            recorded = sample.detections["float32"]
            assert [item.label for item in recorded] == [item.label for item in classes]
            assert [item.score for item in recorded] == pytest.approx(
                [item.score for item in classes], abs=1e-3
            )


def test_provenance_names_the_file_and_its_hash(tmp_path, labels):
    bundle = wrapped(tmp_path, tiny_models.classifier(), labels=labels, **NORMALISED)
    provenance = bundle.manifest.provenance
    assert provenance.source == "finished file mine.tflite"
    assert provenance.weights_sha256 == {"mine.tflite": sha256_of(tmp_path / "mine.tflite")}


@pytest.mark.parametrize(
    ("hints", "said"), [({}, "--mean 0 --std 255"), (NORMALISED, "--labels FILE")]
)
def test_what_the_file_does_not_say_is_asked_for(tmp_path, hints, said):
    with pytest.raises(UsageError, match=rf"does not say all of itself.*{said}"):
        wrapped(tmp_path, tiny_models.classifier(), **hints)


def test_file_that_cannot_be_recognised_is_refused(tmp_path):
    with pytest.raises(ModelError, match="it looks like a model that makes pictures"):
        wrapped(tmp_path, tiny_models.segmentation())


def test_interpreter_that_fails_is_recorded_and_not_fatal(tmp_path, labels, monkeypatch):
    real = module.compared

    def compare(answers, reference):
        if answers is not reference:
            raise ConversionError("0 holds NaN or infinity")
        return real(answers, reference)

    monkeypatch.setattr(module, "compared", compare)
    bundle = wrapped(tmp_path, tiny_models.classifier(), labels=labels, **NORMALISED)
    checks = bundle.manifest.variants["float32"].checks
    assert checks["litert"].ok
    second = FIRST_TWO[1][0]
    assert not checks[second].ok
    assert "NaN" in checks[second].reason


@pytest.fixture
def build(tmp_path, capsys):
    """Run ``convert build`` on a finished file in this process: exit code, stdout, stderr."""
    (tmp_path / "mine.tflite").write_bytes(tiny_models.classifier(dtype="uint8", scale=1 / 255))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def build(*flags: str) -> tuple[int, str, str]:
        command = ["build", str(tmp_path / "mine.tflite"), "--out", str(tmp_path / "out"), *flags]
        return main(command), *capsys.readouterr()

    yield build
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_command_wraps_a_finished_file(build, tmp_path, labels):
    code, out, err = build("--labels", labels)
    assert code == 0, err
    assert "no float32 to compare with" in err
    assert "the same best class as litert" in out
    bundle = Bundle(tmp_path / "out")
    assert bundle.manifest.labels == "labels.txt"
    assert see_red(bundle).classes[0].label == "red"


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        ((), 2, "--labels FILE"),
        (("--alpha", "1"), 2, "--alpha says nothing of"),
        (("--labels", "nowhere"), 2, "--labels nowhere: No such file"),
        (("--task", "detection"), 1, "cannot tell"),
    ],
)
def test_wrong_flags_give_one_line_and_no_bundle(build, tmp_path, flags, code, said):
    found, _, err = build(*flags)
    assert found == code, err
    assert said in err.splitlines()[-1]
    assert not (tmp_path / "out").exists()
