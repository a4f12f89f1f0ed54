"""Other kinds of models, which cannot be run here, told by the shapes of their outputs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from device.compiled_model import EDGE_TPU_LIBRARY, EDGE_TPU_OPERATOR
from device.inspection.output_roles import Output
from device.inspection.yolo_layout import cells

Shape = Sequence[int]

KEYPOINTS = 17  # of a person, as COCO counts them
LEAST_MAP = 7  # places along a side, from which an output is a map
FOMO_CELL = 8  # pixels
# Numbers of an output that holds points, and whose they are: MediaPipe's, and 68 of a face.
_LANDMARKS = {
    3 * 468: "a face",
    3 * 478: "a face",
    2 * 68: "a face",
    3 * 71: "an eye",
    3 * 21: "a hand",
    5 * 39: "a body",
}
_OPERATORS = {
    EDGE_TPU_OPERATOR: "it was compiled for a Coral Edge TPU, and the delegate does not take it: "
    f"leave out --delegate, which takes {EDGE_TPU_LIBRARY}",
    "Flex": "it needs operators of TensorFlow itself, which a Pi has not: convert it again with "
    "TFLITE_BUILTINS alone",
    "Select TensorFlow op": "it needs operators of TensorFlow itself, which a Pi has not: convert "
    "it again with TFLITE_BUILTINS alone",
}


def looks_like(outputs: Sequence[Output], size_wh: tuple[int, int]) -> str | None:
    """A sentence that says what the model is; None where its outputs say nothing."""
    shapes = [output.spec.shape for output in outputs]
    joined = len(outputs) in (3, 4) and any(shape[-1:] == (4,) for shape in shapes)
    if joined and all(
        not output.facts.operator and output.held.finite and not output.held.maximum
        for output in outputs
    ):
        return (
            "its outputs are constants: an SSD of TensorFlow 2 has such where the operator that "
            "joins them was left out. Convert it again with converter.allow_custom_ops = True"
        )
    return kind_by_shapes(shapes, size_wh)


def missing_operator(reasons: str) -> str | None:
    """What a model is that needs an operator which the interpreters' ``reasons`` tell of."""
    return next((said for name, said in _OPERATORS.items() if name in reasons), None)


def kind_by_shapes(shapes: Sequence[Shape], size_wh: tuple[int, int]) -> str | None:
    """A sentence that says what a model with outputs of these shapes is; None for no such kind.

    ``size_wh``: of its input, in pixels; (0, 0) where it has none.
    """
    maps = [shape for shape in shapes if len(shape) == 4 and min(shape[1:3]) >= LEAST_MAP]
    if any(_is_pose(shape) for shape in shapes) or {KEYPOINTS, 2 * KEYPOINTS} <= {
        shape[-1] for shape in maps
    }:
        return "it looks like a model of poses: it finds the joints of people, not boxes or classes"
    for shape in shapes:
        if whose := _LANDMARKS.get(_length(shape)):
            return f"it looks like a model of landmarks: points on {whose}, not boxes or classes"
    if len(maps) > 1 and _are_yolo_heads(maps, size_wh):
        return (
            "it looks like the raw heads of a YOLO, whose boxes nobody decoded: export it with its "
            "last layer"
        )
    if len(maps) > 1 and len(maps) == len(shapes):
        return (
            f"it looks like {len(maps)} maps that nobody decoded, as CenterNet's or EAST's: only "
            "what comes with its last layer, or with anchors, runs here"
        )
    if len(shapes) == 1:
        return _one_map(shapes[0], size_wh)
    return None


def _length(shape: Shape) -> int:
    """How many numbers a row has; 0 for what is no row."""
    return math.prod(shape) if shape and max(shape) == math.prod(shape) else 0


def _one_map(shape: Shape, size_wh: tuple[int, int]) -> str | None:
    if len(shape) == 3 and shape[0] == 1 and min(shape[1:]) >= LEAST_MAP:
        _, tall, wide = shape
        if (wide, tall) == size_wh:
            return f"it looks like a segmentation model: a class for each of {wide}x{tall} places"
        return None
    if len(shape) != 4 or min(shape[1:3]) < LEAST_MAP:
        return None
    _, tall, wide, deep = shape
    if deep == 1:
        return f"it looks like a map of {wide}x{tall} places, such as a depth or a mask"
    if deep == 3 and all(
        size and not side % size for side, size in zip((wide, tall), size_wh, strict=True)
    ):
        return "it looks like a model that makes pictures"
    scores = f"{deep} scores for each of {wide}x{tall} places"
    if (wide * FOMO_CELL, tall * FOMO_CELL) == size_wh:
        return (
            f"it looks like a FOMO of Edge Impulse, or a segmentation model: {scores}, no boxes. "
            "Train an object detection model with boxes there, such as MobileNet SSD or YOLO"
        )
    return f"it looks like a segmentation model, as DeepLab: {scores}"


def _is_pose(shape: Shape) -> bool:
    sides = [side for side in shape if side != 1]
    return sides == [KEYPOINTS, 3] or (len(sides) == 2 and sides[1] == 3 * KEYPOINTS + 5)


def _are_yolo_heads(maps: Sequence[Shape], size_wh: tuple[int, int]) -> bool:
    grids = {cells(size_wh, (stride,)) for stride in (8, 16, 32, 64)}
    depths = {shape[3] for shape in maps}
    return all(shape[1] * shape[2] in grids for shape in maps) and len(depths) <= 2
