from __future__ import annotations

import platform
import sys
import types
from unittest import mock

import pytest

from convert.build import provenance
from convert.build.provenance import tool_versions


def test_versions_are_of_python_the_packages_and_the_interpreters_here(monkeypatch):
    monkeypatch.setattr(provenance, "installed_interpreters", lambda: {"litert": "2.3.0"})
    versions = tool_versions(["pytest"])
    assert versions == {
        "python": platform.python_version(),
        "pytest": pytest.__version__,
        "ai-edge-litert": "2.3.0",
    }


def test_module_of_a_package_by_another_name_tells_its_version():
    # opencv-python for opencv-python-headless, say, or tensorflow-cpu: no distribution of ours.
    module = types.ModuleType("other_name")
    module.__version__ = "4.2"
    with mock.patch.dict(sys.modules, {"other_name": module}):
        assert tool_versions(["other_name"])["other_name"] == "4.2"


def test_package_that_is_missing_is_an_error_rather_than_a_gap():
    with pytest.raises(ModuleNotFoundError, match="no-such-package"):
        tool_versions(["no-such-package"])
