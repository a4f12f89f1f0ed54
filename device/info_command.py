"""``python -m device info``: what a bundle holds."""

from __future__ import annotations

import argparse
from pathlib import Path

from device.command import Commands, debug_flag


def add_info(commands: Commands) -> None:
    """Add the command to the parser."""
    info = commands.add_parser(
        "info",
        help="what a bundle holds",
        description="Verify every file of a bundle and say what is in it.",
    )
    info.add_argument("bundle", type=Path, metavar="BUNDLE")
    info.set_defaults(handler=run_info)
    debug_flag(info)


def run_info(args: argparse.Namespace) -> None:
    """``device info``."""
    from device.bundle import Bundle
    from device.table import format_costs

    bundle = Bundle(args.bundle)
    bundle.verify()
    manifest, origin = bundle.manifest, bundle.manifest.provenance
    rule = manifest.input
    named = [label for label in bundle.labels if label not in ("background", "???")]
    print(f"{manifest.model}: {manifest.task}, {len(named)} classes, {origin.licence}")
    print(f"made {origin.made_at} from {origin.source}")
    print(
        f"input {rule.width}x{rule.height} {rule.colour}, (byte - {rule.mean:g}) / {rule.std:g}, "
        f"{rule.resize}"
    )
    print(f"samples: {', '.join(item.title for item in manifest.samples) or 'none'}")
    print(f"{len(manifest.files)} files, every sha256 as the manifest says")
    print(format_costs(manifest))
