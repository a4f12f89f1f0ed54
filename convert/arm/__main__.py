"""``python -m convert.arm``: counts a bundle's instructions, against the committed figures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from convert.arm.count import FRAME_WH, FrameCount, count_frames
from convert.arm.emulator import CPUS, qemu_version
from convert.arm.figures import (
    Figure,
    InstructionCounts,
    find_growth,
    format_figures,
    format_table,
    read_figures,
    with_table,
)
from convert.arm.root import arm_root, root_versions
from device.bundle.bundle import Bundle
from device.commands.parser import StrictParser
from device.commands.runner import debug_flag, run_command
from device.errors import BenchmarkError, InterpreterError
from device.paths import ROOT
from device.runtimes import InterpreterName
from device.system.atomic_file import write_whole
from device.system.console import say

INTERPRETERS: tuple[InterpreterName, ...] = ("litert", "tflite-runtime")
COMMITTED = ROOT / "benchmarks" / "arm"  # MODEL.json
DOCUMENT = ROOT / "docs" / "arm.md"


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = StrictParser(
        prog="python -m convert.arm",
        description="Count the Arm instructions of one invoke and of one whole frame, for each "
        "variant and interpreter of a bundle, on emulated Cortex-A72 (Pi 4) and Cortex-A76 (Pi 5); "
        "fail where one grew by more than 2 % over benchmarks/arm/MODEL.json.",
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument(
        "--update",
        action="store_true",
        help="write the counts to benchmarks/arm/MODEL.json and docs/arm.md instead",
    )
    parser.set_defaults(handler=run)
    debug_flag(parser)
    return parser


def run(args: argparse.Namespace) -> None:
    """Count, show, and compare or keep."""
    bundle = Bundle(args.bundle)
    file = COMMITTED / f"{bundle.manifest.model}.json"
    committed = None if args.update else read_figures(file)
    found = count_bundle(bundle, f"python -m convert.arm {args.bundle} --update")
    print(format_table(found))
    if committed is None:
        write_whole(file, format_figures(found))
        write_whole(DOCUMENT, with_table(DOCUMENT.read_text("utf-8"), found).encode())
    elif grown := list(find_growth(committed, found)):
        for phrase in grown:
            say(phrase)
        raise BenchmarkError(
            f"{len(grown)} of the counts in {file} no longer hold; if that is meant, "
            "`make bench-arm-update` writes new ones"
        )


def count_bundle(bundle: Bundle, command: str) -> InstructionCounts:
    """Count every variant in every interpreter on every processor."""
    root, variants = arm_root(), list(bundle.manifest.variants)
    figures: list[Figure] = []
    for interpreter in INTERPRETERS:
        for cpu in CPUS:
            say(f"counting {', '.join(variants)} in {interpreter} on an emulated {cpu}")
            counts = count_frames(bundle, variants, cpu, interpreter)
            for variant, counted in zip(variants, counts, strict=True):
                figures.append(
                    Figure(
                        variant=variant,
                        interpreter=interpreter,
                        cpu=cpu,
                        count=counted if isinstance(counted, FrameCount) else None,
                        error=str(counted) if isinstance(counted, InterpreterError) else "",
                    )
                )
    return InstructionCounts(
        model=bundle.manifest.model,
        date=date.today().isoformat(),
        command=command,
        versions={"QEMU": qemu_version(), **root_versions(root)},
        frame_wh=FRAME_WH,
        counts=tuple(figures),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 is success, 1 failure, 2 wrong usage."""
    return run_command(make_parser(), argv)


if __name__ == "__main__":
    sys.exit(main())
