from __future__ import annotations

import json

import pytest

from device.events.store import EventStore
from tests.device.conftest import names_in
from tests.device.events.test_store import PICTURE, make_visit


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "events.db"
    store = EventStore(path)
    with store.batch():
        for number, label in enumerate(("cat", "dog", "cat"), 1):
            visit = make_visit(
                number, label=label, began_s=86400.0 * number, seen_s=86400.0 * number + 5
            )
            store.update(store.add(visit, "0"), visit, under_way=False)
        store.set_picture(1, PICTURE)
    store.close()
    return path


def test_visits_are_listed(device, path):
    ran = device("events", path)
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "     1  1970-01-02T00:00:00Z       5 s  cat 90%  in sofa",
        "     2  1970-01-03T00:00:00Z       5 s  dog 90%  in sofa",
        "     3  1970-01-04T00:00:00Z       5 s  cat 90%  in sofa",
        "3 visits",
    ]


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        (["--classes", "cat"], 2),
        (["--zones", "bed"], 0),
        (["--since", "1970-01-03T00:00:00Z"], 2),
        (["--since", "1970-01-03T00:00Z", "--until", "1970-01-04T00:00Z"], 1),
    ],
)
def test_visits_are_chosen(device, path, flags, count):
    ran = device("events", path, *flags)
    assert ran.out.splitlines()[-1] == (f"{count} visits" if count else "no visits")


def test_exports(device, path, tmp_path):
    assert device("events", path, "--csv", tmp_path / "a.csv").code == 0
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 4
    lines = device("events", path, "--json", "-").out.splitlines()
    assert [json.loads(line)["label"] for line in lines] == ["cat", "dog", "cat"]
    assert device("events", path, "--coco", tmp_path / "coco").code == 0
    assert names_in(tmp_path / "coco") == ["annotations.json", "visit-000001.jpg"]


def test_file_that_is_none_is_one_line(device, tmp_path):
    ran = device("events", tmp_path / "no.db")
    assert ran.code == 1
    assert "no.db: no such file; detect --events" in ran.error
    (tmp_path / "no.db").write_bytes(b"this is no database at all" * 100)
    assert "damaged, or no database" in device("events", tmp_path / "no.db").error


@pytest.mark.parametrize("flags", [["--since", "yesterday"], ["--csv", "a", "--json", "b"]])
def test_wrong_usage_exits_with_2(device, path, flags):
    assert device("events", path, *flags).code == 2
