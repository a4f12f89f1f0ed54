"""The zoo's models as networks: their weights fetched, their decoder known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from convert.catalogue import catalogue
from convert.models.anchors import ssd_anchors
from convert.models.base import Network
from convert.models.class_subset import chosen_classes, named_classes
from convert.models.download import weights_folder
from convert.models.zoo import ZooModel
from device.bundle.decoder_rules import SsdRule
from device.bundle.defaults import SSD_BOX_SCALES, SSD_IOU_THRESHOLD


def ssdlite_network(
    model: ZooModel, weights: Path | None, classes: Sequence[str] | None = None
) -> Network:
    """The published SSDLite MobileNetV2, its weights fetched or taken from ``weights``.

    It scores ``classes``, in that order, or all that have a name: not the background and the ten
    numbers of COCO that stand for nothing. Raises ``UsageError`` for unknown classes,
    ``WeightsError``.
    """
    published = catalogue().labels[model.labels].read()
    kept = named_classes(published) if classes is None else chosen_classes(classes, published)
    folder, source = weights_folder(model, weights)

    def export(saved_model: Path) -> int:
        from convert.models.freeze import Frozen
        from convert.models.ssdlite import INPUT_SIZE, build_ssdlite
        from convert.models.tfjs_weights import load_ssdlite, read_graph_model

        network = build_ssdlite(len(kept))
        load_ssdlite(network, read_graph_model(folder), kept)
        frozen = Frozen(lambda image: network(image, training=False), (INPUT_SIZE, INPUT_SIZE))
        frozen.save(saved_model)
        return frozen.parameters

    return Network(
        name=model.name,
        title=model.title,
        licence=model.licence,
        source=source,
        labels=tuple(published[number] for number in kept),
        input=model.input,
        input_name="image",
        decoder=SsdRule(
            anchors="anchors.npy",
            box_scales=SSD_BOX_SCALES,
            background=None,
            iou_threshold=SSD_IOU_THRESHOLD,
            box_voting=True,
        ),
        export=export,
        anchors=ssd_anchors(),
        weights_sha256=model.files,
    )
