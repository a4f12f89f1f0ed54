from __future__ import annotations

import importlib.util

import pytest

from device.doctor.home import check_home
from tests.device.doctor.conftest import of, only


def case_of(tmp_path, text, place="."):
    (tmp_path / "folder").mkdir()
    release = tmp_path / "releases" / "one"
    release.mkdir(parents=True)
    (tmp_path / place / "settings.toml").write_text(text)
    return of(tmp_path, folder=tmp_path / "folder", release=release)


@pytest.mark.parametrize("place", [".", "folder"])
@pytest.mark.parametrize("text", ['a = 1\n[mqtt]\nhost = "attic"', 'mqtt_host = "attic"'])
def test_missing_package_for_mqtt_is_a_problem_with_the_command(tmp_path, monkeypatch, text, place):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    finding = only(check_home(case_of(tmp_path, text, place)))
    assert finding.verdict == "problem"
    assert "paho-mqtt is not installed" in finding.found
    assert "install paho-mqtt" in finding.mend


def test_missing_package_for_messages_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    finding = only(check_home(case_of(tmp_path, 'notify = ["ntfy://ntfy.sh/topic"]')))
    assert "apprise is not installed" in finding.found


def test_installed_package_is_ok(tmp_path):
    finding = only(check_home(case_of(tmp_path, '[mqtt]\nhost = "attic"')))
    assert (finding.verdict, finding.found) == ("ok", "paho-mqtt is installed, for MQTT")


@pytest.mark.parametrize("text", ["", "# [mqtt]", 'notify_on = "cat"', 'log = "mqtt_host"'])
def test_settings_that_tell_no_home_are_nothing_to_look_at(tmp_path, text):
    assert list(check_home(case_of(tmp_path, text))) == []
