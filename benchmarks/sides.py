"""What a trained detector finds in inputs of other sides, before it is trained there.

    python benchmarks/sides.py build/ssdlite_mobilenet_v2 --images DIR --annotations FILE
    python benchmarks/sides.py build/raccoon --dataset raccoon

measures its float network on labelled pictures (the test split of a dataset) at each side, with
three layouts of anchors: as large a part of the picture as in its own input; of as many pixels;
and of as many pixels with their centres where the cells of the network look, as `train --size` and
`slim` lay them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from convert.build.trained import input_rule  # noqa: E402
from convert.evaluation.validation import DetectionValidator  # noqa: E402
from convert.models.anchors import AnchorLayout  # noqa: E402
from convert.slimming.ladder import SIZES  # noqa: E402
from convert.slimming.pictures import annotated_folder  # noqa: E402
from convert.training.dataset import TrainingImage, read_dataset  # noqa: E402

SIDES = tuple(sorted({*SIZES, 224, 160}, reverse=True))


def told(text: str) -> None:
    """Say ``text`` beside the table."""
    print(text, file=sys.stderr, flush=True)


def pictures(args: argparse.Namespace, labels: Sequence[str]) -> tuple[TrainingImage, ...]:
    """The labelled pictures that were asked for."""
    if args.dataset is not None:
        return read_dataset(args.dataset, 0, told).test
    split = annotated_folder(args.images, args.annotations, tuple(labels), 0, told)
    return (*split.train, *split.validation, *split.test)


def main() -> None:
    """Print a row for each side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="a bundle whose weights can be trained")
    parser.add_argument("--dataset", type=Path, help="labelled pictures with a test split")
    parser.add_argument("--images", type=Path, help="or a folder of pictures")
    parser.add_argument("--annotations", type=Path, help="and what they show")
    parser.add_argument("--weights", type=Path, help="the published weights, instead of fetching")
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES)
    args = parser.parse_args()
    if args.dataset is None and (args.images is None or args.annotations is None):
        parser.error("name --dataset, or --images and --annotations")
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from convert.slimming.held_out import answers
    from convert.slimming.original import open_bundle, read_original
    from convert.slimming.student import Student, network_of

    original = read_original(open_bundle(args.bundle), args.weights)
    labels, own = original.labels, original.layout
    images = pictures(args, labels)

    def found(layout: AnchorLayout) -> str:
        rule = input_rule(layout.size)
        judge = DetectionValidator(images, labels, rule, original.decoder, layout.anchors())
        network = network_of(Student(original.weights, layout), labels)
        said = judge.precision(judge.find(answers(network, len(labels), judge.pixels)))
        return f"{said.map:.3f} {said.map_50:.3f}"

    print(f"{len(images)} pictures; mAP and AP50 each")
    print("side  as large a part  as many pixels  where cells look")
    print(f"{own.size:4}  {found(own):>15}")
    for side in args.sides:
        if side == own.size:
            continue
        layouts = (
            AnchorLayout(side, own.scale, even=True),
            AnchorLayout(side, own.pixels / side, even=True),
            AnchorLayout(side, own.pixels / side),
        )
        part, pixels, sight = map(found, layouts)
        print(f"{side:4}  {part:>15}  {pixels:>14}  {sight:>16}", flush=True)


if __name__ == "__main__":
    main()
