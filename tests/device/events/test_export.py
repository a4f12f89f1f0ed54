from __future__ import annotations

import io
import json

import pytest

from device.events.export import iso, write_coco, write_csv, write_json
from device.events.records import BestPicture, StoredFinding, StoreError
from device.events.store import EventStore
from tests.device.conftest import names_in
from tests.device.events.test_store import make_visit


@pytest.fixture
def store(tmp_path):
    store = EventStore(tmp_path / "events.db")
    found = (
        StoredFinding("cat", 17, 0.9, (-2.0, 2.0, 30.0, 40.0), 1),
        StoredFinding("dog", 18, 0.6, (10.0, 10.0, 70.0, 48.5), None),
    )
    with store.batch():
        for number, label in enumerate(("cat", "=dog"), 1):
            visit = make_visit(number, label=label, zones=("sofa", "bed"))
            store.update(store.add(visit, "0"), visit, under_way=number == 2)
        store.set_picture(1, BestPicture(b"jpeg", (64, 48), found))
        store.set_clip(1, "cat.mp4")
    yield store
    store.close()


def test_table_has_a_row_for_each_visit(store):
    text = io.StringIO()
    write_csv(store.visits(), text, lambda cell: cell.lstrip("="))
    assert text.getvalue().splitlines() == [
        "visit,label,began,ended,seconds,score,zones,source,kept,clip",
        "1,cat,1970-01-01T00:01:40Z,1970-01-01T00:02:40Z,60.0,0.9,sofa; bed,0,False,cat.mp4",
        "2,dog,1970-01-01T00:01:40Z,,60.0,0.9,sofa; bed,0,False,",
    ]


def test_json_has_a_line_for_each_visit(store):
    text = io.StringIO()
    write_json(store.visits(), text)
    first, second = map(json.loads, text.getvalue().splitlines())
    assert first == {
        "visit": 1, "label": "cat", "class_id": 17, "began": "1970-01-01T00:01:40Z",
        "ended": "1970-01-01T00:02:40Z", "seconds": 60.0, "score": 0.9, "zones": ["sofa", "bed"],
        "source": "0", "picture": True, "kept": False, "clip": "cat.mp4",
    }  # fmt: skip
    assert (second["ended"], second["picture"]) == (None, False)


def test_coco_has_all_that_was_found_on_the_pictures(store, tmp_path):
    assert write_coco(store, store.visits(), tmp_path / "out") == 1
    assert names_in(tmp_path / "out") == ["annotations.json", "visit-000001.jpg"]
    content = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert content["images"] == [
        {"id": 1, "file_name": "visit-000001.jpg", "width": 64, "height": 48}
    ]
    assert [item["bbox"] for item in content["annotations"]] == [
        [0.0, 2.0, 30.0, 38.0],  # cut at the edge of the picture
        [10.0, 10.0, 54.0, 38.0],
    ]
    assert content["annotations"][1]["area"] == 2052.0
    assert content["categories"] == [{"id": 18, "name": "cat"}, {"id": 19, "name": "dog"}]
    assert {item["category_id"] for item in content["annotations"]} == {18, 19}


def test_time_that_no_calendar_has_is_damage():
    with pytest.raises(StoreError, match="damaged"):
        iso(1e18)
