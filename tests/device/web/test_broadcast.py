from __future__ import annotations

import asyncio

import pytest

from device.web import broadcast as module
from device.web.broadcast import WINDOW, Audience, ImageViewer, Picture, Viewer
from device.web.frame_encoder import EncodedFrame
from device.web.renditions import ANNOTATED, LADDER, PATIENCE, SLOW_S

IMAGE = EncodedFrame(b"{}", (64, 48), {LADDER[0]: b"jpeg"})
LINE = EncodedFrame(b"{}", (64, 48), {})


def number(index: int) -> EncodedFrame:
    return EncodedFrame(b"%d" % index, (64, 48), {LADDER[0]: b"jpeg"})


class Line:
    """A connection that takes what is sent when it is let."""

    def __init__(self) -> None:
        self.sent = []
        self.flows = asyncio.Event()
        self.flows.set()

    async def send(self, kind, news) -> None:
        await self.flows.wait()
        self.sent.append((kind, news))


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_viewer_gets_all_that_it_is_quick_enough_for():
    async def scenario():
        audience, line = Audience(), Line()
        Viewer(audience, line.send)
        for index in range(3):
            audience.tell("frame", number(index))
            await settle()
        assert line.sent == [("frame", number(index)) for index in range(3)]
        await audience.dismiss()

    asyncio.run(scenario())


def test_stuck_viewer_loses_frames_but_no_settings_and_holds_up_nobody():
    async def scenario():
        audience, stuck, quick = Audience(), Line(), Line()
        stuck.flows.clear()
        Viewer(audience, stuck.send)
        Viewer(audience, quick.send)
        for index in range(50):
            audience.tell("frame", number(index))
            if index == 20:
                audience.tell("settings", b"new")
            await settle()
        assert len(quick.sent) == 51
        stuck.flows.set()
        await settle()
        assert stuck.sent == [
            ("frame", number(0)), ("frame", number(49)), ("settings", b"new"),
        ]  # fmt: skip
        await audience.dismiss()

    asyncio.run(scenario())


def test_pictures_stop_when_as_many_as_allowed_are_on_their_way():
    async def scenario():
        audience, line = Audience(), Line()
        viewer = ImageViewer(audience, line.send)
        assert audience.renditions == {LADDER[0]}
        for index in range(5):
            audience.tell("frame", number(index))
            await settle()
        assert len(line.sent) == WINDOW
        assert not audience.renditions
        assert not audience.wants_frame
        viewer.is_ready()
        assert audience.renditions == {LADDER[0]}
        audience.tell("frame", number(9))
        await settle()
        assert line.sent[-1] == ("frame", Picture(number(9), b"jpeg"))
        assert not audience.renditions
        await audience.dismiss()

    asyncio.run(scenario())


def test_viewer_cannot_ask_for_more_than_the_window():
    async def scenario():
        audience, line = Audience(), Line()
        viewer = ImageViewer(audience, line.send)
        for _ in range(100):
            viewer.is_ready()
        for index in range(10):
            audience.tell("frame", number(index))
            await settle()
        assert len(line.sent) == WINDOW
        await audience.dismiss()

    asyncio.run(scenario())


def test_frame_without_picture_is_for_those_who_want_none():
    async def scenario():
        audience, images, events = Audience(), Line(), Line()
        Viewer(audience, events.send)
        assert audience.wants_frame
        assert not audience.renditions
        ImageViewer(audience, images.send)
        audience.tell("frame", LINE)
        await settle()
        assert images.sent == []
        assert events.sent == [("frame", LINE)]
        await audience.dismiss()

    asyncio.run(scenario())


@pytest.mark.parametrize("error", [ConnectionError, TimeoutError])
def test_viewer_whose_connection_is_lost_is_forgotten(error):
    async def scenario():
        async def broken(kind, news):
            raise error

        audience = Audience()
        viewer = ImageViewer(audience, broken)
        audience.tell("frame", IMAGE)
        await viewer.task
        assert not audience.viewers
        assert not audience.renditions

    asyncio.run(scenario())


def test_viewer_that_takes_nothing_for_long_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "STUCK_S", 0.01)

    async def scenario():
        audience, line = Audience(), Line()
        line.flows.clear()
        viewer = Viewer(audience, line.send)
        audience.tell("frame", IMAGE)
        await asyncio.wait_for(viewer.task, 10)
        assert not audience.viewers

    asyncio.run(scenario())


def test_dismissed_viewers_are_gone():
    async def scenario():
        audience = Audience()
        viewers = [Viewer(audience, Line().send) for _ in range(3)]
        await audience.dismiss()
        assert not audience.viewers
        assert all(viewer.task.done() for viewer in viewers)

    asyncio.run(scenario())


def test_viewer_on_a_slow_line_is_sent_smaller_pictures_and_the_others_are_not(monkeypatch):
    clock_s = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock_s[0])

    async def scenario():
        audience, slow_line, quick_line = Audience(), Line(), Line()
        slow = ImageViewer(audience, slow_line.send)
        quick = ImageViewer(audience, quick_line.send)
        for _ in range(PATIENCE):
            audience.tell("frame", IMAGE)
            await settle()
            quick.is_ready()
            clock_s[0] += 2 * SLOW_S
            slow.is_ready()
        assert audience.renditions == {LADDER[0], LADDER[1]}
        both = EncodedFrame(b"{}", (64, 48), {LADDER[0]: b"large", LADDER[1]: b"small"})
        audience.tell("frame", both)
        await settle()
        assert slow_line.sent[-1] == ("frame", Picture(both, b"small"))
        assert quick_line.sent[-1] == ("frame", Picture(both, b"large"))
        await audience.dismiss()

    asyncio.run(scenario())


def test_viewer_of_one_rendition_gets_no_other():
    async def scenario():
        audience, line = Audience(), Line()
        ImageViewer(audience, line.send, ANNOTATED)
        assert audience.renditions == {ANNOTATED}
        audience.tell("frame", IMAGE)
        drawn = EncodedFrame(b"{}", (64, 48), {ANNOTATED: b"drawn"})
        audience.tell("frame", drawn)
        await settle()
        assert line.sent == [("frame", Picture(drawn, b"drawn"))]
        await audience.dismiss()

    asyncio.run(scenario())


def test_thanks_that_come_too_early_break_nothing():
    async def scenario():
        audience, line = Audience(), Line()
        line.flows.clear()
        viewer = ImageViewer(audience, line.send)
        audience.tell("frame", number(0))
        await settle()  # on its way
        audience.tell("frame", number(1))  # waits
        for _ in range(3):
            viewer.is_ready()
        audience.tell("frame", number(2))
        line.flows.set()
        await settle()
        assert [news.frame.line for _, news in line.sent] == [b"0", b"2"]
        await audience.dismiss()

    asyncio.run(scenario())
