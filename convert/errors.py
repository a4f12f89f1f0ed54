"""Errors that the laptop side raises on purpose, beside :mod:`device.errors`.

::

    device.errors.LiteberryError
    ├── WeightsError (ValueError)        weights that cannot be had, or do not fit
    ├── CalibrationError (ValueError)    pictures that cannot calibrate
    ├── ConversionError (RuntimeError)   a variant that could not be made, or is broken
    ├── EvaluationError (ValueError)     pictures or annotations that cannot be measured on
    ├── DatasetError (ValueError)        a dataset that cannot be trained on
    ├── TrainingError (RuntimeError)     a run that cannot go on, or learns nothing
    └── EmulationError (RuntimeError)    an emulated Pi that cannot be had, or fails
"""

from __future__ import annotations

from device.errors import LiteberryError


class WeightsError(LiteberryError, ValueError):
    """Weights that cannot be fetched, are damaged, or do not fit the network."""


class CalibrationError(LiteberryError, ValueError):
    """A calibration folder that holds no usable pictures."""


class ConversionError(LiteberryError, RuntimeError):
    """A variant that could not be made, or does not answer as float32 does."""


class EvaluationError(LiteberryError, ValueError):
    """Pictures or annotations that cannot be measured on."""


class DatasetError(LiteberryError, ValueError):
    """A dataset that cannot be read, or on which training would be senseless."""


class EmulationError(LiteberryError, RuntimeError):
    """An emulated Pi that cannot be had here, or fails."""


class TrainingError(LiteberryError, RuntimeError):
    """A training run that cannot be taken up again, or that learns nothing."""
