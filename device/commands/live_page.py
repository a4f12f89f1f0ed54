"""The live page of ``detect``: opened as its flags ask for it, and told where it is."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from device.system.console import say

if TYPE_CHECKING:
    from device.bundle.model import Model
    from device.home.notifier import NotifySink
    from device.outputs.options import OutputOptions
    from device.pipeline.live_settings import Controls
    from device.pipeline.pipeline import Pipeline
    from device.pipeline.scene_editor import SceneEditor
    from device.web.cameras import CameraView
    from device.web.server import LivePage


def open_page(args: argparse.Namespace) -> LivePage:
    """The page at ``--serve``, which answers nobody yet. Raises what opening it raises."""
    from device.web.server import LivePage

    return LivePage(args.serve, args.token, args.serve_fps)


def start_page(
    page: LivePage | CameraView,
    args: argparse.Namespace,
    bundle: Model,
    pipeline: Pipeline,
    controls: Controls,
    outputs: OutputOptions,
    editor: SceneEditor | None,
    notifier: NotifySink | None,
) -> None:
    """Let the page answer for a run."""
    from device.web.run import Run, describe

    past = messages = None
    if outputs.events is not None:
        from device.web.past import Past

        past = Past(outputs.events, outputs.clips)
    if notifier is not None:
        from device.web.messages import MessageTest

        messages = MessageTest(notifier)
    about = describe(bundle, args.source, args.name or "", controls.variants)
    page.start(Run(page.feed, pipeline, controls, about, past, editor, messages))


def announce_page(page: LivePage) -> None:
    """Say where the page is."""
    from device.web.qr_code import show_qr_code

    # A journal is read by more people than may watch.
    say(f"watch it at {page.endpoint.link if sys.stderr.isatty() else page.endpoint.invitation}")
    if not page.endpoint.is_local:
        show_qr_code(page.endpoint.link, sys.stderr)
