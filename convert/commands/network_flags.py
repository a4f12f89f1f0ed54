"""The network that the flags of ``convert build`` describe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from convert.models.zoo import MODELS, find_model
from device.errors import UsageError

if TYPE_CHECKING:
    from convert.models.base import Network

OF_OWN_SSDS = ("box_encoding", "scores", "heads")


def open_network(args: argparse.Namespace) -> Network:
    """The network that ``args.model`` and the flags beside it describe."""
    if args.model in MODELS:
        own = ("alpha", "size", "labels", "mean", "std", "background", "anchors")
        refuse_flags(args, *own, *OF_OWN_SSDS)
        return _open_zoo(args)
    if args.model == "mobilenet_v2":
        refuse_flags(args, "mean", "std", "anchors", "classes", *OF_OWN_SSDS)
    else:
        refuse_flags(args, "alpha", "weights")
        if args.anchors is None:
            refuse_flags(args, "classes", *OF_OWN_SSDS)
    from convert.models.keras_applications import ClassifierOptions, mobilenet_v2_network
    from convert.models.user_classifier import user_classifier
    from convert.models.user_ssd import SsdOptions, user_ssd
    from device.errors import ModelError
    from device.foreign_formats import foreign_format

    weights = args.weights
    if weights not in ("imagenet", "random"):
        weights = Path(weights) if weights else "imagenet"
    options = ClassifierOptions(
        weights=weights,
        alpha=args.alpha or 1.0,
        size=args.size,
        labels=None if args.labels is None else Path(args.labels),
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
    ssd = SsdOptions(Path(args.anchors), args.box_encoding, args.scores, args.heads, args.classes)
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


def refuse_flags(args: argparse.Namespace, *flags: str) -> None:
    """Say which flag cannot be meant for this model, instead of passing over it."""
    for flag in flags:
        if getattr(args, flag) is not None:
            name = "--" + flag.replace("_", "-")
            raise UsageError(f"{name} says nothing of {args.model}: leave it out")
