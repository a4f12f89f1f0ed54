"""A part of a scripted day, through all that keeps visits; benchmarks/visits.py runs a day."""

from __future__ import annotations

import csv
from dataclasses import replace

from device.events.reader import VisitReader
from device.outputs.counts import CountsSink
from device.outputs.event_log import EventSink
from device.outputs.pace import Pace
from device.pipeline.watching import Watch
from device.records import Frame
from device.visits.watcher import SceneWatcher
from tests.device.conftest import make_outcome
from tests.helpers.scripted_day import expected, picture, plan, result_of

FRAMES = 3_000
FRAME_S = 86_400 / 200_000


def test_counts_are_those_of_the_script(tmp_path):
    pixels = picture()
    watch = Watch(SceneWatcher(plan()), Pace(1 / FRAME_S), wall_s=lambda: 0.0)
    with EventSink(tmp_path / "events.db") as events, CountsSink(tmp_path / "counts") as counts:
        kinds = []
        for number in range(FRAMES):
            frame = Frame(pixels, number, 0.0)
            result = watch.update(result_of(number), frame, 0.5)
            kinds += [event.kind for event in result.scene.events]
            outcome = replace(make_outcome(), frame=frame, result=result)
            events.write(outcome)
            counts.write(outcome)
    want = expected(FRAMES)
    assert {kind: kinds.count(kind) for kind in sorted(set(kinds))} == {
        "line-in": want.ins,
        "line-out": want.outs,
        "rule-began": want.visits,
        "rule-ended": want.visits,
        "visit-began": want.visits,
        "visit-ended": want.visits,
        "zone-entered": want.visits,
        "zone-left": want.visits,
    }
    store = VisitReader(tmp_path / "events.db")
    kept = list(store.visits())
    store.close()
    assert len(kept) == want.visits
    assert {visit.label for visit in kept} == {"person"}
    assert {visit.zones for visit in kept} == {("middle",)}
    assert not any(visit.under_way for visit in kept)
    for name in ("minutes.csv", "hours.csv"):
        with (tmp_path / "counts" / name).open(newline="") as file:
            rows = list(csv.DictReader(file))
        doors = [row for row in rows if row["place"] == "door"]
        middles = [row for row in rows if row["place"] == "middle"]
        assert sum(int(row["in"]) for row in doors) == want.ins
        assert sum(int(row["out"]) for row in doors) == want.outs
        assert sum(int(row["in"]) for row in middles) == want.visits
        assert max(int(row["inside_most"]) for row in middles) == 1
