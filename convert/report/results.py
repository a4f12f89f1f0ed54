"""The parts of a report's page that show what was measured, from facts to HTML."""

from __future__ import annotations

from convert.reference import REFERENCE_VARIANT
from convert.report.charts import Bar, Loss, Pair, Point, bars, changes, is_crowded, losses, scatter
from convert.report.facts import Facts, VariantFacts
from convert.report.recommendation import points
from device.charts import markup
from device.charts.markup import escape, figure, section, table

CLASSES_SHOWN = 6  # per variant

SCORE_NAMES = {
    "mAP": "mAP, 0 to 1, more is better",
    "top-1": "top-1 accuracy, 0 to 1, more is better",
    "agreement": "agreement with float32, 0 to 1",
}


def tiles(facts: Facts, pick: VariantFacts | None) -> str:
    """The figures of the recommended variant, large."""
    if pick is None:
        return ""
    base, machine = facts.base, escape(facts.manifest.provenance.machine)
    shown = [("Variant", escape(pick.name), f"{escape(facts.manifest.task)} model")]
    ratio = "" if base is None else f"float32: {base.megabytes:.2f} MB"
    shown.append(("Size", f"{pick.megabytes:.2f}&nbsp;MB", ratio))
    if pick.score is not None:
        beside = f"float32: {base.score:.3f}" if base is not None and base.score else ""
        if facts.metric == "agreement":
            beside = f"with float32, {facts.images} pictures"
        name = {"mAP": "mAP", "top-1": "Top-1", "agreement": "Agreement"}[facts.metric]
        shown.append((name, f"{pick.score:.3f}", beside))
    # LiteRT is what detect takes by itself; another may be faster where the bundle was made.
    in_litert = pick.invoke_ms("litert")
    timed = pick.fastest if in_litert is None else ("litert", in_litert)
    if timed is not None:
        interpreter, time = timed
        shown.append(
            ("One invoke", f"{time:.1f}&nbsp;ms", f"{escape(interpreter)}, on {machine}; not a Pi")
        )
    return markup.tiles(shown)


def interval_text(interval: tuple[float, float] | None, *, as_points: bool = False) -> str:
    """``low to high``, empty for none."""
    if interval is None:
        return ""
    low, high = interval
    return f"{points(low)} to {points(high)}" if as_points else f"{low:.3f} to {high:.3f}"


def missing_accuracy(facts: Facts) -> str:
    """What stands in for accuracy that nobody measured, and the command that measures it."""
    command = "python -m convert evaluate BUNDLE --images PICTURES --annotations COCO.json"
    if facts.manifest.task == "classification":
        command = "python -m convert evaluate BUNDLE --images PICTURES --annotations labels.tsv"
    return (
        '<div class="note" role="note"><p><strong>Accuracy was not measured.</strong> Instead, '
        f"this is how far each variant agrees with float32 on {facts.images} check pictures: a "
        "likeness, not a quality. With annotated pictures, measure it and make this page again:"
        f"</p><pre><code>{command}</code></pre></div>"
    )


def accuracy(facts: Facts, pick: VariantFacts | None) -> str:
    """Accuracy against size, the loss of each variant, and both as a table."""
    kind = "Agreement" if facts.metric == "agreement" else "Accuracy"
    said = "" if facts.measured else missing_accuracy(facts)
    if facts.measured and facts.metric == "agreement":
        said = (
            f"<p>Measured without annotations, on {facts.images} pictures: how far each variant "
            "agrees with float32. A likeness, not a quality.</p>"
        )
    elif facts.measured:
        said = (
            f"<p>Measured on {facts.images} annotated pictures. Whiskers are the middle 95% "
            f"of resampled sets (seed {facts.seed}): another set of pictures would give another "
            "figure.</p>"
        )
    if facts.other_build:
        said += (
            '<div class="note" role="note"><p>The measurement in accuracy.json was made on files '
            "of other sizes than this bundle's: measure again.</p></div>"
        )
    dots = [
        Point(item.name, item.megabytes, item.score, item.interval, item is pick)
        for item in facts.variants
        if item.score is not None
    ]
    charts = []
    if dots:
        svg = scatter(
            "size-chart",
            f"{kind} against size",
            dots,
            "size of the file, MB",
            SCORE_NAMES[facts.metric],
        )
        aside = "Variants of nearly the same size stand side by side. " if is_crowded(dots) else ""
        charts.append(
            figure(
                svg,
                f"{aside}Up and to the left is better; the upright axis does not begin at zero.",
            )
        )
    rows = [
        Loss(
            item.name,
            item.drop * 100,
            None
            if item.drop_interval is None
            else (item.drop_interval[0] * 100, item.drop_interval[1] * 100),
            item is pick,
        )
        for item in facts.variants
        if item.drop is not None
    ]
    if rows:
        svg = losses(
            "loss-chart", "What quantisation costs", rows, f"points of {facts.metric} below float32"
        )
        charts.append(
            figure(
                svg,
                "Left of zero: better than float32. Both are measured on the same "
                "resampled pictures, so these intervals are narrower. One that "
                "holds zero shows no difference.",
            )
        )
    return section(
        "accuracy",
        f"{kind} against size",
        said + f'<div class="grid wide">{"".join(charts)}</div>' + variants_table(facts, pick),
    )


