from __future__ import annotations

import dataclasses
import signal
from types import SimpleNamespace

import numpy as np
import pytest

from convert.errors import EvaluationError, TrainingError
from convert.slimming import search as module
from convert.slimming import selection
from convert.slimming.ladder import LEFT_OUT, Move
from convert.slimming.search import Search
from convert.slimming.selection import Judgement
from convert.slimming.task import SlimOptions, SlimTask
from convert.training.interrupt import Interrupt
from convert.training.schedule import Budget
from tests.convert.slimming.stubs import SIZE, random_original
from tests.convert.slimming.test_held_out import look
from tests.convert.training.shapes import CLASSES, draw_dataset

IMAGES = 100


class Studio:
    """Makes students in no time, none of them narrower."""

    epoch_steps = 1
    most_steps = 77

    def __init__(self, *_) -> None:
        self.trainings = 0
        self.splits: list[float] = []
        self.interrupt: Interrupt | None = None

    def narrowed(self, student, goal):
        share = goal / student.instructions("pi4")
        if share < 0.2:
            raise TrainingError("take a smaller --size")
        return student

    def split(self, student, left_out):
        """The same network with eight channels within each 1x1 convolution."""
        self.splits.append(left_out)
        made = dict(student.weights)
        for name, (kernel, bias) in student.weights.items():
            if kernel.shape[:2] == (1, 1):
                made[f"{name}.reduce"] = kernel[..., :8], bias[:8]
                made[name] = kernel[:, :, :8], bias
        return dataclasses.replace(student, weights=made)

    def trained(self, student, budget, stop):
        self.trainings += 1
        if self.interrupt is not None:
            self.interrupt.came = True
        return student

    def distance(self, student):
        return 1.0 - student.size / 400


class HeldOut:
    """Pictures of which smaller inputs miss more."""

    missed = 1
    labelled = True

    def __init__(self, *_) -> None:
        pass

    def label(self, _) -> None:
        pass

    def look(self, _, layout):
        return look([layout.size == SIZE or at >= self.missed for at in range(IMAGES)])

    def look_of_variant(self, *_):
        return look([at >= 1 for at in range(IMAGES)])


@pytest.fixture
def make(monkeypatch, tmp_path):
    """Makes a search with a studio that trains nothing."""
    monkeypatch.setattr(module, "Studio", Studio)
    monkeypatch.setattr(module, "HeldOut", HeldOut)
    monkeypatch.setattr(module, "network_of", lambda *_: None)
    dataset = draw_dataset(tmp_path / "images", train=2, others=1)
    original = random_original()

    def make(**options):
        said: list[str] = []
        options = {"out": tmp_path / "out", "size": 64, "epochs": 1, **options}
        return Search(SlimTask(original, dataset, SlimOptions(**options), True), said.append), said

    return make


def test_network_that_ctrl_c_left_half_trained_is_not_kept(make):
    search, _ = make(max_drop=30.0)
    interrupt = Interrupt(say=lambda _: None)
    search._studio.interrupt = interrupt
    search.search(interrupt)
    assert search._studio.trainings == 1
    assert search.students == []
    with pytest.raises(TrainingError, match="not one smaller network was finished"):
        next(search.verdicts())


def test_network_that_is_judged_when_ctrl_c_comes_is_kept(make, monkeypatch):
    search, _ = make(max_drop=30.0)
    said: list[str] = []

    def judged(studio, student):
        if not said:  # of the first one
            signal.raise_signal(signal.SIGINT)
        return 1.0

    monkeypatch.setattr(Studio, "distance", judged)
    search.search(Interrupt(say=said.append))
    assert said == ["interrupted: the best so far becomes a bundle; again to end at once"]
    assert [item.size for item in search.students] == [64]
    assert search._studio.trainings == 1


def test_search_goes_on_after_the_networks_that_were_finished(make):
    first, _ = make(max_drop=30.0, seconds=60.0, epochs=None)
    first._add(next_move := first._next(), first._first(64))
    assert next_move.size == 64
    again, said = make(max_drop=30.0, seconds=60.0, epochs=None, resume=True)
    assert "goes on     after 1 networks" in said
    assert [item.layout for item in again.students] == [first.students[0].layout]
    kernel = again.students[0].weights["Conv"][0]
    assert np.array_equal(kernel, first.students[0].weights["Conv"][0])
    assert again._next() != next_move
    with pytest.raises(TrainingError, match="the search had size 64, now it is 48"):
        make(max_drop=30.0, size=48, resume=True)


def test_search_goes_on_with_another_promise(make):
    first, _ = make(max_drop=30.0)
    first._add(first._next(), first._first(64))
    again, _ = make(max_drop=5.0, resume=True)
    assert [item.size for item in again.students] == [64]


def test_anchors_of_a_smaller_input_keep_their_pixels_as_far_as_boxes_fit(make):
    search, _ = make(max_drop=30.0)
    student = search._first(64)
    assert 1 < student.layout.scale <= SIZE / 64
    assert search._first(SIZE).layout == search._original.layout


def test_anchors_keep_all_their_pixels_where_pictures_have_no_labels(make, monkeypatch):
    monkeypatch.setattr(HeldOut, "labelled", False)
    search, _ = make(max_drop=30.0)
    assert search._first(64).layout.pixels == search._original.layout.pixels
    assert search._first(SIZE).layout == search._original.layout


