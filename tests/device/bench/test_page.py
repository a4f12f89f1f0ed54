from __future__ import annotations

import dataclasses
import re

import msgspec

from device.bench.page import make_page
from device.bench.record import Moment, Reference
from device.system.board import State
from tests.device.bench.conftest import make_benchmark, make_failure, make_result
from tests.helpers.outline import Outline

EVIL = "<script>alert('x')</script>\"&"


UNKNOWN = State(None, None, None, None, None, None)


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
    elsewhere = r"""(?:src|data|action)=["'](?!data:)|url\((?!data:)|@import|https?://(?!www\.w3)"""
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
