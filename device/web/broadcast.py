"""Broadcast to viewers: each gets the newest of everything, and loses what it is too slow for."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from device.web.frame_encoder import EncodedFrame
from device.web.renditions import Rendition, RenditionChoice


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame with the JPEG that one viewer is to get of it."""

    frame: EncodedFrame
    jpeg: bytes


News = EncodedFrame | Picture | bytes  # a frame, without its image or with it, or JSON
Send = Callable[[str, News], Awaitable[None]]

STUCK_S = 30.0  # that the network may take nothing from us, before a viewer is given up
GOODBYE = "goodbye"  # the kind of news that is the last
FAREWELL_S = 0.5  # for it to be taken
WINDOW = 2  # pictures on their way to a viewer: the next is sent while one is being looked at


class Audience:
    """The viewers of a run; what they want may be read by any thread."""

    def __init__(self) -> None:
        self.viewers: set[Viewer] = set()
        self.wants_frame = False
        self.renditions: frozenset[Rendition] = frozenset()  # of which an image is wanted

    def join(self, viewer: Viewer) -> None:
        """Add a viewer."""
        self.viewers.add(viewer)
        self.update()

    def leave(self, viewer: Viewer) -> None:
        """Remove a viewer."""
        self.viewers.discard(viewer)
        self.update()

    def update(self) -> None:
        """Look again at what the viewers want."""
        self.wants_frame = any(viewer.wants_frame for viewer in self.viewers)
        wanted = (viewer.wanted_rendition for viewer in self.viewers)
        self.renditions = frozenset(rendition for rendition in wanted if rendition is not None)

    def tell(self, kind: str, news: EncodedFrame | bytes) -> None:
        """Tell all viewers ``news`` of a ``kind``."""
        for viewer in self.viewers:
            viewer.tell(kind, news)
        self.update()

    async def dismiss(self, last_words: bytes = b"null") -> None:
        """Send all away with ``last_words`` (JSON), and wait until they are gone.

        Who has not taken them after half a second goes without.
        """
        tasks = [viewer.task for viewer in self.viewers]
        if tasks:
            self.tell(GOODBYE, last_words)
            await asyncio.wait(tasks, timeout=FAREWELL_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Viewer:
    """A viewer, in the server's event loop.

    What it is told waits in one place per kind, where newer replaces older: a viewer that reads
    slowly, or not at all, holds up neither the others nor the run, and costs no more memory.
    """

    def __init__(self, audience: Audience, send: Send) -> None:
        """``send`` is given a kind and its news, and waits until the network has taken them."""
        self._audience = audience
        self._send = send
        self._waiting: dict[str, News] = {}
        self._wake = asyncio.Event()
        audience.join(self)
        self.task = asyncio.ensure_future(self._serve())
        self.task.add_done_callback(lambda _: audience.leave(self))

    @property
    def wants_frame(self) -> bool:
        """Whether it is ready for the news of a frame."""
        return "frame" not in self._waiting

    @property
    def wanted_rendition(self) -> Rendition | None:
        """How the image that is to come with that news is to be made; None for no image."""
        return None

    def tell(self, kind: str, news: EncodedFrame | bytes) -> None:
        """Have ``news`` sent as soon as may be."""
        self._put(kind, news)

    def _put(self, kind: str, news: News) -> None:
        self._waiting[kind] = news
        self._wake.set()

    async def _serve(self) -> None:
        """Send what comes, until cancelled or given up."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    kind = next(iter(self._waiting))
                    async with asyncio.timeout(STUCK_S):
                        await self._send(kind, self._waiting.pop(kind))
                    if kind == GOODBYE:
                        return
                    self._audience.update()
        except OSError:  # the connection is lost, or was stuck: a timeout is one too
            pass


class ImageViewer(Viewer):
    """A viewer of the images, which says when it is ready for another.

    How long that takes tells how large the next may be, unless it asks for one ``rendition``.
    """

    def __init__(self, audience: Audience, send: Send, rendition: Rendition | None = None) -> None:
        self._rendition = rendition
        self._choice = RenditionChoice()
        self._sent_at_s: deque[float] = deque()  # monotonic, of the images on their way
        super().__init__(audience, send)

    @property
    def wants_frame(self) -> bool:
        """Whether an image may be sent to it: it gets no frame without."""
        return self.wanted_rendition is not None

    @property
    def wanted_rendition(self) -> Rendition | None:
        """How to make the image that may be sent to it; None while too many are on their way."""
        if len(self._sent_at_s) == WINDOW or not super().wants_frame:
            return None
        return self._rendition or self._choice.rendition

    def tell(self, kind: str, news: EncodedFrame | bytes) -> None:
        """Have ``news`` sent; a frame only with its image, and only if there is room for it."""
        if isinstance(news, bytes):
            self._put(kind, news)
            return
        jpeg = news.jpegs.get(self._rendition or self._choice.rendition)
        if jpeg is None:
            return
        waits = not super().wants_frame
        if not waits and len(self._sent_at_s) == WINDOW:
            return
        if waits and self._sent_at_s:
            self._sent_at_s.pop()  # of the one that it replaces
        self._sent_at_s.append(time.monotonic())
        self._put(kind, Picture(news, jpeg))

    def is_ready(self) -> None:
        """Note that it has taken one image."""
        if self._sent_at_s:
            self._choice.note(time.monotonic() - self._sent_at_s.popleft())
        self._audience.update()
