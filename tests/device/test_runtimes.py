from __future__ import annotations

import os
import re
from importlib import metadata

import pytest

from device import runtimes
from device.runtimes import (
    INSTALL_LITERT,
    ORIGINS,
    PREFERENCE,
    default_threads,
    installed_interpreters,
)
from tests.conftest import ROOT


def test_litert_comes_first_and_tensorflow_last():
    assert PREFERENCE == ("litert", "tflite-runtime", "openvino", "tensorflow")
    assert tuple(ORIGINS) == PREFERENCE


def test_package_is_the_beginning_of_the_module_unless_that_is_ours():
    assert [origin.package for origin in ORIGINS.values()] == [
        "ai_edge_litert",
        "tflite_runtime",
        "device.inference.openvino_runtime",
        "tensorflow",
    ]
    assert INSTALL_LITERT == "pip install ai-edge-litert"


def test_only_what_pip_knows_is_installed_and_in_the_order_of_preference(monkeypatch):
    versions = {"tensorflow": "2.21.0", "ai-edge-litert": "2.3.0"}

    def version(name):
        if name in versions:
            return versions[name]
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    assert list(installed_interpreters().items()) == [("litert", "2.3.0"), ("tensorflow", "2.21.0")]


@pytest.mark.parametrize(("cores", "threads"), [({0}, 1), (set(range(3)), 3), (set(range(8)), 4)])
def test_one_thread_per_core_that_may_be_used_but_at_most_four(monkeypatch, cores, threads):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cores, raising=False)
    assert default_threads() == threads


def test_no_other_module_of_the_device_lists_the_interpreters():
    listed = re.compile(r'"litert",\s*"tflite-runtime"')
    files = [path for path in (ROOT / "device").rglob("*.py") if listed.search(path.read_text())]
    assert [path.name for path in files] == [f"{runtimes.__name__.split('.')[-1]}.py"]
