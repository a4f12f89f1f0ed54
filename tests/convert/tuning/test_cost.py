"""What an invoke costs, by a clock of its own and interpreters that move it."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from convert.quantization import flatbuffer
from convert.quantization.candidate_spec import CandidateSpec
from convert.tuning import cost as module
from convert.tuning.cost import Instructions, Latency, invoke_cost


class FakeInterpreters:
    """Each invoke takes a millisecond per byte of the model; every fifth meets other work."""

    def __init__(self):
        self.now_s = 0.0
        self.invokes = itertools.count()

    def perf_counter(self):
        return self.now_s

    def __call__(self, name, path, threads):
        assert (name, threads) == ("litert", 1)
        size = path.stat().st_size
        return SimpleNamespace(invoke=lambda: self.invoke(size))

    def invoke(self, size):
        self.now_s += size / 1e3 * (100 if next(self.invokes) % 5 == 0 else 1)


@pytest.fixture
def interpreters(monkeypatch):
    fakes = FakeInterpreters()
    monkeypatch.setattr(module, "Interpreter", fakes)
    monkeypatch.setattr(module, "time", fakes)
    return fakes


def test_latency_is_a_multiple_of_int8s_whatever_else_the_machine_does(interpreters):
    cost = Latency(bytes(4))
    assert cost.estimate([bytes(6), bytes(10), bytes(4)]) == pytest.approx([1.5, 2.5, 1.0])


def test_latency_is_confirmed_by_more_invokes(interpreters):
    cost = Latency(bytes(4))
    cost.estimate([bytes(6)])
    estimated = next(interpreters.invokes)
    assert cost.confirm([bytes(6)]) == [pytest.approx(1.5)]
    assert next(interpreters.invokes) - estimated > 2 * estimated


def test_int8_itself_costs_what_it_costs_and_is_not_measured(interpreters):
    assert Latency(bytes(4)).confirm([bytes(4)]) == [1.0]
    assert next(interpreters.invokes) == 0


def test_latency_of_real_files_is_some_time(maker):
    int8, float32 = (maker.make(CandidateSpec(layers)) for layers in (frozenset(), frozenset([0])))
    cost = invoke_cost("here", int8)
    assert isinstance(cost, Latency)
    assert cost.estimate([float32])[0] > 0


def test_each_kind_of_layer_is_counted_once(maker):
    counted = []

    def count(models):
        counted.append(len(models))
        return [100] * len(models)

    cost = Instructions("pi5", maker.make(CandidateSpec()), count)
    operators = len(flatbuffer.operators(flatbuffer.read(maker.make(CandidateSpec()))))
    lifted = maker.make(CandidateSpec(frozenset([1])))
    # Two operators more, where precisions meet; the last call finds all of them known.
    assert cost.estimate([lifted]) == [pytest.approx((operators + 2) / operators)]
    assert cost.estimate([lifted, lifted]) == cost.estimate([lifted]) * 2
    assert counted == [operators + 3]
