from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from device.bundle.bundle import Bundle
from device.bundle.manifest import InputRule
from device.cameras.iterable import IterableCamera
from device.errors import BundleError, InterpreterError, UsageError
from device.images import read_image
from device.inference.candidates import Candidates
from device.inference.engine import Engine, in_source, name_classes, name_detections
from device.inference.preprocess import Placement
from device.records import Frame


def frame_of(pixels, index=0) -> Frame:
    return Frame(pixels, index, 0.0, 1.5)


@pytest.fixture(scope="module")
def cup(small_bundle):
    return read_image(small_bundle / "samples" / "cup.jpg")


def test_cup_is_found_where_it_stands(engine, cup):
    result = engine.run(frame_of(cup, index=7))
    best = result.detections[0]
    assert (result.frame_index, best.label, best.class_id) == (7, "cup", 41)
    assert best.score > 0.9
    assert best.box == pytest.approx((173.8, 21.6, 415.3, 247.4), abs=8)
    assert result.classes is None


def test_detections_come_best_first_and_inside_the_frame(engine, cup):
    found = engine.run(frame_of(cup)).detections
    scores = [item.score for item in found]
    assert scores == sorted(scores, reverse=True)
    height, width = cup.shape[:2]
    for item in found:
        assert 0 <= item.x_min < item.x_max <= width
        assert 0 <= item.y_min < item.y_max <= height
        assert {type(side) for side in (*item.box, item.score)} == {float}


def test_same_frame_gives_the_same_answer(engine, cup, noise):
    first = engine.run(frame_of(cup)).detections
    engine.run(frame_of(noise))
    assert engine.run(frame_of(cup)).detections == first


def test_boxes_follow_the_frame_when_it_is_stretched(engine, cup):
    height, width = cup.shape[:2]
    wide = cv2.resize(cup, (2 * width, height))
    expected = np.multiply(engine.run(frame_of(cup)).detections[0].box, [2, 1, 2, 1])
    best = engine.run(frame_of(wide)).detections[0]
    assert best.label == "cup"
    assert best.box == pytest.approx(expected, rel=0.05, abs=10)


def test_red_is_the_models_first_channel(engine):
    red = np.zeros((30, 40, 3), np.uint8)
    red[..., 2] = 255
    engine.run(frame_of(red))
    seen = engine.interpreter.input_tensor().reshape(-1, 3)
    assert (seen == [255, 0, 0]).all()


def test_timings_are_of_this_frame(engine, cup):
    started = time.perf_counter()
    timings = engine.run(frame_of(cup)).timings
    elapsed_ms = (time.perf_counter() - started) * 1e3
    assert timings.capture_ms == 1.5
    stages_ms = (timings.preprocess_ms, timings.invoke_ms, timings.decode_ms)
    assert min(stages_ms) > 0
    assert sum(stages_ms) <= elapsed_ms


def test_threshold_of_the_bundle_holds_unless_another_is_given(small_bundle, cup):
    bundle = Bundle(small_bundle)
    counts = []
    for threshold in (0.99, None, 0.05):
        with Engine(bundle, threads=1, threshold=threshold) as engine:
            found = engine.run(frame_of(cup)).detections
            assert all(item.score >= (threshold or 0.5) for item in found)
            counts.append(len(found))
    assert counts[0] == 0 < counts[1] < counts[2]


def test_unsure_detections_are_those_of_a_lower_threshold_that_were_not_found(engine, cup):
    waiting = engine.new_input()
    placement = engine.prepare(frame_of(cup), waiting)
    outputs = engine.invoke(waiting)
    found, unsure = engine.find_with_unsure(outputs, placement, 0.05)
    assert found
    assert unsure
    assert all(0.05 <= item.score < engine.threshold for item in unsure)
    assert (*found, *unsure) == engine.run_at(0.05, frame_of(cup)).detections
    assert engine.find(outputs, placement)[0] == found


def test_threshold_that_changes_while_a_frame_is_decoded_is_kept(engine, cup, monkeypatch):
    waiting = engine.new_input()
    placement = engine.prepare(frame_of(cup), waiting)
    outputs = engine.invoke(waiting)
    decode = engine._decode

    def meanwhile(*arguments):
        engine.threshold = 0.9  # as the live page's thread does
        return decode(*arguments)

    monkeypatch.setattr(engine, "_decode", meanwhile)
    monkeypatch.setattr(engine, "_threshold", engine._threshold)
    monkeypatch.setattr(engine, "_thresholds", engine._thresholds)
    engine.find_with_unsure(outputs, placement, 0.05)
    assert (engine.threshold, engine.thresholds) == (0.9, 0.9)


def test_unsure_detections_are_below_the_threshold_of_their_class(bundle_copy, cup):
    thresholds = {"cup": 0.99, "dining table": 0.3}
    bundle_copy.change(lambda manifest: manifest.update(format=3, class_thresholds=thresholds))
    with Engine(Bundle(bundle_copy.folder)) as engine:
        waiting = engine.new_input()
        placement = engine.prepare(frame_of(cup), waiting)
        outputs = engine.invoke(waiting)
        found, unsure = engine.find_with_unsure(outputs, placement, 0.25)
        assert found == engine.find(outputs, placement)[0]
    assert "cup" in {item.label for item in unsure}
    assert "cup" not in {item.label for item in found}


