"""Combinations of variant, interpreter and threads: what a benchmark measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from device.bundle.model import Model
from device.errors import InterpreterError
from device.runtimes import INSTALL_LITERT, InterpreterName, installed_interpreters


class Combination(NamedTuple):
    """What is measured in one process."""

    variant: str
    interpreter: InterpreterName
    threads: int

    def __str__(self) -> str:
        return f"{self.variant} in {self.interpreter}"


def combinations(
    bundle: Model,
    variants: Sequence[str],
    interpreters: Sequence[InterpreterName],
    threads: Sequence[int],
) -> list[Combination]:
    """Every one of each, in the order of the bundle; none of ``interpreters`` means the best.

    Raises ``UsageError`` for a variant that there is not, and ``InterpreterError`` where no
    interpreter is installed.
    """
    found = []
    for variant in variants:
        bundle.variant(variant)
        for interpreter in interpreters or [_best(bundle, variant)]:
            found += [Combination(variant, interpreter, count) for count in threads]
    return list(dict.fromkeys(found))


def _best(bundle: Model, variant: str) -> InterpreterName:
    """What ``--interpreter auto`` takes, without importing it: a child would share its pages."""
    checks = bundle.variant(variant).checks
    installed = list(installed_interpreters())
    if not installed:
        raise InterpreterError(f"no interpreter is installed: {INSTALL_LITERT}")
    able = (name for name in installed if name not in checks or checks[name].ok)
    return next(able, installed[0])
