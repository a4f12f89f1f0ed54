from __future__ import annotations

import pytest

from device.bench.combination import combinations
from device.bundle.bundle import Bundle
from device.errors import UsageError
from device.runtimes import installed_interpreters
from tests.device.bench.conftest import ONE


def test_every_variant_interpreter_and_number_of_threads_is_combined_once(bundle_dir):
    bundle = Bundle(bundle_dir)
    found = combinations(bundle, ["int8", "float32"], ["litert", "tensorflow"], [1, 2, 1])
    assert found == [
        (variant, interpreter, threads)
        for variant in ("int8", "float32")
        for interpreter in ("litert", "tensorflow")
        for threads in (1, 2)
    ]


def test_auto_passes_over_an_interpreter_that_is_known_to_fail(bundle_copy):
    assert combinations(Bundle(bundle_copy.folder), ["int8"], [], [1]) == [ONE]

    def edit(manifest):
        manifest["variants"]["int8"]["checks"]["litert"].update(ok=False, reason="wrong")

    bundle_copy.change(edit)
    (found,) = combinations(Bundle(bundle_copy.folder), ["int8"], [], [1])
    assert found.interpreter == list(installed_interpreters())[1]


def test_unknown_variant_is_wrong_usage(small_bundle):
    with pytest.raises(UsageError, match="no variant 'int4'"):
        combinations(Bundle(small_bundle), ["int4"], ["litert"], [1])
