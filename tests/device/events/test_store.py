from __future__ import annotations

import sqlite3

import pytest

from device.events.store import (
    FORMAT,
    BestPicture,
    DamagedError,
    EventStore,
    StoredFinding,
    StoreError,
    open_or_replace,
)
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
    reader = EventStore(path, read_only=True)  # while the other is open
    assert len(list(reader.visits())) == 1
    reader.close()


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({}, [1, 2, 3]),
        ({"labels": ["dog"]}, [2]),
        ({"zones": ["sofa", "hall"]}, [1]),
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
    assert [visit.number for visit in store.visits(**filters)] == numbers


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
    second = EventStore(path)
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
        store._db.execute("UPDATE visit SET kept = 1 WHERE id = 1")
        store.prune(None, 350.0)
    assert [visit.number for visit in store.visits()] == [1, 4]
    with store.batch():
        store.prune(0, None)
    assert [visit.number for visit in store.visits()] == [1]


def test_store_of_a_newer_format_is_left_alone(store, path):
    store._db.execute(f"PRAGMA user_version = {FORMAT + 1}")
    store.close()
    with pytest.raises(StoreError, match=r"of a newer liteberry \(format 2, this one knows 1\)"):
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


def test_missing_store_is_not_made_by_one_who_reads(path):
    with pytest.raises(StoreError, match="no such file; detect --events"):
        EventStore(path, read_only=True)
    assert not path.exists()


def test_folder_is_no_store(tmp_path):
    with pytest.raises(StoreError, match="choose another file"):
        EventStore(tmp_path)


@pytest.mark.parametrize(
    "change", ["zones = '{'", "zones = x'ff'", "findings = '[1]'", "picture_width = 'wide'"]
)
def test_rows_that_make_no_sense_are_damage_and_no_crash(store, change):
    fill(store, make_visit())
    store._db.execute(f"UPDATE visit SET {change}")
    with pytest.raises(DamagedError):
        store.picture(1), list(store.visits())
