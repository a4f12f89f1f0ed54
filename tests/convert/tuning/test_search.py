from __future__ import annotations

from convert.quantization.candidate_spec import CandidateSpec
from convert.tuning.search import BATCH, Candidate, pareto_front
from tests.helpers.tuning import clocked_explorer


def test_frontier_leaves_out_what_something_cheaper_equals():
    a, b, c = (
        Candidate(CandidateSpec(frozenset([n])), cost, output_error, 1)
        for n, (cost, output_error) in enumerate([(1.0, 5.0), (1.1, 6.0), (1.2, 2.0)])
    )
    assert pareto_front([c, b, a]) == [a, c]


def test_time_that_runs_out_ends_a_search_within_a_batch(monkeypatch):
    explorer, now = clocked_explorer(monkeypatch, [])
    explorer.run(now + 20)
    assert 9 <= len(explorer.tried) < 9 + BATCH / 2


def test_search_says_every_few_seconds_how_far_it_is(monkeypatch):
    said = []
    explorer, now = clocked_explorer(monkeypatch, said)
    explorer.run(now + 20)
    assert said[0] == "   5 made (int8)"
