"""The parts of a report's page that explain: boards, pictures, the decision, the making."""

from __future__ import annotations

from collections.abc import Sequence

from convert.report.comparison import Comparison, Drawing, Seen
from convert.report.decision import Step
from convert.report.facts import Facts
from convert.report.recommendation import COUNTED_MODEL, Advice
from device.bundle.cost_table import interpreters_at_hand
from device.charts.markup import escape, picture, section

LISTED = 6  # things seen, in a caption
TREE = (
    "https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/"
    "post_training_quantization"
)


def boards(facts: Facts, advice: Sequence[Advice]) -> str:
    """A card per kind of machine."""
    cards = []
    for item in advice:
        reasons = "".join(f"<li>{escape(reason)}</li>" for reason in item.reasons)
        cards.append(
            f'<div class="card"><h3>{escape(item.board)}</h3>'
            f'<p class="pick">{escape(item.variant)} <small>in {escape(item.interpreter)}</small>'
            f"</p><ul>{reasons}</ul></div>"
        )
    other = ""
    if facts.manifest.model != COUNTED_MODEL:
        other = " This model was not counted: its shares may differ."
    said = (
        "<p>Nothing here was timed on a Raspberry Pi. What is said of one are instructions of one "
        f"invoke, counted under emulation for {COUNTED_MODEL} at 300 x 300 pixels; instructions "
        f"are not time.{other} On your board, <code>python -m device detect BUNDLE --source demo"
        "</code> has the last word.</p>"
    )
    return section(
        "boards",
        "Which variant for which board",
        said + f'<div class="grid">{"".join(cards)}</div>',
    )


def listed(seen: Sequence[Seen]) -> str:
    """What was seen and how surely, as text for people; not escaped."""
    named = [f"{item.label} {item.score * 100:.0f}%" for item in seen[:LISTED]]
    if len(seen) > LISTED:
        named.append(f"{len(seen) - LISTED} more")
    return ", ".join(named) or "nothing"


def _image(drawing: Drawing, title: str) -> str:
    said = f"{title}, as {drawing.variant} sees it: {listed(drawing.seen)}"
    image = picture(drawing.data_uri, (drawing.width, drawing.height), said)
    return f"<div>{image}<small>{escape(drawing.variant)}</small></div>"


def images(comparisons: Sequence[Comparison], *, measured: bool, threshold: float) -> str:
    """Pairs of drawings; empty for none."""
    if not comparisons:
        return ""
    figures = []
    for item in comparisons:
        told = []
        for drawing, only in ((item.base, item.only_base), (item.other, item.only_other)):
            if only:
                told.append(f"Only {drawing.variant}: {listed(only)}.")
        if not told:
            told.append(
                f"Both see the same: {listed(item.base.seen)}; {item.other.variant} says "
                f"{listed(item.other.seen)}."
            )
        credit = f"<br><small>{escape(item.credit)}</small>" if item.credit else ""
        figures.append(
            f'<figure><div class="pair">{_image(item.base, item.title)}'
            f"{_image(item.other, item.title)}</div><figcaption><strong>{escape(item.title)}"
            f"</strong> {escape(' '.join(told))}{credit}</figcaption></figure>"
        )
    origin = (
        "The measured pictures on which variants differ most from float32, each beside the "
        "variant that differs most"
        if measured
        else "The bundle's own samples, each beside the variant that differs most from float32"
    )
    return section(
        "pictures",
        "Where variants disagree",
        f"<p>{origin}. Drawn is what reaches a score of {threshold:.0%}.</p>"
        f'<div class="grid wide pictures">{"".join(figures)}</div>',
        long=True,
    )


def decision(steps: Sequence[Step]) -> str:
    """TensorFlow's decision tree as a list of steps."""
    items = "".join(
        f'<li class="card"><h3>{escape(step.title)}</h3>'
        f"<p><b>Documented:</b> {escape(step.documented)}.</p>"
        f"<p><b>Here:</b> {escape(step.here)}</p>"
        f'<p class="outcome">{escape(step.outcome)}</p></li>'
        for step in steps
    )
    said = (
        f'<p>TensorFlow <a href="{TREE}">documents an order</a> for post-training quantisation: '
        "begin with float32, then the step that costs least effort, and stop when the model is "
        "small, fast and right enough. These are its steps with this model's numbers, timed in "
        "LiteRT on the machine that built the bundle.</p>"
    )
    rest = (
        "<p>If all of them lose too much, training with quantisation in mind is what remains, "
        "which needs the training data.</p>"
    )
    return section(
        "decision", "The decision, step by step", f'{said}<ol class="steps">{items}</ol>{rest}'
    )


def made(facts: Facts) -> str:
    """Where the bundle comes from: enough to make it again."""
    manifest, origin = facts.manifest, facts.manifest.provenance
    versions = ", ".join(f"{name} {version}" for name, version in origin.versions.items())
    size = f"{manifest.input.width} x {manifest.input.height}"
    rows = [
        ("Weights", escape(origin.source)),
        ("Licence", escape(origin.licence)),
        ("Input", f"{size} pixels, {escape(manifest.input.resize)}"),
        ("Made at", escape(origin.made_at)),
        ("Machine", escape(origin.machine)),
        ("Command", f"<code>{escape(origin.command)}</code>"),
        ("Seed", escape(origin.seed)),
        ("Versions", escape(versions)),
        ("Interpreters", escape(interpreters_at_hand(origin) or "not written down")),
    ]
    for item in facts.variants:
        recipe = ", ".join(
            f"{key.replace('_', ' ')}: {value}"
            for key, value in manifest.variants[item.name].recipe.items()
        )
        rows.append((f"Recipe of {item.name}", escape(recipe)))
    described = "".join(f"<dt>{escape(key)}</dt><dd>{value}</dd>" for key, value in rows)
    used = "".join(f"<li>{escape(name)}</li>" for name in origin.calibration)
    hashes = "".join(
        f"<li>{escape(name)}: <code>{escape(digest)}</code></li>"
        for name, digest in {**origin.weights_sha256, **manifest.files}.items()
    )
    return section(
        "made",
        "How it was made",
        f'<dl class="made">{described}</dl>'
        f"<details><summary>{len(origin.calibration)} calibration pictures, in order</summary>"
        f"<ol>{used}</ol></details>"
        f"<details><summary>SHA-256 of weights and files</summary><ul>{hashes}</ul></details>",
        long=True,
    )
