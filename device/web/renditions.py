"""Renditions: the sizes and qualities that pictures are sent in, chosen by how fast a line is."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

SLOW_S = 0.5  # a picture on its way for longer is late
PATIENCE = 3  # late pictures in a row before smaller ones are sent
TRUST = 10  # quick pictures in a row before larger ones are tried
MOST_TRUST = 160  # as many at most, where larger ones were tried in vain
GROWTH = 3  # how many times the bytes of a picture those of the next larger one are, about


@dataclass(frozen=True, slots=True)
class Rendition:
    """A way to make a JPEG of a frame."""

    longest_side: int  # pixels; smaller frames keep their size
    quality: int  # of 100
    annotated: bool = False  # with boxes and labels in it


# 1280 pixels: no phone shows more, and a Pi's radio has to carry it. At 80 edges stay clean.
LADDER = (Rendition(1280, 80), Rendition(960, 70), Rendition(640, 60), Rendition(400, 45))
ANNOTATED = Rendition(1280, 80, annotated=True)


class RenditionChoice:
    """The choice of a rendition for one viewer, by how long pictures are on their way to it.

    Bitrate adaptation as players of streams have it: down when pictures are late, up when the
    next larger ones would not be either. After a climb in vain the next takes twice the trust.
    """

    def __init__(self) -> None:
        self._rung = 0
        self._transits_s: deque[float] = deque(maxlen=MOST_TRUST)
        self._trust = TRUST
        self._tried = False  # whether the last step was up

    @property
    def rendition(self) -> Rendition:
        """The rendition to send next."""
        return LADDER[self._rung]

    def note(self, transit_s: float) -> None:
        """Note that a picture took ``transit_s`` from being sent to being thanked for."""
        self._transits_s.append(transit_s)
        recent = list(self._transits_s)
        if len(recent) >= PATIENCE and min(recent[-PATIENCE:]) > SLOW_S:
            self._step_down()
        elif len(recent) >= self._trust and GROWTH * max(recent[-self._trust :]) < SLOW_S:
            self._step_up()

    def _step_down(self) -> None:
        if self._rung + 1 < len(LADDER):
            self._rung += 1
            self._transits_s.clear()
        if self._tried:
            self._trust = min(2 * self._trust, MOST_TRUST)
        self._tried = False

    def _step_up(self) -> None:
        if self._rung > 0:
            self._rung -= 1
            self._transits_s.clear()
            self._tried = True
