"""Arm instructions of models, layers and whole frames, counted under emulation.

Exact and repeatable on any machine, whatever else it does; instructions, never time.
"""
