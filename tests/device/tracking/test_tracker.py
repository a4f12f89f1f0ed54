from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from device.records import Detection
from device.tracking.options import TrackerOptions
from device.tracking.tracker import Tracker

RATE = 10.0  # frames per second


def seen(x: float, score: float = 0.9, class_id: int = 0, y: float = 50.0) -> Detection:
    """A box 40 wide and 80 high."""
    label = {0: "person", 1: "dog"}.get(class_id, str(class_id))
    return Detection(class_id, label, score, x, y, x + 40, y + 80)


def follow(frames, options: TrackerOptions | None = None):
    """Tracks after each of ``frames``, lists of detections, one each tenth of a second."""
    tracker = Tracker(options)
    return [tracker.update(found, number / RATE) for number, found in enumerate(frames)]


def shown(tracks):
    return [track.track_id for track in tracks if track.shown]


def test_track_is_confirmed_on_the_third_frame_and_keeps_its_id():
    after = follow([[seen(100 + 4 * n)] for n in range(10)])
    assert [shown(tracks) for tracks in after] == [[], []] + [[1]] * 8


def test_box_on_one_frame_is_never_confirmed():
    after = follow([[], [seen(100)], *[[]] * 10])
    assert not any(track.confirmed for tracks in after for track in tracks)
    assert after[-1] == []


def test_flicker_on_every_third_frame_is_never_confirmed():
    after = follow([[seen(100)] if n % 3 == 0 else [] for n in range(30)])
    assert not any(track.confirmed for tracks in after for track in tracks)


def test_unsure_detections_keep_a_track_and_never_begin_one():
    after = follow([[seen(100, 0.9)]] * 3 + [[seen(100, 0.2)]] * 30)
    assert shown(after[-1]) == [1]
    assert all(tracks == [] for tracks in follow([[seen(100, 0.55)]] * 10))


def test_track_confirmed_by_unsure_boxes_is_not_sure():
    after = follow([[seen(100, score)] for score in (0.8, 0.2, 0.3, 0.8, 0.6)])
    assert [track.confirmed for (track,) in after] == [False, False, True, True, True]
    assert [track.sure for (track,) in after] == [False, False, False, False, True]
    assert after[-1][0].best.score == 0.8


def test_sure_boxes_count_within_the_window_alone():
    scores = [0.8, 0.2, 0.2, 0.8, 0.2, 0.2, 0.2] * 5
    after = follow([[seen(100, score)] for score in scores])
    assert not any(track.sure for tracks in after for track in tracks)
    after = follow([[seen(100, score)] for score in [*scores, 0.8, 0.6, 0.8, *[0.2] * 20]])
    assert after[-1][0].sure, "once is enough"


def test_one_box_that_could_begin_a_track_is_not_enough_to_be_sure():
    after = follow([[seen(100, score)] for score in [0.71, *[0.68] * 10]])
    assert [shown(after[-1]), after[-1][0].sure] == [[1], False]
    after = follow([[seen(100, score)] for score in [0.71, 0.68, 0.71]])
    assert after[-1][0].sure


def test_object_hidden_for_a_second_keeps_its_id():
    moving = [[seen(100 + 5 * n)] for n in range(30)]
    moving[12:22] = [[]] * 10
    after = follow(moving)
    assert shown(after[15]) == []
    assert shown(after[-1]) == [1]


def test_object_away_for_longer_than_the_time_out_is_another():
    frames = [[seen(100)]] * 5 + [[]] * 30 + [[seen(100)]] * 5
    assert shown(follow(frames)[-1]) == [2]


def test_time_out_is_in_seconds_whatever_the_rate():
    tracker = Tracker()
    for number in range(5):
        tracker.update([seen(100)], number / RATE)
    assert shown(tracker.update([seen(100)], 2.3)) == [1]
    assert shown(tracker.update([seen(100)], 4.4)) == []


def test_two_that_cross_keep_their_ids():
    left = [seen(100 + 8 * n, y=50) for n in range(30)]
    right = [seen(340 - 8 * n, y=60) for n in range(30)]
    after = follow(list(zip(left, right, strict=True)))
    first = next(track for track in after[-1] if track.track_id == 1)
    assert first.box[0] == pytest.approx(left[-1].x_min, abs=5)
    assert len({track.track_id for tracks in after for track in tracks}) == 2


def test_classes_do_not_mix():
    frames = [[seen(100, class_id=0)]] * 5 + [[seen(100, class_id=1)]] * 5
    labels = {track.track_id: track.label for tracks in follow(frames) for track in tracks}
    assert labels == {1: "person", 2: "dog"}


def test_confirmed_track_has_the_first_choice():
    frames = [[seen(100)]] * 5 + [[], [seen(118)]]
    after = follow([*frames, [seen(109)], [seen(109)]])
    assert 1 in shown(after[-1])


