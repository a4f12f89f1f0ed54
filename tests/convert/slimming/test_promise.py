from __future__ import annotations

from types import SimpleNamespace

import pytest

from convert.errors import EvaluationError
from convert.slimming.log import SlimmingLog, TrialFigures
from convert.slimming.promise import keep_promise
from convert.slimming.selection import Judgement

NAMES = ("92px", "108px", "124px")
COSTS = (0.1, 0.14, 0.18)


class Search:
    """Three networks that all keep the promise in float32, the cheapest first."""

    whole_instructions = 1e8
    students = NAMES

    def __init__(self, max_drop):
        self.max_drop = max_drop

    def verdicts(self):
        return (Judgement(at, 0.5, None, 0.5) for at in range(len(NAMES)))

    whole_looks = "whole"

    def look(self, at):
        return f"look of {NAMES[at]}"

    def figures(self, kept):
        return tuple(
            TrialFigures(name, 92, cost, 1, 1, 0.1, 0.5, at == kept)
            for at, (name, cost) in enumerate(zip(NAMES, COSTS, strict=True))
        )


class Bundles:
    """A file for each network; ``expected``: the points that int8 of each is expected to lose."""

    def __init__(self, expected):
        self.expected = expected

    def build(self, student, name, folder):
        assert student == name
        (folder / "samples").mkdir()
        (folder / f"{name}.tflite").touch()

    def measure(self, verdict, whole, look, trials, whole_instructions, folder):
        assert (whole, look) == ("whole", f"look of {NAMES[verdict.kept]}")
        return SlimmingLog(
            source="own",
            metric="mAP",
            board="pi4",
            images=40,
            seed=0,
            max_drop=1.0,
            drop=verdict.drop,
            drop_interval=None,
            expected=verdict.expected,
            int8_drop=2.0,
            int8_drop_interval=(-1.0, 5.0),
            instructions=None,
            whole_instructions=round(whole_instructions),
            trials=trials,
            int8_expected=self.expected[verdict.kept],
        )


@pytest.fixture
def keep(tmp_path):
    """Keeps a promise where int8 is expected to lose so many points."""

    def keep(expected, max_drop=1.0):
        told = []
        verdict, log = keep_promise(Search(max_drop), Bundles(expected), tmp_path, told.append)
        files = sorted(path.name for path in tmp_path.iterdir())
        return SimpleNamespace(name=NAMES[verdict.kept], log=log, told=told, files=files)

    return keep


def test_cheapest_network_is_kept_where_its_int8_keeps_the_promise(keep):
    kept = keep([1.0, 0, 0])
    assert (kept.name, kept.told) == ("92px", [])
    assert kept.files == ["92px.tflite", "samples"]


def test_where_int8_loses_too_much_the_next_dearer_network_is_built_alone(keep):
    kept = keep([1.3, 0.9, 0])
    assert kept.name == "108px"
    assert kept.files == ["108px.tflite", "samples"]
    assert [item.kept for item in kept.log.trials] == [False, True, False]
    (told,) = kept.told
    assert "int8 of 92px is expected to lose 1.30 points, and lost 2.00 (95 % of" in told


def test_where_no_int8_keeps_the_promise_the_closest_is_named(keep):
    with pytest.raises(
        EvaluationError, match=r"--max-drop 1 in int8: the closest: 108px is .* lose 1\.20 points"
    ):
        keep([1.4, 1.2, 1.3])


def test_network_by_cost_is_kept_whatever_its_int8_loses(keep):
    assert keep([9, 0, 0], max_drop=None).name == "92px"
