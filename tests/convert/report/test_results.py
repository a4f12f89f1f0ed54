from __future__ import annotations

import json

import msgspec

from convert.evaluation.accuracy import VariantAccuracy
from convert.report.page import report
from device.bundle.manifest import SampleDetection, format_manifest, parse_manifest
from tests.helpers.measured_report import accuracy_of, with_check, write_accuracy
from tests.helpers.outline import Outline


def test_page_shows_the_measurement(bundle, manifest):
    write_accuracy(bundle, accuracy_of(manifest))
    page = report(bundle).read_text()
    text = Outline(page).text
    assert "Accuracy was not measured" not in text
    assert "0.276 to 0.326" in text  # int8's interval
    assert "0.1 to 0.7" in text  # and that of its loss
    assert "0.50 → 0.46" in text  # cat, in int8
    assert manifest.provenance.machine in text
    assert manifest.provenance.command in text
    assert all(name in text for name in manifest.provenance.calibration)


def test_variant_that_does_not_load_says_why(bundle, manifest):
    broken = with_check(
        manifest, "int8", "tflite-runtime", ok=False, reason="op version 12", invoke_ms=None
    )
    (bundle / "manifest.json").write_bytes(format_manifest(broken))
    text = Outline(report(bundle).read_text()).text
    assert "does not load: op version 12" in text


def test_measurement_of_other_files_is_pointed_out(bundle, manifest):
    measured = accuracy_of(manifest)
    item = msgspec.structs.replace(measured.variants["int8"], size_bytes=1)
    write_accuracy(
        bundle, msgspec.structs.replace(measured, variants=measured.variants | {"int8": item})
    )
    assert "files of other sizes" in report(bundle).read_text()


def test_classifier_is_shown_with_top_1(bundle, manifest):
    figures = {
        name: VariantAccuracy(
            interpreter="litert 2.3.0",
            size_bytes=variant.size_bytes,
            top1=0.7,
            top5=0.9,
            top1_interval=(0.65, 0.75),
            drop=None if name == "float32" else 0.0,
        )
        for name, variant in manifest.variants.items()
    }
    sample = msgspec.structs.replace(
        manifest.samples[0],
        detections={
            "float32": (SampleDetection("cat", 0.9),),
            "int8": (SampleDetection("person", 0.8),),
        },
    )
    data = json.loads(format_manifest(msgspec.structs.replace(manifest, samples=(sample,))))
    data["task"] = "classification"
    data["decoder"] = {"type": "classifier"}
    (bundle / "manifest.json").write_bytes(json.dumps(data).encode())
    assert parse_manifest(json.dumps(data).encode()).task == "classification"
    measured = accuracy_of(manifest, task="classification", variants=figures)
    write_accuracy(bundle, measured)
    text = Outline(report(bundle).read_text()).text
    assert "top-1 accuracy" in text
    assert "Only float32: cat 90%" in text


def test_agreement_without_annotations_is_shown_as_a_likeness(bundle, manifest):
    figures = {
        name: VariantAccuracy(
            interpreter="litert 2.3.0",
            size_bytes=variant.size_bytes,
            agreement=0.98,
            agreement_interval=(0.96, 0.99),
        )
        for name, variant in manifest.variants.items()
    }
    write_accuracy(bundle, accuracy_of(manifest, variants=figures))
    text = Outline(report(bundle).read_text()).text
    assert "Measured without annotations" in text
    assert "0.960 to 0.990" in text
