"""What Coral's Edge TPU compiler maps of a model, told by its operators before it is asked.

The compiler takes integers of 8 bits and shapes that are known, and the operators of its list. From
the first one on that is not in it, all runs on the processor, unless ``edgetpu_compiler -a`` cuts
the model more than once. Some it maps within limits only (a size, an axis), which are not looked at
here: its own log has the last word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from convert.quantization import flatbuffer

# https://coral.ai/docs/edgetpu/models-intro/#supported-operations, compiler 16.0, as the format
# calls them.
MAPPED = frozenset(
    {
        "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "EXPAND_DIMS",
        "FULLY_CONNECTED", "L2_NORMALIZATION", "LOGISTIC", "LSTM", "MAXIMUM", "MAX_POOL_2D", "MEAN",
        "MINIMUM", "MUL", "PACK", "PAD", "PRELU", "QUANTIZE", "REDUCE_MAX", "REDUCE_MIN", "RELU",
        "RELU6", "RELU_N1_TO_1", "RESHAPE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "RSQRT",
        "SLICE", "SOFTMAX", "SPACE_TO_DEPTH", "SPLIT", "SQUARED_DIFFERENCE", "SQUEEZE",
        "STRIDED_SLICE", "SUB", "SUM", "TANH", "TRANSPOSE", "TRANSPOSE_CONV",
    }
)  # fmt: skip


def what_is_mapped(data: bytes) -> str:
    """How many operators of the `.tflite` with these bytes the compiler knows, in words."""
    return mapped_in_words([name for name, _ in flatbuffer.operators(flatbuffer.read(data))])


def mapped_in_words(operators: Sequence[str]) -> str:
    """The same of the names of operators, in the order they run."""
    unknown = Counter(name for name in operators if name not in MAPPED)
    if not unknown:
        return f"its compiler knows all {len(operators)} operators: {', '.join(_kinds(operators))}"
    first = next(n for n, name in enumerate(operators) if name in unknown)
    counts = ", ".join(f"{count} {name}" for name, count in sorted(unknown.items()))
    return (
        f"its compiler does not know {unknown.total()} of {len(operators)} operators ({counts}); "
        f"from {operators[first]} on, {len(operators) - first} run on the processor"
    )


def _kinds(operators: Sequence[str]) -> list[str]:
    return sorted(set(operators))
