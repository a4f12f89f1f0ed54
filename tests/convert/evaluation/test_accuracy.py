import json

import pytest

from convert.evaluation.accuracy import (
    Accuracy,
    Disagreement,
    SeenObject,
    VariantAccuracy,
    write_accuracy,
)
from convert.evaluation.accuracy import format_accuracy as table
from device.errors import SinkError

COST = {"interpreter": "litert 2.3.0", "size_bytes": 4_915_216}


def accuracy(variants, disagreements=()):
    return Accuracy("net", "detection", 9, 0, 1000, 0.5, variants, disagreements)


DETECTOR = accuracy(
    {
        "float32": VariantAccuracy(
            map=0.0, map_50=0.5, map_interval=(0.0, 0.25), classes={"cat": 0.0}, **COST
        ),
        "int8": VariantAccuracy(
            map=0.375,
            map_50=0.5,
            map_interval=(0.25, 0.5),
            drop=-0.375,
            drop_interval=(-0.5, 0.125),
            **COST,
        ),
    },
    (Disagreement("here", "a.jpg", 1, {"int8": (SeenObject("cat", 0.5, (1, 2, 3, 4)),)}),),
)


def test_file_has_the_keys_that_are_known_and_no_others(tmp_path):
    write_accuracy(DETECTOR, tmp_path / "new" / "accuracy.json")
    content = json.loads((tmp_path / "new" / "accuracy.json").read_text())
    assert list(content) == [
        *("model", "task", "images", "seed", "resamples", "threshold"),
        *("variants", "disagreements"),
    ]
    cost = {"interpreter", "size_bytes"}
    assert content["variants"]["float32"].keys() == cost | {
        *("map", "map_50", "map_interval", "classes")
    }
    assert content["variants"]["float32"]["map"] == 0.0
    assert content["variants"]["int8"]["drop_interval"] == [-0.5, 0.125]
    assert content["disagreements"] == [
        {
            "folder": "here",
            "file": "a.jpg",
            "differing": 1,
            "variants": {"int8": [{"label": "cat", "score": 0.5, "box": [1, 2, 3, 4]}]},
        }
    ]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["accuracy.json"]


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "accuracy.json"
    path.mkdir()
    (path / "kept").touch()
    with pytest.raises(SinkError, match=r"accuracy\.json: Is a directory"):
        write_accuracy(DETECTOR, path)
    assert [path.name for path in tmp_path.iterdir()] == ["accuracy.json"]


def test_table_of_a_detector_has_both_intervals():
    first, head, reference, int8 = table(DETECTOR).splitlines()
    assert first == "net on 9 pictures, intervals of 95 %"
    assert head.split() == [
        *("variant", "mAP", "interval", "mAP50", "drop", "interval", "size", "interpreter")
    ]
    assert reference.split() == [
        *("float32", "0.0000", "0.0000..0.2500", "0.5000", "4.92", "MB", "litert", "2.3.0")
    ]
    assert int8.split() == [
        *("int8", "0.3750", "0.2500..0.5000", "0.5000", "-0.3750", "-0.5000..0.1250"),
        *("4.92", "MB", "litert", "2.3.0"),
    ]
    assert {line.index("litert") for line in (reference, int8)} == {head.index("interpreter")}
    assert int8.index("0.5000 ") - 6 <= head.index("mAP50")


def test_tables_of_a_classifier_and_of_agreement_name_their_figures():
    item = VariantAccuracy(top1=0.5, top5=0.75, top1_interval=(0.25, 0.75), **COST)
    assert "top-1" in table(accuracy({"int8": item}))
    assert "0.7500" in table(accuracy({"int8": item}))
    item = VariantAccuracy(agreement=0.96875, agreement_interval=(0.9, 1.0), **COST)
    lines = table(accuracy({"int8": item})).splitlines()
    assert lines[1].split() == ["variant", "agreement", "interval", "size", "interpreter"]
    assert lines[2].split()[:3] == ["int8", "0.9688", "0.9000..1.0000"]
