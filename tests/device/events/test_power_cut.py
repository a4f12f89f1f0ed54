"""A run that is cut off leaves a store that can be read, with all that was committed."""

from __future__ import annotations

import subprocess
import sys

from device.events.store import open_or_replace
from tests.conftest import ROOT
from tests.helpers.children import wait_until

WRITE = """
import sys
from pathlib import Path
from device.events.store import EventStore
from device.records import Visit

store = EventStore(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    visit = Visit(
        visit_id=number, class_id=0, label="person", began_s=number, seen_s=number, score=0.9,
        box=(0, 0, 1, 1),
    )
    with store.batch():
        store.update(store.add(visit, "0"), visit, under_way=True)
    print(number, flush=True)
"""


def test_killed_writer_leaves_all_that_it_had_written(tmp_path):
    path, said = tmp_path / "events.db", tmp_path / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE, str(path)], cwd=ROOT, stdout=output
        )
        try:
            wait_until(lambda: said.read_bytes().count(b"\n") >= 5)
        finally:
            process.kill()
            process.wait()
    written = len(said.read_bytes().split())
    store, told = open_or_replace(path)
    assert told == "", "it is whole"
    visits = list(store.visits())
    store.close()
    assert written <= len(visits) <= written + 1
    assert not any(visit.under_way for visit in visits), "they are ended by the next run"
