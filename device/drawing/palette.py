"""The palette: colours that hold on the light and the dark page alike, and on any photograph.

Each has a contrast of at least 3:1 (WCAG 2.2, 1.4.11) against the grounds of both page themes and
against black and white, so that a line of it with a dark halo shows on any ground. None is nearer
than 0.115 to another in OKLab (a difference of 0.02 is just seen).
"""

from __future__ import annotations

Colour = tuple[int, int, int]
"""Blue, green, red, 0..255 each, as OpenCV has them."""

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)

# Found by maximising the least distance of two within the luminances that hold on both themes;
# in an order that keeps neighbours far apart, for classes that are seen together are often
# neighbours in a label file.
PALETTE: tuple[Colour, ...] = (
    (0, 64, 255),
    (240, 96, 24),
    (0, 160, 0),
    (200, 0, 192),
    (168, 128, 160),
    (32, 16, 208),
    (255, 56, 120),
    (64, 120, 0),
    (200, 24, 255),
    (216, 144, 64),
    (72, 120, 200),
    (248, 104, 176),
    (128, 0, 208),
    (168, 88, 128),
    (136, 152, 72),
    (40, 104, 128),
    (136, 96, 224),
    (144, 112, 32),
    (32, 144, 144),
    (96, 80, 160),
)


STAGGER = 17  # each time the palette is through it begins elsewhere: 0 and 60 are often together


def class_colour(class_id: int) -> Colour:
    """The colour that a class always has; a file of more classes than colours has some twice."""
    rounds = class_id // len(PALETTE)
    return PALETTE[(class_id + STAGGER * rounds) % len(PALETTE)]


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 for black to 1 for white, of an sRGB colour (WCAG 2.2)."""
    blue, green, red = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ink_on(colour: Colour) -> Colour:
    """Black or white, whichever is read better on ``colour``."""
    # Equal contrast with both: (1.05 / (L + 0.05)) = (L + 0.05) / 0.05.
    return BLACK if luminance(colour) > 0.179 else WHITE


def hex_colour(colour: Colour) -> str:
    """A colour as style sheets write it."""
    blue, green, red = colour
    return f"#{red:02x}{green:02x}{blue:02x}"