def test_class_that_no_label_names_is_unsure_or_found_by_the_last_ones_threshold(
    engine, cup, monkeypatch
):
    monkeypatch.setattr(engine, "_thresholds", (0.9, 0.5))  # of fewer classes than the network's
    waiting = engine.new_input()
    placement = engine.prepare(frame_of(cup), waiting)
    found, unsure = engine.find_with_unsure(engine.invoke(waiting), placement, 0.05)
    assert "cup" in {item.label for item in found}
    assert all(item.score < 0.5 for item in unsure)


def test_no_more_than_the_bundles_most_are_reported(bundle_copy, cup):
    bundle_copy.change(lambda manifest: manifest.update(max_detections=3))
    with Engine(Bundle(bundle_copy.folder), threshold=0.001) as engine:
        assert len(engine.run(frame_of(cup)).detections) == 3


def test_any_size_of_frame_is_taken(engine):
    for shape in ((16, 16, 3), (17, 401, 3), (1080, 1920, 3)):
        engine.run(frame_of(np.zeros(shape, np.uint8)))


def test_fake_camera_drives_the_engine(engine, cup):
    results = [engine.run(frame) for frame in IterableCamera([cup, cup]).frames()]
    assert [result.frame_index for result in results] == [0, 1]


def test_unknown_variant_is_wrong_usage(small_bundle):
    with pytest.raises(UsageError, match="no variant 'int4'"):
        Engine(Bundle(small_bundle), "int4")


def test_damaged_model_is_never_loaded(bundle_copy):
    (bundle_copy.folder / "int8.tflite").write_bytes(b"damaged")
    with pytest.raises(BundleError, match="is damaged"):
        Engine(Bundle(bundle_copy.folder))


def test_vouched_for_but_broken_model_is_refused(bundle_copy):
    bundle_copy.replace("int8.tflite", b"damaged")
    with pytest.raises(InterpreterError, match="refuses"):
        Engine(Bundle(bundle_copy.folder))


@pytest.mark.parametrize("key", ["scale", "zero_point", "shape", "position"])
def test_model_of_other_tensors_than_the_manifests_is_rejected(bundle_copy, key):
    value = [1, 2, 3] if key == "shape" else 99

    def edit(manifest):
        manifest["variants"]["int8"]["heads"][2]["scores"][key] = value

    bundle_copy.change(edit)
    with pytest.raises(BundleError, match="tensors are not those the manifest describes"):
        Engine(Bundle(bundle_copy.folder))


def test_interpreter_known_to_fail_is_not_chosen(bundle_copy):
    def edit(manifest):
        checks = manifest["variants"]["int8"]["checks"]
        for name in ("litert", "tflite-runtime", "tensorflow"):
            checks[name] = {"version": "1", "ok": False, "reason": "wrong"}

    bundle_copy.change(edit)
    bundle = Bundle(bundle_copy.folder)
    with pytest.raises(InterpreterError, match="known to fail"):
        Engine(bundle)
    with Engine(bundle, interpreter="litert") as engine:  # who insists, gets it
        assert engine.choice == "asked for"


FOUND = Candidates(
    np.array([[0.1, 0.2, 0.5, 1.5]], np.float32), np.array([0.75], np.float32), np.array([1])
)


@pytest.mark.parametrize(("labels", "name"), [(["a", "b"], "b"), (["a"], "class 1")])
def test_class_beyond_the_labels_is_called_by_its_number(labels, name):
    rule = InputRule(width=10, height=10, mean=0, std=1)
    (item,) = name_detections(in_source(FOUND, Placement.of(rule, (200, 100))), labels)
    assert (item.label, item.class_id, item.score) == (name, 1, 0.75)
    assert item.box == pytest.approx((20, 20, 100, 100))
    (best,) = name_classes(FOUND, labels)
    assert (best.label, best.class_id, best.score) == (name, 1, 0.75)


@pytest.fixture
def choosy(bundle_copy):
    """An engine of a bundle in which a person must be surer than a score can be."""
    bundle_copy.change(lambda manifest: manifest.update(class_thresholds={"person": 1.0}, format=3))
    with Engine(Bundle(bundle_copy.folder), "int8", threads=1) as engine:
        yield engine


@pytest.fixture(scope="module")
def astronaut(small_bundle):
    return frame_of(read_image(small_bundle / "samples" / "person.jpg"))


def labels_of(result) -> set[str]:
    return {item.label for item in result.detections}


def test_class_is_reported_from_its_own_threshold(choosy, astronaut, cup):
    assert "person" not in labels_of(choosy.run(astronaut))
    assert "cup" in labels_of(choosy.run(frame_of(cup)))


def test_threshold_of_the_user_holds_for_all_classes(choosy, astronaut):
    choosy.threshold = 0.5
    assert "person" in labels_of(choosy.run(astronaut))
    assert choosy.thresholds == 0.5


def test_other_threshold_for_one_frame_leaves_the_classes_theirs(choosy, astronaut):
    assert "person" in labels_of(choosy.run_at(0.5, astronaut))
    assert "person" not in labels_of(choosy.run(astronaut))


def test_engine_takes_the_thresholds_in_force_in_another(choosy, small_bundle, astronaut):
    with Engine(Bundle(small_bundle), "int8", threads=1) as engine:
        engine.take_settings(choosy)
        assert "person" not in labels_of(engine.run(astronaut))
