"""The page of a report: HTML that needs nothing but a browser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from convert.report import explanation, results
from convert.report.comparison import Comparison, compare_images
from convert.report.decision import decide
from convert.report.facts import Facts, load_facts
from convert.report.recommendation import PI_5, advise, best_for, headline
from convert.report.slimming import slimming
from convert.report.training import training
from convert.report.tuning import tuning
from convert.slimming.log import SlimmingLog
from convert.slimming.log import read_log as read_slimming
from convert.tuning.log import TuningLog
from convert.tuning.log import read_log as read_tuning
from device import __version__
from device.charts.markup import document, escape
from device.system.atomic_file import write_whole

REPORT = "report.html"

PARTS = {
    "boards": "Boards",
    "accuracy": "Accuracy",
    "latency": "Time",
    "tuning": "Tuning",
    "slimming": "Smaller networks",
    "training": "Training",
    "classes": "Classes",
    "pictures": "Pictures",
    "decision": "Decision",
    "made": "Making",
}


def make_page(
    facts: Facts,
    comparisons: Sequence[Comparison],
    *,
    measured_images: bool,
    tuned: TuningLog | None = None,
    slimmed: SlimmingLog | None = None,
    trained: str = "",
) -> str:
    """The whole page as HTML; ``trained`` is its section on training, as HTML.

    Nothing is read but the style sheet beside this module.
    """
    pick = best_for(facts, PI_5)
    verdict, numbers = headline(facts)
    sections = {
        "boards": explanation.boards(facts, advise(facts)),
        "accuracy": results.accuracy(facts, pick),
        "latency": results.latency(facts),
        "tuning": tuning(tuned),
        "slimming": slimming(slimmed),
        "training": trained,
        "classes": results.classes(facts),
        "pictures": explanation.images(
            comparisons, measured=measured_images, threshold=facts.manifest.threshold
        ),
        "decision": explanation.decision(decide(facts)),
        "made": explanation.made(facts),
    }
    links = "".join(
        f'<li><a href="#{name}">{PARTS[name]}</a></li>' for name, body in sections.items() if body
    )
    model = facts.manifest.model
    return document(
        title=f"{model}: which variant?",
        header=f"""<h1>{escape(model)}</h1>
<p class="verdict">{escape(verdict)}</p>
<p>{escape(numbers)}</p>
{results.tiles(facts, pick)}
<nav aria-label="Parts of this page"><ul>{links}</ul></nav>""",
        main="".join(sections.values()),
        footer=f"Made by liteberry {__version__} from manifest.json"
        f"{' and accuracy.json' if facts.measured else ''}.",
        folds=True,
    )


def report(folder: Path, out: Path | None = None) -> Path:
    """Write the report of the bundle at ``folder`` to ``out``, else into the bundle.

    Returns where it is. Raises ``BundleError`` where there is no sound bundle,
    ``EvaluationError`` for an ``accuracy.json``, ``tuning.json``, ``slimming.json`` or
    ``training.json`` that cannot be used,
    ``SourceError`` for a sample that cannot be read, and ``SinkError`` where the page cannot be
    written.
    """
    bundle, accuracy, facts = load_facts(folder)
    comparisons, measured = compare_images(bundle, accuracy)
    path = folder / REPORT if out is None else out
    page = make_page(
        facts,
        comparisons,
        measured_images=measured,
        tuned=read_tuning(folder),
        slimmed=read_slimming(folder),
        trained=training(folder),
    )
    write_whole(path, page.encode("utf-8", errors="replace"), "choose another --out")
    return path
