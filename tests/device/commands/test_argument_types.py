from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.bundle.limits import MOST_DETECTIONS
from device.commands.argument_types import (
    MAX_THREADS,
    comma_list,
    detection_count,
    non_negative_int,
    positive_float,
    positive_int,
    size_wh,
    thread_count,
    tile_grid,
)

REFUSED = (argparse.ArgumentTypeError, ValueError)  # argparse makes a usage error of both


@given(st.integers(1, 10**9))
def test_whole_numbers_are_read(number):
    assert positive_int(str(number)) == non_negative_int(str(number)) == number


def test_zero_is_not_negative_but_not_positive():
    assert non_negative_int("0") == 0
    with pytest.raises(argparse.ArgumentTypeError, match="0 is less than 1"):
        positive_int("0")
    with pytest.raises(argparse.ArgumentTypeError, match="-1 is less than 0"):
        non_negative_int("-1")


@pytest.mark.parametrize("convert", [positive_int, non_negative_int, thread_count])
@pytest.mark.parametrize("text", ["", "two", "1.5", "1e3", "0x10"])
def test_what_is_no_whole_number_is_refused(convert, text):
    with pytest.raises(REFUSED):
        convert(text)


@pytest.mark.parametrize(
    "text", ["0", "-1", "nan", "inf", "1e308", "1.1e12", pytest.param("9" * 400, id="digits")]
)
def test_number_that_nothing_can_be_counted_with_is_refused(text):
    assert positive_float("1e12") == 1e12
    with pytest.raises(argparse.ArgumentTypeError, match="not a number above 0, and at most 1e"):
        positive_float(text)


def test_absurd_numbers_of_threads_are_refused():
    assert thread_count(str(MAX_THREADS)) == MAX_THREADS
    with pytest.raises(argparse.ArgumentTypeError, match="65 is more than 64"):
        thread_count("65")


@pytest.mark.parametrize(("text", "value"), [("0.5", 0.5), ("3", 3.0), ("1e-3", 0.001)])
def test_numbers_above_0_are_read(text, value):
    assert positive_float(text) == value


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "-inf", "", "much"])
def test_what_is_no_number_above_0_is_refused(text):
    with pytest.raises(REFUSED):
        positive_float(text)


def test_list_is_split_at_commas_and_stripped():
    assert comma_list("person, potted plant ,cat") == ["person", "potted plant", "cat"]
    assert comma_list("cat") == ["cat"]


@pytest.mark.parametrize("text", ["", ",", "cat,", " ,cat", "cat,,dog"])
def test_empty_name_in_a_list_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="an empty name"):
        comma_list(text)


@given(st.integers(1, 8000), st.integers(1, 8000))
def test_size_is_width_before_height(width, height):
    assert size_wh(f"{width}x{height}") == (width, height)


@pytest.mark.parametrize("text", ["99999x99999", "8001x8000"])
def test_size_that_no_memory_holds_is_refused(text):
    assert size_wh("8000x8000") == (8000, 8000)
    with pytest.raises(argparse.ArgumentTypeError, match=f"{text} is more than 64 million pixels"):
        size_wh(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "640", "640x", "x480", "0x480", "640x0", "640x480x3", "-1x2", "100000x1"),
        pytest.param("9" * 5000 + "x1", id="digits"),
    ],
)
def test_what_is_no_size_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="not width x height, such as 1280x720"):
        size_wh(text)


@given(st.text("0123456789x.,- e", max_size=12))
def test_any_text_is_read_or_refused_as_usage(text):
    for convert in (positive_int, thread_count, positive_float, comma_list, size_wh):
        try:
            convert(text)
        except REFUSED:
            continue


def test_name_in_double_quotes_may_have_commas():
    assert comma_list('"orange, blood",cat, "a ""b"" c"') == ["orange, blood", "cat", 'a "b" c']


@pytest.mark.parametrize("text", ['"orange, blood', '"a"b', "", '""', "a\nb"])
def test_list_with_a_name_that_is_none_or_quoted_by_half_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        comma_list(text)


def test_more_detections_than_a_manifest_may_have_are_refused():
    assert detection_count("5000") == MOST_DETECTIONS
    with pytest.raises(argparse.ArgumentTypeError, match="5001 is more than 5000"):
        detection_count("5001")


@pytest.mark.parametrize(("text", "grid"), [("2x2", (2, 2)), ("8x1", (8, 1)), ("1x2", (1, 2))])
def test_tiles_are_columns_and_rows(text, grid):
    assert tile_grid(text) == grid


@pytest.mark.parametrize("text", ["1x1", "9x2", "0x2", "2", "2x", "x", "2x2x2", "-2x2", "\u0662x2"])
def test_tiles_that_are_none_or_too_many_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="tiles"):
        tile_grid(text)


@pytest.mark.parametrize("text", ["9" * 5000 + "x2", "2x" + "9" * 5000])
def test_tiles_of_thousands_of_digits_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="tiles"):
        tile_grid(text)
