from __future__ import annotations

import json
import tomllib

import pytest

from device.pipeline.scene_view import ADVICE

DOOR = {"name": "door", "points": [[0, 0], [1, 0], [1, 1], [0, 1]]}
KNOT = {"name": "knot", "points": [[0, 0], [1, 1], [1, 0], [0, 1]]}


def places_of(run):
    status, _, content = run.ask("/scene")
    assert status == 200
    return json.loads(content)


def test_what_is_drawn_is_kept_counted_from_then_on_and_told_to_all(drawing, zones):
    with drawing.events() as news:
        status, view = drawing.draw({"zone": [DOOR | {"queue": True, "classes": ["cat"]}]})
        assert status == 200
        assert view["left_out"] == []
        told = next(content for kind, content in news if kind == "scene")
        assert told == view
        lines = (content for kind, content in news if kind == "frame")
        drawing.until(lambda: [z["inside"] for z in next(lines)["zones"]] == [1])
    kept = tomllib.loads(zones.read_text())
    assert kept == {"zone": [DOOR | {"queue": True, "classes": ["cat"]}]}
    assert places_of(drawing)["zone"] == kept["zone"]


def test_mask_that_is_drawn_blacks_out_from_then_on(drawing):
    assert drawing.draw({"mask": [{"points": DOOR["points"]}]})[0] == 200
    with drawing.events() as news:
        lines = (content for kind, content in news if kind == "frame")
        drawing.until(lambda: next(lines)["detections"] == [])
    assert drawing.draw({})[0] == 200
    with drawing.events() as news:
        lines = (content for kind, content in news if kind == "frame")
        drawing.until(lambda: next(lines)["detections"] != [])


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ({"zone": [KNOT]}, "zone 1 ('knot'): sides 1 and 3 cross"),
        ({"zone": [DOOR], "line": [{"name": "Door", "start": [0, 0], "end": [1, 1]}]},
         "line 1 ('Door'): zone 1 has this name too"),
        ({"zone": [DOOR | {"points": [[0, 0], [1.1, 0], [1, 1]]}]}, "point 2 (1.1, 0) is not in"),
        ({"mask": [{"points": [[0, 0], [1, 1]]}]}, "mask 1: 2 points"),
        ({"zone": [DOOR | {"classes": ["cta"]}]}, "no class 'cta'"),
        ({"zone": [DOOR | {"name": "a:b"}]}, "a name without a colon"),
        ({"zone": [DOOR | {"name": ""}]}, "zone 1 (''): a name without a colon, and with"),
        ({"zones": []}, "lists named zone, line and mask"),
        (b"[", "lists named zone, line and mask"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_words_and_all_stays(drawing, zones, places, words):
    drawing.draw({"zone": [DOOR]})
    before = zones.read_text()
    status, answer = drawing.draw(places)
    assert status == 400
    assert words in answer["error"]
    assert zones.read_text() == before
    assert places_of(drawing)["zone"] == [DOOR]


def test_rule_of_a_zone_that_was_removed_is_told(drawing):
    status, view = drawing.draw({})
    assert status == 200
    assert view["left_out"] == [
        "rule 'crowd' is left out: when = 'door: at least 1 for 1 s': no zone 'door'"
    ]


def test_file_that_cannot_be_written_leaves_all_as_it_was(drawing, zones):
    drawing.draw({"zone": [DOOR]})
    zones.unlink()
    zones.mkdir()
    try:
        status, answer = drawing.draw({})
    finally:
        zones.rmdir()
    assert status == 500
    assert "give --zones a file that this run may write to" in answer["error"]
    assert places_of(drawing)["zone"] == [DOOR]


def test_body_too_large_or_of_another_type_is_refused(drawing):
    assert drawing.draw(b" " * (16 << 10) + b"{}")[0] == 413
    assert drawing.draw({}, Content_Type="text/plain")[0] == 415


def test_other_sites_and_who_has_no_token_may_not_draw(drawing, locked):
    assert drawing.draw({}, Origin="http://evil.example")[0] == 403
    assert locked.draw({})[0] == 401
    assert locked.ask("/scene")[0] == 401


def test_run_without_a_file_says_what_to_type(run):
    assert places_of(run)["advice"] == ADVICE
    status, answer = run.draw({"zone": [DOOR]})
    assert (status, answer["error"]) == (409, ADVICE)
