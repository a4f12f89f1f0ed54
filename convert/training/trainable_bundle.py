"""Trainable bundles: those whose float network is known here, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convert.catalogue import catalogue
from convert.errors import WeightsError
from convert.models.anchors import AnchorLayout, layout_of
from convert.models.class_subset import chosen_classes
from convert.models.download import weights_folder
from convert.models.zoo import SSDLITE_MOBILENET_V2
from convert.training.weights_file import WEIGHTS
from device.bundle.bundle import Bundle
from device.bundle.decoder_rules import SsdRule

if TYPE_CHECKING:
    import keras

    from convert.training.network import Start


def refuse_foreign(bundle: Bundle, purpose: str) -> None:
    """Raise :class:`WeightsError` where the network of ``bundle`` is a finished file alone.

    ``purpose`` says what it was wanted for, as in ``slim: to be made smaller``.
    """
    if not isinstance(bundle.manifest.decoder, SsdRule) or not (
        (bundle.folder / WEIGHTS).is_file() or _is_published(bundle)
    ):
        raise WeightsError(
            f"{bundle.folder}: a finished file cannot serve {purpose}; expected a detector with "
            f"its trainable weights: a bundle of `python -m convert train` ({WEIGHTS} lies in it), "
            f"or `python -m convert build {SSDLITE_MOBILENET_V2.name}`"
        )


def _is_published(bundle: Bundle) -> bool:
    known = dict(SSDLITE_MOBILENET_V2.files)
    return bundle.manifest.provenance.weights_sha256 == known


def bundle_layout(bundle: Bundle) -> AnchorLayout:
    """The anchors of ``bundle``. Raises :class:`WeightsError` where they are another's."""
    anchors, size = bundle.anchors, bundle.manifest.input.width
    layout = None if anchors is None else layout_of(anchors, size)
    if layout is None:
        raise WeightsError(
            f"{bundle.folder}: its anchors are not those of an SSDLite of {size} pixels; expected "
            "a bundle that `python -m convert` made"
        )
    return layout


def bundle_start(
    bundle: Bundle, classes: Sequence[str], weights: Path | None = None
) -> tuple[Start, list[int]]:
    """The weights of ``bundle``, and which of their columns score ``classes``, of its labels.

    ``weights``: the published ones, where they are here. Raises :class:`WeightsError`.
    """
    from convert.training.network import published_start, trained_start

    if (bundle.folder / WEIGHTS).is_file():
        start = trained_start(bundle.folder / WEIGHTS)
        if missing := [name for name in classes if name not in start.labels]:
            raise WeightsError(
                f"{bundle.folder / WEIGHTS}: of a network without {', '.join(missing)}; it has "
                f"{', '.join(start.labels)}"
            )
        return start, [start.labels.index(name) for name in classes]
    folder, _ = weights_folder(SSDLITE_MOBILENET_V2, weights)
    published = catalogue().labels[SSDLITE_MOBILENET_V2.labels].read()
    return published_start(folder, published), list(chosen_classes(classes, published))


def bundle_network(
    bundle: Bundle, classes: Sequence[str], weights: Path | None = None
) -> keras.Model:
    """The float network of ``bundle`` with ``classes`` of its labels, for batches of any size.

    Raises as :func:`bundle_start`.
    """
    from convert.models.ssdlite import build_ssdlite

    start, columns = bundle_start(bundle, classes, weights)
    model = build_ssdlite(len(classes), bundle.manifest.input.width, None, start.architecture)
    start.load(model, columns)
    return model
