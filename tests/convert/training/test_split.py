from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from convert.training import split
from convert.training.split import draw_split, group_near_duplicates

ALONE = [0x0123456789ABCDEF, 0xFEDCBA9876543210, 0x5A5A0F0FC3C33C3C]


def paths(*names: str) -> list[Path]:
    return [Path(name) for name in names]


def test_hashes_within_seven_bits_are_one_group():
    near = ALONE[0] ^ 0b1111111
    far = ALONE[0] ^ 0b11111111
    groups = group_near_duplicates(paths("a", "b", "c"), [ALONE[0], near, ALONE[1]])
    assert groups[0] == groups[1] != groups[2]
    groups = group_near_duplicates(paths("a", "b"), [ALONE[0], far])
    assert groups[0] != groups[1]


def test_groups_are_joined_through_what_lies_between():
    chain = [ALONE[0], ALONE[0] ^ 0x7F, ALONE[0] ^ 0x7F7F]
    groups = group_near_duplicates(paths("a", "b", "c"), chain)
    assert len(set(groups)) == 1


def test_neighbours_of_a_numbered_sequence_may_differ_more():
    hashes = [ALONE[0], ALONE[0] ^ 0x3FF]  # ten bits
    together = group_near_duplicates(paths("v_001.jpg", "v_031.jpg"), hashes)
    assert together[0] == together[1]
    apart = group_near_duplicates(paths("v_001.jpg", "v_200.jpg"), hashes)
    assert apart[0] != apart[1]
    others = group_near_duplicates(paths("v_001.jpg", "w_002.jpg"), hashes)
    assert others[0] != others[1]


def test_a_thousand_copies_of_an_image_are_compared_as_one(monkeypatch):
    compared: list[int] = []

    def near_pairs(values):
        compared.append(len(values))
        return iter(())

    monkeypatch.setattr(split, "_near_pairs", near_pairs)
    names = [Path(f"{number // 26}{chr(97 + number % 26)}") for number in range(1000)]
    groups = group_near_duplicates(names, [ALONE[number % 2] for number in range(1000)])
    assert compared == [2]
    assert len(set(groups[::2])) == len(set(groups[1::2])) == 1
    assert groups[0] != groups[1]


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30))
def test_pairs_are_those_of_comparing_all(hashes):
    names = [Path(f"{'abcdefghij'[n % 10]}{'xyz'[n // 10]}") for n in range(len(hashes))]
    groups = group_near_duplicates(names, hashes)
    for one in range(len(hashes)):
        for other in range(one):
            if (hashes[one] ^ hashes[other]).bit_count() <= 7:
                assert groups[one] == groups[other]


@given(st.lists(st.integers(0, 8), min_size=1, max_size=60), st.integers(0, 5))
def test_groups_are_drawn_whole_and_by_seed(groups, seed):
    drawn = draw_split(groups, 0.2, seed)
    assert drawn == draw_split(groups, 0.2, seed)
    inside = {groups[number] for number in drawn}
    assert drawn == {number for number, group in enumerate(groups) if group in inside}
    if len(set(groups)) > 1:
        assert 0 < len(drawn) < len(groups)
    else:
        assert drawn == set()
