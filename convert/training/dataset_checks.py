"""Dataset checks: what labels say compared with the images, before the slow part begins.

What can be mended without a guess is mended and counted; what cannot is left out and counted; on
what is left training makes sense, or :class:`DatasetError` says why not and what to do.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from convert.annotations.labels import BoxLabel, Edges
from convert.errors import DatasetError
from convert.training.image_probe import ImageProbe
from convert.training.label_set import LabelledFile, Split

NAMED = 3  # of many of a kind, this many are named and the rest counted
FEW_BOXES = 10  # of a class: with fewer it is hardly learnt
LEAST_SIDE = 1.0  # pixels of a box after it was cut to its image
TOLERANCE = 1.0  # pixels that a box may reach beyond its image without a word
SMALL_SHARE = 0.03  # of the image's side: a box that small fits no anchor well
ASPECT_TOLERANCE = 0.02  # within which two sizes are of one image at two resolutions

Say = Callable[[str], None]


@dataclass(slots=True)
class Findings:
    """What was found, by what it is, each with the places it was found at."""

    places: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, what: str, place: str) -> None:
        """Count one more of ``what``."""
        self.places[what].append(place)

    def tell(self, say: Say) -> None:
        """A line for each kind: how many, and the first of them."""
        for what, places in self.places.items():
            names = list(dict.fromkeys(places))
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            say(f"warning: {what}: {len(places)}: {', '.join(names[:NAMED])}{more}")


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """An image and the boxes on it that can be trained on, in pixels of the upright image."""

    probe: ImageProbe
    boxes: tuple[BoxLabel, ...]
    split: Split | None


def check_image(
    labelled: LabelledFile, probe: ImageProbe, findings: Findings
) -> CheckedImage | None:
    """The boxes of one image, mended where that is no guess; None where labels do not fit it."""
    to_pixels = _scale(labelled, probe, findings)
    if to_pixels is None:
        return None
    boxes = []
    for box in labelled.boxes:
        edges = _mended(to_pixels(box.edges), box.label, labelled, probe, findings)
        if edges is not None:
            boxes.append(BoxLabel(box.label, edges, box.ignored))
    return CheckedImage(probe, tuple(boxes), labelled.split)


def _scale(
    labelled: LabelledFile, probe: ImageProbe, findings: Findings
) -> Callable[[Edges], Edges] | None:
    """How written edges become pixels of the upright image."""
    width, height = probe.width, probe.height
    if labelled.relative:
        return lambda edges: (
            edges[0] * width,
            edges[1] * height,
            edges[2] * width,
            edges[3] * height,
        )
    size = labelled.written_size
    if size is None or size == (width, height):
        return lambda edges: edges
    place = f"{labelled.source} ({size[0]}x{size[1]}, the image has {width}x{height})"
    # Of a half turn or a mirror the size does not tell: labels are then taken for upright ones.
    if size == probe.stored_size and probe.orientation != 1:
        findings.add("labels drawn before the image was turned as its EXIF says; turned too", place)
        return lambda edges: _turned(edges, size, probe.orientation)
    if abs(math.log(size[0] / size[1] * height / width)) < ASPECT_TOLERANCE:
        findings.add("labels made at another resolution; scaled", place)
        across, down = width / size[0], height / size[1]
        return lambda edges: (
            edges[0] * across,
            edges[1] * down,
            edges[2] * across,
            edges[3] * down,
        )
    edges = [
        edge for box in labelled.boxes for edge in (box.edges[2] - width, box.edges[3] - height)
    ]
    if edges and max(edges) <= TOLERANCE:
        findings.add("the size in the labels is not the image's; boxes taken as they are", place)
        return lambda edges: edges
    findings.add("left out, the labels are of an image of another shape", place)
    return None


def _turned(edges: Edges, size: tuple[int, int], orientation: int) -> Edges:
    """Edges in a stored image of ``size`` as they lie after EXIF's quarter turn (2.3, 4.6.4)."""
    width, height = size
    points = [(edges[0], edges[1]), (edges[2], edges[3])]
    moved = []
    for x, y in points:
        upright = {
            5: (y, x),
            6: (height - y, x),
            7: (height - y, width - x),
            8: (y, width - x),
        }[orientation]
        moved.append(upright)
    (x_one, y_one), (x_other, y_other) = moved
    return min(x_one, x_other), min(y_one, y_other), max(x_one, x_other), max(y_one, y_other)


