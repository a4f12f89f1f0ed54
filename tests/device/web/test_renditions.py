from __future__ import annotations

from device.web.renditions import LADDER, MOST_TRUST, PATIENCE, SLOW_S, TRUST, RenditionChoice

LATE_S, QUICK_S = 2 * SLOW_S, SLOW_S / 10


def note(choice: RenditionChoice, transit_s: float, count: int) -> None:
    for _ in range(count):
        choice.note(transit_s)


def test_viewer_begins_with_the_largest_rendition():
    assert RenditionChoice().rendition == LADDER[0]


def test_late_pictures_in_a_row_bring_the_next_smaller_one():
    choice = RenditionChoice()
    note(choice, LATE_S, PATIENCE - 1)
    assert choice.rendition == LADDER[0]
    note(choice, LATE_S, 1)
    assert choice.rendition == LADDER[1]
    note(choice, LATE_S, PATIENCE - 1)  # the count begins anew
    assert choice.rendition == LADDER[1]


def test_single_late_picture_changes_nothing():
    choice = RenditionChoice()
    for _ in range(20):
        note(choice, LATE_S, PATIENCE - 1)
        note(choice, QUICK_S, 1)
    assert choice.rendition == LADDER[0]


def test_smallest_rendition_is_the_last():
    choice = RenditionChoice()
    note(choice, LATE_S, 100)
    assert choice.rendition == LADDER[-1]


def test_line_that_got_quick_brings_larger_ones_back():
    choice = RenditionChoice()
    note(choice, LATE_S, PATIENCE)
    note(choice, QUICK_S, TRUST - 1)
    assert choice.rendition == LADDER[1]
    note(choice, QUICK_S, 1)
    assert choice.rendition == LADDER[0]


def test_line_with_no_room_for_larger_ones_stays():
    choice = RenditionChoice()
    note(choice, LATE_S, PATIENCE)
    note(choice, SLOW_S / 2, 10 * TRUST)  # three times as much would be late
    assert choice.rendition == LADDER[1]


def test_climb_in_vain_doubles_the_trust_that_the_next_one_takes():
    choice = RenditionChoice()
    note(choice, LATE_S, PATIENCE)
    climbs = []
    for _ in range(7):
        count = 0
        while choice.rendition == LADDER[1]:
            choice.note(QUICK_S)
            count += 1
        climbs.append(count)
        note(choice, LATE_S, PATIENCE)
    assert climbs == [10, 20, 40, 80, 160, 160, 160]
    assert climbs[-1] == MOST_TRUST
