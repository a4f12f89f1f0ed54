"""What is done about cameras that are lost, on a camera that follows a script and a clock."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable

import numpy as np
import pytest

from device.cameras import reconnecting
from device.cameras.base import CameraOptions, Shot
from device.cameras.reconnecting import FIRST_DELAY_S, LONGEST_DELAY_S, LiveCamera
from device.errors import SourceError

GREY = np.full((40, 60, 3), 99, np.uint8)


class Clock(threading.Event):
    """A stop event on which waiting takes no time, and a clock that shows it all the same."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.now_s = 1000.0
        self.waits_s: list[float] = []
        monkeypatch.setattr(reconnecting.time, "monotonic", lambda: self.now_s)

    def wait(self, timeout: float | None = None) -> bool:
        self.waits_s.append(timeout)
        self.now_s += timeout
        return self.is_set()


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


class Scripted(LiveCamera):
    """Does what its script says, a step a second.

    ``+`` connects, ``-`` refuses to; ``n`` is a new picture, ``o`` the old one again, ``.`` none;
    ``x`` breaks off.
    """

    def __init__(self, clock: Clock, script: Iterable[str], **options: object) -> None:
        self._clock = clock
        self._script = iter(script)
        self._count = 0
        self.is_open = False
        self.said: list[str] = []
        Scripted.last = self
        super().__init__("cam", CameraOptions(**options), self.said.append)

    def _next(self) -> str:
        self._clock.now_s += 1
        return next(self._script)

    def _connect(self) -> None:
        assert not self.is_open, "connected twice"
        self.is_open = True
        step = self._next()
        assert step in "+-", "the script has something else than a connection here"
        if step == "-":
            raise SourceError("cam: refused")

    def _grab(self) -> Shot | None:
        assert self.is_open
        step = self._next()
        assert step in "no.x", "the script has something else than a frame here"
        if step == "x":
            raise SourceError("cam: broken")
        self._count += step == "n"
        return None if step == "." else Shot(np.full_like(GREY, self._count))

    def _disconnect(self) -> None:
        self.is_open = False


def run(camera: Scripted, clock: Clock, count: int) -> list[int]:
    return [frame.index for frame in camera.frames(count, clock)]


def test_camera_that_is_not_there_at_the_start_is_an_error_at_once(clock):
    with pytest.raises(SourceError, match=r"^cam: refused$"):
        Scripted(clock, "-")
    assert clock.waits_s == []
    assert not Scripted.last.is_open, "it failed halfway, and let go of what it took"


def test_camera_that_never_gives_a_frame_is_an_error(clock):
    camera = Scripted(clock, "+x")
    with pytest.raises(SourceError, match=r"^cam: broken$"):
        run(camera, clock, 1)
    assert camera.said == []
    assert not camera.is_open


def test_silence_from_the_start_is_an_error(clock):
    camera = Scripted(clock, "+" + 12 * ".", frozen_s=10)
    with pytest.raises(SourceError, match=r"^cam: no new picture for 10 s$"):
        run(camera, clock, 1)


def test_each_wait_for_a_lost_camera_is_told_and_no_other_read_is(clock):
    camera = Scripted(clock, "+n.nx-----+n.n")
    waits = []
    camera.on_wait = lambda: waits.append(camera.is_open)
    assert len(run(camera, clock, 4)) == 4
    assert waits == 6 * [False]  # as often as it waited, and not while it had hold of the camera


def test_loss_and_return_are_said_once_and_frames_are_numbered_on(clock):
    camera = Scripted(clock, "+nnx-----+nn")
    assert run(camera, clock, 4) == [0, 1, 2, 3]
    assert camera.said == [
        "lost cam: broken; trying again until it is back",
        f"cam: back after {7 + sum(clock.waits_s):.0f} s",
    ]


def test_waits_grow_up_to_a_longest(clock):
    run(Scripted(clock, "+nx---------+n"), clock, 2)
    doubled = [FIRST_DELAY_S * 2**n for n in range(10)]
    assert clock.waits_s == [min(delay_s, LONGEST_DELAY_S) for delay_s in doubled]


def test_camera_that_comes_and_goes_is_left_alone_for_longer_and_longer(clock):
    run(Scripted(clock, 4 * "+nx" + "+n"), clock, 5)
    assert clock.waits_s == [FIRST_DELAY_S * 2**n for n in range(4)]


def test_camera_that_was_steady_is_soon_tried_again(clock):
    run(Scripted(clock, "+nx-+" + 12 * "n" + "x+n"), clock, 14)
    assert clock.waits_s == [FIRST_DELAY_S, 2 * FIRST_DELAY_S, FIRST_DELAY_S]


