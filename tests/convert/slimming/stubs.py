"""An original without a bundle on disk: a small network with random weights for drawn shapes."""

from __future__ import annotations

import functools
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from convert.build.trained import decoder_rule
from convert.models.anchors import AnchorLayout
from convert.models.layer_weights import LayerWeights, weights_of
from convert.models.ssdlite import build_ssdlite
from convert.slimming.original import Original
from tests.convert.training.shapes import CLASSES

SIZE = 96
LAYOUT = AnchorLayout(SIZE)


@functools.cache  # to build it takes a second
def random_weights() -> LayerWeights:
    """Of the network for 96 pixels and two classes."""
    random = np.random.default_rng(3)
    model = build_ssdlite(len(CLASSES), SIZE, None)
    model.set_weights([random.normal(0, 0.08, item.shape) for item in model.variables])
    return weights_of(model)


def random_original() -> Original:
    """Of 96 pixels and the two classes of drawn shapes."""
    bundle = SimpleNamespace(
        labels=CLASSES,
        manifest=SimpleNamespace(variants={"int8": None}),
        folder=Path("no-such-bundle"),
    )
    return Original(bundle, decoder_rule(), LAYOUT, dict(random_weights()))
