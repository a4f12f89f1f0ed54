from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest

from convert.errors import EvaluationError
from convert.slimming.log import SlimmingLog, TrialFigures, TunedFigures
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

    def looks(self, at):
        return "whole", NAMES[at]

    def figures(self, kept):
        return tuple(
            TrialFigures(name, 92, cost, 1, 1, 0.1, 0.5, at == kept)
            for at, (name, cost) in enumerate(zip(NAMES, COSTS, strict=True))
        )


class Bundles:
    """A file for each network; ``taken``: the points that int8 takes from each."""

    def __init__(self, taken):
        self.taken = taken

    def build(self, student, name, folder):
        assert student == name
        (folder / "samples").mkdir()
        (folder / f"{name}.tflite").touch()

    def measure(self, verdict, looks, trials, whole_instructions, folder):
        assert looks == ("whole", NAMES[verdict.kept])
        expected = verdict.expected + self.taken[verdict.kept]
        return SlimmingLog(
            "own",
            "mAP",
            "pi4",
            40,
            0,
            1.0,
            0.5,
            None,
            0.5,
            expected,
            None,
            None,
            round(whole_instructions),
            trials,
            expected,
        )

    def measure_tuned(self, log, cost, folder):
        return msgspec.structs.replace(log, tuned=TunedFigures(cost, 0.6, None))


@pytest.fixture
def keep(tmp_path):
    """Keeps a promise by ``mixes``: for each network that is asked for one, its cost or None."""

    def keep(taken, mixes=(), max_drop=1.0):
        asked, left = [], list(mixes)

        def mix(folder, rest):
            asked.append(rest)
            return left.pop(0)

        verdict, log = keep_promise(Search(max_drop), Bundles(taken), mix, tmp_path, lambda _: None)
        files = sorted(path.name for path in tmp_path.iterdir())
        return SimpleNamespace(name=NAMES[verdict.kept], log=log, asked=asked, files=files)

    return keep


def test_network_whose_int8_keeps_the_promise_needs_no_other_precision(keep):
    kept = keep([0.4, 0, 0])
    assert (kept.name, kept.asked, kept.log.tuned) == ("92px", [], None)
    assert kept.files == ["92px.tflite", "samples"]


def test_where_int8_takes_too_much_precision_is_mixed_within_what_is_left(keep):
    kept = keep([0.8, 0, 0], mixes=[1.2])
    assert (kept.name, kept.asked) == ("92px", [0.5])
    assert kept.log.tuned == TunedFigures(1.2, 0.6, None)


def test_where_no_mixture_helps_the_next_dearer_network_is_built_alone(keep):
    kept = keep([0.8, 0.4, 0], mixes=[None])
    assert kept.name == "108px"
    assert kept.files == ["108px.tflite", "samples"]
    assert [item.kept for item in kept.log.trials] == [False, True, False]


def test_where_nothing_helps_the_closest_is_named(keep):
    with pytest.raises(
        EvaluationError, match=r"--max-drop 1 in int8: the closest, 108px, .* lose 1\.20 points"
    ):
        keep([0.9, 0.7, 0.8], mixes=[None, None, None])


def test_network_by_cost_is_kept_whatever_int8_takes(keep):
    assert keep([9, 0, 0], max_drop=None).name == "92px"
