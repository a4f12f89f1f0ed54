"""Broadcast to viewers: each gets the newest of everything, and loses what it is too slow for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from device.web.frame_encoder import EncodedFrame

News = EncodedFrame | bytes  # a frame, or JSON
Send = Callable[[str, News], Awaitable[None]]

STUCK_S = 30.0  # that the network may take nothing from us, before a viewer is given up
WINDOW = 2  # pictures on their way to a viewer: the next is sent while one is being looked at


class Audience:
    """The viewers of a run; what they want may be read by any thread."""

    def __init__(self) -> None:
        self.viewers: set[Viewer] = set()
        self.wants_frame = False
        self.wants_image = False

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
        self.wants_image = any(viewer.wants_image for viewer in self.viewers)

    def tell(self, kind: str, news: News) -> None:
        """Tell all viewers ``news`` of a ``kind``."""
        for viewer in self.viewers:
            viewer.tell(kind, news)
        self.update()

    async def dismiss(self) -> None:
        """Send all away, and wait until they are gone."""
        tasks = [viewer.task for viewer in self.viewers]
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
    def wants_image(self) -> bool:
        """Whether that news is to come with its image."""
        return False

    def tell(self, kind: str, news: News) -> None:
        """Have ``news`` sent as soon as may be."""
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
                    self._audience.update()
        except OSError:  # the connection is lost, or was stuck: a timeout is one too
            pass


class ImageViewer(Viewer):
    """A viewer of the images, which says when it is ready for another."""

    def __init__(self, audience: Audience, send: Send) -> None:
        self._window = WINDOW
        super().__init__(audience, send)

    @property
    def wants_frame(self) -> bool:
        """Whether an image may be sent to it: it gets no frame without."""
        return self.wants_image

    @property
    def wants_image(self) -> bool:
        """Whether an image may be sent to it."""
        return self._window > 0 and super().wants_frame

    def tell(self, kind: str, news: News) -> None:
        """Have ``news`` sent; a frame only with its picture, and only if there is room for it."""
        if isinstance(news, EncodedFrame) and "frame" not in self._waiting:
            if news.jpeg is None or self._window == 0:
                return
            self._window -= 1
        super().tell(kind, news)

    def is_ready(self) -> None:
        """Note that it has taken one picture."""
        self._window = min(self._window + 1, WINDOW)
        self._audience.update()
