"""``python -m device info``: what a bundle holds, or what a bare model was understood to be."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from device.commands.model_flags import (
    add_delegate_flag,
    add_model_flags,
    hints_of,
    is_bare_model,
    open_bundle,
)
from device.commands.runner import Commands, debug_flag
from device.errors import ModelError
from device.system.console import say, show

if TYPE_CHECKING:
    from device.bundle.bare_model import BareModel
    from device.bundle.model import Model


def add_info(commands: Commands) -> None:
    """Add the command to the parser."""
    info = commands.add_parser(
        "info",
        help="what a bundle holds, or what a .tflite is",
        description="Verify every file of a bundle and say what is in it; or say all that is "
        "understood of a bare .tflite, and why.",
    )
    info.add_argument("bundle", type=Path, metavar="BUNDLE|MODEL.tflite")
    add_delegate_flag(info)
    add_model_flags(info)
    info.set_defaults(handler=run_info)
    debug_flag(info)


def run_info(args: argparse.Namespace) -> None:
    """``device info``."""
    if is_bare_model(args.bundle):
        _print_model(_recognised(args))
    else:
        _print_bundle(open_bundle(args.bundle, hints_of(args)))


def _recognised(args: argparse.Namespace) -> BareModel:
    """The model; of one that cannot be run here is said at least what it was compiled for."""
    from device.compiled_model import EDGE_TPU_LIBRARY, is_compiled_for_edge_tpu
    from device.inspection.recognition import recognise

    path: Path = args.bundle
    try:
        return recognise(
            path, hints_of(args), delegate=args.delegate, every_interpreter=True, say=say
        )
    except ModelError:
        if is_compiled_for_edge_tpu(path):
            show(
                f"{path.name}: compiled for a Coral Edge TPU, {path.stat().st_size / 1e6:.2f} MB; "
                f"only {EDGE_TPU_LIBRARY} runs it"
            )
        raise


def _print_bundle(bundle: Model) -> None:
    from device.bundle.cost_table import format_costs, interpreters_at_hand
    from device.bundle.labels import is_placeholder
    from device.inspection.describe import pixels_in_words

    bundle.verify()
    manifest, origin = bundle.manifest, bundle.manifest.provenance
    rule = manifest.input
    named = [label for label in bundle.labels if not is_placeholder(label)]
    show(f"{manifest.model}: {manifest.task}, {len(named)} classes, {origin.licence}")
    show(f"made {origin.made_at} from {origin.source}")
    show(f"input {rule.width}x{rule.height} {rule.colour}, {pixels_in_words(rule)}, {rule.resize}")
    show(f"samples: {', '.join(item.title for item in manifest.samples) or 'none'}")
    show(f"{len(manifest.files)} files, every sha256 as the manifest says")
    if interpreters := interpreters_at_hand(origin):
        show(f"interpreters {interpreters}")
    show(format_costs(manifest))


def _print_model(model: BareModel) -> None:
    from device.inspection.describe import in_short

    variant = model.variant(model.default_variant)
    show(f"{variant.file}: {model.manifest.task}, {variant.size_bytes / 1e6:.2f} MB")
    show(in_short(model))
    for finding in model.explanations:
        lines = (*finding.what.splitlines(), f"({finding.why})")
        show(f"{finding.topic:<10}" + f"\n{'':<10}".join(lines))
    versions = ", ".join(f"{name} v{version}" for name, version in variant.operators.items())
    show(f"{'operators':<10}{versions}")
    for name, check in variant.checks.items():
        show(f"{name} {check.version}: {'runs it' if check.ok else check.reason}")
    for warning in model.warnings:
        if warning not in model.guesses:  # which are told already
            show(f"warning: {warning}")
