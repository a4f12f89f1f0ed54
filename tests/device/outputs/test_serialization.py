from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import pytest

from device.outputs.serialization import COLUMNS, to_csv, to_json
from device.records import (
    Classification,
    Detection,
    LineState,
    Result,
    SceneEvent,
    SceneState,
    Visit,
    ZoneState,
)
from tests.device.conftest import make_outcome

CAT = Detection(17, "cat", 0.93456789, 1.04, 2.0, 407.25, 298.149)
KEYS = {
    "frame": int,
    "source": str,
    "time": str,
    "captured_at_s": float,
    "finished_at_s": float,
    "detections": list,
    "timings_ms": dict,
    "frame_age_ms": float,
    "fps": float,
    "rss_mb": float,
    "cpu_percent": float,
}


def test_log_line_is_as_documented():
    line = to_json(make_outcome(7, name="a.jpg", detections=(CAT,)))
    assert b"\n" not in line
    record = json.loads(line)
    assert {key: type(value) for key, value in record.items()} == KEYS
    time = record.pop("time")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    assert record == {
        "frame": 7,
        "source": "a.jpg",
        "captured_at_s": 107.0,
        "finished_at_s": 107.0105,
        "detections": [
            {"label": "cat", "class_id": 17, "score": 0.9346, "box": [1.0, 2.0, 407.2, 298.1]}
        ],
        "timings_ms": {
            "capture": 1.25,
            "preprocess": 2.5,
            "invoke": 3.75,
            "decode": 0.5,
            "draw": 0.125,
        },
        "frame_age_ms": 10.5,
        "fps": 29.99,
        "rss_mb": 95.3,
        "cpu_percent": 123.5,
    }


def test_log_line_keeps_the_documented_order():
    assert list(json.loads(to_json(make_outcome()))) == list(KEYS)


def test_log_line_of_a_classifier_has_classes_instead_of_detections():
    outcome = make_outcome()
    timings = outcome.result.timings
    classes = (Classification(3, "cat", 0.75),)
    object.__setattr__(outcome, "result", Result(0, (), timings, classes))
    record = json.loads(to_json(outcome))
    assert record["classes"] == [{"label": "cat", "class_id": 3, "score": 0.75}]
    assert "detections" not in record


@pytest.mark.parametrize("name", ["ä\n.jpg", '"\\.jpg', "\u2028.jpg"])
def test_odd_names_stay_on_one_line(name):
    line = to_json(make_outcome(name=name)).decode()
    assert "\n" not in line
    assert json.loads(line)["source"] == name


def test_log_line_says_when_detections_were_kept():
    outcome = make_outcome(detections=(CAT,))
    assert "kept" not in json.loads(to_json(outcome))
    kept = replace(outcome, result=replace(outcome.result, kept=True))
    record = json.loads(to_json(kept))
    assert record["kept"] is True
    keys = list(KEYS)
    assert list(record) == [*keys[:6], "kept", *keys[6:]]


@pytest.mark.parametrize(
    ("label", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|'/c calc'!A0", "'+cmd|'/c calc'!A0"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "\\r=1"),
        ("x\x1b[2J", "x\\x1b[2J"),
        ("hot dog", "hot dog"),
        ("a=b", "a=b"),
    ],
)
def test_cell_is_no_formula_and_no_escape_sequence(label, cell):
    outcome = make_outcome(name=label, detections=(replace(CAT, label=label, x_min=-1.5),))
    (row,) = csv.reader(io.StringIO(to_csv(outcome).decode()))
    assert row[COLUMNS.index("label")] == row[COLUMNS.index("source")] == cell
    assert row[COLUMNS.index("x_min")] == "-1.5", "numbers stay numbers"


def test_scene_is_part_of_the_line_as_documented():
    outcome = make_outcome(7, detections=(replace(CAT, track_id=5, visit_id=3),))
    visit = Visit(
        visit_id=3, class_id=17, label="cat", began_s=0.5, seen_s=10.256, score=0.93456789,
        box=CAT.box, zones=("sofa",),
    )  # fmt: skip
    scene = SceneState(
        time_s=11.0,
        visits=(visit,),
        events=(
            SceneEvent("visit-began", visit),
            SceneEvent("zone-left", visit, "sofa", 3.21),
            SceneEvent("rule-began", place="crowd"),
        ),
        zones=(ZoneState(name="sofa", inside=1, entered=4, left=3, dwell_s=2.04, wait_s=None),),
        lines=(LineState(name="door", ins=2, outs=1),),
        rules=("crowd",),
    )
    record = json.loads(to_json(replace(outcome, result=replace(outcome.result, scene=scene))))
    assert record["detections"][0]["track_id"] == 5
    assert record["detections"][0]["visit_id"] == 3
    assert record["visits"] == [
        {
            "visit_id": 3, "label": "cat", "class_id": 17, "score": 0.9346,
            "box": [1.0, 2.0, 407.2, 298.1], "began": "1970-01-01T00:00:00.500Z",
            "duration_s": 9.76, "zones": ["sofa"],
        }
    ]  # fmt: skip
    assert record["events"] == [
        {"event": "visit-began", "visit_id": 3, "label": "cat"},
        {"event": "zone-left", "visit_id": 3, "label": "cat", "place": "sofa", "dwell_s": 3.2},
        {"event": "rule-began", "place": "crowd"},
    ]
    assert record["zones"] == [
        {"name": "sofa", "inside": 1, "entered": 4, "left": 3, "dwell_s": 2.0, "wait_s": None}
    ]
    assert record["lines"] == [{"name": "door", "in": 2, "out": 1}]
    assert record["rules"] == ["crowd"]
