from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.inspection.export_notes import ExportNotes, read_notes

WHOLE = {
    "description": "a model",
    "author": "somebody",
    "license": "some licence",
    "stride": 32,
    "task": "detect",
    "imgsz": [192, 320],
    "names": {0: "cat", 1: "traffic light"},
    "args": {"nms": True},
}


@pytest.mark.parametrize("form", [json.dumps, repr, lambda data: json.dumps(data, indent=2)])
def test_notes_of_either_form_are_read(form):
    assert read_notes(form(WHOLE)) == ExportNotes(
        author="somebody",
        licence="some licence",
        task="detect",
        names=("cat", "traffic light"),
        size_wh=(320, 192),
        suppresses=True,
    )


@pytest.mark.parametrize("args", [{"args": {"nms": False}}, {"end2end": False}, {}])
def test_model_that_does_not_suppress_is_not_said_to(args):
    assert not read_notes(json.dumps(WHOLE | {"args": {}} | args)).suppresses


def test_old_notes_of_stride_and_names_are_enough():
    found = read_notes("{'stride': 32, 'names': ['a', 'b']}")
    assert found == ExportNotes(names=("a", "b"))


@pytest.mark.parametrize(
    "text", ["cat\ndog\n", '{"a": 1}', '["a"]', "names: [a]", "", '{"names": 3}']
)
def test_other_texts_are_no_notes(text):
    assert read_notes(text) is None


@given(st.text(max_size=200))
def test_any_text_is_notes_or_none(text):
    assert read_notes("{'names': ['a'], 'stride': 32, " + text) is not None
    read_notes(text)
