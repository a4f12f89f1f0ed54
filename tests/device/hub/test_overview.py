from __future__ import annotations

import msgspec

from device.hub.hosts import Host
from device.hub.monitor import Health, Monitor
from device.hub.overview import overview_of
from device.hub.readings import read_metrics
from tests.helpers.simulated_pis import metrics


def make_monitor(name, health=Health.OK, **how):
    monitor = Monitor(Host(name.lower(), f"{name.lower()}:8080"), "open-sesame", None)
    monitor.health = health
    monitor.reading = read_metrics(metrics(name, **how))
    return monitor


def test_those_that_need_somebody_come_first_and_then_by_name():
    monitors = [
        make_monitor("zoo"),
        make_monitor("Barn"),
        make_monitor("hot", Health.HOT),
        make_monitor("old", version="0.8"),
        make_monitor("off", Health.OFF),
        make_monitor("locked", Health.LOCKED),
        make_monitor("lost", Health.LOST),
    ]
    tiles = overview_of(monitors).tiles
    assert [tile.name for tile in tiles] == ["off", "lost", "locked", "hot", "old", "Barn", "zoo"]
    assert tiles[0].link == "http://off:8080/"


def test_other_version_and_bundle_than_most_is_told():
    monitors = [
        make_monitor("a"),
        make_monitor("b"),
        make_monitor("c", version="0.8", bundle="ffff"),
    ]
    overview = overview_of(monitors)
    assert (overview.version, overview.bundle) == ("0.9", "0123456789ab")
    others = {tile.name: tile.other for tile in overview.tiles}
    assert others["a"] == others["b"] == ""
    assert others["c"] == "version 0.8, most have 0.9; bundle ffff, most have 0123456789ab"


def test_of_two_that_differ_the_newer_version_is_what_should_be():
    overview = overview_of([make_monitor("a", version="0.8"), make_monitor("b", version="0.9")])
    assert {tile.name: bool(tile.other) for tile in overview.tiles} == {"a": True, "b": False}


def test_pis_of_one_name_are_told_apart_by_their_pages():
    monitors = [make_monitor("Garden"), make_monitor("Garden")]
    monitors[1].host = Host("barn", "barn:8080")
    names = {tile.name for tile in overview_of(monitors).tiles}
    assert names == {"Garden (garden:8080)", "Garden (barn:8080)"}


def test_pi_that_never_answered_is_called_as_its_host_and_runs_nothing_other():
    monitor = Monitor(Host("garden", "garden:8080"), None, None)
    (tile,) = overview_of([monitor]).tiles
    assert (tile.name, tile.health, tile.other) == ("garden", Health.ASKING, "")


def test_no_token_is_told():
    assert b"open-sesame" not in msgspec.json.encode(overview_of([make_monitor("a")]))
