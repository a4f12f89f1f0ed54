"""Other kinds of models, which cannot be run here, told by the shapes of their outputs."""

from __future__ import annotations

from collections.abc import Sequence

from device.inspection.output_roles import Output
from device.inspection.yolo_layout import cells

KEYPOINTS = 17  # of a person, as COCO counts them
LEAST_MAP = 7  # places along a side, from which an output is a map


def looks_like(outputs: Sequence[Output], size_wh: tuple[int, int]) -> str | None:
    """A sentence that says what the model is; None where its shapes say nothing."""
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
    maps = [shape for shape in shapes if len(shape) == 4 and min(shape[1:3]) >= LEAST_MAP]
    if any(_is_pose(shape) for shape in shapes) or {KEYPOINTS, 2 * KEYPOINTS} <= {
        shape[-1] for shape in maps
    }:
        return "it looks like a model of poses: it finds the joints of people, not boxes or classes"
    if len(maps) > 1 and _are_yolo_heads(maps, size_wh):
        return (
            "it looks like the raw heads of a YOLO, whose boxes nobody decoded: export it with its "
            "last layer"
        )
    if len(maps) == 1 and len(shapes) == 1:
        ((_, tall, wide, deep),) = maps
        if deep == 1:
            return f"it looks like a map of {wide}x{tall} places, such as a depth or a mask"
        if deep == 3 and (wide, tall) == size_wh:
            return "it looks like a model that makes pictures"
        return (
            f"it looks like a segmentation model, as DeepLab: {deep} scores for each of "
            f"{wide}x{tall} places"
        )
    return None


def _is_pose(shape: Sequence[int]) -> bool:
    sides = [side for side in shape if side != 1]
    return sides == [KEYPOINTS, 3] or (len(sides) == 2 and sides[1] == 3 * KEYPOINTS + 5)


def _are_yolo_heads(maps: Sequence[Sequence[int]], size_wh: tuple[int, int]) -> bool:
    grids = {cells(size_wh, (stride,)) for stride in (8, 16, 32, 64)}
    depths = {shape[3] for shape in maps}
    return all(shape[1] * shape[2] in grids for shape in maps) and len(depths) <= 2
