"""The server of the hub: its page, the tiles as JSON, and the pictures passed on."""

from __future__ import annotations

import asyncio
import logging
import threading
from http import HTTPStatus
from pathlib import Path

from tornado.web import Application

from device.hub.client import HostClient
from device.hub.fleet import Fleet
from device.hub.hosts import MOST_HOSTS
from device.hub.overview import overview_of
from device.hub.roster import Roster
from device.system.closable import Closable
from device.system.state_folder import state_folder
from device.web.address import Address
from device.web.auth import Access
from device.web.connections import BoundedServer
from device.web.endpoint import Endpoint
from device.web.guard import PAGE, GuardedHandler, PageHandler, RefusedError

FOLDER = Path(__file__).parent / "static"
COOKIE = "liteberry-hub"  # browsers keep one jar for all ports of a host
TICK_S = 0.5
HEADER_TIMEOUT_S = 30.0
MOST_BYTES = 16 << 10  # of a request


class _HubHandler(GuardedHandler):
    cookie_name = COOKIE

    def initialize(self, fleet: Fleet, access: Access) -> None:
        self.fleet = fleet
        self.access = access


class _Page(PageHandler, _HubHandler):
    """The page of all Pis."""

    file, folder = "hub.html", FOLDER

    def prepare(self) -> None:
        super().prepare()
        self.fleet.watch()  # pictures are there by the time that it asks for them


class _File(_HubHandler):
    """A static file of this page, or of the live one: the same for everyone."""

    def prepare(self) -> None:
        pass

    def get(self, name: str) -> None:
        folder = FOLDER if (FOLDER / name).is_file() else PAGE
        if not (folder / name).is_file():
            raise RefusedError(HTTPStatus.NOT_FOUND, f"nothing is at /{name}")
        self.set_header("Cache-Control", "no-cache")
        self.show(name, folder)

    head = get


class _Tiles(_HubHandler):
    """The overview, which the page asks for every few seconds."""

    def get(self) -> None:
        self.fleet.watch()
        self.answer(overview_of(self.fleet.monitors))


class _Picture(_HubHandler):
    """The newest picture of a Pi, as it came: its size was looked at, and nothing else."""

    def get(self, number: str) -> None:
        monitor = self.fleet.monitor(int(number))
        if monitor is None or monitor.picture is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is no picture of it")
        self.set_header("Content-Type", "image/jpeg")
        self.finish(monitor.picture)


class _Nowhere(_HubHandler):
    """Not found: any other address."""

    def get(self) -> None:
        raise RefusedError(HTTPStatus.NOT_FOUND, f"nothing is at {self.request.path}; start at /")


class Hub(Closable):
    """The hub of the Pis that ``roster`` names, from :meth:`run` on."""

    def __init__(self, roster: Roster, address: Address, token: str | None) -> None:
        """Bind to ``address``; ``token`` is the endpoint's, the hub's own.

        Raises ``SinkError`` where the address cannot be had, ``UsageError`` for a bad token.
        """
        self.endpoint = Endpoint(address, token, state_folder() / "hub-token")
        self._roster = roster
        self._client = HostClient(MOST_HOSTS)
        self.fleet = Fleet(self._client)

    def run(self, stop: threading.Event) -> None:
        """Ask and answer until ``stop``."""
        logging.getLogger("tornado").setLevel(logging.CRITICAL)  # what strangers send amiss
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            runner.run(self._serve(stop))

    async def _serve(self, stop: threading.Event) -> None:
        server = BoundedServer(
            self._application(),
            idle_connection_timeout=HEADER_TIMEOUT_S,
            max_header_size=MOST_BYTES,
            max_body_size=MOST_BYTES,
        )
        server.health = lambda: (HTTPStatus.OK, b"{}")
        server.add_sockets(self.endpoint.sockets)
        self.fleet.follow(self._roster.members)
        try:
            while not stop.is_set():
                await asyncio.sleep(TICK_S)
                if self._roster.look():
                    self.fleet.follow(self._roster.members)
        finally:
            server.stop()
            await self.fleet.close()
            self._client.close()
            await server.close_all_connections()

    def _application(self) -> Application:
        given = {"fleet": self.fleet, "access": self.endpoint.access}
        return Application(
            [
                (r"/", _Page, given),
                (r"/([a-z]+\.(?:css|js|svg|png)|fonts/[a-z-]+\.woff2)", _File, given),
                (r"/api/tiles", _Tiles, given),
                (r"/pictures/([0-9]{1,9})\.jpg", _Picture, given),
            ],
            default_handler_class=_Nowhere,
            default_handler_args=given,
            log_function=lambda _: None,
        )

    def close(self) -> None:
        """Give the port back."""
        self.endpoint.close()
