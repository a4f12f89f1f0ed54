"""What a YOLO scores in the plainest loop there is, for `convert evaluate` to be held against.

    python benchmarks/yolo_loop.py MODEL.tflite --images DIR --annotations COCO.json [--iou 0.7]

One picture after the other through OpenCV and LiteRT: the picture is scaled to fit the input, put
in its middle on grey 114, divided by 255 and invoked; what scores at least 0.001 is suppressed
class by class with OpenCV, and pycocotools measures the 100 best. Nothing of liteberry is used.
It knows one layout, that of YOLOv8 on COCO: float32 (1, 4 + classes, candidates), boxes as centre
and size, 0..1 of the input.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

LEAST_SCORE = 0.001
GREY = 114


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--iou", type=float, default=0.7)
    parser.add_argument("--best-class", action="store_true", help="one class per candidate")
    args = parser.parse_args()
    interpreter = Interpreter(model_path=str(args.model), num_threads=2)
    interpreter.allocate_tensors()
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(args.annotations))
    # COCO's 80 category ids in their order are the 80 classes.
    categories = sorted(truth.getCatIds())
    rows = []
    for image_id, image in sorted(truth.imgs.items()):
        picture = cv2.imread(str(args.images / image["file_name"]))
        boxes, scores, classes = look(interpreter, picture, args.iou, args.best_class)
        rows += [
            {
                "image_id": image_id,
                "category_id": categories[number],
                "bbox": [round(float(side), 3) for side in box],
                "score": float(score),
            }
            for box, score, number in zip(boxes, scores, classes, strict=True)
        ]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(rows), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    figures = {"images": len(truth.imgs), "map": evaluation.stats[0], "map_50": evaluation.stats[1]}
    print(json.dumps({key: round(float(value), 5) for key, value in figures.items()}))


def look(interpreter, picture, iou, best_class):
    """Boxes (x, y, width, height in pixels of the picture), scores and classes, best first."""
    (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    _, height, width, _ = given["shape"]
    tall, wide = picture.shape[:2]
    scale = min(width / wide, height / tall)
    new_wide, new_tall = round(wide * scale), round(tall * scale)
    left, top = (width - new_wide) // 2, (height - new_tall) // 2
    canvas = np.full((height, width, 3), GREY, np.uint8)
    canvas[top : top + new_tall, left : left + new_wide] = cv2.resize(
        picture, (new_wide, new_tall), interpolation=cv2.INTER_LINEAR
    )
    pixels = canvas[:, :, ::-1].astype(np.float32) / 255
    interpreter.set_tensor(given["index"], pixels[None])
    interpreter.invoke()
    found = interpreter.get_tensor(answer["index"])[0]
    if best_class:
        numbers = found[4:].argmax(0)
        places = np.flatnonzero(found[4:].max(0) >= LEAST_SCORE)
        classes = numbers[places]
    else:
        classes, places = np.nonzero(found[4:] >= LEAST_SCORE)
    scores = found[4 + classes, places]
    x, y, w, h = found[:4, places]
    boxes = np.stack(
        (
            ((x - w / 2) * width - left) / new_wide * wide,
            ((y - h / 2) * height - top) / new_tall * tall,
            w * width / new_wide * wide,
            h * height / new_tall * tall,
        ),
        axis=1,
    )
    kept = cv2.dnn.NMSBoxesBatched(boxes.tolist(), scores.tolist(), classes.tolist(), 0.0, iou)
    kept = np.asarray(kept, int).reshape(-1)[:100]
    corners = np.concatenate((boxes[kept, :2], boxes[kept, :2] + boxes[kept, 2:]), axis=1)
    corners = corners.clip(0, [wide, tall, wide, tall])
    boxes = np.concatenate((corners[:, :2], corners[:, 2:] - corners[:, :2]), axis=1)
    return boxes, scores[kept], classes[kept]


if __name__ == "__main__":
    main()
