"""The training loop: steps, an average of the weights, validation, checkpoints."""

from __future__ import annotations

import abc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.errors import TrainingError
from convert.training.batches import BATCH, Batch
from convert.training.losses import positives
from convert.training.network import normalised
from convert.training.rounding import RoundedNetwork
from convert.training.schedule import PEAK_RATE, Budget, ema_decay, learning_rate
from convert.training.state import Arrays, EpochRecord, RunState, as_good

MICRO_PIXELS = BATCH * 320 * 320  # trained on at once: a bound on memory
CLIP_NORM = 10.0
PATIENCE = 0.4  # of the budget without a validation as good, after which training ends
ROUNDED_SHARE = 0.25  # of the budget, its last part, in which a network learns to be rounded

Validate = Callable[[], tuple[float, ...]]
"""The scores of the averaged network on validation images, the one it is chosen by first."""


class Trainer(abc.ABC):
    """Trains a network on batches; an average of its weights is what is validated and kept.

    What its task is, what it loses and how it is scored, is said by those derived from it.
    """

    LOSSES: ClassVar[tuple[str, ...]]
    """Names of what :meth:`_losses` gives."""
    SCORES: ClassVar[tuple[str, ...]]
    """Names of what validation gives."""

    def __init__(
        self,
        model: keras.Model,
        average: keras.Model,
        classes: int,
        calibration: Sequence[NDArray[np.uint8]] = (),
    ) -> None:
        """``average``: a second network of the same structure, which gets the same weights.

        ``calibration``: uint8 RGB images of the input's size by which int8 is calibrated; with
        them, the last part of training is done with the rounding of int8.
        """
        self.model = model
        self.average = average
        self.classes = classes
        self.state = RunState()
        average.set_weights(model.get_weights())
        self._pairs = [
            (mean, variable)
            for mean, variable in zip(average.variables, model.variables, strict=True)
            if any(variable is item for item in model.trainable_variables)
        ]
        self.optimizer = keras.optimizers.Adam(learning_rate=0.0)
        self.optimizer.build(model.trainable_variables)
        self._calibration = calibration
        self._rounding = RoundedNetwork(average) if len(calibration) else None
        # By whether rounding has begun: what is traced depends on it.
        self._step, self._answer = (
            {rounded: tf.function(function) for rounded in (False, True)}
            for function in (self._train_step, self._answer_step)
        )

    def _shown(self, pixels: Any, classes: Any, encodings: Any) -> tuple[Any, ...]:
        """What :meth:`_losses` wants of a batch; the first are the images that it shows."""
        return pixels, classes, encodings

    @abc.abstractmethod
    def _losses(self, pixels: Any, *shown: Any) -> tuple[Any, ...]:
        """Sums of the losses of a batch, in the order of :attr:`LOSSES`."""

    @abc.abstractmethod
    def _answer_step(self, pixels: Any) -> tuple[Any, ...]:
        """What the averaged network answers to images."""

    def _train_step(
        self, pixels: Any, classes: Any, encodings: Any, rate: Any, decay: Any
    ) -> tuple[Any, ...]:
        variables = self.model.trainable_variables
        count = positives(classes)
        shown = self._shown(pixels, classes, encodings)
        parts = max(1, -(-BATCH * int(shown[0].shape[1]) ** 2 // MICRO_PIXELS))
        while BATCH % parts:
            parts += 1
        total: list[Any] = []
        sums = [tf.constant(0.0) for _ in self.LOSSES]
        for part in zip(*(tf.split(item, parts) for item in shown), strict=True):
            with tf.GradientTape() as tape:
                losses = self._losses(*part)
                loss = sum(losses[1:], losses[0]) / count
            gradients = tape.gradient(loss, variables)
            total = [a + b for a, b in zip(total, gradients, strict=True)] if total else gradients
            sums = [a + b / count for a, b in zip(sums, losses, strict=True)]
        total, _ = tf.clip_by_global_norm(total, CLIP_NORM)
        self.optimizer.learning_rate.assign(rate)
        self.optimizer.apply_gradients(zip(total, variables, strict=True))
        for mean, variable in self._pairs:
            mean.assign(variable + decay * (mean - variable))
        return tuple(sums)

    def _outputs(self, network: keras.Model, pixels: Any) -> dict[str, Any]:
        """What ``network`` answers to uint8 RGB images, rounded where that has begun."""
        if self._rounding is not None and self.state.rounded:
            return self._rounding(network, pixels)
        # There is nothing in it that training changes but its weights.
        outputs: dict[str, Any] = network(normalised(pixels), training=False)
        return outputs

    def _answers(
        self, images: Iterable[NDArray[np.uint8]]
    ) -> Iterator[tuple[NDArray[np.float32], ...]]:
        """What the averaged network answers to each image, uint8 RGB of its size."""
        for image in images:
            said = self._answer[self.state.rounded](tf.constant(image[np.newaxis]))
            yield tuple(item.numpy()[0] for item in said)

    def arrays(self) -> Arrays:
        """All that a run goes on from, by name."""
        groups = {
            "model": self.model.variables,
            "average": self.average.variables,
            "optimizer": self.optimizer.variables,
        }
        return {
            f"{group}/{number:04d}": np.asarray(item.numpy())
            for group, items in groups.items()
            for number, item in enumerate(items)
        } | {
            f"{group}/{number:04d}": item
            for group, items in (("best", self.state.best), ("unrounded", self.state.unrounded))
            for number, item in enumerate(items)
        }

    def restore(self, arrays: Mapping[str, NDArray[np.float32]], state: RunState) -> None:
        """Take over what :meth:`arrays` gave.

        Raises :class:`TrainingError` where it does not fit.
        """
        try:
            for group, items in (
                ("model", self.model.variables),
                ("average", self.average.variables),
                ("optimizer", self.optimizer.variables),
            ):
                for number, item in enumerate(items):
                    item.assign(arrays[f"{group}/{number:04d}"])
        except (KeyError, ValueError) as exc:
            raise TrainingError(
                f"the checkpoint is of another network ({exc}): leave out --resume"
            ) from exc
        state.best, state.unrounded = (
            [arrays[name] for name in sorted(arrays) if name.startswith(group)]
            for group in ("best/", "unrounded/")
        )
        self.state = state

    def use_best(self) -> None:
        """Give :attr:`average` the best weights so far; the present ones where none were judged."""
        self._set_average(self.state.best)

    def _set_average(self, weights: Sequence[NDArray[np.float32]]) -> None:
        for item, values in zip(self.average.variables, weights, strict=False):
            item.assign(values)
        if self._rounding is not None and self.state.rounded:
            self._rounding.calibrate(self._calibration)

    def _begin_epoch(
        self, budget: Budget, elapsed_s: float, steps: int, validate: Validate
    ) -> None:
        """Begin to round where the last part of the budget begins within this epoch."""
        state = self.state
        if self._rounding is None:
            return
        if state.rounded:
            self._rounding.calibrate(self._calibration)
            return
        took_s = elapsed_s / state.step * steps if state.step else 0.0
        if budget.progress(state.step + steps, elapsed_s + took_s) <= 1 - ROUNDED_SHARE:
            return
        state.unrounded = state.best or self._average_weights()
        present = self._average_weights()
        state.rounded = True
        if state.best:  # what is better from here on must be better rounded
            self._set_average(state.best)
            state.best_score = validate()[0]
        state.best_progress = budget.progress(state.step, elapsed_s)
        self._set_average(present)

    def _average_weights(self) -> list[NDArray[np.float32]]:
        return [np.asarray(item.numpy()) for item in self.average.variables]

    def run(
        self,
        batches: Callable[[int], Iterator[Batch]],
        epoch_steps: int,
        budget: Budget,
        validate: Validate,
        validated: int,
        after_epoch: Callable[[EpochRecord], None],
        stop: Callable[[], bool] = lambda: False,
        peak: float = PEAK_RATE,
    ) -> None:
        """Train until the budget is used up, it becomes worse, or ``stop`` says so.

        ``batches`` gives those from a step on; ``validate`` the scores of the averaged network
        now, on ``validated`` images; ``after_epoch`` hears of each epoch, when :attr:`state` is
        complete. ``stop`` is asked after each step; what the steps since the last epoch gave is
        lost then. ``peak`` is the highest learning rate.
        """
        state = self.state
        started = time.monotonic() - state.elapsed_s
        self._begin_epoch(budget, state.elapsed_s, epoch_steps, validate)
        mark, first, losses = time.monotonic(), state.step, np.zeros(len(self.LOSSES))
        # mypy cannot know that it is a generator, which is to end its thread
        with closing(batches(state.step)) as stream:  # type: ignore[type-var]
            for batch in stream:
                progress = budget.progress(state.step, time.monotonic() - started)
                rate = learning_rate(state.step, progress, peak)
                losses += self._train_on(batch, rate, ema_decay(state.step))
                state.step += 1
                if stop():
                    return
                if state.step % epoch_steps and not self._is_over(budget, started):
                    continue
                if not np.isfinite(losses).all():
                    raise TrainingError(
                        f"the loss is no number at step {state.step}: look at the boxes in the "
                        "dataset's contact sheet, then go on with --resume"
                    )
                steps = state.step - first  # fewer in the last epoch, which time cuts off
                pace = BATCH * steps / (time.monotonic() - mark)
                scores = validate()
                state.elapsed_s = time.monotonic() - started
                progress = budget.progress(state.step, state.elapsed_s)
                self.keep_best(scores[0], progress, as_good(validated))
                after_epoch(
                    EpochRecord(
                        epoch=-(-state.step // epoch_steps),
                        step=state.step,
                        elapsed_s=state.elapsed_s,
                        progress=progress,
                        learning_rate=rate,
                        losses=dict(zip(self.LOSSES, (losses / steps).tolist(), strict=True)),
                        scores=dict(zip(self.SCORES, scores, strict=True)),
                        best=state.best_score,
                        images_per_s=pace,
                    )
                )
                waits = self._rounding is not None and not state.rounded
                if progress >= 1 or (progress - state.best_progress > PATIENCE and not waits):
                    return
                self._begin_epoch(budget, time.monotonic() - started, epoch_steps, validate)
                mark, first, losses = time.monotonic(), state.step, np.zeros(len(self.LOSSES))

    def _is_over(self, budget: Budget, started: float) -> bool:
        return budget.progress(self.state.step, time.monotonic() - started) >= 1

    def _train_on(self, batch: Batch, rate: float, decay: float) -> NDArray[np.float64]:
        losses = self._step[self.state.rounded](
            tf.constant(batch.pixels),
            tf.constant(batch.classes),
            tf.constant(batch.encodings),
            tf.constant(rate, tf.float32),
            tf.constant(decay, tf.float32),
        )
        return np.array([float(item) for item in losses])

    def keep_best(self, score: float, progress: float = 0.0, tolerance: float = 0.0) -> None:
        """Remember the averaged weights where they are the best so far, or as good and later."""
        state = self.state
        if state.best and score < state.best_score - tolerance:
            return
        state.best_score = max(score, state.best_score)
        state.best_progress = progress
        state.best_step = state.step
        state.best = self._average_weights()
