"""Ctrl-C while training: what is best so far is kept."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Say = Callable[[str], None]


@dataclass(slots=True)
class Interrupt:
    """Ctrl-C while training: the first ends it in good order, the second at once."""

    came: bool = False
    say: Say = field(default=print)

    @contextlib.contextmanager
    def caught(self) -> Iterator[None]:
        """Take Ctrl-C until the block ends."""

        def take(_: int, __: object) -> None:
            if self.came:
                raise KeyboardInterrupt
            self.came = True
            self.say("interrupted: the best so far becomes a bundle; again to end at once")

        usual = signal.signal(signal.SIGINT, take)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, usual)
