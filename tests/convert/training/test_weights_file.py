from __future__ import annotations

import numpy as np
import pytest

from convert.errors import WeightsError
from convert.models.array_archive import pack_arrays
from convert.models.layer_weights import weights_of
from convert.models.mobilenet_classifier import build_classifier
from convert.training.weights_file import pack_weights, read_weights


def test_weights_and_labels_are_read_as_they_were_packed(tmp_path):
    model = build_classifier(2, 96)
    (tmp_path / "weights.npz").write_bytes(pack_weights(model, ["école", "cat"]))
    found = read_weights(tmp_path / "weights.npz")
    assert found.labels == ("école", "cat")
    expected = weights_of(model)
    assert found.layers.keys() == expected.keys()
    for name, pair in expected.items():
        for ours, theirs in zip(found.layers[name], pair, strict=True):
            np.testing.assert_array_equal(ours, theirs)


WITHOUT_LABELS = pack_arrays({"Conv/kernel": np.zeros(1), "Conv/bias": np.zeros(1)})
WITHOUT_BIAS = pack_arrays({"labels": np.array(["cat"]), "Conv/kernel": np.zeros(1)})


@pytest.mark.parametrize("data", [None, b"", b"PK\x03\x04", WITHOUT_LABELS, WITHOUT_BIAS])
def test_weights_that_are_none_are_told_in_one_line(data, tmp_path):
    path = tmp_path / "weights.npz"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(WeightsError, match="--from wants a bundle") as told:
        read_weights(path)
    assert "\n" not in str(told.value)
