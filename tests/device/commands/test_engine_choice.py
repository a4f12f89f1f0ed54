from __future__ import annotations

import contextlib

import pytest

from device.bundle.bundle import Bundle
from device.cli import make_parser
from device.commands import engine_choice
from device.commands.engine_choice import announce_engine, make_engine
from device.errors import UsageError
from device.inference.closer_engine import CloserEngine
from device.inference.tiled_engine import TiledEngine


@pytest.fixture
def make(small_bundle, monkeypatch, tmp_path):
    """The engine that flags ask for, on a machine where nothing was tuned."""
    monkeypatch.setattr("device.inference.autotune.state_file", lambda: tmp_path / "tuned.json")
    with contextlib.ExitStack() as stack:

        def make(*flags):
            words = ["detect", str(small_bundle), "--source", "demo", *flags]
            args = make_parser(words).parse_args(words)
            return stack.enter_context(make_engine(args, Bundle(small_bundle), "int8"))

        yield make


def test_engine_has_the_threshold_threads_and_limit_of_the_flags(make):
    engine = make("--threshold", "0.7", "--threads", "1", "--max-detections", "3")
    assert (engine.threshold, engine.interpreter.threads, engine.max_detections) == (0.7, 1, 3)


def test_tiles_make_an_engine_of_parts(make):
    engine = make("--threads", "1", "--tiles", "2x1")
    assert isinstance(engine, TiledEngine)
    assert len(engine.new_input()) == 3


def test_closer_look_makes_an_engine_that_chooses_tiles(make):
    engine = make("--threads", "1", "--look", "closer", "--looks", "2")
    assert isinstance(engine, CloserEngine)


def test_closer_look_beside_all_tiles_is_wrong_usage(make):
    with pytest.raises(UsageError, match="--tiles looks at every part"):
        make("--threads", "1", "--look", "closer", "--tiles", "2x2")


def test_engine_is_announced_with_what_ends_the_run(make, small_bundle, monkeypatch, capsys):
    monkeypatch.setattr(engine_choice, "is_ignored", lambda _: True)
    announce_engine(make("--threads", "1"), Bundle(small_bundle))
    said = capsys.readouterr().err
    assert "ssdlite_mobilenet_v2 int8 in litert" in said
    assert "1 thread; SIGTERM ends the run" in said
