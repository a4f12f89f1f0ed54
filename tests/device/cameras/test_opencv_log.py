from __future__ import annotations

from types import SimpleNamespace

import pytest

from device.cameras import opencv_log
from device.cameras.opencv_log import log_errors_only


@pytest.mark.parametrize("in_utils", [False, True], ids=["4.11", "4.14"])
def test_level_is_set_wherever_this_opencv_has_it(monkeypatch, in_utils):
    levels: list[int] = []
    logging = SimpleNamespace(setLogLevel=levels.append)
    both = SimpleNamespace(utils=SimpleNamespace(logging=logging)) if in_utils else logging
    monkeypatch.setattr(opencv_log, "cv2", both)
    log_errors_only()
    assert levels == [2]


def test_opencv_here_takes_it():
    log_errors_only()
