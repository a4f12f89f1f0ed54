from __future__ import annotations

from device.bundle.heads import (
    ClassifierHead,
    DenseHead,
    DetectionsHead,
    RowsHead,
    SsdHead,
    TensorSpec,
)


def tensor(position: int) -> TensorSpec:
    return TensorSpec(position=position, shape=(1, 4), dtype="float32")


BOXES, SCORES, CLASSES, COUNT = map(tensor, range(4))


def test_each_head_names_all_outputs_that_it_reads():
    assert SsdHead(boxes=BOXES, scores=SCORES, first_anchor=0, anchors=3).tensors == (BOXES, SCORES)
    assert ClassifierHead(scores=SCORES).tensors == (SCORES,)
    assert RowsHead(rows=BOXES).tensors == (BOXES,)
    every = DetectionsHead(boxes=BOXES, scores=SCORES, classes=CLASSES, count=COUNT)
    assert set(every.tensors) == {BOXES, SCORES, CLASSES, COUNT}


def test_dense_head_names_one_output_for_both_once():
    assert DenseHead(boxes=BOXES, scores=BOXES).tensors == (BOXES,)
    assert DenseHead(boxes=BOXES, scores=SCORES).tensors == (BOXES, SCORES)
