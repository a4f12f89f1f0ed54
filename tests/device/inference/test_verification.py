import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.bundle.bundle import Bundle
from device.inference.boxes import iou
from device.inference.engine import Engine
from device.inference.verification import differences


@pytest.fixture
def differing(bundle_copy):
    """What differs after the samples' recorded detections were edited."""

    def compare(edit) -> list[str]:
        def edit_all(manifest):
            for sample in manifest["samples"]:
                sample["detections"]["int8"] = [
                    item for item in map(edit, sample["detections"]["int8"]) if item is not None
                ]

        bundle_copy.change(edit_all)
        bundle = Bundle(bundle_copy.folder)
        with Engine(bundle, "int8", threads=1) as engine:
            found = differences(bundle, engine)
            assert engine.threshold == bundle.manifest.threshold
        return found

    return compare


def test_same_detections_do_not_differ(differing):
    assert differing(lambda item: item) == []


def test_scores_within_the_tolerance_do_not_differ(differing):
    assert differing(lambda item: item | {"score": min(1.0, item["score"] + 0.1)}) == []


def test_score_beyond_the_tolerance_differs(differing):
    found = differing(lambda item: item | {"score": 1.0} if item["label"] == "person" else item)
    assert found == ["samples/person.jpg: the laptop saw person (1.00), this machine does not"]


def test_other_class_differs_both_ways(differing):
    found = differing(lambda item: item | {"label": "dog"} if item["label"] == "cat" else item)
    assert len(found) == 2
    assert "the laptop saw dog" in found[0]
    assert "cat.jpg: cat (" in found[1]
    assert found[1].endswith("is seen, on the laptop it was not")


def test_box_elsewhere_differs(differing):
    assert differing(lambda item: item | {"box": [0, 0, 9, 9]})


def test_detection_unknown_to_the_laptop_differs_when_it_is_sure(differing):
    found = differing(lambda item: None if item["label"] == "cat" else item)
    assert len(found) == 1
    assert "is seen" in found[0]


def test_command_says_what_differs_and_fails(device, bundle_copy, small_bundle):
    ran = device("verify", small_bundle)
    assert ran.code == 0, ran.err
    assert "int8 in litert" in ran.out
    assert "as on the laptop" in ran.out

    def edit(manifest):
        for sample in manifest["samples"]:
            for item in sample["detections"]["int8"]:
                item["label"] = "zebra"

    bundle_copy.change(edit)
    ran = device("verify", bundle_copy.folder)
    assert ran.code == 1
    assert "the laptop saw zebra" in ran.out
    assert "does not see what the laptop saw" in ran.error


sides = st.tuples(*[st.integers(0, 50)] * 2, *[st.integers(51, 100)] * 2)


def test_iou_of_boxes_that_share_a_third():
    assert iou((0, 0, 10, 10), (0, 5, 10, 15)) == pytest.approx(1 / 3)


def test_iou_of_boxes_that_only_touch_is_zero():
    assert iou((0, 0, 10, 10), (10, 0, 20, 10)) == 0


@given(sides, sides)
def test_iou_is_symmetric_and_at_most_one(one, other):
    forward = iou(one, other)
    assert forward == pytest.approx(iou(other, one))
    assert 0 <= forward <= 1
    assert iou(one, one) == pytest.approx(1)
