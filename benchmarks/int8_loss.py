"""What int8 of a trained detector loses on its test images, and how sure that is.

    python benchmarks/int8_loss.py build/trained/raccoon ../shared/data/own/raccoon

measures float32 and int8 on the test images as they are, and on several slightly different views
of each: windows that leave out a few per cent at the edges, every other one mirrored. Where tens
of images are to be told apart, mAP moves by half a point with the least change of any number;
the views keep the images and average that out. Intervals are paired: images are resampled, all
views of one together, for both variants alike. With `--whole BUNDLE` its int8 is what is measured
against, such as that of the network that `slim` made this one of.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from convert.build.samples import write_sample  # noqa: E402
from convert.build.trained import decoder_rule, input_rule  # noqa: E402
from convert.evaluation.bootstrap import draw_weights, in_resamples, interval  # noqa: E402
from convert.evaluation.coco_map import Precision, resampled_precision  # noqa: E402
from convert.evaluation.validation import DetectionValidator  # noqa: E402
from convert.evaluation.variant_precision import variant_precision  # noqa: E402
from convert.training.augment import Window, may_mirror, view  # noqa: E402
from convert.training.batches import relative_boxes  # noqa: E402
from convert.training.dataset import TrainingImage, read_dataset  # noqa: E402
from device.bundle.bundle import Bundle  # noqa: E402
from device.images import read_image  # noqa: E402

LEAST_SHARE = 0.94  # of an image's sides that a view shows


def views(
    images: Sequence[TrainingImage], count: int, size: int, mirror: bool, seed: int, folder: Path
) -> Iterator[TrainingImage]:
    """``count`` views of each of ``images``, ``size`` pixels wide and high, written to ``folder``.

    ``mirror``: whether every other one may be mirrored.
    """
    for number, image in enumerate(images):
        pixels = read_image(image.path)
        for place in range(count):
            random = np.random.default_rng((seed, number, place))
            width, height = random.uniform(LEAST_SHARE, 1, 2)
            window = Window(*random.uniform(0, (1 - width, 1 - height)), width, height)
            seen = view(
                pixels,
                relative_boxes(image),
                image.class_ids,
                image.ignored,
                window,
                size,
                mirror and place % 2 == 1,
            )
            path = folder / f"{number:05d}-{place:02d}.jpg"
            write_sample(path, seen.pixels)
            yield dataclasses.replace(
                image,
                path=path,
                width=size,
                height=size,
                boxes=seen.boxes * size,
                class_ids=seen.class_ids,
                ignored=seen.ignored,
            )


def told(name: str, found: Sequence[tuple[str, Precision]], images: int, count: int) -> str:
    """A line on ``images`` that were each seen ``count`` times, one after the other.

    ``found``: what is measured against, and what is measured, with their names.
    """
    weights = np.repeat(draw_weights(images, 0), count, axis=1)
    (first, whole), (second, less) = found
    lost = resampled_precision(whole.matches, weights) - resampled_precision(less.matches, weights)
    return (
        f"{name:<24} {first} {whole.map:.4f} (AP50 {whole.map_50:.4f}), "
        f"{second} {less.map:.4f} (AP50 {less.map_50:.4f}): "
        f"{100 * (whole.map - less.map):.2f} points lost{in_resamples(interval(100 * lost))}"
    )


def main() -> None:
    """Print a line for the images as they are, and one for their views."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="a bundle that was trained on the dataset")
    parser.add_argument("dataset", type=Path, help="labelled images with a test split")
    parser.add_argument(
        "--whole", type=Path, help="a bundle whose int8 is measured against, not float32"
    )
    parser.add_argument("--views", type=int, default=16, help="of each image (default: 16)")
    parser.add_argument("--seed", type=int, default=0, help="of the split and of the views")
    args = parser.parse_args()
    split = read_dataset(args.dataset, args.seed, lambda _: None)
    whole = args.bundle if args.whole is None else args.whole
    bundle = Bundle(whole)
    against = ("float32", whole, "float32") if args.whole is None else ("whole", whole, "int8")
    compared = (against, ("int8", args.bundle, "int8"))
    rule = input_rule(bundle.manifest.input.width)
    with tempfile.TemporaryDirectory(prefix="liteberry-") as seen_in:
        mirror = may_mirror(split.classes)
        seen = views(split.test, args.views, rule.width, mirror, args.seed, Path(seen_in))
        for name, images, count in (
            (f"{len(split.test)} test images", split.test, 1),
            (f"{args.views} views of each", tuple(seen), args.views),
        ):
            judge = DetectionValidator(images, split.classes, rule, decoder_rule(), bundle.anchors)
            found = [
                (word, variant_precision(folder, judge, (variant,))[variant])
                for word, folder, variant in compared
            ]
            print(told(name, found, len(split.test), count), flush=True)


if __name__ == "__main__":
    main()
