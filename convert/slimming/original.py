"""The network that is made smaller: its trainable weights, and what its bundle says of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from convert.build.training_run import WEIGHTS
from convert.catalogue import catalogue
from convert.errors import TrainingError, WeightsError
from convert.models.class_subset import chosen_classes
from convert.models.download import weights_folder
from convert.models.zoo import SSDLITE_MOBILENET_V2
from convert.training.checkpoint import load_checkpoint
from device.bundle.bundle import Bundle
from device.bundle.decoder_rules import SsdRule

if TYPE_CHECKING:
    import keras

    from convert.compression.weights import LayerWeights
    from convert.training.network import Start

RUN = ".training"  # ends the name of the folder that a run leaves beside its bundle


@dataclass(frozen=True, slots=True)
class Original:
    """A bundle whose network is known here, layer by layer."""

    bundle: Bundle
    decoder: SsdRule
    weights: LayerWeights

    @property
    def labels(self) -> tuple[str, ...]:
        """Its classes."""
        return tuple(self.bundle.labels)

    @property
    def size(self) -> int:
        """Side of its input in pixels."""
        return self.bundle.manifest.input.width


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
    from convert.compression.weights import weights_of

    start, columns = _start(bundle, weights)
    decoder = bundle.manifest.decoder
    assert isinstance(decoder, SsdRule)
    model = _network(start, len(bundle.labels), bundle.manifest.input.width)
    start.load(model, columns)
    return Original(bundle, decoder, weights_of(model))


def refuse_foreign(bundle: Bundle) -> None:
    """Raise :class:`WeightsError` where the network of ``bundle`` cannot be trained on."""
    if not isinstance(bundle.manifest.decoder, SsdRule) or not (
        (bundle.folder / WEIGHTS).is_file() or _is_published(bundle)
    ):
        raise WeightsError(
            f"{bundle.folder}: a finished file cannot be made smaller; slim wants a detector with "
            f"its trainable weights: a bundle of `python -m convert train` ({WEIGHTS} lies in it), "
            f"or `python -m convert build {SSDLITE_MOBILENET_V2.name}`"
        )


def _is_published(bundle: Bundle) -> bool:
    known = dict(SSDLITE_MOBILENET_V2.files)
    return bundle.manifest.provenance.weights_sha256 == known


def _start(bundle: Bundle, weights: Path | None) -> tuple[Start, list[int] | None]:
    from convert.training.network import published_start, trained_start

    refuse_foreign(bundle)
    if (bundle.folder / WEIGHTS).is_file():
        return trained_start(bundle.folder / WEIGHTS), None
    folder, _ = weights_folder(SSDLITE_MOBILENET_V2, weights)
    published = catalogue().labels[SSDLITE_MOBILENET_V2.labels].read()
    columns = chosen_classes(bundle.labels, published)
    return published_start(folder, published), list(columns)


def _network(start: Start, classes: int, size: int) -> keras.Model:
    from convert.models.ssdlite import build_ssdlite

    return build_ssdlite(classes, size, 1, start.architecture)
