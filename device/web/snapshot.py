"""The next annotated image of a run, for who asks for one and not for a stream."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from device.web.broadcast import ImageViewer, News, Picture
from device.web.guard import RefusedError
from device.web.renditions import ANNOTATED
from device.web.run import Run

SNAPSHOT_TIMEOUT_S = 5.0


async def next_picture(run: Run) -> bytes:
    """The JPEG of the next frame; raises ``RefusedError`` where none comes in time."""
    taken: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def take(_: str, news: News) -> None:
        if isinstance(news, Picture) and not taken.done():
            taken.set_result(news.jpeg)

    viewer = ImageViewer(run.audience, take, ANNOTATED)
    try:
        return await asyncio.wait_for(taken, SNAPSHOT_TIMEOUT_S)
    except TimeoutError:
        why = run.ailment() or "no picture came in time: try again"
        raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, why) from None
    finally:
        viewer.task.cancel()
