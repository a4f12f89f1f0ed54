from __future__ import annotations

import sqlite3

import pytest

from device.events.feet import FootMap
from device.events.reader import VisitReader
from device.events.records import (
    BestPicture,
    DamagedError,
    StoredFinding,
    StoreError,
    VisitFilter,
)
from device.events.schema import FORMAT
from device.events.store import EventStore, open_or_replace
from device.records import Visit
from tests.device.conftest import names_in


def make_visit(number=1, label="cat", began_s=100.0, seen_s=160.0, zones=("sofa",)) -> Visit:
    return Visit(
        visit_id=number, class_id=17, label=label, began_s=began_s, seen_s=seen_s, score=0.9,
        box=(1.0, 2.0, 3.0, 4.0), zones=zones,
    )  # fmt: skip


PICTURE = BestPicture(b"jpeg", (64, 48), (StoredFinding("cat", 17, 0.9, (1.0, 2.0, 3.0, 4.0), 1),))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "events.db"


@pytest.fixture
def store(path):
    store = EventStore(path)
    yield store
    store.close()


def fill(store, *visits):
    with store.batch():
        for visit in visits:
            number = store.add(visit, "0")
            store.update(number, visit, under_way=False)
            store.set_picture(number, PICTURE)


def test_visit_and_picture_come_back_as_they_were(store, path):
    fill(store, make_visit())
    (visit,) = store.visits()
    assert (visit.number, visit.label, visit.class_id, visit.source) == (1, "cat", 17, "0")
    assert (visit.began_s, visit.ended_s, visit.under_way) == (100.0, 160.0, False)
    assert (visit.score, visit.zones, visit.has_picture) == (0.9, ("sofa",), True)
    assert store.picture(1) == PICTURE
    assert store.picture(2) is None
    reader = VisitReader(path)  # while the other is open
    assert len(list(reader.visits())) == 1
    reader.close()


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({}, [1, 2, 3]),
        ({"labels": ("dog",)}, [2]),
        ({"zones": ("sofa", "hall")}, [1]),
        ({"kept": True}, [3]),
        ({"since_s": 250.0}, [2, 3]),  # one that was there then too
        ({"until_s": 200.0}, [1]),
        ({"since_s": 100.0, "until_s": 300.0}, [1, 2]),
    ],
)
def test_visits_are_found_by_class_zone_and_time(store, filters, numbers):
    fill(
        store,
        make_visit(1),
        make_visit(2, label="dog", began_s=200.0, seen_s=260.0, zones=()),
        make_visit(3, began_s=300.0, seen_s=360.0, zones=("bed",)),
    )
    store.keep(3, True)
    assert [visit.number for visit in store.visits(VisitFilter(**filters))] == numbers


def test_clip_of_a_visit_is_its_first(store):
    fill(store, make_visit())
    store.set_clip(1, "one.mp4")
    store.set_clip(1, "two.mp4")
    assert store.visit(1).clip == "one.mp4"
    assert store.visit(2) is None


def test_feet_are_added_up_by_hour_and_class_and_go_with_age(store):
    for _ in range(2):
        feet = FootMap()
        feet.add("cat", 3600.0, 0.5, 0.999, 2.0)
        feet.add("dog", 7300.0, 0.0, 0.0, 1.0)
        with store.batch():
            store.add_feet(feet)
    found = store.feet(0.0, 1e9).entries
    assert {key: sum(cells) for key, cells in found.items()} == {
        (3600, "cat"): 4.0,
        (7200, "dog"): 2.0,
    }
    assert found[3600, "cat"][23 * 32 + 16] == 4.0
    assert list(store.feet(0.0, 7200.0).entries) == [(3600, "cat")]
    assert list(store.feet(0.0, 1e9, ("dog",)).entries) == [(7200, "dog")]
    with store.batch():
        store.prune(None, 7201.0)
    assert list(store.feet(0.0, 1e9).entries) == [(7200, "dog")]


