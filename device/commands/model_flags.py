"""The flags that say what a bare ``.tflite`` does not, and the bundle that they help to open."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from device.commands.argument_types import comma_list, size_wh
from device.errors import ModelError, UsageError

if TYPE_CHECKING:
    from device.bundle.hints import Hints
    from device.bundle.model import Model
    from device.runtimes import InterpreterName


MOST_OF_PIXELS = 1e5  # a mean or deviation of bytes, or of 16 bits, is less
LEAST_DEVIATION = 1e-4


def per_channel(text: str) -> tuple[float, ...]:
    """A flag's value that is one number, or one for each of red, green and blue."""
    values = tuple(float(word) for word in comma_list(text))
    if len(values) not in (1, 3) or not all(map(math.isfinite, values)):
        raise argparse.ArgumentTypeError(f"{text} is neither one number nor three (R,G,B)")
    if max(map(abs, values)) > MOST_OF_PIXELS:
        raise argparse.ArgumentTypeError(
            f"{text} is beyond {MOST_OF_PIXELS:g}: pixels are 0 to 255"
        )
    return values


def deviations(text: str) -> tuple[float, ...]:
    """The same of what is divided by."""
    values = per_channel(text)
    if min(values) < LEAST_DEVIATION:
        raise argparse.ArgumentTypeError(f"{text} is not above 0, by {LEAST_DEVIATION:g} at least")
    return values


def add_model_flags(command: argparse.ArgumentParser) -> None:
    """Add the group of flags; what they say goes to :func:`open_bundle`."""
    flags = command.add_argument_group(
        "a bare .tflite", "what the file does not say; a bundle says all of it"
    )
    declare_model_flags(flags)


def declare_model_flags(flags: argparse._ArgumentGroup) -> None:
    """Add the flags to a group; :func:`hints_of` reads them."""
    flags.add_argument("--labels", metavar="FILE", help="names of its classes, one per line")
    flags.add_argument("--task", choices=("detection", "classification"), help="what it is for")
    flags.add_argument(
        "--outputs",
        type=comma_list,
        metavar="A,B",
        help="what each output is, in their order: boxes, classes, scores, count, or none",
    )
    flags.add_argument(
        "--boxes",
        choices=("yxyx", "xyxy"),
        help="which comes first in the corners of its boxes, where it decodes them itself",
    )
    flags.add_argument(
        "--mean",
        type=per_channel,
        metavar="M",
        help="its input is (byte - M) / S; one number, or R,G,B",
    )
    flags.add_argument("--std", type=deviations, metavar="S", help="see --mean")
    flags.add_argument(
        "--input-size", type=size_wh, metavar="WxH", help="of its pictures, where it takes any"
    )
    flags.add_argument(
        "--resize",
        choices=("letterbox", "stretch", "centre-crop"),
        help="how pictures were brought to its input's shape in training (default: a YOLO's "
        "letterboxed, other detectors' stretched, a classifier's cropped)",
    )
    flags.add_argument(
        "--anchors", metavar="FILE.npy", help="of raw SSD heads: float32, cy, cx, height, width"
    )


def add_delegate_flag(command: argparse.ArgumentParser) -> None:
    """Add ``--delegate``, the path of a library or its name."""
    command.add_argument(
        "--delegate",
        type=_library,
        metavar="PATH",
        help="a shared library that LiteRT is to load and give its operators to, as an accelerator "
        "comes with one (default: libedgetpu.so.1 for a model compiled for a Coral, else none)",
    )


def _library(text: str) -> str:
    from device.inference.delegates import library_of  # here: most runs have none

    try:
        if text.strip() and not Path(text).is_dir():
            return library_of(text)
    except OSError as exc:  # such as a name that is too long to look for
        raise argparse.ArgumentTypeError(f"{text[:80]!a}: {exc.strerror}") from exc
    raise argparse.ArgumentTypeError(
        f"{text[:80]!a} is no library: the path or name of one is expected, such as libedgetpu.so.1"
    )


def hints_of(args: argparse.Namespace) -> Hints:
    """What the flags say."""
    from device.bundle.hints import Hints

    return Hints(
        task=args.task,
        outputs=tuple(args.outputs or ()),
        boxes=args.boxes,
        mean=args.mean or (),
        std=args.std or (),
        input_size=args.input_size,
        resize=args.resize,
        labels=args.labels,
        anchors=args.anchors,
    )


def open_bundle(
    path: Path,
    hints: Hints,
    interpreter: InterpreterName | Literal["auto"] = "auto",
    delegate: str | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Model:
    """The bundle at ``path``, or what can be understood of the bare model there.

    ``say`` is told that a bare model is being read, and what of it is a guess. Raises what
    :class:`.Bundle` and :func:`.recognise` raise, and ``UsageError``
    for flags of a bare model beside a bundle.
    """
    from device.bundle.hints import Hints

    if is_bare_model(path):
        from device.inspection.recognition import recognise

        model = recognise(path, hints, interpreter, delegate=delegate, say=say)
        for warning in model.warnings:
            say(f"warning: {warning}")
        return model
    from device.foreign_formats import foreign_format

    if (other := foreign_format(path)) is not None:
        raise ModelError(other)
    if hints != Hints():
        given = [name for name in hints.__struct_fields__ if getattr(hints, name)]
        flags = ", ".join("--" + name.replace("_", "-") for name in given)
        raise UsageError(f"{flags}: for a bare .tflite; the bundle {path} says it itself")
    from device.bundle.bundle import Bundle

    return Bundle(path)


def is_bare_model(path: Path) -> bool:
    """Whether ``path`` is, or is called as, a model without a bundle."""
    if path.is_dir():  # a bundle, nearly always: nothing of inspection is imported for it
        return False
    from device.inspection.tflite_file import is_tflite

    return path.suffix == ".tflite" or is_tflite(path)
