from __future__ import annotations

import dataclasses
import re

import msgspec
import pytest

from device.bench.charts import Line, Row, distribution_axes, distributions, over_time, rates
from device.bench.page import make_page
from device.bench.record import Moment, Reference
from device.system.board import State
from tests.device.bench.conftest import make_benchmark, make_failure, make_result
from tests.helpers.outline import Outline

EVIL = "<script>alert('x')</script>\"&"
UNKNOWN = State(None, None, None, None, None, None)


# Charts


def test_bars_are_as_long_as_their_medians():
    rows = [Row("a", [30.0, 30.0, 30.0]), Row("b", [15.0, 15.0, 15.0])]
    axes = distribution_axes(rows)
    svg = distributions("d", "t", rows, axes)
    lengths = [float(found) for found in re.findall(r'width="([\d.]+)" height="11"', svg)]
    assert lengths == pytest.approx([90.0, 45.0])  # 0..30 ms on 90 units
    assert not axes.medians.log


def test_medians_far_apart_are_on_a_logarithmic_axis_with_decades_alone():
    axes = distribution_axes([Row("a", [2.0]), Row("b", [700.0])])
    assert axes.medians.log
    assert axes.medians.ticks == (1, 10, 100)


def test_shape_lies_where_its_times_are_around_the_median():
    row = Row("a", [10.0] * 8 + [12.0])  # a fifth more than the median
    axes = distribution_axes([row])
    svg = distributions("d", "t", [row], axes)
    points = re.search(r'<polygon points="([^"]*)"', svg)[1].split()
    xs = [float(point.split(",")[0]) for point in points]
    ys = [float(point.split(",")[1]) for point in points]
    assert min(xs) <= axes.spread(0) <= min(xs) + 2
    assert min(xs) < axes.spread(20) <= max(xs)
    assert (min(ys), max(ys)) == (25.0, 43.0)  # 9 around the row's middle, at 34


def test_lines_have_their_points_and_labels_apart():
    lines = [Line("a", [(1, 10.0), (4, 20.0)]), Line("b", [(1, 5.0), (4, 19.9)], accent=True)]
    svg = rates("r", "t", lines, "threads", "FPS")
    # 1..4 threads on 48..268, 0..20 FPS on 200..30.
    assert 'points="48.0,115.0 268.0,30.0"' in svg
    labels = [float(y) for y in re.findall(r'y="([\d.]+)" class="label', svg)]
    assert abs(labels[0] - labels[1]) >= 12
    assert re.findall(r'class="tick mid">(\d)<', svg) == ["1", "4"]


def test_time_runs_in_minutes():
    svg = over_time("o", "t", [(0.0, 50.0), (120.0, 60.0)], "°C")
    assert 'points="46.0,150.0 348.0,30.0"' in svg  # 0..2 minutes, 50..60 degrees


def test_clock_that_hardly_moves_looks_steady():
    svg = over_time("o", "t", [(0.0, 2596.1), (60.0, 2596.2)], "clock, MHz")
    ticks = [float(value) for value in re.findall(r'class="tick end">([\d.]+)<', svg)]
    assert max(ticks) - min(ticks) >= 250
    assert all(value == round(value) for value in ticks)


# The page


def text_of(page: str) -> str:
    return " ".join(Outline(page).text.split())


def test_page_shows_every_part_and_every_figure(full):
    page = make_page(full)
    text = text_of(page)
    for heading in (
        "Latency", "Threads", "Whole frames", "Memory", "Warmth", "Beside others",
        "What does not run", "How it was measured",
    ):  # fmt: skip
        assert heading in text
    for result in full.results:
        assert result.name in text
        if result.invoke is not None:
            assert f"{result.invoke.median_ms:.2f}" in text
    assert "ssdlite on Raspberry Pi 5 Model B Rev 1.0" in text
    assert "dynamic in litert, 1 thread: refuses dynamic.tflite" in text
    assert "bare loop" in text
    assert "No module named 'ml_dtypes'" in text
    assert "host machine" not in text
    assert "Not stable" not in text
    assert full.command in text


def test_fastest_of_whole_frames_is_the_verdict(full):
    assert "Fastest here: int8 in litert, 4 threads, 317 frames per second." in text_of(
        make_page(full)
    )


def test_warnings_come_before_the_figures(full):
    text = text_of(make_page(msgspec.structs.replace(full, warnings=("the governor is odd",))))
    assert text.index("the governor is odd") < text.index("Time of one invoke")


def test_host_machine_is_named_as_such(full):
    host = dataclasses.replace(full.board, model=None)
    page = make_page(msgspec.structs.replace(full, board=host, machine=host.title))
    assert "A host machine's figures, not a Raspberry Pi's." in text_of(page)


def test_page_is_sound_accessible_and_fetches_nothing(full):
    page = make_page(full)
    outline = Outline(page)
    assert outline.open == []
    names = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(names) == len(set(names))
    for _, attributes in outline.elements:
        for key in ("aria-labelledby", "href"):
            for target in (attributes.get(key) or "").lstrip("#").split():
                assert target in names or target == "data:,"
    assert "default-src 'none'" in outline.all("meta")[1]["content"]
    assert not outline.all("script")
    elsewhere = r"""(?:src|data|action)=["'](?!data:)|url\(|@import|https?://(?!www\.w3)"""
    assert not re.findall(elsewhere, page)


def test_what_comes_from_a_file_is_escaped(full):
    results = [
        make_result(variant=EVIL, references=(Reference(name=EVIL, error=EVIL),)),
        make_failure(EVIL, EVIL),
    ]
    evil = msgspec.structs.replace(
        full, model=EVIL, machine=EVIL, command=EVIL, results=tuple(results), warnings=(EVIL,),
        packages={EVIL: EVIL}, bundle_sha256=EVIL, made_at=EVIL,
    )  # fmt: skip
    page = make_page(evil)
    assert "<script" not in page
    assert Outline(page).open == []


def test_machine_that_tells_nothing_and_measured_little_has_a_page():
    moments = (Moment(elapsed_s=0.0, state=UNKNOWN),)
    page = make_page(make_benchmark([make_result(((4.0,),))], moments=moments))
    text = text_of(page)
    assert "This machine tells no temperature." in text
    assert "Threads" not in text
    assert "Whole frames" not in text
    assert Outline(page).open == []


def test_page_of_failures_says_so():
    text = text_of(make_page(make_benchmark([make_failure()])))
    assert "Nothing could be measured." in text
    assert "refuses dynamic.tflite" in text
