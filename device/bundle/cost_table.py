"""The table of what each variant of a bundle costs, as the laptop measured it."""

from __future__ import annotations

from device.bundle.manifest import Manifest, Provenance
from device.runtimes import EXTRA, ORIGINS, PREFERENCE


def format_costs(manifest: Manifest) -> str:
    """A row per variant and interpreter: size, likeness to float32, time of one invoke.

    The times are of the machine that built the bundle, which is named under the table.
    """
    heading = ("variant", "size", "interpreter", "agreement", "cosine", "invoke")
    rows = [heading]
    for name, variant in manifest.variants.items():
        size = f"{variant.size_bytes / 1e6:.2f} MB"
        for interpreter, check in variant.checks.items():
            agreement = "" if check.agreement is None else f"{check.agreement:.3f}"
            cosine = "" if check.cosine is None else f"{check.cosine:.5f}"
            invoke = "" if check.invoke_ms is None else f"{check.invoke_ms:.1f} ms"
            row = (name, size, f"{interpreter} {check.version}", agreement, cosine, invoke)
            rows.append(row if check.ok else (*row[:3], "fails: " + check.reason, "", ""))
            name, size = "", ""
    widths = [
        max(len(row[i]) for row in rows if not row[3].startswith("fails"))
        for i in range(len(heading))
    ]
    lines = []
    for row in rows:
        cells = [
            text.ljust(width) if i in (0, 2) or text.startswith("fails") else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    origin = manifest.provenance
    variants = manifest.variants.values()
    # A finished file that was wrapped has no float32 beside it: interpreters are compared.
    wrapped = all(variant.recipe.get("wrapped") for variant in variants)
    truth = next(iter(next(iter(variants)).checks), "") if wrapped else "float32"
    agreement = {
        "detection": f"F1 of the detections, {truth}'s taken as truth",
        "classification": f"the same best class as {truth}",
    }[manifest.task]
    lines.append(
        f"agreement: {agreement}, on {origin.checked_on} pictures; "
        f"invoke: one thread on {origin.machine}"
    )
    return "\n".join(lines)


def interpreters_at_hand(origin: Provenance) -> str:
    """Which interpreters the laptop had to check in, and which not; empty in older manifests."""
    versions = {name: origin.versions.get(ORIGINS[name].distribution) for name in PREFERENCE}
    had = [f"{name} {version}" for name, version in versions.items() if version]
    if versions["litert"] is None and versions["tflite-runtime"] is None:
        return ""  # TensorFlow alone was written down before the others were
    lacked = [name for name, version in versions.items() if version is None and name != EXTRA]
    without = f"; not at hand: {', '.join(lacked)}" if lacked else ""
    return f"{', '.join(had)} (Python {origin.versions.get('python', 'unknown')}){without}"
