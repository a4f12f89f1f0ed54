from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from convert.quantization.recipe import TRAINED, USUAL
from convert.slimming import slim_bundle
from convert.slimming.held_out import LookPair
from convert.slimming.selection import Judgement
from convert.slimming.slim_bundle import SlimBundles
from convert.slimming.student import Student
from convert.slimming.task import SlimOptions, SlimTask
from convert.training.weights_file import WEIGHTS
from tests.convert.slimming.stubs import LAYOUT, SIZE, random_original
from tests.convert.slimming.test_held_out import look
from tests.convert.training.shapes import CLASSES, draw_dataset

IMAGES = 20
EVERY = look([True] * IMAGES)
WHOLE = LookPair(EVERY, look([True] * IMAGES))
SMALL = look([at >= 5 for at in range(IMAGES)])  # in float32


class HeldOut:
    """The small network's int8 misses half of all there is."""

    metric = "mAP"

    def thresholds(self, _model, layout):
        return {CLASSES[0]: layout.size / 1000}

    def look_of_variant(self, bundle, _name):
        assert bundle.name == "small"
        return look([at >= 10 for at in range(IMAGES)])


@pytest.fixture
def original():
    original = random_original()
    bundle = original.bundle
    bundle.folder = Path("whole")
    bundle.manifest.model = "mine"
    bundle.manifest.threshold = 0.3
    bundle.manifest.class_thresholds = {CLASSES[1]: 0.6}
    bundle.manifest.provenance = SimpleNamespace(source="own pictures", licence="CC0")
    return original


@pytest.fixture
def bundles(original, tmp_path):
    def bundles(labelled, **options):
        dataset = draw_dataset(tmp_path / "images", train=2, others=1)
        options = SlimOptions(tmp_path / "out", **options)
        return SlimBundles(SlimTask(original, dataset, options, labelled), HeldOut(), print)

    return bundles


@pytest.mark.parametrize(
    ("labelled", "thresholds", "threshold"),
    [(True, {CLASSES[0]: SIZE / 1000}, None), (False, {CLASSES[1]: 0.6}, 0.3)],
)
def test_bundle_says_where_it_comes_from_and_holds_the_weights(
    bundles, original, monkeypatch, tmp_path, labelled, thresholds, threshold
):
    built = []
    monkeypatch.setattr(slim_bundle, "build_trained", lambda *args: built.append(args))
    folder = tmp_path / "small"
    folder.mkdir()
    student = Student(original.weights, LAYOUT)
    bundles(labelled).build(student, "96px, half", folder, ("float32",))
    detector, _, _, options, _ = built[0]
    assert detector.source == "mine made smaller (96px, half) on 2 images; own pictures"
    assert detector.class_thresholds == thresholds
    assert detector.threshold == threshold
    assert options.precisions == ("float32",)
    with np.load(folder / WEIGHTS) as stored:
        assert tuple(stored["labels"]) == CLASSES
        assert np.array_equal(stored["Conv/kernel"], original.weights["Conv"][0])


@pytest.mark.parametrize(("trained", "method"), [(True, TRAINED), (False, USUAL)])
def test_int8_is_fitted_as_that_of_the_network_it_was_made_from(
    bundles, original, monkeypatch, tmp_path, trained, method
):
    built = []
    monkeypatch.setattr(slim_bundle, "build_trained", lambda *args: built.append(args))
    original.bundle.folder = tmp_path / "whole"
    original.bundle.folder.mkdir()
    if trained:
        (original.bundle.folder / WEIGHTS).touch()
    folder = tmp_path / "small"
    folder.mkdir()
    bundles(True).build(Student(original.weights, LAYOUT), "96px", folder, ("int8",))
    assert built[0][3].int8 == method


def test_weights_of_int8_are_as_coarse_as_asked_for(bundles, original, monkeypatch, tmp_path):
    built = []
    monkeypatch.setattr(slim_bundle, "build_trained", lambda *args: built.append(args))
    student = Student(original.weights, LAYOUT)
    bundles(True, weight_bits=4, weight_clusters=8).build(student, "96px", tmp_path, ("int8",))
    assert (built[0][3].weight_bits, built[0][3].weight_clusters) == (4, 8)


def test_int8_is_measured_against_the_whole_networks_int8(bundles, monkeypatch, tmp_path):
    monkeypatch.setattr(slim_bundle, "missing_tools", lambda: {"qemu-aarch64": "qemu-user"})
    folder = tmp_path / "small"
    folder.mkdir()
    verdict = Judgement(0, 1.0, (0.5, 1.5), 1.25)
    log = bundles(True).measure(verdict, WHOLE, SMALL, (), 257.9e6, folder)
    assert log.images == IMAGES
    # 10 wrong and 10 right: precision 0.5 up to recall 0.5, which is 51 of COCO's 101 points.
    assert log.int8_drop == pytest.approx(100 * (1 - 0.5 * 51 / 101), abs=1e-4)
    assert (log.drop, log.expected, log.whole_instructions) == (1.0, 1.25, 257900000)
    # Float32 lost a quarter of that already: 15 of 20, and 76 of the points.
    assert log.int8_expected == pytest.approx(1.25 + 100 * (0.75 * 76 - 0.5 * 51) / 101, abs=1e-3)
    assert log.int8_against == "int8"
    assert log.instructions is None
    assert (folder / "slimming.json").is_file()


def test_instructions_are_those_of_the_board_asked_for(bundles, monkeypatch, tmp_path):
    monkeypatch.setattr(slim_bundle, "missing_tools", dict)
    monkeypatch.setattr(slim_bundle, "count_invoke", lambda _, core: {"cortex-a72": 7}[core])
    folder = tmp_path / "small"
    folder.mkdir()
    verdict = Judgement(0, 0.0, None, 0.0)
    log = bundles(True, target="pi4").measure(verdict, WHOLE, SMALL, (), 1.0, folder)
    assert log.instructions == 7


def test_int8_is_measured_against_float32_where_the_whole_network_has_no_int8(
    bundles, monkeypatch, tmp_path
):
    monkeypatch.setattr(slim_bundle, "missing_tools", lambda: {"qemu-aarch64": "qemu-user"})
    folder = tmp_path / "small"
    folder.mkdir()
    whole = LookPair(SMALL, SMALL)
    log = bundles(True).measure(Judgement(0, 0.0, None, 0.0), whole, EVERY, (), 1.0, folder)
    # Float32 of the whole network finds 15 of 20, and the small one's int8 10: see above.
    assert log.int8_drop == pytest.approx(100 * (0.75 * 76 - 0.5 * 51) / 101, abs=1e-4)
    assert log.int8_against == "float32"


def test_time_here_is_taken_where_it_was_asked_for_only(bundles, tmp_path):
    assert bundles(True, target="pi5").measured_here(tmp_path) is None
