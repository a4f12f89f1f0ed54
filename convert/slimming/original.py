"""The network that is made smaller: its trainable weights, and what its bundle says of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from convert.errors import TrainingError
from convert.models.anchors import AnchorLayout
from convert.training.checkpoint import load_checkpoint
from convert.training.trainable_bundle import bundle_layout, bundle_network, refuse_foreign
from convert.training.weights_file import WEIGHTS
from device.bundle.bundle import Bundle
from device.bundle.decoder_rules import SsdRule

if TYPE_CHECKING:
    from convert.models.layer_weights import LayerWeights

RUN = ".training"  # ends the name of the folder that a run leaves beside its bundle


@dataclass(frozen=True, slots=True)
class Original:
    """A bundle whose network is known here, layer by layer."""

    bundle: Bundle
    decoder: SsdRule
    layout: AnchorLayout
    weights: LayerWeights

    @property
    def labels(self) -> tuple[str, ...]:
        """Its classes."""
        return tuple(self.bundle.labels)

    @property
    def published(self) -> bool:
        """Whether its weights are those published for COCO, and not trained here."""
        return not (self.bundle.folder / WEIGHTS).is_file()

    @property
    def size(self) -> int:
        """Side of its input in pixels."""
        return self.layout.size


def open_bundle(path: Path) -> Bundle:
    """The bundle at ``path``, or the one that the training run at ``path`` made."""
    if path.name.endswith(RUN) and path.is_dir():
        path = path.with_name(path.name.removesuffix(RUN))
    return Bundle(path)


def trained_on(bundle: Bundle) -> Path | None:
    """The dataset that ``bundle`` was trained on, where its run still says so."""
    run = bundle.folder.with_name(f"{bundle.folder.resolve().name}{RUN}")
    try:
        checkpoint, _ = load_checkpoint(run)
    except TrainingError:
        return None
    named = Path(checkpoint.settings.get("dataset", ""))
    return named if named.name and named.is_dir() else None


def read_original(bundle: Bundle, weights: Path | None = None) -> Original:
    """The trainable network of ``bundle``; ``weights``: the published ones, where they are here.

    Raises :class:`WeightsError` for a bundle without any.
    """
    from convert.models.layer_weights import weights_of

    refuse_foreign(bundle, "slim")
    decoder = bundle.manifest.decoder
    assert isinstance(decoder, SsdRule)
    layout = bundle_layout(bundle)
    network = bundle_network(bundle, bundle.labels, weights)
    return Original(bundle, decoder, layout, weights_of(network))
