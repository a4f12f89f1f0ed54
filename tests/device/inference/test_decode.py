from __future__ import annotations

import msgspec
import pytest

from device.bundle.decoder_rules import ClassifierRule, DetectionsRule
from device.bundle.heads import ClassifierHead
from device.errors import BundleError
from device.inference.decode import make_decoder
from device.inference.decode_classes import ClassifierDecoder
from device.inference.decode_detections import DetectionsDecoder
from device.inference.decode_ssd import SsdDecoder
from tests.device.inference.conftest import ANCHORS, ROWS, RULE, make_head, tensor

SSD = make_head(0, 2, tensor(position=0, shape=(1, 2, 4)), tensor(position=1, shape=(1, 2, 3)))


CLASSIFIER = ClassifierHead(scores=tensor())


def test_decoder_is_chosen_by_rule():
    assert isinstance(make_decoder([SSD], RULE, ANCHORS, (8, 8)), SsdDecoder)
    assert isinstance(make_decoder([CLASSIFIER], ClassifierRule(), None, (8, 8)), ClassifierDecoder)
    assert isinstance(make_decoder([ROWS], DetectionsRule(), None, (8, 8)), DetectionsDecoder)


@pytest.mark.parametrize("background", [2, 10**9])
def test_background_beyond_the_classes_is_rejected(background):
    heads = [ClassifierHead(scores=tensor(shape=(1, 2)))]
    with pytest.raises(BundleError, match=f"class {background} for the background, of 2 classes"):
        make_decoder(heads, ClassifierRule(background=background), None, (8, 8))
    ssd = [
        make_head(0, 2, tensor(position=0, shape=(1, 2, 4)), tensor(position=1, shape=(1, 2, 2)))
    ]
    with pytest.raises(BundleError, match="for the background, of 2 classes"):
        make_decoder(ssd, msgspec.structs.replace(RULE, background=background), ANCHORS, (8, 8))


@pytest.mark.parametrize(
    ("heads", "rule"),
    [
        ([CLASSIFIER], RULE),
        ([SSD, CLASSIFIER], RULE),
        ([], RULE),
        ([SSD], ClassifierRule()),
        ([CLASSIFIER, CLASSIFIER], ClassifierRule()),
        ([], ClassifierRule()),
        ([ROWS], ClassifierRule()),
        ([ROWS], RULE),
        ([ROWS, ROWS], DetectionsRule()),
        ([CLASSIFIER], DetectionsRule()),
    ],
)
def test_heads_that_do_not_fit_the_rule_are_rejected(heads, rule):
    with pytest.raises(BundleError, match="do not belong together"):
        make_decoder(heads, rule, ANCHORS, (8, 8))
