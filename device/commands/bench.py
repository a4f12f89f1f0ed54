"""``python -m device bench``: its flags, and what becomes of the figures."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from device.commands.argument_types import (
    comma_list,
    non_negative_int,
    positive_float,
    positive_int,
    thread_count,
)
from device.commands.model_flags import add_delegate_flag, add_model_flags, hints_of, open_bundle
from device.commands.runner import Commands, HelpText, debug_flag
from device.errors import BenchmarkError, UsageError
from device.runtimes import PREFERENCE
from device.system.console import say

if TYPE_CHECKING:
    from device.bench.record import Benchmark
    from device.bench.session import Plan
    from device.bundle.model import Model

ALL = ["all"]
AUTO = ["auto"]

EXAMPLES = """examples:
  python -m device bench build/ssdlite_mobilenet_v2
  python -m device bench build/ssdlite_mobilenet_v2 --interpreters all --threads 1,2,4
  python -m device bench build/ssdlite_mobilenet_v2 --source demo --json mine.json --html mine.html
  python -m device bench build/ssdlite_mobilenet_v2 --compare mine.json --tolerance 5
  python -m device bench build/ssdlite_mobilenet_v2 --variants int8 --tune
  python -m device bench build/ssdlite_mobilenet_v2 --variants int8 --sustained 15
