"""The promise of ``--max-drop``, kept by what runs on the Pi, and not by float32 alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from convert.errors import EvaluationError
from convert.slimming.log import SlimmingLog
from convert.slimming.search import Search
from convert.slimming.selection import Judgement
from convert.slimming.slim_bundle import SlimBundles

Mix = Callable[[Path, float], float | None]
"""Adds the variant ``tuned`` to a bundle: the cheapest mixture of precisions that loses at most so
many points against its float32. Its cost as a multiple of int8's; None where there is none."""

Say = Callable[[str], None]


def keep_promise(
    search: Search, bundles: SlimBundles, mix: Mix, folder: Path, say: Say
) -> tuple[Judgement, SlimmingLog]:
    """Fill the empty ``folder`` with the cheapest network whose int8 keeps the promise too.

    Where int8 takes too much, some layers are given more precision by ``mix``; where that does not
    help, the next dearer network is taken. Where nothing was promised the last one is. Raises
    ``EvaluationError`` where nothing keeps the promise.
    """
    max_drop = search.max_drop
    tried: list[tuple[float, str]] = []
    for verdict in search.verdicts():
        _empty(folder)
        figures = search.figures(verdict.kept)
        name = figures[verdict.kept].name
        bundles.build(search.students[verdict.kept], name, folder)
        log = bundles.measure(
            verdict, search.looks(verdict.kept), figures, search.whole_instructions, folder
        )
        if max_drop is None or log.int8_keeps(max_drop):
            return verdict, log
        assert log.int8_expected is not None
        tried.append((log.int8_expected, name))
        say(
            f"            int8 of {name} is expected to lose {log.int8_expected:.2f} points: "
            "layers that need more precision are looked for"
        )
        rest = max_drop - verdict.expected
        cost = mix(folder, rest) if rest > 0 else None
        if cost is not None:
            return verdict, bundles.measure_tuned(log, cost, folder)
    expected, name = min(tried)
    raise EvaluationError(
        f"nothing keeps --max-drop {max_drop:g} in int8: the closest, {name}, is expected to lose "
        f"{expected:.2f} points; more --minutes, more pictures, or --resume with a larger "
        "--max-drop may help"
    )


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
