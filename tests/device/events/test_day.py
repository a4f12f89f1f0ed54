from __future__ import annotations

from device.events import day as module
from device.events.day import bars_of
from device.events.records import StoredVisit


def stored(number, began_s, ended_s, label="cat", zones=()):
    return StoredVisit(
        number, label, len(label), began_s, ended_s, False, 0.9, zones, "0", False
    )  # fmt: skip


def test_visit_counts_in_each_slot_in_which_it_was_there():
    visits = [stored(1, -100.0, 10.0), stored(2, 299.0, 601.0), stored(3, 850.0, 5000.0)]
    (cats,) = bars_of(visits, 0.0, 1000.0).classes
    assert (cats.slots, cats.visits, cats.class_id) == ([2, 1, 2, 1], 3, 3)


def test_most_visited_class_comes_first_and_zones_have_bars_of_their_own(monkeypatch):
    monkeypatch.setattr(module, "MOST_BARS", 2)
    visits = [
        stored(1, 0.0, 1.0, "ox"),
        stored(2, 0.0, 1.0, "cat", ("hall", "sofa", "hall")),
        stored(3, 0.0, 1.0, "cat", ("sofa",)),
        stored(4, 0.0, 1.0, "bee"),
    ]
    day = bars_of(visits, 0.0, 300.0)
    assert [(bar.name, bar.visits) for bar in day.classes] == [("cat", 2), ("bee", 1)]
    assert [(bar.name, bar.visits, bar.class_id) for bar in day.zones] == [
        ("sofa", 2, None),
        ("hall", 1, None),
    ]


def test_day_with_too_many_visits_and_names_is_counted_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(module, "MOST_VISITS", 5)
    monkeypatch.setattr(module, "MOST_NAMES", 3)
    visits = (stored(number, 0.0, 1.0, f"class {number}") for number in range(9))
    day = bars_of(visits, 0.0, 300.0)
    assert (day.visits, day.is_all, len(day.classes)) == (5, False, 3)
    assert len(list(visits)) == 3, "no more are read"
