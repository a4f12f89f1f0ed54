"""``python -m convert build``: a network to a bundle."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from convert.zoo import DEFAULT, MODELS, find_model
from device.command import Commands, count, say, say_step, seed
from device.errors import UsageError

if TYPE_CHECKING:
    from convert.network import Network

BUILD_EXAMPLES = """examples:
  python -m convert build --out build/ssdlite_mobilenet_v2
  python -m convert build ssdlite_mobilenet_v2 --out build/mine --calibration ~/Pictures
  python -m convert build --weights downloads/ssdlite --variants float32,int8 --out build/offline
"""


def add_build(commands: Commands) -> None:
    """Add the command to the parser."""
    build = commands.add_parser(
        "build",
        help="weights to a bundle",
        description="Fetch weights, convert them to TFLite variants, check each against float32 "
        "in every interpreter installed here, and write a bundle: whole, or not at all.",
        epilog=BUILD_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
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
    build.add_argument(
        "--debug", action="store_true", help="show tracebacks and the converter's own output"
    )


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
