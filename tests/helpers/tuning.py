"""Tuning in tests: finalists, a cost that no clock measures, and the command."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

from convert.cli import main
from convert.quantization import flatbuffer
from convert.quantization.candidate_spec import CandidateSpec
from convert.tuning.drop_model import MeasuredDrop
from convert.tuning.search import Explorer
from convert.tuning.types import Finalist


def finalist(name, cost, seen, output_error=1.0, deviation=0.0):
    return finalist_of(name, cost, seen=MeasuredDrop(output_error, seen, deviation))


def finalist_of(name, cost, **drops):
    nothing = MeasuredDrop(0.0, 0.0, 0.0)
    return Finalist(
        name=name,
        choice=CandidateSpec(),
        cost=cost,
        looks=None,
        model=b"1",
        **({"seen": nothing, "unseen": nothing} | drops),
    )


class CountedCost:
    """Ranks files by what is in them, in place of by times: those are other ones at each run."""

    unit = "operators, and tensors in float32"

    def __init__(self, target, int8):
        self._int8 = self._count(int8)

    def _count(self, data):
        model = flatbuffer.read(data)
        return len(flatbuffer.operators(model)) + len(flatbuffer.float_tensors(model))

    def estimate(self, models):
        return [self._count(model) / self._int8 for model in models]

    confirm = estimate


def tune(bundle, images, limit, *flags):
    return main(["tune", str(bundle), "--images", str(images), "--max-drop", limit, *flags])


def unseen(output_error, drop, deviation):
    return finalist_of("", 1.0, unseen=MeasuredDrop(output_error, drop, deviation))


def clocked_explorer(monkeypatch, said):
    """Explores a network of 40 layers, of which each candidate takes a second or two."""
    clock = itertools.count()
    monkeypatch.setattr("convert.tuning.search.time", SimpleNamespace(monotonic=clock.__next__))
    maker = SimpleNamespace(make=lambda _: b"", weighted=range(40), layers=range(40))
    cost = SimpleNamespace(estimate=lambda models: [1.0] * len(models))
    return Explorer(maker, lambda _: 1.0, cost, 0, said.append), next(clock)


def spoiled(judge):
    """As if no half's choice had held on the other."""

    def spoil(self):
        judge(self)
        self.outcome.met = False

    return spoil


def write_labels(path, class_ids):
    rows = [f"{n:02}.png\t{class_id}\tn0\tclass {class_id}" for n, class_id in enumerate(class_ids)]
    path.write_text("file\tclass_index\twnid\tname\n" + "\n".join(rows) + "\n")