def _mended(
    edges: Edges, label: str, labelled: LabelledFile, probe: ImageProbe, findings: Findings
) -> Edges | None:
    x_min, y_min, x_max, y_max = edges
    place = f"{labelled.source or labelled.image.name} ({label})"
    if x_min > x_max or y_min > y_max:
        findings.add("boxes with swapped corners; put right", place)
        x_min, x_max = min(x_min, x_max), max(x_min, x_max)
        y_min, y_max = min(y_min, y_max), max(y_min, y_max)
    cut = (
        min(max(x_min, 0.0), probe.width),
        min(max(y_min, 0.0), probe.height),
        min(max(x_max, 0.0), probe.width),
        min(max(y_max, 0.0), probe.height),
    )
    if min(cut[2] - cut[0], cut[3] - cut[1]) < LEAST_SIDE:
        inside = (x_min, y_min, x_max, y_max) == cut
        what = "empty boxes" if inside else "boxes outside of their image"
        findings.add(f"{what}; left out", place)
        return None
    beyond = max(abs(a - b) for a, b in zip((x_min, y_min, x_max, y_max), cut, strict=True))
    if beyond > TOLERANCE:
        findings.add("boxes that reach beyond their image; cut", place)
    return cut


def check_classes(images: Sequence[CheckedImage], root: Path, noun: str) -> None:
    """Raise :class:`DatasetError` for class names that differ in case, spaces or dashes alone.

    ``noun`` is what classes are counted in, boxes or images.
    """
    counts = Counter(box.label for image in images for box in image.boxes)
    spellings: defaultdict[str, list[str]] = defaultdict(list)
    for label in counts:
        spellings["".join(letter for letter in label.casefold() if letter.isalnum())].append(label)
    for names in spellings.values():
        if len(names) > 1:
            told = " and ".join(f"{name!r} ({counts[name]} {noun})" for name in sorted(names))
            raise DatasetError(
                f"{root}: {told} are nearly the same class name: give them one spelling in the "
                "label files, or names that differ"
            )


def check_contradictions(images: Sequence[CheckedImage], findings: Findings) -> None:
    """Note images of a classifier that look the same and are of two classes."""
    seen: dict[int, tuple[str, str]] = {}
    for image in images:
        label, name = image.boxes[0].label, image.probe.path.name
        first = seen.setdefault(image.probe.hash, (label, name))
        if first[0] != label:
            pair = f"{first[1]} ({first[0]}) and {name} ({label})"
            findings.add("images that look the same in two classes", pair)


def check_splits(
    splits: Mapping[Split, Sequence[CheckedImage]], root: Path, findings: Findings, noun: str
) -> None:
    """Raise :class:`DatasetError` where nothing could be learnt; note what is doubtful.

    ``noun`` as of :func:`check_classes`.
    """
    known = Counter(
        box.label for image in splits["train"] for box in image.boxes if not box.ignored
    )
    if not known:
        raise DatasetError(
            f"{root}: no box in the {len(splits['train'])} images to train on: check that label "
            "files lie beside the images, or in a folder of their own, and are called like them"
        )
    for split in ("validation", "test"):
        lacking = Counter(
            box.label for image in splits[split] for box in image.boxes if box.label not in known
        )
        for name, count in lacking.items():
            raise DatasetError(
                f"{root}: class {name!r} has {count} {noun} in {split} and none in train: move "
                f"some of its images to train, or take its {noun} out"
            )
    for name, count in sorted(known.items()):
        if count < FEW_BOXES:
            findings.add(f"classes with under {FEW_BOXES} {noun} to train on", f"{name} ({count})")
    seen: dict[int, tuple[str, str]] = {}
    for split, images in splits.items():
        for image in images:
            where = seen.setdefault(image.probe.hash, (split, image.probe.path.name))
            if where[0] != split:
                pair = f"{where[1]} ({where[0]}) and {image.probe.path.name} ({split})"
                findings.add("images that look the same in two splits", pair)
            side = math.sqrt(image.probe.width * image.probe.height)
            for box in image.boxes:
                x_min, y_min, x_max, y_max = box.edges
                if math.sqrt((x_max - x_min) * (y_max - y_min)) < SMALL_SHARE * side:
                    what = f"boxes under {SMALL_SHARE:.0%} of the image's side, too small to find"
                    findings.add(what, image.probe.path.name)
