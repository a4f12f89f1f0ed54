from __future__ import annotations

import pytest

from device.events.reader import VisitReader
from device.events.records import DamagedError, StoreError, VisitFilter
from device.events.store import EventStore
from tests.device.events.test_store import fill, make_visit


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


@pytest.fixture
def store(path):
    store = EventStore(path)
    yield store
    store.close()


def test_newest_come_first_and_page_by_page(store):
    fill(store, *(make_visit(n, began_s=100.0 * (n // 2)) for n in range(1, 6)))
    found = list(store.visits(newest_first=True))
    assert [visit.number for visit in found] == [5, 4, 3, 2, 1]
    place = found[1].began_s, found[1].number
    assert [visit.number for visit in store.visits(newest_first=True, after=place)] == [3, 2, 1]


def test_newest_that_fit_come_first_and_page_by_page(store):
    fill(store, *(make_visit(n, began_s=100.0 * (n // 2), seen_s=900.0) for n in range(1, 6)))
    wanted = VisitFilter(since_s=100.0, until_s=250.0)
    found = list(store.visits(wanted, newest_first=True))
    assert [visit.number for visit in found] == [5, 4, 3, 2, 1]
    place = found[1].began_s, found[1].number
    rest = store.visits(wanted, newest_first=True, after=place)
    assert [visit.number for visit in rest] == [3, 2, 1]
    assert [visit.number for visit in store.visits(wanted)] == [1, 2, 3, 4, 5]


def test_visits_of_a_day_are_looked_up_without_reading_their_rows(store):
    fill(store, make_visit(1, label="cat", zones=("door",)))
    asked = []
    store._db.set_trace_callback(asked.append)
    (span,) = store.spans(VisitFilter(since_s=0.0, until_s=1e9))
    store._db.set_trace_callback(None)
    assert (span.number, span.label, span.zones) == (1, "cat", ("door",))
    (query,) = asked
    plan = store._db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
    assert "COVERING INDEX visit_span" in plan[0][3]


def test_store_of_before_the_index_is_read_and_given_it_by_the_next_run(store, path):
    fill(store, make_visit(1))
    store._db.executescript("DROP INDEX visit_span; CREATE INDEX visit_ended ON visit (ended_s);")
    store.close()
    old = VisitReader(path)
    assert len(list(old.spans(VisitFilter(since_s=0.0)))) == 1
    old.close()
    EventStore(path).close()
    new = VisitReader(path)
    names = [name for (name,) in new._db.execute("SELECT name FROM sqlite_schema")]
    new.close()
    assert "visit_span" in names
    assert "visit_ended" not in names


def test_last_visit_before_and_first_one_after_are_found(store):
    fill(store, *(make_visit(n, began_s=100.0 * n) for n in range(1, 5)))
    assert store.neighbours(200.0, 400.0) == (100.0, 400.0)
    assert store.neighbours(100.0, 401.0) == (None, None)


def test_missing_store_is_not_made_by_one_who_reads(path):
    with pytest.raises(StoreError, match="no such file; detect --events"):
        VisitReader(path)
    assert not path.exists()


@pytest.mark.parametrize(
    "change",
    ["zones = '{'", "zones = x'ff'", "findings = '[1]'", "picture_width = 'wide'",
     "box = '{'", "box = '[1]'", "score = 'x'"],
)  # fmt: skip
def test_rows_that_make_no_sense_are_damage_and_no_crash(store, change):
    fill(store, make_visit())
    store._db.execute(f"UPDATE visit SET {change}")
    with pytest.raises(DamagedError):
        store.picture(1), list(store.visits()), list(store.spans(VisitFilter()))
