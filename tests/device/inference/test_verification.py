import pytest

from device.bundle.bundle import Bundle
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
