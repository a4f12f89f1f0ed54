from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow as tf

from convert.errors import TrainingError
from convert.models.anchors import grid_sizes, ssd_anchors
from convert.training.batches import Batch, Batches
from convert.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from convert.training.image_store import ImageStore
from convert.training.network import trainable_ssdlite
from convert.training.schedule import PEAK_RATE, Budget
from convert.training.ssd_trainer import SsdTrainer
from convert.training.state import Arrays, RunState
from convert.training.targets import Matcher
from convert.training.trainer import as_good
from tests.convert.training.shapes import draw_dataset

SIZE = 96
CLASSES = 2
EPOCH = 2
IMAGES = 625  # validated: a score is as good that is lower by 0.01


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes")
    dataset = draw_dataset(folder / "images", train=8, others=1)
    store = ImageStore(dataset.train, folder / "work", SIZE, pytest.fail)
    matcher = Matcher(ssd_anchors(grid_sizes(SIZE)))
    return Batches(dataset.train, store, matcher, SIZE, True, seed=5)


@pytest.fixture(scope="module")
def compiled() -> tuple[SsdTrainer, Arrays]:
    """A trainer with random weights, and these: tracing its step takes longer than all tests."""
    tf.config.experimental.enable_op_determinism()
    random = np.random.default_rng(0)
    model, average = (trainable_ssdlite(CLASSES, SIZE) for _ in range(2))
    model.set_weights([random.normal(0, 0.05, item.shape) for item in model.variables])
    trainer = SsdTrainer(model, average, CLASSES)
    return trainer, trainer.arrays()


@pytest.fixture
def trainer(compiled) -> SsdTrainer:
    """One that has not begun."""
    trainer, arrays = compiled
    trainer.restore(arrays, RunState())
    return trainer


def train(
    trainer,
    batches,
    steps,
    budget=8,
    scores=(0.1, 0.2, 0.3, 0.4),
    stop=lambda: False,
    peak=PEAK_RATE,
):
    """Train up to ``steps`` of a budget of ``budget``; returns what each epoch came to."""
    records = []
    maps = iter(scores)
    trainer.run(
        batches.from_step,
        EPOCH,
        Budget(steps=budget),
        lambda: (next(maps), 0.5),
        IMAGES,
        records.append,
        lambda: stop() or trainer.state.step >= steps + 1,
        peak,
    )
    return records


def test_start_that_nothing_comes_near_is_kept_and_ends_training(trainer, batches):
    start = [item.numpy() for item in trainer.average.variables]
    trainer.keep_best(0.9)
    records = train(trainer, batches, 16, budget=16, scores=[0.1] * 8)
    assert records[-1].progress < 1  # nothing as good for so long
    trainer.use_best()
    assert all(
        (item.numpy() == values).all()
        for item, values in zip(trainer.average.variables, start, strict=True)
    )


def test_learning_rate_stays_below_the_peak_that_was_asked_for(trainer, batches):
    rates = [item.learning_rate for item in train(trainer, batches, 4, budget=4, peak=1e-6)]
    assert 0 < max(rates) <= 1e-6


@pytest.mark.long
def test_resumed_run_ends_where_the_whole_one_does_bit_for_bit(
    compiled, trainer, batches, tmp_path
):
    train(trainer, batches, 100, budget=2 * EPOCH)
    whole = trainer.arrays()

    trainer.restore(compiled[1], RunState())
    saved: list[int] = []

    def save(record) -> None:
        save_checkpoint(tmp_path, Checkpoint.of({}, trainer.state), trainer.arrays())
        saved.append(record.step)

    # Cut off a step after its checkpoint, as a process that is killed.
    trainer.run(
        batches.from_step,
        EPOCH,
        Budget(steps=2 * EPOCH),
        lambda: (0.1, 0.5),
        IMAGES,
        save,
        lambda: bool(saved),
    )
    assert (saved, trainer.state.step) == ([EPOCH], EPOCH + 1)
    checkpoint, arrays = load_checkpoint(tmp_path)
    trainer.restore(arrays, checkpoint.state())
    assert trainer.state.step == EPOCH
    train(trainer, batches, 100, budget=2 * EPOCH)
    again = trainer.arrays()
    for name in whole.keys() - {key for key in whole if key.startswith("best/")}:
        assert (whole[name] == again[name]).all(), name


def test_losses_of_a_last_epoch_that_is_cut_off_are_means_of_its_own_steps(
    trainer, batches, monkeypatch
):
    monkeypatch.setattr(trainer, "_train_on", lambda *_: np.array([0.5, 0.25]))
    records = train(trainer, batches, 100, budget=EPOCH + 1)
    assert [record.step for record in records] == [EPOCH, EPOCH + 1]
    assert [record.epoch for record in records] == [1, 2]
    assert [record.losses for record in records] == [{"class": 0.5, "box": 0.25}] * 2


def test_frozen_layers_stay_and_others_move(trainer, batches):
    def kernels():
        return {item.name: item.kernel.numpy() for item in trainer.model.layers if item.weights}

    before = kernels()
    train(trainer, batches, 100, budget=EPOCH)
    moved = {name for name, values in kernels().items() if (values != before[name]).any()}
    assert not moved & {"Conv", "expanded_conv_2.expand"}
    assert moved >= {"expanded_conv_3.expand", "BoxPredictor_0.ClassPredictor"}


