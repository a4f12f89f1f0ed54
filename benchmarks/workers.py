"""Pictures looked at by Dask's workers: same results, also where one is killed, and how fast.

    python benchmarks/workers.py BUNDLE [--pictures N]

Needs ``pip install distributed``. A scheduler and its workers run on this machine: the bundle's
own sample pictures are looked at by one worker, by two, and by two of which one is killed after the
first result; every result is compared with that of this process, to the last digit. Tasks of a
fixed time are timed too: where the workers share the cores of one machine, those alone tell how
work spreads.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from convert.evaluation.predict import Panel, Predictions, Unreadable, look_here
from convert.evaluation.workers import Workers

TASK_S = 0.1
TASKS = 60


def are_same(
    some: Sequence[dict[str, Predictions] | Unreadable],
    others: Sequence[dict[str, Predictions] | Unreadable],
) -> bool:
    """Whether two looks found the same, to the last digit."""
    return len(some) == len(others) and all(
        not isinstance(one, Unreadable)
        and not isinstance(other, Unreadable)
        and one.keys() == other.keys()
        and all(np.array_equal(one[name], other[name]) for name in one)
        for one, other in zip(some, others, strict=True)
    )


def measure(
    count: int, panel: Panel, images: Sequence[Path], here: Any, *, kill: bool = False
) -> None:
    """One line: by ``count`` workers, of which one is killed or not."""
    from distributed import Client, LocalCluster

    options = {"n_workers": count, "threads_per_worker": 1, "dashboard_address": None}
    with (
        LocalCluster(host="127.0.0.1", protocol="tcp", **options) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        workers = Workers(client)
        list(workers.look(panel, images[:count]))  # imports, and opens the engines
        began_s = time.perf_counter()
        looking = workers.look(panel, images)
        found = [next(looking)]
        if kill:
            os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        found += looking
        took_s = time.perf_counter() - began_s
        began_s = time.perf_counter()
        client.gather(client.map(time.sleep, [TASK_S] * TASKS, pure=False))
        fixed_s = time.perf_counter() - began_s
        same = "same" if are_same(found, here) else "OTHER RESULTS"
        what = f"{count} workers" + (", one killed" if kill else "")
        print(f"{what:<24}{took_s:8.1f} s{fixed_s:12.2f} s   {same}", flush=True)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("--pictures", type=int, default=120, metavar="N", help="default: 120")
    args = parser.parse_args()
    samples = itertools.cycle(sorted((args.bundle / "samples").iterdir()))
    images = list(itertools.islice(samples, args.pictures))
    panel = Panel(args.bundle, ("float32", "int8"), "litert", 0.001)
    here = list(look_here(panel, images, 1))
    print(f"{'':<24}{'pictures':>10}{'fixed tasks':>14}   results")
    measure(1, panel, images, here)
    measure(2, panel, images, here)
    measure(2, panel, images, here, kill=True)


if __name__ == "__main__":
    main()