def test_camera_is_given_up_after_the_time_that_was_set(clock):
    camera = Scripted(clock, "+nx" + 99 * "-", give_up_s=20)
    with pytest.raises(SourceError, match=r"^cam: refused; given up after 20 s$"):
        run(camera, clock, 2)
    assert len(camera.said) == 1


def test_last_wait_before_giving_up_is_no_longer_than_what_is_left(clock):
    camera = Scripted(clock, "+nx---", give_up_s=2)
    with pytest.raises(SourceError, match=r"given up after 2 s$"):
        run(camera, clock, 2)
    assert clock.waits_s == [0.5, 0.5]  # the attempt between them took a second


def test_giving_up_after_no_time_promises_no_further_try(clock):
    camera = Scripted(clock, "+nx", give_up_s=0)
    with pytest.raises(SourceError, match=r"^cam: broken; given up after 0 s$"):
        run(camera, clock, 2)
    assert camera.said == []


def test_picture_that_stays_the_same_is_a_loss(clock):
    camera = Scripted(clock, "+n" + 12 * "o" + "+n", frozen_s=10)
    # That a picture is the old one is known for sure from its second repetition on.
    assert run(camera, clock, 13) == list(range(13))
    assert camera.said[0] == "lost cam: no new picture for 10 s; trying again until it is back"


def test_picture_on_which_a_camera_froze_does_not_bring_it_back(clock):
    camera = Scripted(clock, "+n" + 12 * "o" + "+" + 12 * "o" + "+on", frozen_s=10)
    assert run(camera, clock, 13) == list(range(13))
    assert list(camera._script) == [], "an old picture was taken for the return"


@pytest.mark.parametrize(("silence", "said"), [(9, 0), (11, 2)])
def test_silence_is_a_loss_when_it_is_too_long(clock, silence, said):
    script = "+n" + silence * "." + ("+" if said else "") + "n"
    camera = Scripted(clock, script, frozen_s=10)
    assert run(camera, clock, 2) == [0, 1]
    assert len(camera.said) == said


def test_still_picture_and_silence_are_none_where_that_is_never_a_loss(clock):
    camera = Scripted(clock, "+n" + 99 * "o" + 99 * "." + "o", frozen_s=0)
    assert len(run(camera, clock, 101)) == 101
    assert camera.said == []


@pytest.mark.parametrize("place", [(0, 0), (7, 9), (39, 59)])
def test_one_pixel_that_changes_now_and_then_is_a_new_picture(place):
    sight = reconnecting._ChangeDetector()
    found = []
    for number in range(40):  # as a clock in a corner does
        image = GREY.copy()
        image[place] = number // 10
        found.append(sight.is_new(image))
    changes = [found[at : at + 2] for at in (10, 20, 30)]
    assert all(any(change) for change in changes)
    assert sum(found) <= 2 + 2 * len(changes)


def test_stop_while_it_is_gone_ends_without_an_error(clock):
    def script():
        yield from "+nx-"
        clock.set()
        yield "-"

    assert run(Scripted(clock, script()), clock, 9) == [0]


def test_time_before_the_first_frame_is_asked_for_is_no_silence(clock):
    camera = Scripted(clock, "+.n", frozen_s=10)
    clock.now_s += 60  # a model was loaded meanwhile
    assert run(camera, clock, 1) == [0]


def test_frames_can_be_asked_for_again(clock):
    camera = Scripted(clock, itertools.chain("+", itertools.repeat("n")))
    assert run(camera, clock, 3) == run(camera, clock, 3) == [0, 1, 2]


def test_attempt_that_hangs_ends_in_time_and_none_is_begun_beside_it(monkeypatch):
    monkeypatch.setattr(reconnecting, "CONNECT_TIMEOUT_S", 0.01)
    monkeypatch.setattr(reconnecting, "STOP_POLL_S", 0.01)
    enough, attempts = threading.Event(), []

    class Hanging(Scripted):
        def __init__(self) -> None:
            LiveCamera.__init__(self, "cam", CameraOptions(), print)

        def _connect(self) -> None:
            attempts.append(self)
            enough.wait()

        def _disconnect(self) -> None:
            pytest.fail("the device belongs to the attempt that hangs")

    with pytest.raises(SourceError, match=r"cam: no answer within 0\.01 s"):
        Hanging()
    camera = attempts[0]
    with pytest.raises(SourceError, match="no answer"):
        camera._reach()
    camera.close()
    assert len(attempts) == 1
    enough.set()
    camera._attempt.join()
