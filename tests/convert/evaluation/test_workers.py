"""Workers, with a client that does at once, and in this process, what Dask's has done elsewhere.

``benchmarks/workers.py`` does the same with Dask's own, and kills one of them.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pytest

from convert.errors import EvaluationError
from convert.evaluation.predict import Panel, Unreadable, predict
from convert.evaluation.variant_file import VariantFile
from convert.evaluation.workers import describe_worker, looker_at, pack
from device.bundle.bundle import Bundle


class FakeClient:
    """Dask's client, as far as it is used."""

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self.sent: list[str] = []
        self.described = describe_worker
        self.fails: Exception | None = None
        self.scheduler_fails: Exception | None = None
        self.closed = False

    def scheduler_info(self):
        return {"workers": {f"tcp://worker-{number}": {} for number in range(self.workers)}}

    def run_on_scheduler(self, task):
        if self.scheduler_fails is not None:
            raise self.scheduler_fails
        return task()

    def run(self, task):
        return dict.fromkeys(self.scheduler_info()["workers"], self.described())

    def submit(self, task, *arguments, key=None, pure=True):
        self.sent.append(task.__name__)
        future: Future = Future()
        if self.fails is not None and task.__name__ == "look_there":
            future.set_exception(self.fails)
            return future
        values = [item.result() if isinstance(item, Future) else item for item in arguments]
        future.set_result(task(*values))
        return future

    def close(self):
        self.closed = True


def to(client):
    return looker_at("tcp://there:8786", lambda _: client)


@pytest.fixture
def client():
    return FakeClient()


@pytest.fixture
def panel(bundle_dir) -> Panel:
    return Panel(bundle_dir, ("float32", "int8"), "litert", 0.001)


@pytest.fixture
def images(bundle_dir, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    good = sorted((bundle_dir / "samples").iterdir())
    return [good[0], tmp_path / "bad.jpg", tmp_path / "none.jpg", *good[1:]]


def assert_same(some, others):
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        if isinstance(one, Unreadable):
            assert one == other
        else:
            assert one.keys() == other.keys()
            assert all(np.array_equal(one[name], other[name]) for name in one)


def test_workers_find_what_is_found_here_and_say_the_same_of_what_cannot_be_read(
    client, panel, images
):
    here = predict(panel, images)
    with to(client) as looker:
        assert_same(predict(panel, images, looker), here)
    assert client.sent.count("look_there") == len(images) - 1
    assert client.closed


def test_pictures_go_once_and_candidates_are_run_too(client, panel, images):
    whole = Bundle(panel.bundle).manifest.variants["int8"]
    file = VariantFile(panel.bundle / whole.file, replace_file(whole, "candidate.tflite"))
    candidates = replace(panel, variants=("candidate",), files={"candidate": file})
    with to(client) as looker:
        found = predict(panel, images, looker)
        searched = predict(candidates, images, looker)
    for item, other in zip(found, searched, strict=True):
        if not isinstance(item, Unreadable):
            assert np.array_equal(item["int8"], other["candidate"])
    pictures = len(images) - 1
    assert client.sent.count("hold") == pictures + 2, "each picture once, and each model"


def replace_file(variant, name):
    import msgspec

    return msgspec.structs.replace(variant, file=name)


def test_pack_has_the_files_of_its_variants_alone(panel):
    names = pack(replace(panel, variants=("int8",))).files.keys()
    assert "int8.tflite" in names
    assert "float32.tflite" not in names
    assert "manifest.json" in names


def test_pack_of_another_threshold_is_another(panel):
    assert pack(panel).digest == pack(panel).digest
    assert pack(panel).digest != pack(replace(panel, threshold=0.5)).digest


def test_scheduler_without_workers_says_how_to_start_one():
    with (
        pytest.raises(EvaluationError, match=r"no worker has come.*dask worker"),
        to(FakeClient(0)),
    ):
        pass


def test_scheduler_that_does_not_know_the_code_is_told_in_a_line(client):
    client.scheduler_fails = ModuleNotFoundError("No module\nnamed 'convert'")
    refused = pytest.raises(EvaluationError, match=r"scheduler .*No module named .*python -m dask")
    with refused, to(client):
        pass
    assert client.closed


def test_worker_of_another_version_is_refused(client):
    client.described = lambda: ("0.1", {})
    refused = pytest.raises(EvaluationError, match=r"tcp://worker-0 has .*would not be the same")
    with refused, to(client):
        pass
    assert client.closed


def test_task_that_the_workers_give_up_is_told(client, panel, images):
    client.fails = RuntimeError("KilledWorker")
    given_up = pytest.raises(EvaluationError, match=r"gave it up.*KilledWorker.*memory")
    with given_up, to(client) as looker:
        predict(panel, images, looker)
