"""Trained detectors: from the weights that training came to, to a bundle like any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from convert.build.build import BuildImages, BuildOptions, build_variants, require_reference
from convert.build.samples import write_sample
from convert.calibration.images import CalibrationInputs
from convert.evaluation.validation import DEFAULT_THRESHOLD
from convert.models.anchors import AnchorLayout
from convert.models.architecture import PUBLISHED, Architecture
from convert.models.base import Network
from convert.training.dataset import Dataset, TrainingImage
from convert.training.targets import BOX_SCALES
from device.bundle.decoder_rules import SsdRule
from device.bundle.manifest import InputRule, Manifest, Sample
from device.errors import SourceError
from device.images import read_image

CALIBRATION_IMAGES = 64
CHECK_IMAGES = 8  # each is looked at by every variant in every interpreter
SAMPLES = 4
IOU_THRESHOLD = 0.6
LICENCE = "yours"
NAMED = 8  # classes in a title

Say = Callable[[str], None]


def input_rule(size: int) -> InputRule:
    """How images become the input of a network trained here: the whole of them, stretched."""
    return InputRule(width=size, height=size, mean=127.5, std=127.5)


def decoder_rule() -> SsdRule:
    """How its heads are decoded: no class is the background, scores are logits."""
    return SsdRule(
        anchors="anchors.npy",
        box_scales=BOX_SCALES,
        background=None,
        iou_threshold=IOU_THRESHOLD,
        box_voting=True,
    )


class Trained(Protocol):
    """What training came to, ready to be built."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of what it was trained on."""

    def network(self) -> Network:
        """The network that is converted."""


@dataclass(frozen=True, slots=True)
class TrainedDetector:
    """What training came to: weights, in the order of the network's variables, and thresholds."""

    name: str
    classes: tuple[str, ...]
    layout: AnchorLayout
    weights: Sequence[NDArray[np.float32]]
    class_thresholds: Mapping[str, float]
    source: str
    architecture: Architecture = PUBLISHED
    decoder: SsdRule = field(default_factory=lambda: decoder_rule())
    licence: str = LICENCE
    threshold: float | None = None  # None: the mean of those of the classes

    def network(self) -> Network:
        """The network that is converted."""

        def export(saved_model: Path) -> int:
            from convert.models.freeze import Frozen
            from convert.models.ssdlite import build_ssdlite

            size = self.layout.size
            model = build_ssdlite(len(self.classes), size, 1, self.architecture)
            model.set_weights(list(self.weights))
            frozen = Frozen(lambda image: model(image, training=False), (size, size))
            frozen.save(saved_model)
            return frozen.parameters

        thresholds, mean = rounded_thresholds(self.class_thresholds)
        return Network(
            name=self.name,
            title=f"SSDLite MobileNetV2 trained on {listed(self.classes)}",
            licence=self.licence,
            source=self.source,
            labels=self.classes,
            input=input_rule(self.layout.size),
            input_name="image",
            decoder=self.decoder,
            export=export,
            anchors=self.layout.anchors(),
            threshold=mean if self.threshold is None else self.threshold,
            class_thresholds=thresholds,
        )


def rounded_thresholds(thresholds: Mapping[str, float]) -> tuple[dict[str, float], float]:
    """Thresholds of classes as a manifest has them, and their mean for what has none.

    The mean of none is what a class has of which validation shows nothing.
    """
    rounded = {name: round(value, 4) for name, value in thresholds.items()}
    mean = float(np.mean(list(rounded.values()))) if rounded else DEFAULT_THRESHOLD
    return rounded, round(mean, 2)


def listed(names: Sequence[str]) -> str:
    """``names`` in a title, the first of them where they are many."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def build_trained(
    trained: Trained, dataset: Dataset, bundle: Path, options: BuildOptions, say: Say
) -> Manifest:
    """Fill the empty folder ``bundle``: calibrated on training images, with samples of the test."""
    require_reference()
    network = trained.network()
    inputs = CalibrationInputs(network.input, network.input_name)
    calibration = _readable(spread(dataset.train, CALIBRATION_IMAGES), inputs)
    shown = dataset.test or dataset.validation
    samples = _write_samples(bundle, shown, len(dataset.classes))
    others = [image.path for image in dataset.validation[:CHECK_IMAGES]]
    images = BuildImages(
        calibration=calibration,
        samples=samples,
        check=[*(bundle / sample.file for sample in samples), *others][:CHECK_IMAGES],
        inputs=inputs,
        named=[str(path) for path in calibration],
    )
    return build_variants(network, bundle, images, options, say)


def _readable(images: Sequence[TrainingImage], inputs: CalibrationInputs) -> list[Path]:
    paths = []
    for image in images:
        try:
            inputs.keep(image.path, read_image(image.path))
        except SourceError:  # vanished since; told when it was trained on
            continue
        paths.append(image.path)
    return paths


def spread(images: Sequence[TrainingImage], count: int) -> list[TrainingImage]:
    """``count`` of ``images``, evenly over the whole: neighbours are often frames of a video."""
    places = np.linspace(0, len(images) - 1, min(count, len(images))).round().astype(int)
    return [images[place] for place in places]


def choose_samples(images: Sequence[TrainingImage], classes: int) -> list[TrainingImage]:
    """Images that together show as many classes as possible, few of them."""
    left = set(range(classes))
    remaining = list(images)
    chosen: list[TrainingImage] = []
    while remaining and len(chosen) < SAMPLES:
        best = max(remaining, key=lambda image: len(left & set(image.class_ids.tolist())))
        remaining.remove(best)
        chosen.append(best)
        left -= set(best.class_ids.tolist())
    return chosen


def _write_samples(bundle: Path, images: Sequence[TrainingImage], classes: int) -> list[Sample]:
    (bundle / "samples").mkdir()
    samples: list[Sample] = []
    for image in choose_samples(images, classes):
        try:
            pixels = read_image(image.path)
        except SourceError:
            continue
        name = f"samples/{len(samples):02d}.jpg"
        write_sample(bundle / name, pixels)
        samples.append(
            Sample(file=name, title=image.path.stem, licence=LICENCE, source=str(image.path))
        )
    return samples
