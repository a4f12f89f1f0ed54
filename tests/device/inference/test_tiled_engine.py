from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from device.bundle.bundle import Bundle
from device.bundle.manifest import InputRule
from device.cameras.iterable import IterableCamera
from device.errors import UsageError
from device.images import read_image
from device.inference.boxes import pairwise_iou
from device.inference.preprocess import Placement, Rectangle
from device.inference.tiled_engine import TiledEngine, tile_placement
from device.inference.tiles import Grid
from device.pipeline.pipeline import Pipeline
from tests.device.inference.conftest import PLACE_XY, SHARE, frame_of


@pytest.fixture(scope="module")
def tiled(small_bundle):
    with TiledEngine(Bundle(small_bundle), threads=1, grid=Grid(2, 2)) as engine:
        yield engine


def test_small_object_is_found_with_tiles_and_not_without(engine, tiled, far_away, small_bundle):
    near = frame_of(read_image(small_bundle / "samples" / "motorcycle.jpg"))
    (large,) = [item for item in engine.run(near).detections if item.label == "motorcycle"]
    assert engine.run(frame_of(far_away)).detections == ()
    (small,) = tiled.run(frame_of(far_away)).detections
    assert small.label == "motorcycle"
    expected = np.multiply(large.box, SHARE) + np.tile(PLACE_XY, 2)
    assert pairwise_iou(np.array([small.box]), np.array([expected])).item() > 0.7


def test_pipeline_finds_what_run_finds(tiled, far_away):
    outcomes = []
    sink = SimpleNamespace(needs_image=lambda _: False, write=outcomes.append)
    camera = IterableCamera([far_away])
    Pipeline(camera, tiled, [sink]).run(None, threading.Event())
    assert outcomes[0].result.detections == tiled.run(frame_of(far_away)).detections


def test_whole_picture_is_looked_at_as_without_tiles(engine, tiled, far_away):
    frame = frame_of(far_away)
    stack = tiled.new_input()
    assert stack.shape == (5, 300, 300, 3)
    tiled.prepare(frame, stack)
    engine.prepare(frame, alone := engine.new_input())
    assert np.array_equal(stack[:1], alone)


def test_only_classes_asked_for_are_found(small_bundle, far_away):
    with TiledEngine(Bundle(small_bundle), threads=1, grid=Grid(2, 2)) as engine:
        engine.only(["person"])
        assert {item.label for item in engine.run(frame_of(far_away)).detections} <= {"person"}


def test_picture_of_one_pixel_is_cut_too(tiled):
    assert tiled.run(frame_of(np.zeros((1, 1, 3), np.uint8))).classes is None


def test_classifier_takes_no_tiles():
    manifest = SimpleNamespace(task="classification", model="net")
    with pytest.raises(UsageError, match="--tiles is for detectors: net"):
        TiledEngine(SimpleNamespace(manifest=manifest), grid=Grid(2, 2))


def test_placement_of_a_letterboxed_tile_maps_to_the_frame():
    rule = InputRule(width=100, height=100, mean=0, std=1, resize="letterbox")
    placement = tile_placement(rule, Rectangle(80, 40, 100, 50), (180, 90))
    assert placement == Placement(80, 40, 100, 50, 180, 90, (0.0, 0.25, 1.0, 0.5))
    box = np.array([[0.0, 0.25, 0.5, 0.75]], np.float32)
    assert placement.to_source(box).tolist() == [[80, 40, 130, 90]]
