"""Splits: images that are nearly the same stay on one side, or a test would only ask for memory."""

from __future__ import annotations

import itertools
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NEAR = 7  # of 64 bits of two hashes may differ and the images are nearly the same
NEAR_IN_SEQUENCE = 14  # as many of two frames of one video that follow each other
BANDS = 8  # bytes of a hash: two that differ in at most seven bits share one of them
SEQUENCE_STEP = 60  # numbers in file names further apart are not frames of one scene
MOST_IN_BAND = 4000  # images that share a byte by chance are compared with so many at most


def group_near_duplicates(paths: Sequence[Path], hashes: Sequence[int]) -> list[int]:
    """A group's number for each image, the same for images that are nearly the same.

    Near are hashes that differ in at most ``NEAR`` bits, and neighbours in a numbered sequence
    of files that differ in at most ``NEAR_IN_SEQUENCE``. Groups are what is joined by such pairs.
    """
    parents = list(range(len(paths)))

    def root(node: int) -> int:
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    values = np.array(hashes, np.uint64)
    # Of images that are the same one stands for all: a thousand copies are half a million pairs.
    distinct, first, same_as = np.unique(values, return_index=True, return_inverse=True)
    for node, number in enumerate(same_as.tolist()):
        parents[node] = int(first[number])
    for one, other in _near_pairs(distinct):
        parents[root(int(first[one]))] = root(int(first[other]))
    for one, other in _neighbours(paths):
        if int(values[one] ^ values[other]).bit_count() <= NEAR_IN_SEQUENCE:
            parents[root(one)] = root(other)
    return [root(node) for node in range(len(paths))]


def _near_pairs(values: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Positions of pairs within ``NEAR`` bits: by the pigeonhole they share a byte."""
    bytes_of = values[:, None].view(np.uint8).reshape(len(values), BANDS)
    for band in range(BANDS):
        order = np.argsort(bytes_of[:, band], kind="stable")
        ends = np.searchsorted(bytes_of[order, band], np.arange(257))
        for first, last in itertools.pairwise(ends):
            members = order[first:last]
            for position, member in enumerate(members):
                others = members[position + 1 : position + 1 + MOST_IN_BAND]
                differing = np.bitwise_xor(values[others], values[member])
                bits = np.unpackbits(differing[:, None].view(np.uint8), axis=1).sum(axis=1)
                yield from ((int(member), int(other)) for other in others[bits <= NEAR])


def _neighbours(paths: Sequence[Path]) -> list[tuple[int, int]]:
    """Pairs of files whose names differ only in a last number, and in that by little."""
    series: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for position, path in enumerate(paths):
        if found := re.fullmatch(r"(.*?)(\d{1,12})(\D*)", path.stem):
            series[str(path.parent), f"{found[1]}\0{found[3]}"].append((int(found[2]), position))
    pairs = []
    for members in series.values():
        members.sort()
        for (number, one), (next_number, other) in itertools.pairwise(members):
            if next_number - number <= SEQUENCE_STEP:
                pairs.append((one, other))
    return pairs


def draw_split(groups: Sequence[int], share: float, seed: int) -> set[int]:
    """Positions of about ``share`` of the images, whole groups, drawn by ``seed``.

    At least one group is left and one drawn, where there are two. A group larger than the share
    is never drawn while a smaller one is left.
    """
    members: defaultdict[int, list[int]] = defaultdict(list)
    for position, group in enumerate(groups):
        members[group].append(position)
    order = sorted(members)
    random.Random(seed).shuffle(order)
    wanted = max(1, round(share * len(groups)))
    drawn: set[int] = set()
    if len(order) < 2:
        return drawn
    for group in order:
        if len(drawn) + len(members[group]) <= wanted:
            drawn |= set(members[group])
    return drawn or set(members[min(members, key=lambda group: len(members[group]))])
