"""Arm instructions of models, layers and whole frames, counted under emulation.

Exact and repeatable on any machine, whatever else it does; instructions, never time.
"""

from convert.arm.count import FrameCount, count_frames, count_invoke, count_invokes
from convert.arm.emulator import CPUS, Cpu
from convert.arm.layers import LayerCount, count_layers

__all__ = [
    "CPUS",
    "Cpu",
    "FrameCount",
    "LayerCount",
    "count_frames",
    "count_invoke",
    "count_invokes",
    "count_layers",
]
