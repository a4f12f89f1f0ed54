"""A detector of two classes that nobody exports."""

from __future__ import annotations

import numpy as np

from convert.models.base import Network
from device.bundle.decoder_rules import SsdRule
from device.bundle.manifest import InputRule

ANCHORS = np.zeros((6, 4), np.float32)
DETECTOR = Network(
    name="net",
    title="Net",
    licence="CC0",
    source="made",
    labels=("cat", "dog"),
    input=InputRule(width=32, height=32, mean=0, std=1),
    input_name="image",
    decoder=SsdRule(
        anchors="anchors.npy", box_scales=(10, 10, 5, 5), background=None, iou_threshold=0.6
    ),
    export=lambda _: 0,
    anchors=ANCHORS,
)
