from dataclasses import replace

from device.home.observations import MAX_EVENTS, MAX_PICTURES, Observations
from device.records import Detection, SceneEvent, SceneState
from tests.device.conftest import make_outcome

CAT = Detection(16, "cat", 0.9, 0, 0, 10, 10)
DOG = replace(CAT, label="dog")


def test_newcomer_is_news_and_one_that_stays_is_not():
    seen = Observations()
    seen.add(make_outcome(0, detections=(CAT,)))
    assert seen.wait(0)
    assert seen.labels == ("cat",)
    assert not seen.wait(0), "told once"
    seen.add(make_outcome(1, detections=(CAT,)))
    assert not seen.wait(0)
    seen.add(make_outcome(2))
    assert seen.wait(0)
    assert not seen.labels


def test_frame_that_the_network_was_spared_changes_nothing():
    seen = Observations()
    seen.add(make_outcome(0, detections=(CAT,)))
    kept = make_outcome(1, detections=(DOG,))
    seen.add(replace(kept, result=replace(kept.result, kept=True)))
    assert seen.labels == ("cat",)


def test_picture_is_taken_of_a_newcomer_once_and_of_wanted_classes_alone():
    seen = Observations(["cat"])
    seen.add(make_outcome(0, detections=(CAT, DOG)))
    seen.add(make_outcome(1, detections=(CAT, DOG)))
    (sighting,) = seen.sightings
    assert (sighting.label, sighting.detections) == ("cat", (CAT,))
    seen.sightings.clear()
    seen.add(make_outcome(2))
    seen.add(make_outcome(3, detections=(CAT,)))
    assert len(seen.sightings) == 1, "it left and came again"


def test_who_comes_and_goes_all_the_time_is_pictured_once_a_second():
    seen = Observations(["cat"])
    pictured = []
    for index in range(0, 25, 2):  # tenths of a second
        for outcome in (make_outcome(detections=(CAT,)), make_outcome()):
            seen.add(replace(outcome, finished_at_s=7 + index / 10))
            pictured += [index] * len(seen.sightings)
            seen.sightings.clear()
    assert pictured == [0, 10, 20]


def test_who_came_again_too_soon_and_stays_is_pictured_when_it_is_time():
    seen = Observations(["cat"])
    for tenths, detections in ((0, (CAT,)), (1, ()), (2, (CAT,)), (9, (CAT,)), (11, (CAT,))):
        seen.sightings.clear()
        seen.add(replace(make_outcome(detections=detections), finished_at_s=7 + tenths / 10))
        assert len(seen.sightings) == (tenths in (0, 11)), tenths


def test_frame_wakes_no_thread_and_is_seen_all_the_same():
    seen = Observations()
    seen.add(make_outcome(0, detections=(CAT,)))
    assert seen._wakes.empty()
    assert seen.wait(3600)


def test_waiting_ends_when_its_time_is_over_or_somebody_wakes_it():
    seen = Observations()
    assert not seen.wait(0.15)
    seen.wake()
    seen.wake()
    assert seen.wait(3600)
    assert not seen.wait(0), "woken once"


def test_picture_is_the_frame_itself():
    seen = Observations(["cat"])
    outcome = make_outcome(0, detections=(CAT,))
    seen.add(outcome)
    assert seen.sightings[0].pixels is outcome.frame.pixels, "a copy takes a frame's time"


def test_what_nobody_fetches_takes_no_more_memory_in_a_long_run():
    """As when the broker hangs and its thread with it."""
    seen = Observations(["cat", "dog", "cow"])
    event = SceneEvent("visit-began")
    scene = SceneState(time_s=1.0, events=(event,))
    for index in range(3 * MAX_EVENTS):
        label = ("cat", "dog", "cow")[index % 3]
        outcome = make_outcome(index, detections=(replace(CAT, label=label),))
        seen.add(replace(outcome, result=replace(outcome.result, scene=None)))
        seen.add(replace(outcome, result=replace(outcome.result, scene=scene)))
    assert len(seen.events) == MAX_EVENTS
    assert len(seen.sightings) <= MAX_PICTURES


def test_newcomer_that_found_no_room_is_pictured_later():
    seen = Observations(["cat", "dog", "cow"])
    everyone = tuple(replace(CAT, label=label) for label in ("cat", "cow", "dog"))
    seen.add(make_outcome(0, detections=everyone))
    assert [item.label for item in seen.sightings] == ["cat", "cow"]
    seen.sightings.clear()
    seen.add(make_outcome(1, detections=everyone))
    assert [item.label for item in seen.sightings] == ["dog"]
