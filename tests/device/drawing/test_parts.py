from __future__ import annotations

from device.drawing.parts import EVERYTHING, FINDINGS, parts_for


def test_photographs_are_given_no_status():
    assert parts_for(None, moving=False) == FINDINGS
    assert "status" not in FINDINGS


def test_what_moves_is_given_everything():
    assert parts_for(None, moving=True) == EVERYTHING


def test_what_is_asked_for_is_drawn_even_if_it_is_nothing():
    assert parts_for(frozenset(), moving=True) == frozenset()
    assert parts_for({"status"}, moving=False) == {"status"}
