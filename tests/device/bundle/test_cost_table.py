from __future__ import annotations

import msgspec
import pytest

from device.bundle.bundle import Bundle
from device.bundle.cost_table import format_costs, interpreters_at_hand
from device.bundle.manifest import Check, Manifest


@pytest.fixture
def manifest(small_bundle) -> Manifest:
    return Bundle(small_bundle).manifest


def with_checks(manifest: Manifest, recipe: dict | None = None, **checks: Check) -> Manifest:
    variant = msgspec.structs.replace(
        manifest.variants["int8"],
        size_bytes=4_910_000,
        checks=checks,
        recipe=recipe or {"precision": "int8"},
    )
    return msgspec.structs.replace(manifest, variants={"int8": variant})


GOOD = Check(version="2.3.0", ok=True, cosine=0.99477, agreement=1.0, invoke_ms=4.06)


def test_row_has_what_was_measured_under_its_heading(manifest):
    heading, row, foot = format_costs(with_checks(manifest, litert=GOOD)).splitlines()
    assert heading.split() == ["variant", "size", "interpreter", "agreement", "cosine", "invoke"]
    assert row == "int8     4.91 MB  litert 2.3.0      1.000  0.99477  4.1 ms"
    assert [heading.index(word) + len(word) for word in ("agreement", "cosine", "invoke")] == [
        row.index(word) + len(word) for word in ("1.000", "0.99477", "4.1 ms")
    ]
    assert foot.startswith("agreement: F1 of the detections, float32's taken as truth, on ")
    assert foot.endswith(f"invoke: one thread on {manifest.provenance.machine}")


def test_second_interpreter_does_not_repeat_the_variant(manifest):
    table = format_costs(with_checks(manifest, litert=GOOD, tensorflow=GOOD))
    assert table.splitlines()[2].startswith("         " + " " * 7 + "  tensorflow 2.3.0")


def test_variant_that_fails_has_its_reason_in_place_of_figures(manifest):
    broken = Check(version="2.14.0", ok=False, reason="needs GELU version 2")
    row = format_costs(with_checks(manifest, litert=broken)).splitlines()[1]
    assert row.endswith("fails: needs GELU version 2")


def test_wrapped_file_is_compared_with_its_first_interpreter(manifest):
    wrapped = {"precision": "int8", "wrapped": True}
    foot = format_costs(with_checks(manifest, wrapped, litert=GOOD)).splitlines()[-1]
    assert foot.startswith("agreement: F1 of the detections, litert's taken as truth")


def test_classifier_is_told_by_its_best_class(manifest):
    classifier = msgspec.structs.replace(with_checks(manifest, litert=GOOD), task="classification")
    assert "the same best class as float32" in format_costs(classifier)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (
            {"ai-edge-litert": "2.3.0", "tensorflow": "2.21.0", "python": "3.13.0"},
            "litert 2.3.0, tensorflow 2.21.0 (Python 3.13.0); not at hand: tflite-runtime",
        ),
        (
            {
                "python": "3.11.7",
                "tensorflow": "2.21.0",
                "tflite-runtime": "2.14.0",
                "ai-edge-litert": "2.3.0",
            },
            "litert 2.3.0, tflite-runtime 2.14.0, tensorflow 2.21.0 (Python 3.11.7)",
        ),
        ({"tensorflow": "2.21.0", "python": "3.11.7"}, ""),  # as manifests were at first
        ({}, ""),
    ],
)
def test_interpreters_at_hand_are_told_with_those_that_were_not(manifest, versions, expected):
    origin = msgspec.structs.replace(manifest.provenance, versions=versions)
    assert interpreters_at_hand(origin) == expected