def variants_table(facts: Facts, pick: VariantFacts | None) -> str:
    """Size and accuracy of each variant."""
    base = facts.base
    compared = facts.metric != "agreement"
    second = {"mAP": "#mAP at IoU 0.50", "top-1": "#top-5", "agreement": ""}[facts.metric]
    head = ["Variant", "#Size, MB", "#Times smaller", f"#{facts.metric}"]
    intervals = any(item.interval for item in facts.variants)
    head += ["#95% interval"] * intervals
    head += [second, "#Loss, points", "#95% interval"] if compared else []
    rows = []
    for item in facts.variants:
        smaller = "" if base is None else f"{base.size_bytes / item.size_bytes:.1f}"
        score = "not measured" if item.score is None else f"{item.score:.3f}"
        row = [escape(item.name), f"{item.megabytes:.2f}", smaller, score]
        row += [interval_text(item.interval)] * intervals
        if compared:
            row.append("" if item.second is None else f"{item.second:.3f}")
            row.append("" if item.drop is None else points(item.drop))
            row.append(interval_text(item.drop_interval, as_points=True))
        rows.append(row)
    measured = sorted({item.measured_with for item in facts.variants if item.measured_with})
    where = f", measured in {escape(', '.join(measured))}" if measured else ""
    caption = f"Size and {'accuracy' if compared else 'agreement'} of each variant{where}"
    return table("variants", caption, head, rows, "" if pick is None else escape(pick.name))


def latency(facts: Facts) -> str:
    """Bars of the time of one invoke, and the checks behind them as a table."""
    machine = escape(facts.manifest.provenance.machine)
    known = [item.fastest for item in facts.variants if item.fastest is not None]
    best = min((time for _, time in known), default=None)
    groups, rows = [], []
    for item in facts.variants:
        group = []
        for interpreter, check in item.checks.items():
            reason = f"does not load: {check.reason}" if not check.ok else "not timed"
            time = item.invoke_ms(interpreter)
            group.append(Bar(interpreter, time, reason, time is not None and time == best))
            timed = "" if time is None else f"{time:.1f}"
            cells = [
                timed if check.ok else f'<span class="reason">{escape(reason)}</span>',
                "" if check.cosine is None else f"{check.cosine:.5f}",
                "" if check.agreement is None else f"{check.agreement:.3f}",
            ]
            rows.append(
                [escape(item.name), f"{escape(interpreter)} {escape(check.version)}", *cells]
            )
        groups.append((item.name, group))
    svg, log = bars(
        "latency-chart", f"Time of one invoke on {facts.manifest.provenance.machine}", groups, "ms"
    )
    scale = (
        " The axis is logarithmic: each labelled line is about three times the one before."
        if log
        else ""
    )
    body = (
        f"<p>Median of one invoke with one thread on <strong>{machine}</strong>, the machine that "
        "built the bundle. A Raspberry Pi has other times, and other ratios between them.</p>"
        '<div class="grid wide">'
        + figure(svg, f"Shorter is better; the shortest is coloured.{scale}")
        + table(
            "checks",
            "Each variant in each interpreter, against float32 on "
            f"{facts.manifest.provenance.checked_on} pictures",
            ["Variant", "Interpreter", "#Invoke, ms", "#Cosine", "#Agreement"],
            rows,
        )
        + "</div>"
    )
    return section("latency", "Time of one picture, on this machine", body)


def classes(facts: Facts) -> str:
    """The classes that lose most in each variant; empty where classes were not measured."""
    base = facts.base
    if base is None or not base.classes:
        return ""
    losing = {
        item.name: lost_classes(base, item)
        for item in facts.variants
        if item.name != REFERENCE_VARIANT and item.classes
    }
    longest = max((p.before - p.after for pairs in losing.values() for p in pairs), default=0) * 100
    charts = []
    for number, (name, pairs) in enumerate(losing.items()):
        if not pairs:
            body = "<p>No class loses a tenth of a point.</p>"
        else:
            svg = changes(
                f"classes-{number}",
                f"Classes that lose most in {name}",
                pairs[:CLASSES_SHOWN],
                longest,
                "points of average precision lost",
            )
            body = figure(svg, f"{len(pairs)} of {len(base.classes)} classes lose.")
        charts.append(f"<div><h3>{escape(name)}</h3>{body}</div>")
    said = (
        "<p>Beside each bar, the average precision of float32 and of the variant. A class that is "
        "on few pictures moves by many points when one box is missed: these are places to look "
        "at, not findings.</p>"
    )
    grid = f'<div class="grid wide">{"".join(charts)}</div>'
    return section("classes", "Classes that lose most", said + grid, long=True)


def lost_classes(base: VariantFacts, variant: VariantFacts) -> list[Pair]:
    """The classes on which ``variant`` is at least a tenth of a point worse, worst first."""
    pairs = [
        Pair(label, before, variant.classes[label])
        for label, before in base.classes.items()
        if label in variant.classes and before - variant.classes[label] >= 0.001
    ]
    return sorted(pairs, key=lambda pair: pair.after - pair.before)
