"""``python -m convert build``: a network to a bundle."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from convert.models.zoo import DEFAULT, MODELS, find_model
from device.commands.argument_types import (
    comma_list,
    non_negative_int,
    positive_float,
    positive_int,
    size_wh,
)
from device.commands.model_flags import deviations, is_bare_model, per_channel
from device.commands.runner import Commands, HelpText
from device.errors import UsageError
from device.system.console import say, say_step

if TYPE_CHECKING:
    from convert.models.base import Network
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

OF_OWN_SSDS = ("box_encoding", "scores", "heads")


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
        "--labels", type=Path, metavar="FILE", help="names of the classes, one per line"
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
        "the build fails if anything in the file is none, for accelerators that take no other",
    )
    _add_own_model(build)
    build.set_defaults(handler=run_build)
    build.add_argument(
        "--debug", action="store_true", help="show tracebacks and the converter's own output"
    )


def _add_own_model(build: argparse.ArgumentParser) -> None:
    own = build.add_argument_group(
        "of a model of yours",
        "What a model does not say of itself is asked for. A detector ends at the raw heads of an "
        "SSD: boxes of 4 numbers and scores of all classes for each anchor, in one pair of "
        "outputs or a pair for each feature map.",
    )
    own.add_argument(
        "--mean",
        type=per_channel,
        metavar="M",
        help="the model's input is (byte - M) / S; of a finished .tflite also R,G,B",
    )
    own.add_argument("--std", type=deviations, metavar="S", help="see --mean")
    own.add_argument(
        "--input-size",
        type=size_wh,
        metavar="WxH",
        help="of the pictures of a finished .tflite that takes any",
    )
    own.add_argument(
        "--task", choices=("detection", "classification"), help="what a finished .tflite is for"
    )
    own.add_argument(
        "--outputs",
        type=comma_list,
        metavar="A,B",
        help="what each output of a finished .tflite is: boxes, classes, scores, count or none",
    )
    own.add_argument(
        "--resize",
        choices=("letterbox", "stretch", "centre-crop"),
        help="how pictures were brought to the shape of a finished .tflite's input in training",
    )
    own.add_argument(
        "--boxes",
        choices=("yxyx", "xyxy"),
        help="which comes first in the corners of a finished .tflite's boxes, where it decodes "
        "them itself",
    )
    own.add_argument(
        "--background",
        type=_background,
        metavar="N",
        help="the class, counted from 0, that is never reported; or none",
    )
    own.add_argument(
        "--anchors",
        type=Path,
        metavar="FILE.npy",
        help="of a detector: (anchors, 4), a row each of centre_y, centre_x, height, width as "
        "shares (0..1) of the input",
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
    )
    if args.integer_outputs and "int8" not in options.precisions:
        raise UsageError("--integer-outputs is about int8, which --variants leaves out")
    with staged_bundle(out) as bundle:  # where it cannot be written, nothing is fetched
        if is_bare_model(Path(args.model)):
            manifest = _wrap(args, bundle)
        else:
            _refuse(args, "task", "outputs", "boxes", "input_size", "resize")
            manifest = build(open_network(args), bundle, options, say_step)
    say(f"bundle      {out}")
    print(format_costs(manifest))


def _wrap(args: argparse.Namespace, bundle: Path) -> Manifest:
    """A bundle of a finished file."""
    from convert.build.wrap import wrap
    from device.bundle.hints import Hints

    _refuse(args, "alpha", "weights", "calibration", "background", "classes", *OF_OWN_SSDS)
    hints = Hints(
        task=args.task,
        outputs=tuple(args.outputs or ()),
        boxes=args.boxes,
        mean=args.mean or (),
        std=args.std or (),
        input_size=args.input_size or (args.size and (args.size, args.size)),
        resize=args.resize,
        labels=None if args.labels is None else str(args.labels),
        anchors=None if args.anchors is None else str(args.anchors),
    )
    return wrap(Path(args.model), hints, bundle, say_step, args.debug)


def open_network(args: argparse.Namespace) -> Network:
    """The network that ``args.model`` and the flags beside it describe."""
    if args.model in MODELS:
        own = ("alpha", "size", "labels", "mean", "std", "background", "anchors")
        _refuse(args, *own, *OF_OWN_SSDS)
        return _open_zoo(args)
    if args.model == "mobilenet_v2":
        _refuse(args, "mean", "std", "anchors", "classes", *OF_OWN_SSDS)
    else:
        _refuse(args, "alpha", "weights")
        if args.anchors is None:
            _refuse(args, "classes", *OF_OWN_SSDS)
    from convert.models.keras_applications import ClassifierOptions, mobilenet_v2_network
    from convert.models.user_classifier import user_classifier
    from convert.models.user_ssd import SsdOptions, user_ssd
    from device.errors import ModelError
    from device.inspection.foreign_formats import foreign_format

    weights = args.weights
    if weights not in ("imagenet", "random"):
        weights = Path(weights) if weights else "imagenet"
    options = ClassifierOptions(
        weights=weights,
        alpha=args.alpha or 1.0,
        size=args.size,
        labels=args.labels,
        mean=_for_all_channels(args.mean),
        std=_for_all_channels(args.std),
        background=args.background,
        seed=args.seed,
        debug=args.debug,
    )
    if args.model == "mobilenet_v2":
        return mobilenet_v2_network(options)
    path = Path(args.model)
    if (other := foreign_format(path, but_keras=True)) is not None:
        raise ModelError(other)
    if not path.suffix and not path.exists():
        find_model(args.model)  # raises, and lists what there is
    if args.anchors is None:
        return user_classifier(path, options)
    ssd = SsdOptions(args.anchors, args.box_encoding, args.scores, args.heads, args.classes)
    return user_ssd(path, options, ssd)


def _for_all_channels(values: tuple[float, ...] | None) -> float | None:
    """The one number of ``--mean`` or ``--std``; raises ``UsageError`` for three."""
    if values is not None and len(values) > 1:
        raise UsageError("--mean and --std: one number each; R,G,B are for a finished .tflite")
    return values[0] if values else None


def _open_zoo(args: argparse.Namespace) -> Network:
    from convert.models.zoo_network import ssdlite_network

    if args.weights in ("imagenet", "random"):
        raise UsageError(f"--weights {args.weights}: for {args.model} give a folder")
    folder = Path(args.weights) if args.weights else None
    return ssdlite_network(find_model(args.model), folder, args.classes)


def _refuse(args: argparse.Namespace, *flags: str) -> None:
    """Say which flag cannot be meant for this model, instead of passing over it."""
    for flag in flags:
        if getattr(args, flag) is not None:
            name = "--" + flag.replace("_", "-")
            raise UsageError(f"{name} says nothing of {args.model}: leave it out")
