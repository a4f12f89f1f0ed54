from __future__ import annotations

import warnings

import pytest
from ai_edge_quantizer.recipe_manager import RecipeManager

from convert.quantization.edge_quantizer import hushed, quantise_all, weight_granularity


def test_every_operator_computes_in_eight_bits_with_weights_by_the_channel():
    recipe = RecipeManager()
    quantise_all(recipe, "channel")
    (said,) = recipe.get_quantization_recipe()
    assert (said["regex"], said["operation"]) == (".*", "*")
    config = said["op_config"]
    assert config["activation_tensor_config"]["num_bits"] == 8
    assert config["weight_tensor_config"]["num_bits"] == 8
    assert config["weight_tensor_config"]["granularity"] == "CHANNELWISE"


def test_granularity_is_told_in_its_words():
    assert weight_granularity("tensor").value == "TENSORWISE"


def test_warnings_are_held_back_within_and_not_after():
    with hushed(debug=False):
        warnings.warn("all tensors are kept", stacklevel=1)
    with pytest.warns(UserWarning, match="after"):
        warnings.warn("after", stacklevel=1)
