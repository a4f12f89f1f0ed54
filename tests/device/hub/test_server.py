"""A hub over simulated Pis, asked by programs."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import threading

import pytest

from device.hub.roster import Roster
from device.hub.server import Hub
from device.web.address import Address
from tests.helpers.children import PATIENCE_S, wait_until
from tests.helpers.live_page import visit
from tests.helpers.simulated_pis import SimulatedPi, metrics, serving_pis


class Visitor:
    """What a test asks of a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def ask(self, path: str, **headers: str):
        line = http.client.HTTPConnection(str(self.hub.endpoint.address), timeout=PATIENCE_S)
        with contextlib.closing(line):
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            line.request("GET", path, headers=names)
            with line.getresponse() as answer:
                return answer.status, answer, answer.read()

    def tiles(self) -> dict[str, dict]:
        return {tile["name"]: tile for tile in json.loads(self.ask("/api/tiles")[2])["tiles"]}


@contextlib.contextmanager
def serving_hub(tmp_path, lines, tokens=None, token=None):
    hosts, tokens_file = tmp_path / "pis.txt", tmp_path / "tokens"
    hosts.write_text("\n".join(lines))
    tokens_file.touch(0o600)
    tokens_file.write_text("".join(f"{host} {word}\n" for host, word in (tokens or {}).items()))
    stop = threading.Event()
    roster = Roster(hosts, tokens_file, 8080, lambda _: None)
    with Hub(roster, Address("127.0.0.1", 0), token) as hub:
        thread = threading.Thread(target=hub.run, args=(stop,))
        thread.start()
        try:
            yield Visitor(hub)
        finally:
            stop.set()
            thread.join()


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr("device.hub.monitor.PERIOD_S", 0.05)
    monkeypatch.setattr("device.hub.monitor.random.random", lambda: 0.0)


