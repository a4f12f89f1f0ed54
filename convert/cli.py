"""The commands of the laptop: ``python -m convert build``, ``evaluate``, ``report``, ``zoo``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convert.zoo import DEFAULT, MODELS, find_model
from device import __version__
from device.command import count, run_command, say, say_step, seed
from device.errors import UsageError

if TYPE_CHECKING:
    from convert.network import Network

BUILD_EXAMPLES = """examples:
  python -m convert build --out build/ssdlite_mobilenet_v2
  python -m convert build ssdlite_mobilenet_v2 --out build/mine --calibration ~/Pictures
  python -m convert build --weights downloads/ssdlite --variants float32,int8 --out build/offline
"""

EVALUATE_EXAMPLES = """examples:
  python -m convert evaluate build/ssdlite_mobilenet_v2 --images val2017 \\
      --annotations annotations/instances_val2017.json --json accuracy.json
  python -m convert evaluate build/ssdlite_mobilenet_v2 --images ~/Pictures
"""


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="python -m convert",
        description="Turn MobileNetV2 weights into measured TFLite variants, in one bundle.",
    )
    parser.add_argument("--version", action="version", version=f"liteberry {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    examples = argparse.RawDescriptionHelpFormatter

    build = commands.add_parser(
        "build",
        help="weights to a bundle",
        description="Fetch weights, convert them to TFLite variants, check each against float32 "
        "in every interpreter installed here, and write a bundle: whole, or not at all.",
        epilog=BUILD_EXAMPLES,
        formatter_class=examples,
    )
    build.add_argument(
        "model",
        nargs="?",
        default=DEFAULT,
        metavar="MODEL",
        help=f"a name of the zoo, mobilenet_v2, or a classifier of yours: .keras, .h5 or a "
        f"SavedModel folder (default: {DEFAULT})",
    )
    build.add_argument(
        "--out", type=Path, metavar="DIR", help="the bundle's folder (default: build/MODEL)"
    )
    build.add_argument(
        "--variants",
        default="float32,float16,dynamic,int8",
        metavar="A,B",
        help="default: %(default)s; float32 is always made, the others are measured against it",
    )
    build.add_argument(
        "--weights",
        metavar="PATH",
        help="files you have, instead of fetching: the folder of a zoo model; for mobilenet_v2 a "
        "file, or random for trying things",
    )
    build.add_argument(
        "--alpha", type=float, default=1.0, metavar="A", help="width of mobilenet_v2 (default: 1)"
    )
    build.add_argument(
        "--size", type=count, metavar="PIXELS", help="input side of mobilenet_v2 (default: 224)"
    )
    build.add_argument(
        "--labels", type=Path, metavar="FILE", help="names of the classes, one per line"
    )
    build.add_argument(
        "--mean", type=float, metavar="M", help="your model's input is (byte - M) / S"
    )
    build.add_argument("--std", type=float, metavar="S", help="see --mean")
    build.add_argument(
        "--calibration",
        type=Path,
        metavar="DIR",
        help="pictures like those the camera will see, for int8 (default: photographs that "
        "scikit-image ships)",
    )
    build.add_argument(
        "--samples", type=count, default=100, metavar="N", help="at most N of them (default: 100)"
    )
    build.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="draws the pictures (default: 0)"
    )
    build.add_argument(
        "--no-half-arithmetic",
        action="store_true",
        help="have float16 compute in float32 also where the processor could use float16 (a Pi 5)",
    )
    build.set_defaults(handler=run_build)

    evaluate = commands.add_parser(
        "evaluate",
        help="measure a bundle's accuracy on annotated pictures",
        description="COCO mean average precision of each variant (score threshold 0.001, 100 "
        "detections, by pycocotools), or top-1 and top-5 of a classifier, each with the interval "
        "of 95 % of resamples; without --annotations how far it agrees with float32. The figures "
        "are also left in the bundle, as accuracy.json.",
        epilog=EVALUATE_EXAMPLES,
        formatter_class=examples,
    )
    evaluate.add_argument("bundle", type=Path, metavar="BUNDLE")
    evaluate.add_argument(
        "--images",
        type=Path,
        action="append",
        required=True,
        metavar="DIR",
        help="pictures (repeat, with --annotations, to pool sets)",
    )
    evaluate.add_argument(
        "--annotations",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="what they show, recognised by content: COCO's JSON, a folder of Pascal VOC's XML or "
        "of YOLO's text files, or for a classifier a table of file, class index, wnid and name "
        "separated by tabs; one for each --images, in the same order",
    )
    evaluate.add_argument(
        "--variant", action="append", metavar="V", help="only this one (repeat for more)"
    )
    evaluate.add_argument(
        "--interpreter",
        choices=("auto", "litert", "tflite-runtime", "tensorflow"),
        default="auto",
        help="default: auto",
    )
    evaluate.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="draws the resamples (default: 0)"
    )
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    evaluate.set_defaults(handler=run_evaluate)

    report = commands.add_parser(
        "report",
        help="a page about a bundle: size, accuracy, time, pictures, advice",
        description="Write one HTML page that needs no network, from the bundle's manifest and "
        "from accuracy.json where `evaluate` has left it there.",
    )
    report.add_argument("bundle", type=Path, metavar="BUNDLE")
    report.add_argument(
        "--out", type=Path, metavar="FILE", help="the page (default: BUNDLE/report.html)"
    )
    report.set_defaults(handler=run_report)

    zoo = commands.add_parser(
        "zoo", help="the models that can be named", description="List the models of the zoo."
    )
    zoo.set_defaults(handler=run_zoo)

    for command in (build, evaluate, report, zoo):
        command.add_argument(
            "--debug", action="store_true", help="show tracebacks and the converter's own output"
        )
    return parser


def open_network(args: argparse.Namespace) -> Network:
    """The network that ``args.model`` and the flags beside it describe."""
    from convert.classifier import ClassifierOptions, mobilenet_v2_network
    from convert.network import ssdlite_network
    from convert.user_model import user_network

    weights = args.weights
    if args.model in MODELS:
        if weights in ("imagenet", "random"):
            raise UsageError(f"--weights {weights}: for {args.model} give a folder")
        return ssdlite_network(find_model(args.model), Path(weights) if weights else None)
    if weights not in ("imagenet", "random"):
        weights = Path(weights) if weights else "imagenet"
    options = ClassifierOptions(
        weights=weights,
        alpha=args.alpha,
        size=args.size,
        labels=args.labels,
        mean=args.mean,
        std=args.std,
        seed=args.seed,
        debug=args.debug,
    )
    if args.model == "mobilenet_v2":
        return mobilenet_v2_network(options)
    path = Path(args.model)
    if not path.suffix and not path.exists():
        find_model(args.model)  # raises, and lists what there is
    return user_network(path, options)


def run_build(args: argparse.Namespace) -> None:
    """``convert build``."""
    from convert.build import BuildOptions, build
    from convert.recipe import parse_variants
    from device.table import format_costs

    if not args.debug:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    network = open_network(args)
    out = args.out or Path("build") / network.name
    options = BuildOptions(
        out=out,
        precisions=parse_variants(args.variants),
        calibration=args.calibration,
        samples=args.samples,
        seed=args.seed,
        debug=args.debug,
        half_arithmetic=not args.no_half_arithmetic,
    )
    manifest = build(network, options, say_step)
    say(f"bundle      {out}")
    print(format_costs(manifest))


def run_evaluate(args: argparse.Namespace) -> None:
    """``convert evaluate``."""
    from convert.accuracy import ACCURACY, format_accuracy, write_accuracy
    from convert.errors import EvaluationError
    from convert.evaluate import evaluate_bundle

    annotations = args.annotations or [None] * len(args.images)
    if len(args.images) != len(annotations):
        raise UsageError(
            f"{len(args.images)} times --images but {len(annotations)} times --annotations: "
            "give one for the other"
        )
    if args.seed < 0:
        raise UsageError(f"--seed {args.seed}: expected 0 or more")
    sets = list(zip(args.images, annotations, strict=True))
    accuracy = evaluate_bundle(
        args.bundle, sets, args.variant, args.interpreter, say_step, args.seed
    )
    print(format_accuracy(accuracy))
    try:
        write_accuracy(accuracy, args.bundle / ACCURACY)
    except EvaluationError as exc:
        say(f"not left in the bundle: {exc}")
    if args.json is not None:
        write_accuracy(accuracy, args.json)


def run_report(args: argparse.Namespace) -> None:
    """``convert report``."""
    from convert.report import report

    print(report(args.bundle, args.out))


def run_zoo(_args: argparse.Namespace) -> None:
    """``convert zoo``."""
    for model in MODELS.values():
        print(f"{model.name}\n  {model.title}; {model.licence}")
        for source in model.sources:
            print(f"  from {source}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 is success, 1 failure, 2 wrong usage, 130 interrupted."""
    return run_command(make_parser(), argv)
