from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from convert.compression.distillation import DistillingTrainer
from convert.compression.teacher import Teacher
from convert.models.anchors import AnchorLayout
from convert.slimming import student as module
from convert.slimming.held_out import HeldOut
from convert.slimming.student import TAUGHT_RATE, Student, Studio, network_of
from convert.slimming.task import SlimOptions, SlimTask
from convert.training.schedule import PEAK_RATE, Budget
from convert.training.ssd_trainer import SsdTrainer
from convert.training.weights_file import WEIGHTS
from tests.convert.slimming.stubs import LAYOUT, SIZE, random_original
from tests.convert.training.shapes import draw_dataset


@pytest.fixture(scope="module")
def make_studio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studio")
    dataset = draw_dataset(folder / "images", train=16, others=2)
    own = folder / "own"
    own.mkdir()
    (own / WEIGHTS).touch()

    def make_studio(labelled=True):
        original = random_original()
        original.bundle.folder = own
        task = SlimTask(original, dataset, SlimOptions(folder / "small"), labelled)
        return Studio(task, HeldOut(original, dataset, labelled), lambda _: None)

    return make_studio


@pytest.fixture(scope="module")
def studio(make_studio):
    maker = make_studio()
    return maker, Student(random_original().weights, LAYOUT)


@pytest.fixture(scope="module")
def narrow(studio):
    maker, whole = studio
    return maker.narrowed(whole, 0.6 * whole.instructions("pi4"))


def test_narrowed_network_takes_what_was_asked(studio, narrow):
    share = narrow.instructions("pi4") / studio[1].instructions("pi4")
    assert 0.57 < share <= 0.6
    assert narrow.size == SIZE


def test_split_network_is_cheaper_and_answers_the_same_where_nothing_is_left_out(studio):
    maker, whole = studio
    weights = dict(whole.weights)
    kernel, bias = weights["Conv_1"]
    thin = np.linalg.svd(kernel[0, 0], full_matrices=False)
    kernel = (thin[0][:, :8] * thin[1][:8] @ thin[2][:8]).astype(np.float32)[None, None]
    weights["Conv_1"] = kernel, bias  # of rank 8
    thinned = Student(weights, LAYOUT)
    made = maker.split(thinned, 1e-6)
    assert made.weights["Conv_1"][0].shape == (1, 1, 8, kernel.shape[3])
    assert made.instructions("pi4") < thinned.instructions("pi4")
    pixels = np.random.default_rng(1).uniform(-1, 1, (1, SIZE, SIZE, 3)).astype(np.float32)
    labels = ("disc", "square")
    answers = [network_of(item, labels)(pixels, training=False) for item in (thinned, made)]
    for name, values in answers[0].items():
        np.testing.assert_allclose(answers[1][name], values, atol=1e-3)


def test_whole_kernels_are_not_split(studio):
    maker, whole = studio
    assert maker.split(whole, 0.0).weights.keys() == whole.weights.keys()


def test_network_that_is_cheap_enough_stays(studio):
    maker, whole = studio
    assert maker.narrowed(whole, 1e12) is whole


def test_narrow_network_is_farther_from_the_whole_than_that_is_from_itself(studio, narrow):
    maker, whole = studio
    assert maker.distance(whole) < maker.distance(narrow)


@pytest.mark.parametrize(
    ("labelled", "kind", "shown", "peak"),
    [(True, SsdTrainer, 64, PEAK_RATE), (False, DistillingTrainer, SIZE, TAUGHT_RATE)],
)
def test_labels_teach_at_the_students_side_and_the_whole_network_at_its_own(
    make_studio, labelled, kind, shown, peak
):
    student = Student(random_original().weights, AnchorLayout(64))
    trainer, batches, rate = make_studio(labelled)._trainer(student)
    assert type(trainer) is kind
    assert batches.make(0).pixels.shape == (16, shown, shown, 3)
    assert rate == peak


@pytest.mark.parametrize(("count", "steps"), [(16, 320), (136, 680), (510, 2550)])
def test_training_by_time_ends_after_passes_or_after_enough_steps(
    studio, monkeypatch, count, steps
):
    maker, _ = studio
    monkeypatch.setattr(maker, "_dataset", SimpleNamespace(train=range(count)))
    assert maker.most_steps == steps


@pytest.mark.long
@pytest.mark.parametrize("labelled", [True, False])
def test_training_stops_when_told_changes_no_shape_and_asks_a_teacher_only_where_it_is_taught(
    make_studio, narrow, labelled, monkeypatch
):
    answered, asked = [], []

    class Asked(Teacher):
        def say(self, pixels):
            answered.append(pixels.shape)
            return super().say(pixels)

    def stop():
        asked.append(1)
        return len(asked) >= 3

    monkeypatch.setattr(module, "Teacher", Asked)
    same = make_studio(labelled).trained(narrow, Budget(steps=1000), stop)
    assert bool(answered) is not labelled
    assert len(asked) == 3
    assert same.size == narrow.size
    shapes = [kernel.shape for kernel, _ in narrow.weights.values()]
    assert [kernel.shape for kernel, _ in same.weights.values()] == shapes


def test_network_of_a_student_has_its_weights(narrow):
    model = network_of(narrow, ("disc", "square"))
    kernel, _ = model.get_layer("expanded_conv_9.expand").get_weights()
    assert np.array_equal(kernel, narrow.weights["expanded_conv_9.expand"][0])
