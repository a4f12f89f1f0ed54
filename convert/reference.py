"""The reference: the variant, and the interpreter, that all others are compared with."""

from __future__ import annotations

from typing import Final

REFERENCE_VARIANT: Final = "float32"
REFERENCE_INTERPRETER: Final = "litert"
