"""The page of a benchmark: HTML that needs nothing but a browser."""

from __future__ import annotations

from collections.abc import Sequence

from device import __version__
from device.bench import parts
from device.bench.record import Benchmark, CombinationResult
from device.charts.markup import document, escape, section, tiles
from device.system.console import count_of


def make_page(benchmark: Benchmark) -> str:
    """The whole page as HTML."""
    able = [result for result in benchmark.results if result.invoke is not None]
    sections = {
        "latency": ("Latency", parts.latency(able)),
        "threads": ("Threads", parts.threads(able)),
        "frames": ("Whole frames", parts.frames(benchmark)),
        "memory": ("Memory", parts.memory(able)),
        "warmth": ("Warmth", parts.warmth(benchmark)),
        "beside": ("Beside others", parts.beside(able)),
        "failed": ("What does not run", parts.failed(benchmark.results)),
        "made": ("How it was measured", _made(benchmark)),
    }
    shown = {name: item for name, item in sections.items() if item[1]}
    links = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, (title, _) in shown.items())
    title = f"{benchmark.model} on {benchmark.machine}"
    return document(
        title=title,
        header=f"<h1>{escape(title)}</h1>{_headline(benchmark, able)}{_warnings(benchmark)}"
        f'<nav aria-label="Parts of this page"><ul>{links}</ul></nav>',
        main="".join(section(name, title, body) for name, (title, body) in shown.items()),
        footer=f"Made by liteberry {__version__} from what bench measured {benchmark.made_at}.",
        folds=True,
    )


def _headline(benchmark: Benchmark, results: Sequence[CombinationResult]) -> str:
    """The fastest combination in a sentence and four figures."""
    best = max(results, key=lambda result: result.best_fps, default=None)
    if best is None or best.invoke is None or best.memory is None:
        return '<p class="verdict">Nothing could be measured.</p>'
    what = "frames" if best.end_to_end else "invokes"
    host = "" if benchmark.board.is_pi else " A host machine's figures, not a Raspberry Pi's."
    shown = [
        ("Rate", f"{best.best_fps:.0f}/s", what),
        ("Median", f"{best.invoke.median_ms:.3g}&nbsp;ms", "of one invoke"),
        ("99th percentile", f"{best.invoke.p99_ms:.3g}&nbsp;ms", "of one invoke"),
        ("Peak memory", f"{best.memory.peak_mb:.0f}&nbsp;MB", "of the process that invokes"),
    ]
    return (
        f'<p class="verdict">Fastest here: {escape(best.name)}, {best.best_fps:.0f} {what} per '
        f"second.</p><p>Medians over {count_of(benchmark.settings.rounds, 'round')}, each in new "
        f"processes.{host}</p>{tiles(shown)}"
    )


def _warnings(benchmark: Benchmark) -> str:
    if not benchmark.warnings:
        return ""
    items = "".join(f"<li>{escape(warning)}</li>" for warning in benchmark.warnings)
    return (
        '<div class="note" role="note"><p><strong>Not stable: measure again before you quote these '
        f"figures.</strong></p><ul>{items}</ul></div>"
    )


def _made(benchmark: Benchmark) -> str:
    board, settings = benchmark.board, benchmark.settings
    first, last = benchmark.moments[0].state, benchmark.moments[-1].state
    busy = benchmark.load.other_cores
    facts = {
        "Machine": benchmark.machine,
        "Processor": f"{board.cpu.name}, {count_of(board.cpu.cores, 'core')}; "
        + (", ".join(board.cpu.features) or "no features that matter here"),
        "Governor": _at_both_ends(first.governor, last.governor),
        "Clock": _at_both_ends(first.clock_mhz, last.clock_mhz, " MHz"),
        "Temperature": _at_both_ends(first.temperature_c, last.temperature_c, " °C"),
        "Throttled bits": _at_both_ends(_hex(first.throttled), _hex(last.throttled)),
        "Other programs": "unknown" if busy is None else f"{busy:.2f} cores busy on average",
        "Priority": benchmark.priority,
        "System": f"{board.os}, Linux {board.kernel}, {board.machine}, "
        f"{board.memory.total_mib} MiB of memory",
        "Python": benchmark.python,
        "Packages": ", ".join(f"{name} {version}" for name, version in benchmark.packages.items()),
        "Bundle": f"{benchmark.model}, sha256 {benchmark.bundle_sha256}",
        "Rounds": f"{settings.rounds}, each at least {settings.min_count} invokes and "
        f"{settings.min_time_s:g} s after {count_of(settings.warmups, 'warm-up')}",
        "Date": benchmark.made_at,
    }
    items = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    return f'<dl class="made">{items}</dl><pre><code>{escape(benchmark.command)}</code></pre>'


def _at_both_ends(first: object, last: object, unit: str = "") -> str:
    """What a machine told at the start and at the end of the run."""
    if first is None or last is None:
        return "not told by this machine"
    values = [f"{value:g}" if isinstance(value, float) else str(value) for value in (first, last)]
    return f"{values[0]}{unit}, at the end {values[1]}{unit}"


def _hex(bits: int | None) -> str | None:
    return None if bits is None else hex(bits)
