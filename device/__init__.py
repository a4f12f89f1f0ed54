"""liteberry on the device: camera frames through a TFLite interpreter, without TensorFlow.

Importing this package does no work and loads nothing but the standard library; take what
is needed from its modules, for example ``from device.inference.engine import Engine``.
"""

__version__ = "0.1.0"
