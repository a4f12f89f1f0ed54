"""The command ``events``: what an event store holds, listed and exported."""

from __future__ import annotations

import argparse
import datetime
import io
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from device.commands.argument_types import comma_list
from device.commands.runner import Commands, HelpText, debug_flag
from device.system.console import printable, show

if TYPE_CHECKING:
    from device.events.reader import VisitReader
    from device.events.records import StoredVisit

EXAMPLES = """examples:
  python -m device events events.db --since 2026-11-28
  python -m device events events.db --classes person --zones "till 1" --csv visits.csv
  python -m device events events.db --json - | head
  python -m device events events.db --coco to-label/
"""
STDOUT = Path("-")


def add_events(commands: Commands) -> None:
    """Add the command to the parser."""
    events = commands.add_parser(
        "events",
        help="list and export the visits that detect --events kept",
        description="List the visits of an event store, or export them.",
        epilog=EXAMPLES,
        formatter_class=HelpText,
    )
    events.add_argument("store", type=Path, metavar="FILE", help="as detect --events was given it")
    events.add_argument("--classes", type=comma_list, metavar="A,B", help="these only")
    events.add_argument(
        "--zones", type=comma_list, metavar="A,B", help="those that were in one of these only"
    )
    events.add_argument(
        "--since", type=_moment, metavar="TIME", help="from then on: 2026-11-28, 2026-11-28T14:30 "
        "(of this machine's clock), or with Z at its end of UTC"
    )  # fmt: skip
    events.add_argument("--until", type=_moment, metavar="TIME", help="before then")
    how = events.add_mutually_exclusive_group()
    how.add_argument("--csv", type=Path, metavar="FILE", help="write a table; - to standard output")
    how.add_argument(
        "--json", type=Path, metavar="FILE", help="write a line of JSON each; - to standard output"
    )
    how.add_argument(
        "--coco",
        type=Path,
        metavar="DIR",
        help="write the best pictures and COCO annotations of what was found on them, to be "
        "corrected and trained on",
    )
    debug_flag(events)
    events.set_defaults(handler=run_events)


def _moment(text: str) -> float:
    try:
        moment = datetime.datetime.fromisoformat(text)
        return moment.timestamp()
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError(f"{text} is no time, such as 2026-11-28T14:30") from None


def run_events(args: argparse.Namespace) -> None:
    """Run ``device events``."""
    from device.events.reader import VisitReader
    from device.events.records import VisitFilter

    store = VisitReader(args.store)
    try:
        wanted = VisitFilter(
            labels=tuple(args.classes or ()),
            zones=tuple(args.zones or ()),
            since_s=args.since,
            until_s=args.until,
        )
        visits = store.visits(wanted)
        _export(args, store, visits)
    finally:
        store.close()


def _export(args: argparse.Namespace, store: VisitReader, visits: Iterable[StoredVisit]) -> None:
    from device.events.export import write_coco, write_csv, write_json
    from device.outputs.serialization import as_cell

    if args.csv is not None:
        _write(args.csv, lambda file: write_csv(visits, file, as_cell))
    elif args.json is not None:
        _write(args.json, lambda file: write_json(visits, file))
    elif args.coco is not None:
        count = write_coco(store, visits, args.coco)
        show(f"{count} pictures and annotations.json in {args.coco}: what was found, not the truth")
    else:
        show("\n".join(_lines(visits)))


def _write(path: Path, write: Callable[[IO[str]], None]) -> None:
    if path == STDOUT:
        write(sys.stdout)
        return
    from device.system.atomic_file import write_whole

    text = io.StringIO()
    write(text)
    write_whole(path, text.getvalue().encode())


def _lines(visits: Iterable[StoredVisit]) -> Iterable[str]:
    from device.events.export import iso

    count = 0
    for visit in visits:
        count += 1
        seconds = visit.ended_s - visit.began_s
        lasted = f"{seconds:6.0f} s" + (" and on" if visit.under_way else "")
        zones = f"  in {', '.join(visit.zones)}" if visit.zones else ""
        clip = f"  {visit.clip}" if visit.clip else ""
        line = f"{visit.number:>6}  {iso(visit.began_s)}  {lasted}  {visit.label} {visit.score:.0%}"
        yield printable(line + zones + clip)
    yield f"{count} visits" if count else "no visits"
