"""A scene of which every camera's way up can be seen, and frames told apart."""

from __future__ import annotations

import numpy as np

LAYOUT = np.array([["blue", "green"], ["red", "grey"]])
SIZE_WH = (160, 120)


def corners(number: int, size_wh: tuple[int, int] = SIZE_WH) -> np.ndarray:
    """Frame ``number``, uint8 BGR: a colour in each corner, of which the grey one changes."""
    width, height = size_wh
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = (255, 0, 0)
    image[: height // 2, width // 2 :] = (0, 255, 0)
    image[height // 2 :, : width // 2] = (0, 0, 255)
    image[height // 2 :, width // 2 :] = 40 + number * 5 % 200
    return image


def colour(pixel: np.ndarray) -> str:
    if np.ptp(pixel) < 60:
        return "grey"
    return ("blue", "green", "red")[int(np.argmax(pixel))]


def layout(pixels: np.ndarray) -> np.ndarray:
    """The colours in the corners, as (2, 2) names."""
    return np.array([[colour(pixels[y, x]) for x in (4, -5)] for y in (4, -5)])


def shade(pixels: np.ndarray) -> float:
    """Of the corner that changes, in a frame as it came."""
    return float(pixels[-8:-3, -8:-3].mean())


def laid_down(grid: np.ndarray, rotate: int, flip: str | None) -> np.ndarray:
    """What turning clockwise and then mirroring make of a grid."""
    grid = np.rot90(grid, -rotate // 90)
    if flip in ("horizontal", "both"):
        grid = np.fliplr(grid)
    if flip in ("vertical", "both"):
        grid = np.flipud(grid)
    return grid
