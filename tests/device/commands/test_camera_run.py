from __future__ import annotations

import contextlib
import threading

import pytest

from device.bundle.bundle import Bundle
from device.cli import make_parser
from device.commands.camera_run import RunParts, open_camera_run, set_up_camera
from device.commands.output_flags import outputs_of
from device.errors import UsageError
from device.inference.engine import Engine
from device.pipeline.inference_thread import InferenceThread
from tests.helpers.device_command import lines_of


@pytest.fixture
def set_up(small_bundle):
    def set_up(*flags):
        words = ["detect", str(small_bundle), "--source", "demo", *map(str, flags)]
        args = make_parser(words).parse_args(words)
        args.source = "demo"
        return set_up_camera(args, outputs_of(args), Bundle(small_bundle))

    return set_up


def test_class_that_the_model_does_not_know_is_refused_before_anything_is_opened(set_up):
    with pytest.raises(UsageError, match="unicorn"):
        set_up("--classes", "unicorn")
    with pytest.raises(UsageError, match="unicorn"):
        set_up("--on", "unicorn", "--record", 1)


def test_event_of_a_class_that_is_left_out_is_refused(set_up):
    with pytest.raises(UsageError, match="--on has a class that --classes leaves out"):
        set_up("--classes", "cat", "--on", "person", "--record", 1)


def test_pipeline_of_a_camera_finds_its_classes_and_writes_its_log(set_up, small_bundle, tmp_path):
    model = Bundle(small_bundle)
    setup = set_up("--classes", "person", "--log", tmp_path / "a.jsonl")
    engine = Engine(model, threads=1)
    parts = RunParts(model, engine, lambda _: engine, threading.Event(), [], None, None)
    with contextlib.ExitStack() as stack:
        open_camera_run(setup, parts, stack).run(2, parts.stop)
    lines = lines_of(tmp_path / "a.jsonl")
    assert [[item["label"] for item in line["detections"]] for line in lines] == [["person"]] * 2


def test_cameras_that_share_a_network_have_engines_of_their_own(set_up, small_bundle):
    model = Bundle(small_bundle)
    engine = Engine(model, threads=1)
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(InferenceThread())
        parts = RunParts(
            model, engine, lambda _: engine, threading.Event(), [], None, None, inference=network
        )
        one = open_camera_run(set_up("--threshold", "0.9"), parts, stack)
        other = open_camera_run(set_up("--max-detections", "1", "--priority", "2"), parts, stack)
        assert one.engine.interpreter is other.engine.interpreter is engine.interpreter
        assert (one.engine.threshold, other.engine.threshold) == (0.9, 0.5)
        assert (one.engine.max_detections, other.engine.max_detections) == (100, 1)
    assert parts.variants == ["int8"]
