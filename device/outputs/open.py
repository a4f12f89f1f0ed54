"""The sinks that a run's options ask for, each imported only when it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from device.drawing.parts import parts_for
from device.outputs.base import Sink
from device.outputs.options import OutputOptions

if TYPE_CHECKING:
    from device.outputs.clips import ClipSink
    from device.outputs.pace import Pace


def open_sinks(outputs: OutputOptions, pace: Pace, stop: threading.Event) -> Iterator[Sink]:
    """The sinks that ``outputs`` asks for; ``stop`` is set by a window that is closed.

    What one needs is imported only when it is asked for. Raises ``SinkError``.
    """
    output, quota, local_time = outputs.output, outputs.quota_bytes, outputs.local_time
    if output is not None and outputs.is_image:
        from device.outputs.image_file import ImageFileSink

        yield ImageFileSink(output)
    elif output is not None and not outputs.is_video:
        from device.outputs.image_folder import ImageFolderSink

        yield ImageFolderSink(output, quota)
    elif output is not None and outputs.segment_s is not None:
        from device.outputs.segments import SegmentSink

        yield SegmentSink(output, pace, outputs.segment_s, quota, local_time=local_time)
    elif output is not None:
        from device.outputs.video import VideoSink

        yield VideoSink(output, pace)
    if outputs.log_is_stdout:
        from device.outputs.logs import StdoutLog

        yield StdoutLog(outputs.camera)
    elif outputs.log is not None:
        from device.outputs.logs import make_log

        yield make_log(outputs.log, outputs.log_size_bytes, outputs.camera)
    clips: ClipSink | None = None
    if outputs.record_s is not None:
        from device.outputs.clips import ClipSink

        clips = ClipSink(
            outputs.clips,
            outputs.on,
            outputs.record_s,
            pace,
            quota,
            outputs.name,
            local_time=local_time,
        )
        yield clips
    if outputs.run is not None:
        from device.outputs.command import CommandSink

        path = None if clips is None else clips.path
        parts = parts_for(outputs.draw, moving=False)
        # After the clips: by then the one that shows the event has begun.
        yield CommandSink(
            outputs.run, outputs.on, outputs.cooldown_s, path, parts, run_name=outputs.name
        )
    if outputs.counts is not None:
        from device.outputs.counts import CountsSink

        yield CountsSink(outputs.counts)
    if outputs.events is not None:
        from device.outputs.event_log import EventSink

        yield EventSink(
            outputs.events,
            outputs.events_quota_bytes,
            outputs.events_age_s,
            outputs.clips,
            None if clips is None else clips.path_for,
        )
    if outputs.collect is not None:
        from device.outputs.collect import CollectSink

        yield CollectSink(
            outputs.collect,
            outputs.collect_scores,
            outputs.collect_every_s,
            outputs.collect_quota_bytes,
            pace,
            local_time=local_time,
        )
    if outputs.display:
        from device.outputs.window import WindowSink

        yield WindowSink(stop)