def test_tiles_tell_how_each_pi_is_and_pictures_are_passed_on(tmp_path, jpeg):
    seen = {"label": "cat", "began_s": 5.0, "under_way": True}
    well = SimulatedPi(metrics("Garden"), jpeg, token="open-sesame", visit=seen)
    hot = SimulatedPi(metrics("<b>Barn</b>", temperature=90.0), token="open-sesame")
    with (
        serving_pis([well, hot]),
        serving_hub(tmp_path, [well.line, hot.line], {"*": "open-sesame"}) as visitor,
    ):
        wait_until(lambda: visitor.tiles().get("Garden", {}).get("picture"))
        wait_until(lambda: "<b>Barn</b>" in visitor.tiles())
        tiles = visitor.tiles()
        assert tiles["Garden"]["health"] == "ok"
        assert tiles["Garden"]["last_visit"] == seen
        assert tiles["<b>Barn</b>"]["health"] == "hot"
        status, answer, content = visitor.ask(f"/pictures/{tiles['Garden']['number']}.jpg")
        assert (status, answer.headers["Content-Type"], content) == (200, "image/jpeg", jpeg)
        assert visitor.ask("/pictures/1.jpg")[0] == 404
        assert visitor.ask("/pictures/999.jpg")[0] == 404
        for path in ("/", "/api/tiles", "/hub.js", "/hub.css"):
            assert b"open-sesame" not in visitor.ask(path)[2]
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_pis_that_hang_or_flood_hold_no_other_up(tmp_path, monkeypatch):
    # Those that hang would be asked again on a machine that is busy for as long.
    monkeypatch.setattr("device.hub.client.TIMEOUT_S", 1000.0)

    async def hangs(pi, path, writer):
        await asyncio.Event().wait()

    async def floods(pi, path, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await writer.drain()

    bad = [SimulatedPi(behaves=behaves) for behaves in (hangs, floods) for _ in range(5)]
    well = SimulatedPi(metrics("Garden"))
    with serving_pis([*bad, well]):
        lines = [pi.line for pi in (*bad, well)]
        with serving_hub(tmp_path, lines) as visitor:
            wait_until(lambda: len([path for path, _ in well.asked if path == "/metrics"]) > 10)
            assert visitor.tiles()["Garden"]["health"] == "ok"
            assert all(len(pi.asked) <= 1 for pi in bad[:5])


def test_pictures_are_asked_for_only_while_somebody_watches(tmp_path, jpeg):
    pi = SimulatedPi(metrics("Garden"), jpeg)
    with serving_pis([pi]), serving_hub(tmp_path, [pi.line]) as visitor:
        wait_until(lambda: len(pi.asked) > 6)
        assert "/snapshot.jpg" not in dict(pi.asked)
        visitor.tiles()
        wait_until(lambda: "/snapshot.jpg" in dict(pi.asked))


def test_token_of_its_own_is_asked_for(tmp_path):
    pi = SimulatedPi(metrics("Garden"))
    with serving_pis([pi]), serving_hub(tmp_path, [pi.line], token="hub-secret") as visitor:
        for path in ("/api/tiles", "/pictures/0.jpg", "/nothing"):
            assert visitor.ask(path)[0] == 401
        status, _, page = visitor.ask("/")
        assert (status, b"Only with a token" in page) == (401, True)
        status, answer, _ = visitor.ask("/?token=hub-secret")
        cookie = answer.headers["Set-Cookie"]
        assert (status, cookie.startswith("liteberry-hub=")) == (200, True)
        assert visitor.ask("/api/tiles", Cookie=cookie.partition(";")[0])[0] == 200


def test_pi_that_is_added_is_shown_and_one_that_is_removed_is_not(tmp_path, jpeg, monkeypatch):
    monkeypatch.setattr("device.hub.server.TICK_S", 0.02)
    pis = [SimulatedPi(metrics(name), jpeg) for name in ("Garden", "Barn", "Attic")]
    garden, barn, attic = pis
    with serving_pis(pis), serving_hub(tmp_path, [garden.line, barn.line]) as visitor:
        wait_until(lambda: set(visitor.tiles()) == {"Garden", "Barn"})
        wait_until(lambda: visitor.tiles()["Barn"]["picture"])
        number = visitor.tiles()["Barn"]["number"]
        (tmp_path / "pis.txt").write_text(f"# moved\n{barn.line}\n{attic.line}\n")
        wait_until(lambda: set(visitor.tiles()) == {"Barn", "Attic"})
        assert visitor.tiles()["Barn"]["picture"], "it goes on as it was"
        assert visitor.ask(f"/pictures/{number}.jpg")[0] == 200
        wait_until(lambda: visitor.tiles()["Attic"]["picture"])


def test_other_names_other_sites_and_other_addresses_are_refused(tmp_path):
    pi = SimulatedPi(metrics("Garden"))
    with serving_pis([pi]), serving_hub(tmp_path, [pi.line]) as visitor:
        assert visitor.ask("/api/tiles", Host="evil.example")[0] == 403
        assert visitor.ask("/api/tiles", Origin="http://evil.example")[0] == 403
        assert visitor.ask("/../pis.txt")[0] == 404
        assert visitor.ask("/none.css")[0] == 404


def test_live_page_of_a_real_run_is_read(tmp_path, bundle_dir, monkeypatch):
    monkeypatch.setattr("device.pipeline.history.STALE_AFTER_S", 1e6)  # busy is not stalled
    with visit(bundle_dir, name="Garden", token="open-sesame") as run:
        run.until(lambda: run.pipeline.rate.stamps > 2)
        line = f"127.0.0.1 page={run.host}"
        with serving_hub(tmp_path, [line], {"*": "open-sesame"}) as visitor:
            wait_until(lambda: visitor.tiles().get("Garden", {}).get("picture"))
            tile = visitor.tiles()["Garden"]
    assert tile["health"] == "ok"
    assert tile["reading"]["variant"] == "int8"
    assert tile["reading"]["fps"] > 0
    assert len(tile["reading"]["bundle"]) == 12
