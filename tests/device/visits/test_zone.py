from __future__ import annotations

import pytest

from device.visits.plan import Zone
from device.visits.zone import ZoneWatch

LEFT = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]
IN, OUT = (0.25, 0.5), (0.75, 0.5)


def watch(**changes) -> ZoneWatch:
    return ZoneWatch(Zone(name="left", points=tuple(LEFT), **changes))


def play(zone, stay, feet):
    """Events of frames half a second apart; a foot of None is a visit that ended."""
    events = []
    for number, foot in enumerate(feet):
        at_s = number / 2
        if foot is not None:
            stay.seen_at_s = at_s
        here = [] if foot is None else [(stay, foot)]
        found = zone.update(here, 400, at_s)
        events += [(at_s, event.kind, event.dwell_s) for event in found]
    return events


def test_who_comes_and_goes_is_counted_with_the_time_between(make_stay):
    zone, stay = watch(), make_stay()
    events = play(zone, stay, [OUT, IN, IN, IN, OUT, OUT, OUT, OUT])
    assert events == [(0.5, "zone-entered", None), (3.0, "zone-left", 1.0)]
    state = zone.state
    assert (state.inside, state.entered, state.left, state.dwell_s) == (0, 1, 1, 1.0)
    assert state.wait_s is None
    assert stay.zones == ["left"]


def test_one_on_the_edge_does_not_come_and_go(make_stay):
    zone = watch()
    assert len(play(zone, make_stay(), [IN, OUT, IN, OUT, OUT, IN] * 5)) == 1
    assert zone.count() == 1


def test_visit_that_ends_inside_leaves_when_it_was_last_seen(make_stay):
    zone = watch()
    events = play(zone, make_stay(), [IN, IN, IN, None])
    assert events[-1] == (1.5, "zone-left", 1.0)


def test_zone_is_listed_once_however_often_it_is_entered(make_stay):
    stay = make_stay()
    play(watch(), stay, [IN, OUT, OUT, OUT, OUT, IN])
    assert stay.zones == ["left"]


@pytest.mark.parametrize(
    ("zone", "counts"),
    [
        ({}, True),
        ({"classes": ("person",)}, True),
        ({"classes": ("dog",)}, False),
        ({"threshold": 0.95}, False),
        ({"threshold": {"person": 0.8}}, True),
        ({"threshold": {"dog": 0.95}}, True),
        ({"smallest": 0.2}, True),  # 80 of 400 pixels
        ({"smallest": {"person": 0.21}}, False),
    ],
)
def test_zone_takes_its_classes_surely_found_and_large_enough(make_stay, zone, counts):
    zone_watch = watch(**zone)
    play(zone_watch, make_stay(), [IN])
    assert zone_watch.count() == counts


def test_count_of_one_class(make_stay):
    zone = watch()
    both = [(make_stay(1), IN), (make_stay(2, label="dog"), IN)]
    zone.update(both, 400, 0.0)
    assert (zone.count(), zone.count("dog"), zone.count("cat")) == (2, 1, 0)


def test_queue_learns_how_long_one_waits(make_stay):
    zone = watch(queue=True)
    stays = [make_stay(number) for number in range(5)]
    for second in range(50):  # one is served each ten seconds
        waiting = stays[second // 10 :]
        for stay in waiting:
            stay.seen_at_s = float(second)
        zone.update([(stay, IN) for stay in waiting], 400, float(second))
    assert zone.state.inside == 1
    assert zone.state.wait_s == pytest.approx(10.0, abs=0.5)
