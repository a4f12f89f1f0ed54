"""The promise of ``--max-drop``, kept by int8, which is what runs on the Pi."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from convert.errors import EvaluationError
from convert.evaluation.bootstrap import in_resamples
from convert.slimming.log import SlimmingLog
from convert.slimming.search import Search
from convert.slimming.selection import Judgement
from convert.slimming.slim_bundle import SlimBundles

Say = Callable[[str], None]


def keep_promise(
    search: Search, bundles: SlimBundles, folder: Path, say: Say
) -> tuple[Judgement, SlimmingLog]:
    """Fill the empty ``folder`` with the cheapest network tried whose int8 keeps the promise too.

    None cheaper than the one that the halves of the pictures chose. Where nothing was promised, it
    is the last one. Raises ``EvaluationError`` where nothing keeps the promise.
    """
    max_drop = search.max_drop
    failed: list[tuple[float, str]] = []
    for verdict in search.verdicts():
        shutil.rmtree(folder)  # of the one before, if there was one
        folder.mkdir()
        figures = search.figures(verdict.kept)
        name = figures[verdict.kept].name
        bundles.build(search.students[verdict.kept], name, folder)
        log = bundles.measure(
            verdict,
            search.whole_looks,
            search.look(verdict.kept),
            figures,
            search.whole_instructions,
            folder,
        )
        if max_drop is None or log.int8_loses <= max_drop:
            return verdict, log
        told = (
            f"{name} is expected to lose {log.int8_expected:.2f} points, and lost "
            f"{log.int8_drop:.2f}{in_resamples(log.int8_drop_interval)}"
        )
        say(f"            not kept: int8 of {told}")
        failed.append((log.int8_loses, told))
    raise EvaluationError(
        f"nothing keeps --max-drop {max_drop:g} in int8: the closest: {min(failed)[1]}; slim to a "
        "--cost instead and give layers more precision by `python -m convert tune`, or --resume "
        "with a larger --max-drop"
    )
