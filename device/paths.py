"""Paths: the folder this code lies in."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]  # a checkout, or a release folder on a device