def test_best_weights_are_those_of_the_best_validation(trainer, batches):
    kept = []
    scores = iter([0.5, 0.1])
    trainer.run(
        batches.from_step,
        EPOCH,
        Budget(steps=2 * EPOCH),
        lambda: (next(scores), 0.5),
        IMAGES,
        lambda _: kept.append([item.numpy() for item in trainer.average.variables]),
    )
    assert trainer.state.best_score == 0.5
    trainer.use_best()
    now = [item.numpy() for item in trainer.average.variables]
    assert all((one == other).all() for one, other in zip(now, kept[0], strict=True))
    assert any((one != other).any() for one, other in zip(now, kept[1], strict=True))


def test_later_weights_that_are_as_good_are_kept(trainer, batches):
    train(trainer, batches, 100, budget=2 * EPOCH, scores=(0.5, 0.495))
    assert trainer.state.best_step == 2 * EPOCH
    assert trainer.state.best_score == 0.5


def test_fewer_images_tell_less(trainer, batches, monkeypatch):
    assert [as_good(images) for images in (25, 100, 625)] == [0.05, 0.025, 0.01]
    monkeypatch.setattr(f"{__name__}.IMAGES", 25)
    train(trainer, batches, 100, budget=2 * EPOCH, scores=(0.5, 0.46))
    assert trainer.state.best_step == 2 * EPOCH


def test_training_goes_on_while_validation_is_as_good(trainer, batches):
    assert len(train(trainer, batches, 100, budget=20, scores=[0.5] + [0.495] * 9)) == 10


def test_training_ends_when_nothing_becomes_better(trainer, batches):
    records = train(trainer, batches, 100, budget=20, scores=[0.5] + [0.1] * 9)
    assert len(records) == 6  # 0.1 of the budget each: best at 0.1, patience of 0.4


def test_stop_is_heeded_after_a_step(trainer, batches):
    assert train(trainer, batches, 100, stop=lambda: True) == []
    assert trainer.state.step == 1


def test_loss_that_is_no_number_ends_the_run(trainer, batches):

    def broken(step: int) -> Iterator[Batch]:
        while True:
            batch = batches.make(step)
            batch.encodings[batch.classes >= 0] = np.nan
            yield batch

    with pytest.raises(TrainingError, match="no number at step 2"):
        trainer.run(broken, EPOCH, Budget(steps=4), lambda: (0.0, 0.0), IMAGES, lambda _: None)


def test_checkpoint_of_another_network_is_refused(compiled, trainer):
    arrays = dict(compiled[1])
    del arrays["optimizer/0003"]
    with pytest.raises(TrainingError, match="another network"):
        trainer.restore(arrays, RunState())


@pytest.mark.long
def test_last_part_is_trained_rounded_and_goes_on_bit_for_bit(compiled, batches, tmp_path):
    model, average = (trainable_ssdlite(CLASSES, SIZE) for _ in range(2))
    calibration = list(batches.make(0).pixels[:2])
    trainer = SsdTrainer(model, average, CLASSES, calibration)
    trainer.restore(compiled[1], RunState())
    rounded: list[bool] = []
    checkpoints: list[tuple[Checkpoint, Arrays]] = []

    def after(_) -> None:
        rounded.append(trainer.state.rounded)
        checkpoints.append((Checkpoint.of({}, trainer.state), trainer.arrays()))

    def run(scores) -> None:
        maps = iter(scores)
        budget = Budget(steps=4 * EPOCH)
        trainer.run(batches.from_step, EPOCH, budget, lambda: (next(maps), 0.5), IMAGES, after)

    # After three epochs the best is judged again, rounded, which the fourth epoch then beats.
    run([0.5, 0.6, 0.7, 0.2, 0.3])
    assert rounded == [False, False, False, True]
    assert trainer.state.best_score == 0.3
    assert [len(item) for item in (trainer.state.unrounded, trainer.state.best)] == [
        len(average.variables)
    ] * 2
    whole = trainer.arrays()
    assert any((whole[f"best/{n:04d}"] != whole[f"unrounded/{n:04d}"]).any() for n in range(10, 20))

    save_checkpoint(tmp_path, *checkpoints[2])
    checkpoint, arrays = load_checkpoint(tmp_path)
    trainer.restore(arrays, checkpoint.state())
    run([0.2, 0.3])
    again = trainer.arrays()
    assert whole.keys() == again.keys()
    assert all((whole[name] == again[name]).all() for name in whole)


@pytest.mark.parametrize(
    ("epochs", "done", "begins"), [(1, 0, True), (2, 0, False), (2, 1, True), (4, 2, False)]
)
def test_rounding_begins_with_the_epoch_in_which_the_last_quarter_does(
    compiled, trainer, batches, monkeypatch, epochs, done, begins
):
    monkeypatch.setattr(trainer, "_rounding", Calibrated())
    trainer.state.step = done * EPOCH
    trainer._begin_epoch(Budget(steps=epochs * EPOCH), 1.0, EPOCH, lambda: (0.5, 0.5))
    assert trainer.state.rounded == begins


def test_best_that_is_worse_rounded_is_measured_so_from_then_on(trainer, monkeypatch):
    monkeypatch.setattr(trainer, "_rounding", Calibrated())
    trainer.state.best = [item + 1 for item in trainer._average_weights()]
    trainer.state.best_score = 0.9
    before = trainer._average_weights()
    trainer._begin_epoch(Budget(steps=EPOCH), 0.0, EPOCH, lambda: (0.7, 0.8))
    assert trainer.state.best_score == 0.7
    pairs = zip(before, trainer._average_weights(), strict=True)
    assert all((one == other).all() for one, other in pairs)


class Calibrated:
    """Stands in for a rounded network."""

    def calibrate(self, _) -> None:
        pass
