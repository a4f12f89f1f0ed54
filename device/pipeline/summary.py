"""The summary of a run: what it did and cost, as lines to print."""

from __future__ import annotations

from device.pipeline.pipeline import STAGES, Pipeline
from device.system.resource_usage import peak_rss_mb

MOST_LABELS = 8  # that were seen on most frames


def summary_of(pipeline: Pipeline) -> str:
    """What a run that has ended did and cost."""
    frames = pipeline.rate.stamps
    if frames == 0:
        return "no frames"
    lines = _cost_of_one(pipeline) if frames == 1 else _cost(pipeline)
    if pipeline.dropped:
        lines.append(f"{pipeline.dropped} frames were replaced by newer ones before their turn")
    if pipeline.spared:
        lines.append(f"{pipeline.spared} frames kept the detections of an earlier one")
    most = pipeline.frames_with.most_common(MOST_LABELS)
    seen = ", ".join(f"{label} on {count}" for label, count in most)
    lines.append(f"seen: {seen or 'nothing above the threshold'}")
    return "\n".join(lines)


def _cost(pipeline: Pipeline) -> list[str]:
    lines = [
        f"{pipeline.rate.stamps} frames, {pipeline.rate.fps:.1f} FPS; "
        f"peak memory {peak_rss_mb():.0f} MB, "
        f"CPU {pipeline.load.mean_cpu_percent:.0f} % of one core",
        f"{'ms per frame':<14}{'median':>8}{'p99':>8}",
    ]
    for stage in STAGES:
        median, p99 = (pipeline.stages.quantile(stage, fraction) for fraction in (0.5, 0.99))
        lines.append(f"  {stage:<12}{median:8.2f}{p99:8.2f}")
    return lines


def _cost_of_one(pipeline: Pipeline) -> list[str]:
    """One frame has no rate and no quantiles."""
    spent = ", ".join(f"{stage} {pipeline.stages.quantile(stage, 0.5):.1f}" for stage in STAGES)
    return [f"1 frame; peak memory {peak_rss_mb():.0f} MB; ms: {spent}"]
