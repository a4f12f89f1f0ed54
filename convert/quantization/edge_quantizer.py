"""ai-edge-quantizer as this project uses it: without its chatter, int8 for every operator."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

from ai_edge_quantizer import qtyping
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.quantizer import Quantizer
from ai_edge_quantizer.recipe_manager import RecipeManager

from convert.output_capture import quiet
from convert.quantization.candidate_spec import Granularity

EVERY = qtyping.TFLOperationName.ALL_SUPPORTED


@contextlib.contextmanager
def hushed(debug: bool) -> Iterator[None]:
    """For ai-edge-quantizer, whose interpreters warn that keeping all tensors takes memory."""
    with quiet(debug), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def weight_granularity(granularity: Granularity) -> qtyping.QuantGranularity:
    """``granularity`` in its words."""
    return qtyping.QuantGranularity(f"{granularity.upper()}WISE")


def quantise_all(recipe: Quantizer | RecipeManager, granularity: Granularity) -> None:
    """Let ``recipe`` say int8 of every operator."""
    rounding = AlgorithmName.MIN_MAX_UNIFORM_QUANT
    recipe.add_static_config(".*", EVERY, 8, 8, weight_granularity(granularity), rounding)
