"""``python -m convert build``: a network to a bundle."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from convert.commands.network_flags import OF_OWN_SSDS, open_network, refuse_flags
from convert.commands.weight_flags import add_weight_flags, weight_bits_of
from convert.models.zoo import DEFAULT
from device.commands.argument_types import (
    comma_list,
    non_negative_int,
    positive_float,
    positive_int,
)
from device.commands.model_flags import declare_model_flags, hints_of, is_bare_model
from device.commands.runner import Commands, HelpText
from device.errors import UsageError
from device.system.console import say, say_step

if TYPE_CHECKING:
    from device.bundle.manifest import Manifest

BUILD_EXAMPLES = """examples:
  python -m convert build --out build/ssdlite_mobilenet_v2
  python -m convert build ssdlite_mobilenet_v2 --out build/mine --calibration ~/Pictures
  python -m convert build --weights downloads/ssdlite --variants float32,int8 --out build/offline
  python -m convert build --classes person,car,dog --out build/street
  python -m convert build detect.tflite --labels labelmap.txt --out build/theirs
  python -m convert build flowers.keras --labels flowers.txt --mean 127.5 --std 127.5
  python -m convert build my_ssd.keras --labels mine.txt --mean 127.5 --std 127.5 \\
      --anchors anchors.npy --box-encoding yxhw:10,10,5,5 --scores sigmoid --background 0
"""


def add_build(commands: Commands) -> None:
    """Add the command to the parser."""
    build = commands.add_parser(
        "build",
        help="weights to a bundle",
        description="Fetch weights, convert them to TFLite variants, check each against float32 "
        "in every interpreter installed here, and write a bundle: whole, or not at all.",
        epilog=BUILD_EXAMPLES,
        formatter_class=HelpText,
    )
    build.add_argument(
        "model",
        nargs="?",
        default=DEFAULT,
        metavar="MODEL",
        help=f"a name of the zoo, mobilenet_v2, or a model of yours: .keras, .h5, a SavedModel "
        f"folder, or a finished .tflite, which is wrapped as it is (default: {DEFAULT})",
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
        "--alpha", type=positive_float, metavar="A", help="width of mobilenet_v2 (default: 1)"
    )
    build.add_argument(
        "--size",
        type=positive_int,
        metavar="PIXELS",
        help="input side of mobilenet_v2 (default: 224), or of a model of yours that takes any",
    )
    build.add_argument(
        "--classes",
        type=comma_list,
        metavar="A,B",
        help="of a detector: keep these alone, in this order; they are found as by the whole "
        "network, in less time (default: all that have a name)",
    )
    build.add_argument(
        "--calibration",
        type=Path,
        metavar="DIR",
        help="pictures like those the camera will see, for int8 (default: photographs that "
        "scikit-image ships)",
    )
    build.add_argument(
        "--evaluation",
        type=Path,
        metavar="DIR",
        help="pictures that accuracy will be measured on, to be told if --calibration has some",
    )
    build.add_argument(
        "--samples",
        type=positive_int,
        default=100,
        metavar="N",
        help="at most N of them (default: 100)",
    )
    build.add_argument(
        "--seed",
        type=non_negative_int,
        default=0,
        metavar="N",
        help="draws the pictures (default: 0)",
    )
    build.add_argument(
        "--no-half-arithmetic",
        action="store_true",
        help="have float16 compute in float32 also where the processor could use float16 (a Pi 5)",
    )
    build.add_argument(
        "--integer-outputs",
        action="store_true",
        help="int8 computes, takes and answers integers only, with this flag or without; with it "
        "the build fails if anything in the file is none, and says what the compiler of a Coral "
        "Edge TPU would leave to the processor",
    )
    add_weight_flags(build)
    _add_own_model(build)
    build.set_defaults(handler=run_build)
    build.add_argument(
        "--debug", action="store_true", help="show tracebacks and the converter's own output"
    )


def _add_own_model(build: argparse.ArgumentParser) -> None:
    own = build.add_argument_group(
        "a model of yours",
        "What a model does not say of itself is asked for. --task, --outputs, --boxes, "
        "--input-size, --resize and a mean of R,G,B are for a finished .tflite. Of another file a "
        "detector ends at the raw heads of an SSD: boxes of 4 numbers and scores of all classes "
        "for each anchor, in one pair of outputs or a pair for each feature map.",
    )
    declare_model_flags(own)
    own.add_argument(
        "--background",
        type=_background,
        metavar="N",
        help="the class, counted from 0, that is never reported; or none",
    )
    own.add_argument(
        "--box-encoding",
        metavar="ORDER:FACTORS",
        help="of a detector: the order of a box's four numbers, yxhw or xywh, and what each was "
        "multiplied with in training (one over the variance): yxhw:10,10,5,5",
    )
    own.add_argument(
        "--scores",
        choices=("sigmoid", "softmax", "none"),
        help="of a detector: what makes its scores probabilities; none: they are",
    )
    own.add_argument(
        "--heads",
        metavar="BOXES:SCORES,...",
        help="of a detector: names of the outputs of each feature map, in the anchors' order; "
        "only asked where there are several",
    )


def _background(text: str) -> int | str:
    return text if text == "none" else non_negative_int(text)


def run_build(args: argparse.Namespace) -> None:
    """``convert build``."""
    from convert.build.build import BuildOptions, build
    from convert.build.bundle_writer import staged_bundle
    from convert.calibration.images import require_folder
    from convert.quantization.recipe import parse_variants
    from device.bundle.cost_table import format_costs

    if not args.debug:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    out = args.out or Path("build") / Path(args.model).stem
    options = BuildOptions(
        precisions=parse_variants(args.variants),
        calibration=args.calibration,
        samples=args.samples,
        seed=args.seed,
        debug=args.debug,
        half_arithmetic=not args.no_half_arithmetic,
        integer_outputs=args.integer_outputs,
        evaluation=args.evaluation,
        weight_bits=weight_bits_of(args),
        weight_clusters=args.weight_clusters or 0,
    )
    if "int8" not in options.precisions:
        for flag in ("integer_outputs", "int4", "weight_clusters"):
            if getattr(args, flag):
                name = flag.replace("_", "-")
                raise UsageError(f"--{name} is about int8, which --variants leaves out")
    with staged_bundle(out) as bundle:  # where it cannot be written, nothing is fetched
        if is_bare_model(Path(args.model)):
            manifest = _wrap(args, bundle)
        else:
            refuse_flags(args, "task", "outputs", "boxes", "input_size", "resize")
            if args.calibration is not None:
                require_folder(args.calibration)
            manifest = build(open_network(args), bundle, options, say_step)
    say(f"bundle      {out}")
    print(format_costs(manifest))


def _wrap(args: argparse.Namespace, bundle: Path) -> Manifest:
    """A bundle of a finished file."""
    from convert.build.wrap import wrap

    refuse_flags(args, "alpha", "weights", "calibration", "background", "classes", *OF_OWN_SSDS)
    refuse_flags(args, "int4", "weight_clusters")
    hints = hints_of(args)
    if args.size is not None and hints.input_size is None:
        hints = msgspec.structs.replace(hints, input_size=(args.size, args.size))
    return wrap(Path(args.model), hints, bundle, say_step, args.debug)
