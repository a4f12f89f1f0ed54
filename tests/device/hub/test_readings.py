from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hub.readings import (
    LONGEST_TEXT,
    LastVisit,
    Reading,
    is_picture,
    read_last_visit,
    read_metrics,
)
from tests.helpers.simulated_pis import metrics


def test_metrics_are_read():
    assert read_metrics(metrics("Garden", throttled=1)) == Reading(
        name="Garden",
        version="0.9",
        bundle="0123456789ab",
        model="ssdlite_mobilenet_v2",
        variant="int8",
        up=True,
        camera_lost=False,
        fps=14.2,
        temperature_c=51.5,
        throttled=True,
        under_voltage=False,
        disk_free_bytes=2.5e10,
    )


def test_name_of_quotes_braces_and_lines_is_read_as_it_was_and_kept_short():
    reading = read_metrics(metrics('a "b} 1\\c\nd'))
    assert reading is not None
    assert reading.name == 'a "b} 1\\c d'
    reading = read_metrics(metrics("\x1b[2J" + "x" * 300))
    assert reading is not None
    assert reading.name == "\N{REPLACEMENT CHARACTER}[2J" + "x" * (LONGEST_TEXT - 4)


@pytest.mark.parametrize(
    "text", [b"", b"<html>", b"liteberry_up maybe\n", b"liteberry_up nan\n", b"go_up 1\n"]
)
def test_what_is_no_run_has_no_reading(text):
    assert read_metrics(text) is None


def test_cameras_of_one_run_are_as_well_as_the_worst_and_as_fast_as_all():
    reading = read_metrics(
        b'liteberry_up{camera="a \\" b"} 1.0\nliteberry_up{camera="c"} 0.0\n'
        b'liteberry_fps{camera="a"} 4.0\nliteberry_fps{camera="c"} 0.5\n'
        b'liteberry_camera_lost{camera="a"} 0.0\nliteberry_camera_lost{camera="c"} 1.0\n'
    )
    assert reading == Reading(up=False, camera_lost=True, fps=4.5)


def test_values_that_are_none_are_left_out():
    reading = read_metrics(
        b"liteberry_up 1\nliteberry_fps 1e999\nliteberry_temperature_celsius -\n"
    )
    assert reading == Reading(up=True)


@given(st.binary(max_size=500))
def test_no_bytes_raise(data):
    read_metrics(data)
    read_metrics(metrics("x") + b"liteberry_info{" + data)
    read_last_visit(data)
    is_picture(b"\xff\xd8\xff" + data)


def test_newest_visit_is_read():
    visit = {"label": "cat", "began_s": 5.0, "under_way": True, "zones": [{"deep": []}]}
    data = json.dumps({"visits": [visit, {"label": "dog", "began_s": 1}], "next": None})
    assert read_last_visit(data.encode()) == LastVisit("cat", 5.0, under_way=True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"visits": []}',
        b'{"visits": [{"label": 1, "began_s": 5}]}',
        b'{"visits": [{"label": "cat", "began_s": "5"}]}',
        b"[" * 100_000,
    ],
)
def test_what_tells_no_visit_has_none(data):
    assert read_last_visit(data) is None


def test_pictures_are_jpegs_of_a_size_that_a_browser_may_be_given():
    jpeg = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
    png = cv2.imencode(".png", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
    assert is_picture(jpeg)
    assert not is_picture(png)
    assert not is_picture(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    at = jpeg.index(b"\xff\xc0") + 5
    huge = jpeg[:at] + b"\xff\xff\xff\xff" + jpeg[at + 4 :]
    assert not is_picture(huge)
