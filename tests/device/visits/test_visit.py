from __future__ import annotations

import pytest

from device.records import Detection
from device.visits.visit import MOST_PARKED, VisitBook, VisitOptions
from tests.device.visits.conftest import make_track

EPOCH_S = 1_000_000.0  # what the wall clock is ahead of the tracks'


def play(book, frames):
    """Events of each frame: pairs of a time and the tracks on it."""
    return [
        [(event.kind, event.visit.visit_id) for event in book.update(tracks, at_s, EPOCH_S + at_s)]
        for at_s, tracks in frames
    ]


def test_visit_begins_with_a_confirmed_track_and_ends_by_absence_in_seconds():
    book = VisitBook(VisitOptions(absent_s=5.0))
    events = play(
        book,
        [
            (0.0, [make_track(1, 100, 0.0, confirmed=False)]),
            (0.1, [make_track(1, 102, 0.1)]),
            (5.1, []),
            (5.2, []),
        ],
    )
    assert events == [[], [("visit-began", 1)], [], [("visit-ended", 1)]]


def test_track_lost_and_another_within_reach_are_one_visit():
    book = VisitBook()
    events = play(
        book,
        [
            (0.0, [make_track(1, 100, 0.0)]),
            (1.0, []),
            (3.0, [make_track(2, 150, 3.0)]),
            (8.1, []),
        ],
    )
    assert events == [[("visit-began", 1)], [], [], [("visit-ended", 1)]]


@pytest.mark.parametrize(
    "other",
    [
        {"x": 300.0},  # farther than 80 pixels high boxes go in three seconds: 2.0 heights
        {"x": 110.0, "label": "dog"},
        {"x": 110.0, "box": (110.0, 100.0, 130.0, 140.0)},  # half as high
    ],
)
def test_what_is_far_or_of_another_class_or_size_is_another_visit(other):
    book = VisitBook()
    play(book, [(0.0, [make_track(1, 100, 0.0)]), (1.0, [])])
    x = other.pop("x")
    assert play(book, [(3.0, [make_track(2, x, 3.0, **other)])]) == [[("visit-began", 2)]]


def test_object_that_is_there_is_not_gone_on_with_by_a_neighbour():
    book = VisitBook()
    one = make_track(1, 100, 0.0)
    events = play(book, [(0.0, [one]), (0.1, [one, make_track(2, 130, 0.1)])])
    assert events[1] == [("visit-began", 2)]


def test_one_object_of_two_classes_is_one_visit_of_the_surer_class():
    book = VisitBook()
    car = make_track(1, 100, 0.0, label="car", score=0.6)
    truck = make_track(2, 103, 0.1, label="truck", score=0.9)
    assert play(book, [(0.0, [car]), (0.1, [car, truck])]) == [[("visit-began", 1)], []]
    (stay,) = book.stays
    assert (stay.label, stay.score) == ("truck", 0.9)
    # Its first track ends, and the second goes on with it.
    assert play(book, [(9.0, [make_track(2, 103, 9.0, label="truck")])]) == [[]]


def test_best_box_is_that_of_the_best_score():
    book = VisitBook()
    scores = (0.7, 0.95, 0.8)
    play(
        book,
        [(n / 10, [make_track(1, 100 + 4 * n, n / 10, score=s)]) for n, s in enumerate(scores)],
    )
    (stay,) = book.stays
    assert (stay.score, stay.best_box[0]) == (0.95, 104.0)
    assert stay.box[0] == 108.0


def test_best_of_the_frames_before_it_was_confirmed_counts():
    book = VisitBook()
    best = Detection(0, "person", 0.97, 90, 100, 130, 180)
    play(book, [(0.2, [make_track(1, 100, 0.2, score=0.8, best=best)])])
    (stay,) = book.stays
    assert (stay.score, stay.best_box) == (0.97, (90, 100, 130, 180))


def test_track_that_unsure_boxes_confirmed_is_no_visit():
    assert play(VisitBook(), [(0.2, [make_track(1, 100, 0.2, sure=False)])]) == [[]]


def test_times_are_of_the_wall_clock():
    book = VisitBook()
    play(book, [(3.0, [make_track(1, 100, 3.0)]), (4.0, [make_track(1, 100, 4.0)])])
    ((event,),) = [book.update([], 20.0, EPOCH_S + 20.0)]
    assert (event.visit.began_s, event.visit.seen_s) == (EPOCH_S + 3.0, EPOCH_S + 4.0)
    assert event.visit.duration_s == 1.0


def parked(book, until_s):
    return play(book, [(s, [make_track(1, 100, s, label="car")]) for s in range(until_s)])


def test_parked_car_ends_once_and_begins_no_other_while_it_stands():
    events = parked(VisitBook(VisitOptions(parked_s=10.0)), 40)
    assert [found for found in events if found] == [[("visit-began", 1)], [("visit-ended", 1)]]


def test_parked_car_that_is_lost_and_found_in_its_place_is_no_visit():
    book = VisitBook(VisitOptions(parked_s=10.0))
    parked(book, 15)
    assert play(book, [(30.0, []), (60.0, [make_track(2, 104, 60.0, label="car")])]) == [[], []]


def test_parked_car_that_drives_off_is_a_visit():
    book = VisitBook(VisitOptions(parked_s=10.0))
    parked(book, 15)
    away = make_track(1, 130, 16.0, label="car")
    assert play(book, [(16.0, [away])]) == [[("visit-began", 2)]]


def test_what_moves_all_the_time_is_never_parked():
    book = VisitBook(VisitOptions(parked_s=10.0))
    events = play(book, [(s, [make_track(1, 100 + 20 * (s % 3), s)]) for s in range(40)])
    assert [found for found in events if found] == [[("visit-began", 1)]]


def test_memory_of_parked_objects_is_bounded():
    book = VisitBook(VisitOptions(parked_s=1.0))
    for number in range(3 * MOST_PARKED):
        at_s = 10.0 * number
        track = make_track(number, 100.0 * number, at_s, began_at_s=at_s)
        play(book, [(at_s, [track]), (at_s + 2, [track])])
    assert len(book._parked) <= MOST_PARKED


def test_end_of_the_run_ends_all_visits():
    book = VisitBook()
    play(book, [(0.0, [make_track(1, 100, 0.0), make_track(2, 400, 0.0)])])
    assert [event.visit.visit_id for event in book.close()] == [1, 2]
    assert book.stays == []


def test_record_is_made_anew_for_what_changed_and_kept_while_nothing_does():
    book = VisitBook()
    play(book, [(0.0, [make_track(1, 100, 0.0)])])
    (stay,) = book.stays
    first = stay.as_record()
    play(book, [(0.1, [])])
    assert stay.as_record() is first, "out of sight"
    play(book, [(0.2, [make_track(1, 101, 0.2)])])
    seen = stay.as_record()
    assert (seen.seen_s, seen.began_s) == (EPOCH_S + 0.2, EPOCH_S)
    stay.zones.append("door")
    assert stay.as_record().zones == ("door",)
    book.shift(3600.0)
    assert stay.as_record().began_s == EPOCH_S + 3600.0
    stay.score, stay.best_box = 0.99, (1.0, 2.0, 3.0, 4.0)
    assert (stay.as_record().score, stay.as_record().box) == (0.99, (1.0, 2.0, 3.0, 4.0))
