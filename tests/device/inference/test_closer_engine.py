from __future__ import annotations

import threading
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from device.bundle.bundle import Bundle
from device.cameras.iterable import IterableCamera
from device.errors import UsageError
from device.images import read_image
from device.inference.closer_engine import CloserEngine
from device.pipeline.pipeline import Pipeline
from tests.device.inference.conftest import frame_of


@pytest.fixture(scope="module")
def loaded(small_bundle):
    with CloserEngine(Bundle(small_bundle), threads=1) as engine:
        yield engine


@pytest.fixture
def closer(loaded):
    """An engine that has seen nothing yet."""
    return loaded.share()


def labels_of(engine, pixels):
    return [item.label for item in engine.run(frame_of(pixels)).detections]


def test_small_thing_is_found_within_six_frames_and_stays(engine, closer, far_away):
    assert engine.run(frame_of(far_away)).detections == ()
    seen = [labels_of(closer, far_away) for _ in range(9)]
    first = seen.index(["motorcycle"])
    assert first < 6
    assert seen[first:] == [["motorcycle"]] * (9 - first)


def test_thing_that_goes_is_gone_at_once(closer, far_away):
    seen = [labels_of(closer, far_away) for _ in range(6)]
    assert seen[-1] == ["motorcycle"]
    assert labels_of(closer, np.full_like(far_away, 114)) == []


def test_thing_that_moves_is_followed_from_the_look_at_its_tile_on(closer, far_away):
    closer.only(["motorcycle"])
    thing = (far_away != 114).any(axis=2)
    # Something stands still behind it: by itself it would be a scene that moves as a whole.
    coarse = np.random.default_rng(3).integers(84, 144, (30, 40, 3), dtype=np.uint8)
    behind = cv2.resize(coarse, far_away.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    lefts = []
    for step in range(9):
        # To the left, two pixels of the input a frame.
        shift = -10 * step
        shown = np.roll(thing, shift, axis=1)[..., np.newaxis]
        pixels = np.where(shown, np.roll(far_away, shift, axis=1), behind)
        found = closer.run(frame_of(pixels)).detections
        if found or lefts:
            lefts.append([item.box[0] for item in found])
    first, *then = lefts[:5]
    assert [len(item) for item in then] == [1] * 4
    expected = [first[0] - 10 * frames for frames in range(1, 5)]
    assert [left for (left,) in then] == pytest.approx(expected, abs=9)


@pytest.mark.parametrize("extra", [1, 3])
def test_no_more_invokes_than_asked(loaded, far_away, monkeypatch, extra):
    camera = loaded.share()
    camera._extra = extra
    calls = []
    invoke = loaded.interpreter.invoke
    monkeypatch.setattr(loaded.interpreter, "invoke", lambda: calls.append(invoke()))
    for frame in range(1, 5):
        camera.run(frame_of(far_away))
        assert len(calls) == frame * (1 + extra)


def test_cameras_that_share_the_network_remember_each_their_own(loaded, far_away):
    one, other = loaded.share(), loaded.share()
    empty = np.full_like(far_away, 114)
    for _ in range(6):
        assert labels_of(other, empty) == []
        seen = labels_of(one, far_away)
    assert seen == ["motorcycle"]


def test_pipeline_finds_what_run_finds(loaded, far_away):
    outcomes = []
    sink = SimpleNamespace(needs_image=lambda _: False, write=outcomes.append)
    camera = IterableCamera([far_away] * 7)
    Pipeline(camera, loaded.share(), [sink]).run(None, threading.Event())
    alone = loaded.share()
    expected = [alone.run(frame_of(far_away)).detections for _ in range(7)]
    assert [outcome.result.detections for outcome in outcomes] == expected
    assert expected[-1]


def test_unsure_things_score_less_than_those_found(closer, small_bundle):
    frame = frame_of(read_image(small_bundle / "samples" / "motorcycle.jpg"))
    placement = closer.prepare(frame)
    found, unsure = closer.find_with_unsure(closer.invoke(), placement, 0.1)
    assert "motorcycle" in {item.label for item in found}
    assert unsure
    assert all(0.1 <= item.score < closer.threshold for item in unsure)


def test_empty_input_of_a_new_variant_is_run_without_a_frame(closer):
    outputs = closer.invoke(np.zeros_like(closer.new_input()))
    assert len(outputs[-4]) == 0


def test_only_classes_asked_for_are_found(loaded, far_away):
    camera = loaded.share()
    camera.only(["person"])
    assert {label for _ in range(7) for label in labels_of(camera, far_away)} <= {"person"}


def test_classifier_has_no_closer_look():
    model = SimpleNamespace(manifest=SimpleNamespace(task="classification", model="mine"))
    with pytest.raises(UsageError, match="--look closer is for detectors: mine says"):
        CloserEngine(model)
