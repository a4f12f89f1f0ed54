"""Measurements of a bundle for its report, and a browser to look at it with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec

from convert.evaluation.accuracy import Accuracy, VariantAccuracy
from device.bundle.manifest import SampleDetection

EVIL = "<script>alert('x')</script>\"&"


def accuracy_of(manifest, drops=None, intervals=None, **changed) -> Accuracy:
    """A measurement with float32 at 0.3 and ``drops`` from there."""
    drops = {"float32": 0.0, "float16": 0.0, "dynamic": 0.001, "int8": 0.004} | (drops or {})
    variants = {}
    for name, variant in manifest.variants.items():
        drop = drops[name]
        spread_of = (intervals or {}).get(name, (drop - 0.003, drop + 0.003))
        variants[name] = VariantAccuracy(
            interpreter="litert 2.3.0",
            size_bytes=variant.size_bytes,
            map=0.3 - drop,
            map_50=0.5 - drop,
            map_interval=(0.28 - drop, 0.33 - drop),
            drop=None if name == "float32" else drop,
            drop_interval=None if name == "float32" else spread_of,
            classes={"cat": 0.5 - 10 * drop, "dog": 0.4, "kite": 0.2 + drop},
        )
    fields = {
        "model": manifest.model,
        "task": manifest.task,
        "images": 100,
        "seed": 3,
        "resamples": 1000,
        "threshold": 0.5,
        "variants": variants,
        "disagreements": (),
    }
    return Accuracy(**(fields | changed))


def write_accuracy(folder: Path, accuracy: Accuracy) -> None:
    (folder / "accuracy.json").write_bytes(msgspec.json.encode(accuracy))


def with_check(manifest, name, interpreter, **changed):
    variant = manifest.variants[name]
    check = msgspec.structs.replace(variant.checks[interpreter], **changed)
    checked = msgspec.structs.replace(variant, checks=variant.checks | {interpreter: check})
    return msgspec.structs.replace(manifest, variants=manifest.variants | {name: checked})


def seen(label, score, box=(0.0, 0.0, 10.0, 10.0)):
    return SampleDetection(label, score, box)


MEASURE = """<script>
addEventListener("error", event => parent.postMessage("error " + event.message, "*"));
addEventListener("load", () => parent.postMessage(
  [document.documentElement.scrollWidth, innerWidth,
   performance.getEntriesByType("resource").filter(e => !e.name.startsWith("data:")).length,
   [...document.images].filter(image => !image.naturalWidth).length,
   [...document.querySelectorAll("svg")].filter(
     svg => svg.getBoundingClientRect().right > innerWidth).length].join(" "), "*"));
</script>"""


def browse(chromium: str, page: Path, profile: Path, *options: str) -> subprocess.CompletedProcess:
    quiet = ["background-networking", "component-update", "sync", "quic", "gpu"]
    return subprocess.run(
        [
            chromium,
            "--headless",
            "--no-sandbox",
            "--no-first-run",
            *(f"--disable-{name}" for name in quiet),
            "--enable-logging=stderr",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={profile}",
            *options,
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def console(done: subprocess.CompletedProcess) -> list[str]:
    """What the page itself made the browser say, a refused resource included."""
    return [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
