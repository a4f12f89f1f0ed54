"""Errors: everything this package raises on purpose.

::

    LiteberryError                  one root: catch this to catch all
    ├── UsageError (ValueError)         a flag or argument that cannot be meant
    ├── BundleError (ValueError)        a bundle that is damaged, foreign or from the future
    ├── ModelError (ValueError)         a bare .tflite that cannot be understood
    ├── InterpreterError (RuntimeError) no interpreter, or one that refuses the model
    ├── DelegateError (RuntimeError)    a delegate whose library cannot be loaded
    ├── SourceError (OSError)           a camera, file or folder that gives no frames
    ├── SinkError (OSError)             a file that cannot be written
    ├── BenchmarkError (ValueError)     measurements that cannot be read, or show a regression
    └── MachineError (RuntimeError)     a machine on which a run would stop

Each also inherits the builtin that a caller who does not know liteberry would expect.
Messages are one line: what was expected, what was found, what to do next.
"""

from __future__ import annotations


class LiteberryError(Exception):
    """Root of all errors raised on purpose; the commands print it as one line and exit with 1."""


class UsageError(LiteberryError, ValueError):
    """A flag or argument that cannot be meant; the commands exit with 2."""


class BundleError(LiteberryError, ValueError):
    """A bundle that is damaged, incomplete, not a bundle, or of a newer format."""


class ModelError(LiteberryError, ValueError):
    """A bare `.tflite` that is damaged, or of a kind that cannot be recognised."""


class InterpreterError(LiteberryError, RuntimeError):
    """No interpreter can be had, or the one asked for refuses the model."""


class DelegateError(LiteberryError, RuntimeError):
    """A delegate whose library cannot be loaded, whichever model and interpreter it is for."""


class SourceError(LiteberryError, OSError):
    """A source of frames that cannot be opened or holds nothing to read."""


class SinkError(LiteberryError, OSError):
    """An output that cannot be written."""


class BenchmarkError(LiteberryError, ValueError):
    """A file of measurements that cannot be used, or figures that show a regression."""


class MachineError(LiteberryError, RuntimeError):
    """A machine on which a run would stop; the doctor has said why."""
