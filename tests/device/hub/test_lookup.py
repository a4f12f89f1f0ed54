from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from device.hub.lookup import ThreadedLookup


def test_name_is_looked_up_and_an_address_too():
    async def ask():
        return await ThreadedLookup().resolve("127.0.0.1", 80)

    assert asyncio.run(ask()) == [(socket.AF_INET, ("127.0.0.1", 80))]


@pytest.mark.parametrize("name", ["nowhere.invalid", "a" * 64 + ".b", "."])
def test_name_that_nobody_has_is_an_oserror(name):
    async def ask():
        await ThreadedLookup().resolve(name, 80)

    with pytest.raises((OSError, UnicodeError)):
        asyncio.run(ask())


def test_look_up_that_hangs_holds_no_other_up_and_is_asked_for_once(monkeypatch):
    hung, asked = threading.Event(), []
    real = socket.getaddrinfo

    def look_up(host, *rest):
        asked.append(host)
        if host == "hangs.local":
            hung.wait()
            raise socket.gaierror("gone")
        return real(host, *rest)

    monkeypatch.setattr("socket.getaddrinfo", look_up)

    async def ask():
        lookup = ThreadedLookup()
        hanging = [asyncio.create_task(lookup.resolve("hangs.local", 80)) for _ in range(20)]
        while "hangs.local" not in asked:
            await asyncio.sleep(0.01)
        found = await lookup.resolve("127.0.0.1", 80)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        return found

    assert asyncio.run(ask()) == [(socket.AF_INET, ("127.0.0.1", 80))]
    hung.set()
    assert asked.count("hangs.local") == 1
