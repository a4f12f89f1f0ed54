from __future__ import annotations

import msgspec
import pytest

from device.bundle.hints import Hints


def test_hints_survive_the_way_into_another_process():
    hints = Hints(task="detection", outputs=("boxes", "none"), mean=(1.0,), input_size=(320, 240))
    assert msgspec.json.decode(msgspec.json.encode(hints), type=Hints) == hints


def test_nothing_said_is_the_same_as_no_hints():
    assert Hints() == msgspec.json.decode("{}", type=Hints)


def test_task_that_there_is_not_is_refused():
    with pytest.raises(msgspec.ValidationError, match=r"\$\.task"):
        msgspec.json.decode('{"task": "singing"}', type=Hints)
