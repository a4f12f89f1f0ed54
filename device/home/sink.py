"""The sink that reports a run to a home by MQTT, and lets it be controlled from there."""

from __future__ import annotations

import threading
from collections.abc import Callable

from device.home.broker import BrokerOptions
from device.home.discovery import DeviceDescription
from device.home.observations import Observations
from device.home.reporter import Reporter
from device.outputs.base import Sink
from device.pipeline.live_settings import Controls
from device.records import Outcome

CLOSE_TIMEOUT_S = 1.5


class HomeSink(Sink):
    """A sink that notes what it is given; from :meth:`start` on a thread of its own reports it.

    The run never waits for the broker: see :class:`Observations`.
    """

    def __init__(self, options: BrokerOptions, say: Callable[[str], None]) -> None:
        self.options = options
        self._say = say
        self.observations = Observations(options.classes if options.pictures else ())
        self._reporter: Reporter | None = None
        self._thread: threading.Thread | None = None

    def start(self, about: DeviceDescription, controls: Controls) -> None:
        """Begin to report; ``about`` stays the same while the run goes on.

        Raises ``UsageError`` for a password or certificates that cannot be read.
        """
        self._reporter = Reporter(self.options, self.observations, about, controls, self._say)
        self._thread = threading.Thread(target=self._reporter.run, name="home", daemon=True)
        self._thread.start()

    def write(self, outcome: Outcome) -> None:
        """Note one frame."""
        self.observations.add(outcome)

    def close(self) -> None:
        """Report the last, say goodbye, and end; a broker that hangs is left behind."""
        if self._reporter is not None and self._thread is not None:
            self._reporter.end()
            self._thread.join(CLOSE_TIMEOUT_S)
            self._thread = None
