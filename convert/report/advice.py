"""What more images would help a detector that was trained here, told from its mistakes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from convert.evaluation.review import ClassReview, Review
from convert.training.state import EpochRecord
from device.bundle.manifest import Task

ENOUGH_BOXES = 100  # of a class: a beginning
WEAK_RECALL = 0.8
CONFUSED_SHARE = 0.1  # of a class's objects
ALARMS_SHARE = 0.1  # of what is reported
RISING = 0.01  # of the score, that the last third of training still gave
FEW_IMAGES = 30  # to test on: figures move by points then


def advise_images(review: Review, records: Sequence[EpochRecord]) -> list[str]:
    """A sentence for each thing to do, what helps most first; at least one."""
    return [
        *_confused(review),
        *(line for item in review.classes for line in _weak(item, review.task)),
        *_false_alarms(review),
        *_longer(records),
        *_few_tested(review),
    ] or ["Nothing stands out: more images of days and places that are not among these yet."]


def _confused(review: Review) -> list[str]:
    counts = Counter[tuple[str, str]]()
    objects = {item.name: item.boxes for item in review.classes}
    names = list(objects)
    for one, row in enumerate(review.confusion[:-1]):
        for other, count in enumerate(row[:-1]):
            if one != other and count:
                counts[names[min(one, other)], names[max(one, other)]] += count
    return [
        f"{one} and {other} are taken for each other ({count} of "
        f"{objects[one] + objects[other]}): images of both, near and sharp, in which one sees "
        "what tells them apart; and a look at whether their labels are right."
        for (one, other), count in counts.most_common()
        if count >= CONFUSED_SHARE * (objects[one] + objects[other])
    ]


def _weak(item: ClassReview, task: Task) -> list[str]:
    if item.boxes == 0:
        return [
            f"{item.name} is not on these images: nothing is known of it; add some that show it."
        ]
    if item.recall is None or item.recall >= WEAK_RECALL:
        return []
    noun = "images" if task == "classification" else "boxes"
    told = f"Of {item.boxes} {item.name} {item.found} are found"
    if item.train_boxes < ENOUGH_BOXES:
        return [
            f"{told}, with {item.train_boxes} {noun} to train on: label {ENOUGH_BOXES} or more."
        ]
    return [f"{told}: more images of {item.name} as on those missed, shown below."]


def _false_alarms(review: Review) -> list[str]:
    alarms = sum(review.confusion[-1])
    reported = sum(item.reported for item in review.classes)
    if not alarms or alarms < ALARMS_SHARE * reported:
        return []
    return [
        f"{alarms} of {reported} detections are false alarms: images without any of your things "
        "that show what is mistaken for them, left without a box. Where the thing is there, "
        "label it."
    ]


def _longer(records: Sequence[EpochRecord]) -> list[str]:
    if len(records) < 3:
        return []
    earlier = max(next(iter(item.scores.values())) for item in records[: -(-2 * len(records) // 3)])
    gain = records[-1].best - earlier
    if gain < RISING:
        return []
    return [
        f"Validation still rose by {gain:.2f} in the last third of training: train longer "
        "(--minutes) before you label more."
    ]


def _few_tested(review: Review) -> list[str]:
    if review.images >= FEW_IMAGES:
        return []
    return [
        f"{review.images} images are few to judge by: another {FEW_IMAGES} would move these "
        "figures by points."
    ]
