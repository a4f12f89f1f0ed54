from collections import Counter
from dataclasses import replace

from device.home.report import (
    class_states,
    labels_of,
    machine_states,
    scene_states,
    setting_states,
)
from device.home.topics import Topics
from device.pipeline.live_settings import LiveSettings
from device.records import (
    Classification,
    Detection,
    LineState,
    Result,
    SceneState,
    Timings,
    Visit,
    ZoneState,
)
from device.system.board import State

TOPICS = Topics("abc", "homeassistant")
TIMINGS = Timings(1, 1, 1, 1)
CAT = Detection(16, "cat", 0.9, 0, 0, 10, 10)


def visit(number: int, label: str) -> Visit:
    return Visit(
        visit_id=number, class_id=0, label=label, began_s=1, seen_s=2, score=0.9, box=(0, 0, 1, 1)
    )


def test_without_visits_what_the_frame_shows_is_counted():
    result = Result(0, (CAT, CAT, replace(CAT, label="dog")), TIMINGS)
    assert labels_of(result) == ("cat", "cat", "dog")


def test_visits_are_counted_and_not_boxes():
    scene = SceneState(time_s=0, visits=(visit(1, "dog"),))
    assert labels_of(Result(0, (CAT, CAT), TIMINGS, scene=scene)) == ("dog",)


def test_best_class_of_a_classifier_counts_once():
    classes = (Classification(1, "cup", 0.6), Classification(2, "mug", 0.3))
    assert labels_of(Result(0, (), TIMINGS, classes)) == ("cup",)


def test_class_that_is_not_there_is_told_too():
    states = class_states(Counter({"cat": 2, "cow": 1}), ["cat", "traffic light"], TOPICS)
    assert states == {
        "liteberry/abc/class/cat/occupancy": b"ON",
        "liteberry/abc/class/cat/count": b"2",
        "liteberry/abc/class/traffic_light/occupancy": b"OFF",
        "liteberry/abc/class/traffic_light/count": b"0",
    }


def test_zones_queues_lines_and_rules_have_states():
    scene = SceneState(
        time_s=0,
        zones=(
            ZoneState(name="till 1", inside=3, entered=5, left=2, dwell_s=4.0, wait_s=61.4),
            ZoneState(name="door", inside=0, entered=1, left=1, dwell_s=None, wait_s=None),
        ),
        lines=(LineState(name="gate", ins=7, outs=4),),
        rules=("crowd",),
    )
    assert scene_states(scene, ["crowd", "empty"], TOPICS) == {
        "liteberry/abc/zone/till_1/occupancy": b"ON",
        "liteberry/abc/zone/till_1/count": b"3",
        "liteberry/abc/zone/till_1/wait": b"61",
        "liteberry/abc/zone/door/occupancy": b"OFF",
        "liteberry/abc/zone/door/count": b"0",
        "liteberry/abc/line/gate/in": b"7",
        "liteberry/abc/line/gate/out": b"4",
        "liteberry/abc/rule/crowd": b"ON",
        "liteberry/abc/rule/empty": b"OFF",
    }


def state(**changes) -> State:
    return State(
        **{"governor": None, "clock_mhz": None, "clock_limit_mhz": None, "temperature_c": None,
           "throttled": None, "load_1_min": None} | changes
    )  # fmt: skip


def test_machine_that_tells_nothing_has_its_rate_alone():
    assert machine_states(12.34, state(), TOPICS) == {"liteberry/abc/fps": b"12.3"}


def test_throttling_is_that_of_now():
    hot = state(temperature_c=81.6, throttled=0b100)  # throttled now
    assert machine_states(1, hot, TOPICS)["liteberry/abc/temperature"] == b"82"
    assert machine_states(1, hot, TOPICS)["liteberry/abc/throttled"] == b"ON"
    cooled = state(throttled=0b100 << 16)  # since boot
    assert machine_states(1, cooled, TOPICS)["liteberry/abc/throttled"] == b"OFF"


def test_settings_are_told_as_the_controls_take_them():
    states = setting_states(LiveSettings(0.35, (), "int8", None, paused=True), TOPICS)
    assert states == {
        "liteberry/abc/threshold": b"0.35",
        "liteberry/abc/variant": b"int8",
        "liteberry/abc/paused": b"ON",
    }