def test_store_of_the_first_format_is_brought_up_to_date_by_a_run(path):
    path.parent.mkdir()
    db = sqlite3.connect(path)
    db.executescript(
        """CREATE TABLE visit (id INTEGER PRIMARY KEY AUTOINCREMENT, label TEXT NOT NULL,
        class_id INTEGER NOT NULL, began_s REAL NOT NULL, ended_s REAL NOT NULL,
        under_way INTEGER NOT NULL, score REAL NOT NULL, zones TEXT NOT NULL, source TEXT NOT NULL,
        kept INTEGER NOT NULL DEFAULT 0, picture BLOB, picture_width INTEGER,
        picture_height INTEGER, findings TEXT);
        CREATE INDEX visit_began ON visit (began_s);
        INSERT INTO visit VALUES (7, 'cat', 17, 1, 2, 0, 0.9, '[]', '0', 0, NULL, NULL, NULL, NULL);
        PRAGMA user_version = 1;"""
    )
    db.close()
    with pytest.raises(StoreError, match=r"older liteberry .* brings it up to date"):
        VisitReader(path)
    store, told = open_or_replace(path)
    fill(store, make_visit())
    assert [visit.number for visit in store.visits()] == [7, 8]
    assert told == ""
    store.close()


def test_batch_that_fails_leaves_nothing(store):
    with pytest.raises(RuntimeError), store.batch():
        store.add(make_visit(), "0")
        raise RuntimeError
    assert list(store.visits()) == []


def test_visit_under_way_of_a_run_that_was_cut_off_is_ended(path):
    first = EventStore(path)
    with first.batch():
        first.add(make_visit(), "0")
    assert [visit.under_way for visit in first.visits()] == [True]
    first.close()
    second, _ = open_or_replace(path)
    assert [visit.under_way for visit in second.visits()] == [False]
    second.close()


def test_oldest_go_beyond_the_quota_and_numbers_are_never_used_again(store):
    big = BestPicture(b"x" * 50_000, (64, 48), ())
    for number in range(60):
        with store.batch():
            visit = make_visit(number, began_s=number, seen_s=number)
            added = store.add(visit, "0")
            store.update(added, visit, under_way=False)
            store.set_picture(added, big)
            store.prune(1_000_000, None)
        assert store.used_bytes <= 1_000_000
    numbers = [visit.number for visit in store.visits()]
    assert numbers == list(range(numbers[0], 61))
    assert 12 <= len(numbers) < 20
    with store.batch():
        store.prune(0, None)
        assert store.add(make_visit(), "0") == 61


def test_those_of_long_ago_go_and_those_to_be_kept_stay(store):
    fill(store, *(make_visit(n, began_s=100.0 * n, seen_s=100.0 * n) for n in range(1, 5)))
    with store.batch():
        assert store.keep(1, True)
        assert not store.keep(99, True)
        store.prune(None, 350.0)
    assert [visit.number for visit in store.visits()] == [1, 4]
    with store.batch():
        store.prune(0, None)
    assert [visit.number for visit in store.visits()] == [1]


def test_store_of_a_newer_format_is_left_alone(store, path):
    store._db.execute(f"PRAGMA user_version = {FORMAT + 1}")
    store.close()
    with pytest.raises(StoreError, match=r"of a newer liteberry \(format 3, this one knows 2\)"):
        EventStore(path)
    with pytest.raises(StoreError, match="newer liteberry"):
        open_or_replace(path)


def test_database_of_another_program_is_left_alone(path):
    path.parent.mkdir()
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE songs (name TEXT)")
    db.close()
    with pytest.raises(StoreError, match="another program's database"):
        EventStore(path)


@pytest.mark.parametrize("damage", [b"", b"no database, but text" * 100])
def test_damaged_store_is_put_aside_and_a_new_one_begun(store, path, damage):
    fill(store, *(make_visit(n) for n in range(200)))
    store.close()
    whole = path.read_bytes()
    path.write_bytes(damage + b"\xff" * 5000 + whole[5000:])
    with pytest.raises(DamagedError, match="damaged"):
        EventStore(path)
    new, told = open_or_replace(path)
    assert list(new.visits()) == []
    new.close()
    assert "it is now events.db.damaged, and a new one is begun" in told
    assert "events.db.damaged" in names_in(path.parent)


def test_sound_store_is_opened_without_a_word(path):
    store, told = open_or_replace(path)
    store.close()
    assert told == ""


def test_folder_is_no_store(tmp_path):
    with pytest.raises(StoreError, match="choose another file"):
        EventStore(tmp_path)
