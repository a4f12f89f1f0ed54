"""Live settings: what can be changed of a run while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from typing import Annotated

import msgspec
import numpy as np

from device.errors import LiteberryError, UsageError
from device.inference.engine import Engine
from device.pipeline.pipeline import Pipeline


class LiveSettings(msgspec.Struct, frozen=True):
    """The settings in force."""

    threshold: float
    classes: tuple[str, ...]  # empty: all
    variant: str
    switching_to: str | None  # the variant that is being loaded
    paused: bool = False  # the network sees no frame


class SettingsChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of settings; what is left out stays."""

    threshold: Annotated[float, msgspec.Meta(gt=0, le=1)] | msgspec.UnsetType = msgspec.UNSET
    classes: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    variant: str | msgspec.UnsetType = msgspec.UNSET
    paused: bool | msgspec.UnsetType = msgspec.UNSET


class BusyError(LiteberryError):
    """A change that comes while a variant is being loaded."""


class Controls:
    """The controls of a pipeline, for any thread; a change acts on the next frame."""

    def __init__(
        self,
        pipeline: Pipeline,
        variants: Sequence[str],
        make_engine: Callable[[str], Engine],
        classes: Collection[str] = (),
    ) -> None:
        """``make_engine`` makes one of ``variants``; ``classes`` are those found already."""
        self._pipeline = pipeline
        self._variants = variants
        self._make_engine = make_engine
        self._classes = tuple(classes)
        self._switching_to: str | None = None
        self._lock = threading.Lock()  # a change and a swap of engines exclude each other

    @property
    def settings(self) -> LiveSettings:
        """The settings in force now."""
        pipeline = self._pipeline
        engine = pipeline.engine
        return LiveSettings(
            engine.threshold, self._classes, engine.variant, self._switching_to, pipeline.paused
        )

    @property
    def variants(self) -> Sequence[str]:
        """The names of the variants that there are."""
        return self._variants

    def apply(self, change: SettingsChange) -> bool:
        """Set threshold, classes and pause, all or nothing; whether :meth:`switch` is to follow.

        Raises ``UsageError`` for an unknown class or variant, and :class:`BusyError`.
        """
        variant = change.variant
        with self._lock:
            engine = self._pipeline.engine
            if variant is not msgspec.UNSET:
                if variant not in self._variants:
                    known = ", ".join(self._variants)
                    raise UsageError(f"no variant {variant!r}; there are: {known}")
                if self._switching_to is not None:
                    raise BusyError(f"{self._switching_to} is being loaded: try again in a moment")
            if change.classes is not msgspec.UNSET:
                engine.only(change.classes)
                self._classes = change.classes
            if change.threshold is not msgspec.UNSET:
                engine.threshold = change.threshold
            if change.paused is not msgspec.UNSET:
                self._pipeline.paused = change.paused
            if variant is msgspec.UNSET or variant == engine.variant:
                return False
            self._switching_to = variant
            return True

    def switch(self) -> None:
        """Load the variant that :meth:`apply` was given and let it take over; takes its time.

        The old one runs until then, and goes on where this raises ``LiteberryError``.
        """
        assert self._switching_to is not None
        try:
            engine = self._make_engine(self._switching_to)
            # The first invoke takes longer, and is where a broken model shows.
            engine.invoke(np.zeros_like(engine.new_input()))
            with self._lock:
                engine.take_settings(self._pipeline.engine)
                self._pipeline.engine = engine
        finally:
            self._switching_to = None
