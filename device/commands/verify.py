"""``python -m device verify``: whether a bundle works here as it did where it was made."""

from __future__ import annotations

import argparse
from pathlib import Path

from device.commands.argument_types import comma_list
from device.commands.runner import Commands, debug_flag
from device.errors import MachineError
from device.system.console import show

NAMED = 3  # files of a release that are damaged, in the message


def add_verify(commands: Commands) -> None:
    """Add the command to the parser."""
    verify = commands.add_parser(
        "verify",
        help="whether a bundle sees here what it saw on the laptop",
        description="Check every file of this release's code and of a bundle, run its sample "
        "pictures, and compare what is found with what the laptop found that made it.",
    )
    verify.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder made by convert build")
    verify.add_argument(
        "--variants",
        type=comma_list,
        metavar="A,B",
        help="which to run (default: the one that detect would)",
    )
    verify.set_defaults(handler=run_verify)
    debug_flag(verify)


def run_verify(args: argparse.Namespace) -> None:
    """``device verify``."""
    from device.bundle.bundle import Bundle
    from device.inference.engine import Engine
    from device.inference.verification import differences
    from device.system.code_integrity import damaged_code

    damaged = damaged_code()
    if damaged:
        raise MachineError(
            f"the code of this release is damaged ({', '.join(damaged[:NAMED])}); deploy it again: "
            "./deploy.sh HOST"
        )
    bundle = Bundle(args.bundle)
    bundle.verify()
    failed = []
    for variant in args.variants or [bundle.default_variant]:
        with Engine(bundle, variant) as engine:
            found = differences(bundle, engine)
            interpreter = f"{engine.interpreter.name} {engine.interpreter.version}"
        images = sum(variant in sample.detections for sample in bundle.manifest.samples)
        verdict = "differ" if found else "as on the laptop"
        show(f"{variant} in {interpreter}: {images} sample pictures, {verdict}")
        for line in found:
            show(f"  {line}")
        failed += [variant] if found else []
    if failed:
        raise MachineError(
            f"{', '.join(failed)}: this machine does not see what the laptop saw; build the "
            "bundle again, or take another variant or interpreter"
        )