def test_prediction_between_frames_moves_and_shows_for_a_moment():
    tracker = Tracker()
    for number in range(10):
        tracker.update([seen(100 + 10 * number)], number / RATE)
    (track,) = tracker.predict(1.0)  # a tenth of a second later
    assert track.box[0] == pytest.approx(200, abs=3)
    assert (track.found, track.shown) == (False, True)
    assert tracker.predict(2.8)[0].shown
    assert not tracker.predict(3.0)[0].shown, "the network was spared too much to know"


def test_track_that_the_network_missed_is_shown_for_a_moment():
    tracker = Tracker(TrackerOptions(coast_s=0.2))
    for number in range(10):
        tracker.update([seen(100)], number / RATE)
    assert tracker.update([], 1.0)[0].shown
    assert tracker.predict(1.05)[0].shown
    assert not tracker.predict(1.15)[0].shown


def test_track_holds_its_place_and_age_while_nothing_moves():
    tracker = Tracker()
    for number in range(10):
        tracker.update([seen(100 + 10 * number)], number / RATE)
    (before,) = tracker.hold(1.0)
    (track,) = tracker.hold(60.0)
    assert track.box == before.box
    assert (track.shown, track.seen_at_s) == (True, 60.0)
    assert shown(tracker.update([seen(190)], 60.1)) == [1]


def test_threshold_moves_all_limits():
    tracker = Tracker()
    tracker.set_threshold(0.3)
    assert tracker.low_score == pytest.approx(0.06)
    for number in range(4):
        tracks = tracker.update([seen(100, 0.6)], number / RATE)
    assert shown(tracks) == [1]


def test_each_class_has_the_limits_of_its_own_threshold():
    tracker = Tracker()
    tracker.set_threshold((0.8, 0.3))  # person, dog; a track begins from 0.88 and 0.58 on
    assert tracker.low_score == pytest.approx(0.06)
    for number in range(4):
        tracks = tracker.update([seen(100, 0.85), seen(300, 0.6, 1)], number / RATE)
    assert [(track.label, track.confirmed) for track in tracks] == [("dog", True)]
    (weak,) = tracker.update([seen(300, 0.2, 1)], 0.4)
    assert (weak.found, tracker.is_high(weak)) == (True, False)
    assert tracker.update([seen(300, 0.05, 1)], 0.5)[0].found is False


def test_class_that_no_label_names_has_the_last_ones_limits():
    tracker = Tracker()
    tracker.set_threshold((0.2, 0.8))
    for number in range(4):
        tracks = tracker.update([seen(100, 0.85, 7), seen(300, 0.9, 8)], number / RATE)
    assert [(track.class_id, track.confirmed) for track in tracks] == [(8, True)]


def test_velocity_is_in_pixels_per_second():
    (track,) = follow([[seen(100 + 10 * n)] for n in range(20)])[-1]
    assert track.velocity == pytest.approx((100.0, 0.0), abs=5)


def test_memory_does_not_grow():
    random = np.random.default_rng(0)
    tracker = Tracker()
    for number in range(1000):
        found = [
            seen(float(x), float(score)) for x, score in random.uniform(0, 1, (5, 2)) * (1000, 1)
        ]
        tracks = tracker.update(found, number / RATE)
        assert len(tracks) < 150


def score_of_campus(folder):
    """MOTA and IDF1 of the default settings, on public detections, as the MOT challenge scores."""
    metrics = pytest.importorskip("motmetrics")
    found = defaultdict(list)
    for line in (folder / "TUD-Campus.det.txt").read_text().splitlines():
        frame, _, x, y, width, height, score = map(float, line.split(",")[:7])
        found[int(frame)].append(Detection(0, "person", score, x, y, x + width, y + height))
    truth = defaultdict(list)
    for line in (folder / "TUD-Campus.gt.txt").read_text().splitlines():
        frame, name, *box = map(float, line.split(",")[:6])
        truth[int(frame)].append((int(name), box))
    tracker, sums = Tracker(), metrics.MOTAccumulator()
    for frame in range(1, 72):
        tracks = [track for track in tracker.update(found[frame], frame / 25) if track.shown]
        boxes = [
            (box[0], box[1], box[2] - box[0], box[3] - box[1]) for box in (t.box for t in tracks)
        ]
        distances = metrics.distances.iou_matrix(
            [box for _, box in truth[frame]], boxes, max_iou=0.5
        )
        sums.update(
            [name for name, _ in truth[frame]], [t.track_id for t in tracks], distances, frame
        )
    row = metrics.metrics.create().compute(sums, metrics=["mota", "idf1"], name="all").iloc[0]
    return row["mota"], row["idf1"]


def test_pedestrians_of_a_campus_are_followed_as_well_as_promised(shared_data):
    mota, idf1 = score_of_campus(shared_data / "tracking")
    assert mota >= 0.63
    assert idf1 >= 0.70