"""


def _thread_counts(text: str) -> list[int]:
    return [thread_count(word) for word in comma_list(text)]


def _interpreters(text: str) -> list[str]:
    names = comma_list(text)
    unknown = [name for name in names if name not in PREFERENCE]
    if unknown and names not in (ALL, AUTO):
        raise argparse.ArgumentTypeError(
            f"no interpreter is called {unknown[0]!r}: {', '.join(PREFERENCE)}, all or auto"
        )
    return names


def add_bench(commands: Commands) -> None:
    """Add the command to the parser."""
    bench = commands.add_parser(
        "bench",
        help="measure a bundle on this machine",
        description="Measure how fast a bundle runs on this machine, and say what disturbed it. "
        "Every combination runs in a process of its own, in rounds.",
        epilog=EXAMPLES,
        formatter_class=HelpText,
    )
    bench.add_argument(
        "bundle", type=Path, metavar="BUNDLE|MODEL.tflite", help="folder made by convert build"
    )
    bench.add_argument(
        "--variants", type=comma_list, default=ALL, metavar="A,B", help="or all (the default)"
    )
    bench.add_argument(
        "--interpreters",
        type=_interpreters,
        metavar="A,B",
        help=f"{', '.join(PREFERENCE)}; all that are here; or auto, the one that detect takes "
        "(default: auto, with --tune all)",
    )
    bench.add_argument(
        "--threads",
        type=_thread_counts,
        metavar="1,2,4",
        help="default: 1 and one per core, with --tune all between, at most 4",
    )
    bench.add_argument(
        "--source", metavar="SRC", help="measure whole frames too: what detect takes, such as demo"
    )
    bench.add_argument(
        "--rounds",
        type=positive_int,
        default=5,
        metavar="N",
        help="processes for each (default: 5)",
    )
    bench.add_argument(
        "--warmups",
        type=non_negative_int,
        default=10,
        metavar="N",
        help="invokes and frames not counted at the start of each process (default: 10)",
    )
    bench.add_argument(
        "--min-count",
        type=positive_int,
        default=10,
        metavar="N",
        help="then at least so many are timed (default: 10)",
    )
    bench.add_argument(
        "--min-time",
        type=positive_float,
        default=0.5,
        metavar="SECONDS",
        help="and for at least so long (default: 0.5)",
    )
    bench.add_argument(
        "--references",
        action="store_true",
        help="time a bare loop and LiteRT's own benchmark script beside each",
    )
    bench.add_argument(
        "--sustained",
        type=positive_float,
        metavar="MINUTES",
        help="then run the fastest without a pause, so that throttling shows",
    )
    bench.add_argument(
        "--tune",
        action="store_true",
        help="remember the best interpreter and threads for this board; detect takes them",
    )
    bench.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    bench.add_argument("--html", type=Path, metavar="FILE", help="write it as a page to look at")
    bench.add_argument(
        "--compare",
        type=Path,
        metavar="OLD.json",
        help="against an earlier --json; exit 1 where something became slower",
    )
    bench.add_argument(
        "--tolerance",
        type=positive_float,
        default=5.0,
        metavar="PERCENT",
        help="what a figure may become slower (default: 5)",
    )
    bench.add_argument(
        "--seed",
        type=non_negative_int,
        default=0,
        metavar="N",
        help="of the order and the demo (default: 0)",
    )
    add_delegate_flag(bench)
    add_model_flags(bench)
    debug_flag(bench)
    bench.set_defaults(handler=run_bench)


def run_bench(args: argparse.Namespace) -> None:
    """``device bench``."""
    # Before NumPy is loaded, as in `detect`; the processes that measure inherit it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Imported here: `--help` need not wait for NumPy.
    from device.bench import record, session, table
    from device.system.atomic_file import write_whole

    old = None if args.compare is None else record.read(args.compare)
    bundle = open_bundle(args.bundle, hints_of(args), delegate=args.delegate, say=say)
    _refuse_overwriting(args)
    benchmark = session.run(bundle, _plan(args, bundle), say, _Progress())
    print(table.format_benchmark(benchmark), flush=True)  # before anything can fail
    for warning in benchmark.warnings:
        say(f"warning: {warning}")
    if args.json is not None:
        write_whole(args.json, record.encode(benchmark))
    if args.html is not None:
        from device.bench.page import make_page

        write_whole(args.html, make_page(benchmark).encode())
    if old is not None:
        _compare(old, benchmark, args.tolerance)
    if all(result.error for result in benchmark.results):
        raise BenchmarkError("nothing could be measured: the reasons are above")


def _plan(args: argparse.Namespace, bundle: Model) -> Plan:
    from device.bench.record import BenchmarkSettings
    from device.bench.session import Plan
    from device.runtimes import default_threads, installed_interpreters

    most = default_threads()
    names = args.interpreters or (ALL if args.tune else AUTO)
    if names == ALL:
        names = list(installed_interpreters())
    return Plan(
        variants=list(bundle.manifest.variants) if args.variants == ALL else args.variants,
        interpreters=[name for name in PREFERENCE if name in names],
        threads=args.threads or (range(1, most + 1) if args.tune else sorted({1, most})),
        settings=BenchmarkSettings(
            rounds=args.rounds,
            warmups=args.warmups,
            min_count=args.min_count,
            min_time_s=args.min_time,
            source=args.source,
            seed=args.seed,
            references=args.references,
            delegate=args.delegate,
        ),
        sustained_min=args.sustained,
        tune=args.tune,
    )


def _refuse_overwriting(args: argparse.Namespace) -> None:
    """Raise ``UsageError`` where an output would destroy what the user wants to keep."""
    named = (args.json, args.html, args.compare, args.source)
    paths = [Path(path).resolve() for path in named if path is not None]
    if len(set(paths)) < len(paths):
        raise UsageError(
            "two of --json, --html, --compare and --source name the same file: give each its own"
        )
    for flag, path in (("--json", args.json), ("--html", args.html)):
        if path is not None and path.resolve().is_relative_to(args.bundle.resolve()):
            raise UsageError(f"{flag} {path} lies in the bundle: choose another place")


def _compare(old: Benchmark, new: Benchmark, tolerance_percent: float) -> None:
    """Print how ``new`` differs. Raises ``BenchmarkError`` where something is slower."""
    from device.bench import comparison, table

    for difference in comparison.differences(old, new):
        say(f"warning: {difference}")
    changes = list(comparison.compare(old, new, tolerance_percent / 100))
    if not changes:
        raise BenchmarkError(
            "nothing was measured in both: give the same --variants, --interpreters and --threads"
        )
    print(f"\nagainst {old.made_at}")
    print(table.format_changes(changes))
    worse = [change for change in changes if change.is_regression]
    if worse:
        raise BenchmarkError(
            f"{len(worse)} of {len(changes)} figures became worse by more than "
            f"{tolerance_percent:g} %, the first: {worse[0].name}"
        )


class _Progress:
    """A line that is rewritten on a terminal; elsewhere one now and then."""

    STEPS = 10

    def __init__(self) -> None:
        self._started_s = time.monotonic()
        self._on_terminal = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        elapsed_s = time.monotonic() - self._started_s
        left_s = elapsed_s / done * (total - done)
        line = f"  {done} of {total} processes, about {left_s:.0f} s left"
        if self._on_terminal:
            end = "\r\x1b[K" if done == total else ""
            print(f"\r{line}\x1b[K{end}", end="", file=sys.stderr, flush=True)
        elif done * self.STEPS // total > (done - 1) * self.STEPS // total:
            say(line)
