from __future__ import annotations

from convert.quantization.candidate_spec import CandidateSpec


def test_description_joins_neighbouring_layers():
    text = CandidateSpec(frozenset([3, 1, 2, 7]), frozenset([9])).describe()
    assert text.endswith("float32: 1-3 7, int16: 9")
