"""The review of a trained classifier: each class, the confusion of classes, the worst images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from convert.evaluation.classification import ClassificationValidator, Probabilities
from convert.evaluation.mistakes import Matches, Mistake, confusion, worst_images
from convert.evaluation.review import Gain, Review, review_classes
from convert.training.dataset import TrainingImage


def review_classifier(
    split: str,
    judge: ClassificationValidator,
    probabilities: Probabilities,
    thresholds: Mapping[str, float],
    trained_on: Sequence[TrainingImage],
    before: float | None = None,
    gains: tuple[Gain, ...] = (),
) -> Review:
    """Review what was said of the images of ``judge``; ``thresholds`` has each class, in order.

    What is said of an image is its likeliest class, and nothing where that stays below its
    threshold.
    """
    limits = tuple(thresholds.values())
    matches = [
        _match(image, row.tolist(), judge.classes, limits)
        for image, row in zip(judge.images, probabilities, strict=True)
    ]
    accuracy, recall = judge.scores(probabilities)
    table = confusion([pair for item in matches for pair in item.pairs], len(judge.classes))
    learnt = Counter(int(number) for image in trained_on for number in image.class_ids)
    return Review(
        split=split,
        images=len(judge.images),
        scores={"accuracy": round(accuracy, 4), "mean recall": round(recall, 4)},
        classes=review_classes(thresholds, learnt, table, {}),
        confusion=table,
        worst=worst_images(judge.images, matches),
        before=before,
        gains=gains,
        task="classification",
    )


def _match(
    image: TrainingImage,
    probabilities: Sequence[float],
    classes: Sequence[str],
    thresholds: Sequence[float],
) -> Matches:
    truth = int(image.class_ids[0])
    said = max(range(len(classes)), key=lambda number: probabilities[number])
    score = round(probabilities[said], 4)
    whole = (0.0, 0.0, float(image.width), float(image.height))
    if score < thresholds[said]:
        mistake = Mistake("missed", classes[truth], "", 0.0, whole)
        return Matches(((truth, -1),), (mistake,))
    if said == truth:
        return Matches(((truth, said),), ())
    mistake = Mistake("wrong class", classes[truth], classes[said], score, whole)
    return Matches(((truth, said),), (mistake,))
