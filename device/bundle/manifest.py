"""The bundle's ``manifest.json``, typed: all that a device must know about a model.

Parsed by msgspec, which checks every type on the way in, refuses unknown keys and names the
place that is wrong; on a Pi it costs 1.6 MB and 12 ms, and replaces a parser of our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from device.bundle.decoder_rules import (
    ClassifierRule,
    DenseRule,
    DetectionsRule,
    RowsRule,
    Rule,
    SsdRule,
)
from device.bundle.heads import Head, TensorSpec
from device.bundle.limits import MOST_DETECTIONS
from device.errors import BundleError
from device.json_text import decode_json
from device.runtimes import InterpreterName
from device.schema import Count, Fraction, Record

# Raised when an older device could misread a newer bundle, or would not know what to tell of it.
# 2: planar inputs, normalisation per channel, and models that decode their boxes themselves.
# 3: thresholds per class; letterboxed and grey pictures; boxes that are decoded but not yet
# suppressed, as YOLO's; corners with x first; classifiers of one output.
# 4: boxes that are voted on. What needs none of it is still written as 2 or 3.
FORMAT = 4
FORMAT_WITHOUT_VOTING = 3
FORMAT_WITHOUT_THESE = 2

Task = Literal["detection", "classification"]
Threshold = float | tuple[float, ...]  # one for all classes, or one per class id

Resize = Literal["stretch", "letterbox", "centre-crop"]

Side = Annotated[int, msgspec.Meta(ge=1, le=8192)]  # pixels of what a network looks at
MOST_PIXELS = 1 << 24  # of it: 200 MB as float32
PerChannel = tuple[float, float, float]  # red, green, blue


class InputRule(Record, frozen=True):
    """How a model wants its pictures.

    Normalised value = ``(byte - mean) / std``, with one mean and std for all channels or one for
    each. ``stretch`` fills ``width`` x ``height`` pixels with the whole picture; ``letterbox``
    shrinks or enlarges it to fit, its sides in proportion, and puts it in the middle of grey (114);
    ``centre-crop`` takes the largest rectangle of the input's shape from its middle, of which
    ``crop_fraction`` of each side. All scale by bilinear interpolation. ``layout`` is the order of
    the tensor's axes: a pixel's channels side by side (nhwc), or a plane for each channel (nchw).
    A ``grey`` picture has one channel, luma by ITU-R BT.601.
    """

    width: Side
    height: Side
    mean: float | PerChannel
    std: float | PerChannel
    colour: Literal["rgb", "grey"] = "rgb"
    layout: Literal["nhwc", "nchw"] = "nhwc"
    resize: Resize = "stretch"
    crop_fraction: Fraction = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be divided by, and what no memory is meant to hold.

        Here, for msgspec 0.22 crashes on a union of a float with limits and a tuple.
        """
        if self.width * self.height > MOST_PIXELS:
            raise ValueError(
                f"Expected at most {MOST_PIXELS} pixels, got {self.width}x{self.height}"
            )
        if min(self.stds) <= 0:
            raise ValueError(f"Expected `std` > 0, got {self.std}")
        if self.colour == "grey" and (isinstance(self.mean, tuple) or isinstance(self.std, tuple)):
            raise ValueError("Expected one `mean` and `std` for a picture of one channel")

    @property
    def means(self) -> PerChannel:
        """One for each of red, green and blue."""
        return self.mean if isinstance(self.mean, tuple) else (self.mean,) * 3

    @property
    def stds(self) -> PerChannel:
        """One for each of red, green and blue."""
        return self.std if isinstance(self.std, tuple) else (self.std,) * 3

    @property
    def value_range(self) -> tuple[float, float]:
        """The least and the greatest normalised value, over all channels."""
        channels = list(zip(self.means, self.stds, strict=True))
        return min(-mean / std for mean, std in channels), max(
            (255 - mean) / std for mean, std in channels
        )

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width, self.height

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of the tensor that holds one picture."""
        channels = 1 if self.colour == "grey" else 3
        if self.layout == "nchw":
            return 1, channels, self.height, self.width
        return 1, self.height, self.width, channels


class Check(Record, frozen=True):
    """How one variant did in one interpreter, against float32 in LiteRT on the same pictures."""

    version: str
    ok: bool
    reason: str = ""  # why not, where it is not
    cosine: float | None = None  # of the output that differs most, 1 being the same
    error_p99: float | None = None  # 99 of 100 values differ by less, in the outputs' own units
    error_max: float | None = None
    agreement: float | None = None  # with float32: F1 of detections, or share of equal top-1
    invoke_ms: float | None = None  # median, one thread, on the machine that built the bundle


class Variant(Record, frozen=True):
    """One TFLite file."""

    file: str
    size_bytes: int
    recipe: dict[str, str | int | float | bool]
    operators: dict[str, int]  # name -> version, which an interpreter must know to load it
    input: TensorSpec
    heads: tuple[Head, ...]
    checks: dict[InterpreterName, Check]


class SampleDetection(Record, frozen=True):
    """What the laptop saw, to be compared on the device; a class of a picture has no box."""

    label: str
    score: float
    box: tuple[float, float, float, float] | None = None


class Sample(Record, frozen=True):
    """A small picture that travels with the bundle, and what each variant found on it."""

    file: str
    title: str
    licence: str
    source: str
    detections: dict[str, tuple[SampleDetection, ...]] = msgspec.field(default_factory=dict)


class Provenance(Record, frozen=True):
    """Where a bundle comes from: enough to make it again."""

    source: str
    licence: str
    made_at: str  # ISO 8601, UTC
    machine: str
    command: str
    seed: int
    calibration: tuple[str, ...]  # the pictures, in the order they were used
    checked_on: int  # pictures behind every figure in the checks
    versions: dict[str, str]
    weights_sha256: dict[str, str]


class Manifest(Record, frozen=True, omit_defaults=True):
    """All of ``manifest.json``; ``files`` holds the sha256 of every other file of the bundle.

    ``threshold`` is the least score that is reported; ``class_thresholds``, by label, what it is
    instead for some classes, unless the user gives one for all.
    """

    format: Count
    model: str
    task: Task
    input: InputRule
    decoder: Rule
    labels: str
    threshold: Fraction
    max_detections: Annotated[int, msgspec.Meta(ge=1, le=MOST_DETECTIONS)]
    variants: dict[str, Variant]
    samples: tuple[Sample, ...]
    provenance: Provenance
    files: dict[str, str]
    class_thresholds: dict[str, Fraction] = msgspec.field(default_factory=dict)

    def thresholds(self, labels: Sequence[str]) -> Threshold:
        """The least score that is reported: one for all, or one per class of ``labels``."""
        if not self.class_thresholds:
            return self.threshold
        return tuple(self.class_thresholds.get(label, self.threshold) for label in labels)


class _FormatOnly(msgspec.Struct):
    format: int


def parse_manifest(data: bytes) -> Manifest:
    """Read and check a manifest.

    Raises :class:`BundleError` for what is not JSON, has a key too many or too few, a value of
    the wrong type, or a format newer than this code.
    """
    try:
        version = decode_json(data, _FormatOnly).format
        if version > FORMAT:
            raise BundleError(
                f"manifest.json has format {version}, this liteberry reads up to {FORMAT}: "
                "update liteberry on this machine"
            )
        manifest = decode_json(data, Manifest)
    except msgspec.DecodeError as exc:
        raise BundleError(f"manifest.json: {exc}; build the bundle again") from exc
    if not manifest.variants:
        raise BundleError("manifest.json has no variants; build the bundle again")
    if (manifest.task == "classification") != isinstance(manifest.decoder, ClassifierRule):
        raise BundleError("manifest.json: task and decoder do not belong together")
    return manifest


def format_manifest(manifest: Manifest) -> bytes:
    """``manifest`` as indented JSON, ending in a newline, in the oldest format that can say it."""
    manifest = msgspec.structs.replace(manifest, format=_least_format(manifest))
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def _least_format(manifest: Manifest) -> int:
    rule, decoder = manifest.input, manifest.decoder
    if isinstance(decoder, SsdRule) and decoder.box_voting:
        return FORMAT
    is_new = (
        bool(manifest.class_thresholds)
        or rule.resize == "letterbox"
        or rule.colour == "grey"
        or isinstance(decoder, DenseRule | RowsRule)
        or (isinstance(decoder, DetectionsRule) and decoder.box != "yxyx")
        or (isinstance(decoder, ClassifierRule) and decoder.score.startswith("binary"))
    )
    return FORMAT_WITHOUT_VOTING if is_new else FORMAT_WITHOUT_THESE
