"""Facts of a `.tflite` file: what it declares of its inputs, outputs and operators."""

from __future__ import annotations

from device.schema import Record

POST_PROCESS = "TFLite_Detection_PostProcess"


class TensorFacts(Record, frozen=True):
    """An input or output as the file declares it."""

    name: str
    signature: str  # what the model's signature calls it; empty without one
    shape: tuple[int, ...]
    free: tuple[bool, ...]  # per axis: may its length be chosen?
    dtype: str
    scale: float  # 0 where it is not quantised
    zero_point: int
    operator: str = ""  # of an output: what computes it
    slot: int = 0  # which of that operator's outputs it is


class FileFacts(Record, frozen=True):
    """All that is read from the file."""

    contents: str  # float32, float16, dynamic, int8, uint8, ...: a name for the variant
    operators: dict[str, int]  # name -> highest version used
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    classes: int | None  # of the operator TFLite_Detection_PostProcess, where there is one
    metadata: bytes
    # What the first operators make of the input, channel by channel: factor, then addend.
    input_affine: tuple[tuple[float, float], ...] = ()
    # The least and greatest value of a float input that is quantised at once; (0, 0) if it is not.
    input_range: tuple[float, float] = (0.0, 0.0)
    # The oldest Edge TPU runtime that runs what was compiled; None where nothing says it.
    edge_tpu_runtime: int | None = None