def test_promise_finer_than_the_pictures_can_tell_is_refused_before_training(make):
    # One of 100 pictures missed varies by about a point.
    with pytest.raises(EvaluationError, match=r"--max-drop 0\.1 is less than 100 pictures"):
        make(max_drop=0.1)
    make(costs=(0.4,))  # promises nothing


def test_split_network_is_not_split_again_when_a_search_goes_on(make):
    first, said = make(max_drop=30.0)
    first._make(first._next(), lambda: False)
    first._make(first._next(), lambda: False)
    assert first._studio.splits == [LEFT_OUT]
    assert said[-2] == "network     64px-lowrank"
    again, _ = make(max_drop=30.0, resume=True)
    assert [item.move.left_out for item in again._history()] == [0.0, LEFT_OUT]
    assert again._next().left_out == 0.0


def test_convolutions_split_from_the_beginning_are_not_split_again(make):
    search, _ = make(max_drop=30.0, low_rank=0.02)
    search._make(search._next(), lambda: False)
    assert search._studio.splits == [0.02]
    assert search._next().left_out == 0.0


def test_split_that_spares_next_to_nothing_is_not_trained(make, monkeypatch):
    monkeypatch.setattr(Studio, "split", lambda _, student, __: student)
    search, said = make(max_drop=30.0)
    search._make(search._next(), lambda: False)
    assert search._make(search._next(), lambda: False)
    assert said[-1] == "            not trained: it would spare 0.0% of the cost"
    assert search._studio.trainings == 1
    assert search._next().left_out == 0.0


def test_search_of_before_that_was_taught_is_not_gone_on_with_by_labels_alone(make, monkeypatch):
    monkeypatch.setattr(SlimTask, "taught", True)
    first, _ = make(max_drop=30.0)
    first._add(first._next(), first._first(64))
    make(max_drop=30.0, resume=True)
    monkeypatch.setattr(SlimTask, "taught", False)
    with pytest.raises(TrainingError, match="had learns from None, now it is labels alone"):
        make(max_drop=30.0, resume=True)


def test_resume_without_a_search_is_refused(make):
    with pytest.raises(TrainingError, match="nothing to go on with"):
        make(max_drop=1.0, resume=True)


def test_search_by_time_gives_each_network_a_share_of_what_is_left_until_little_is(
    make, monkeypatch
):
    clock = [0.0]
    given: list[float] = []

    def trained(studio, student, budget, stop):
        given.append(budget.seconds)
        clock[0] += 2 * budget.seconds  # the last epoch takes what it takes
        return student

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(Studio, "trained", trained)
    search, _ = make(max_drop=30.0, seconds=100.0, epochs=None)
    search.search(Interrupt())
    assert given == pytest.approx([30.0, 12.0, 4.8, 1.92])  # 2.56 s are left: less than 5


@pytest.mark.parametrize(
    ("options", "budget"),
    [
        ({"max_drop": 30.0, "epochs": 3}, Budget(steps=3)),
        ({"max_drop": 30.0, "epochs": None}, Budget(77, 18.0)),
        ({"costs": (0.5,), "epochs": None}, Budget(77, 60.0)),
    ],
)
def test_network_is_trained_for_its_share_of_the_time_or_the_epochs_asked_for(
    make, options, budget
):
    search, _ = make(seconds=60.0, **options)
    assert search._budget() == budget


def test_promise_that_nothing_keeps_is_said_with_the_closest(make, monkeypatch):
    monkeypatch.setattr(HeldOut, "missed", 60)
    search, _ = make(max_drop=20.0)
    search.search(Interrupt())
    with pytest.raises(EvaluationError, match="nothing keeps --max-drop 20: the closest, 64px"):
        next(search.verdicts())


def test_dearer_networks_that_keep_the_promise_come_after_the_one_chosen(make, monkeypatch):
    search, _ = make(max_drop=30.0, size=None)
    for side in (76, 64, 80, 92):
        search._add(Move(side, None), search._first(side))
    monkeypatch.setattr(selection, "judge", lambda *_: Judgement(0, 1.0, None, 1.0))
    kept = [search.students[item.kept].size for item in search.verdicts()]
    assert kept == [76, 80, 92]
    monkeypatch.setattr(Judgement, "keeps", lambda item, _: item.kept == 3)
    assert [search.students[item.kept].size for item in search.verdicts()] == [92]


def test_network_by_cost_has_no_other_in_its_place(make):
    search, _ = make(costs=(0.4,))
    for side in (64, 76):
        search._add(Move(side, None), search._first(side))
    assert [item.kept for item in search.verdicts()] == [1]


def test_whole_network_without_int8_is_looked_at_in_float32_alone(make):
    search, _ = make(costs=(0.4,))
    assert search.whole_looks.has_int8
    search, _ = make(costs=(0.4,))
    search._original.bundle.manifest.variants = {"float32": None}
    assert not search.whole_looks.has_int8


@pytest.mark.parametrize("asked", [{"max_drop": 30.0}, {"costs": (0.7,)}])
def test_channels_go_with_the_pixels_unless_the_whole_network_teaches(make, monkeypatch, asked):
    for taught in (False, True):
        monkeypatch.setattr(SlimTask, "taught", taught)
        move = make(size=None, **asked)[0]._next()
        assert (move.cost is None) is taught


def test_kept_network_is_marked_in_the_figures(make):
    search, _ = make(costs=(0.4,))
    search._add(search._next(), search._first(64))
    figures = search.figures(next(search.verdicts()).kept)
    assert [item.kept for item in figures] == [True]
    assert figures[0].size == 64
    assert figures[0].parameters > 2_000_000
    assert len(CLASSES) == 2
