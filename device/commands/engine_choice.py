"""The engine of ``detect``: the variant and interpreter that its flags ask for."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from device.errors import UsageError
from device.system.console import count_of, say
from device.system.signals import is_ignored

if TYPE_CHECKING:
    from device.bundle.model import Model
    from device.inference.engine import Engine
    from device.runtimes import InterpreterName


def make_engine(args: argparse.Namespace, model: Model, variant: str) -> Engine:
    """The engine of a variant: as asked for, else as ``bench --tune`` found best here."""
    from device.inference.autotune import load_choice, state_file
    from device.inference.delegates import delegate_for
    from device.inference.engine import Engine

    interpreter, threads, choice = args.interpreter, args.threads, None
    delegate = delegate_for(args.delegate, model.variant(variant).operators)
    if delegate is not None:
        _try_in_child(delegate, interpreter, model, variant)
    elif interpreter == "auto" and threads is None and state_file().is_file():
        from device.system.board import read_board

        choice = load_choice(read_board(), model, variant)
        if choice is not None:
            interpreter, threads = choice.interpreter, choice.threads
    make: Callable[..., Engine] = Engine
    if args.tiles is not None:
        from device.inference.tiled_engine import TiledEngine
        from device.inference.tiles import Grid

        make = partial(TiledEngine, grid=Grid(*args.tiles))
    if args.look == "closer":
        from device.inference.closer_engine import CloserEngine

        if args.tiles is not None:
            raise UsageError("--tiles looks at every part of a frame: leave out --look closer")
        make = partial(CloserEngine, extra=args.looks)
    engine = make(
        model,
        variant,
        interpreter=interpreter,
        threads=threads,
        threshold=args.threshold,
        max_detections=args.max_detections,
        delegate=delegate,
    )
    if choice is not None:
        engine.choice = "by bench --tune"
    return engine


def _try_in_child(
    delegate: str, asked: InterpreterName | Literal["auto"], model: Model, variant: str
) -> None:
    """Run the variant with ``delegate`` in a child, where it may crash; a bare model has been."""
    from device.bundle.bare_model import BareModel
    from device.inference.delegate_trial import DelegateRequest, try_delegate
    from device.inference.interpreter import choose_interpreter

    if isinstance(model, BareModel):
        return
    spec = model.variant(variant)
    interpreter = choose_interpreter(spec.checks)[0] if asked == "auto" else asked
    say(f"trying the delegate {Path(delegate).name} in a process of its own")
    try_delegate(
        DelegateRequest(
            model=str(model.file(spec.file).resolve()),
            interpreter=interpreter,
            delegate=delegate,
            input_shape=spec.input.shape,
        )
    )


def announce_engine(engine: Engine, model: Model) -> None:
    """Say what runs, and how to end it."""
    interpreter = engine.interpreter
    say(
        f"{model.manifest.model} {engine.variant} in {interpreter.name} "
        f"{interpreter.version} ({engine.choice}), {interpreter.delegate}, "
        f"{count_of(interpreter.threads, 'thread')}; "
        f"{'SIGTERM' if is_ignored(signal.SIGINT) else 'Ctrl-C'} ends the run"
    )
