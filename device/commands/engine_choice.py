"""The engine of ``detect``: the variant and interpreter that its flags ask for."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from device.system.console import count_of, say
from device.system.signals import is_ignored

if TYPE_CHECKING:
    from device.bundle.model import Model
    from device.inference.engine import Engine


def make_engine(args: argparse.Namespace, model: Model, variant: str) -> Engine:
    """The engine of a variant: as asked for, else as ``bench --tune`` found best here."""
    from device.inference.autotune import load_choice, state_file
    from device.inference.engine import Engine

    interpreter, threads, choice = args.interpreter, args.threads, None
    if interpreter == "auto" and threads is None and state_file().is_file():
        from device.system.board import read_board

        choice = load_choice(read_board(), model, variant)
        if choice is not None:
            interpreter, threads = choice.interpreter, choice.threads
    make: Callable[..., Engine] = Engine
    if args.tiles is not None:
        from device.inference.tiled_engine import TiledEngine
        from device.inference.tiles import Grid

        make = partial(TiledEngine, grid=Grid(*args.tiles))
    engine = make(
        model,
        variant,
        interpreter=interpreter,
        threads=threads,
        threshold=args.threshold,
        max_detections=args.max_detections,
    )
    if choice is not None:
        engine.choice = "by bench --tune"
    return engine


def announce_engine(engine: Engine, model: Model) -> None:
    """Say what runs, and how to end it."""
    interpreter = engine.interpreter
    say(
        f"{model.manifest.model} {engine.variant} in {interpreter.name} "
        f"{interpreter.version} ({engine.choice}), {interpreter.delegate}, "
        f"{count_of(interpreter.threads, 'thread')}; "
        f"{'SIGTERM' if is_ignored(signal.SIGINT) else 'Ctrl-C'} ends the run"
    )
