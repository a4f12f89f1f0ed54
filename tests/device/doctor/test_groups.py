from __future__ import annotations

import grp
import os
import types

import pytest

from device.doctor.groups import group_advice, is_in_group


@pytest.fixture
def user(monkeypatch):
    """Somebody who is in one group, 20."""
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(os, "getgroups", lambda: [20])
    names = {20: "plugdev"}
    monkeypatch.setattr(
        grp, "getgrgid", lambda number: types.SimpleNamespace(gr_name=names[number])
    )


def test_user_is_in_the_groups_of_the_process(user):
    assert is_in_group("plugdev")
    assert not is_in_group("apex")


def test_root_needs_no_group(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert is_in_group("apex")


def test_advice_is_the_command_that_adds_the_user(user):
    what, mend = group_advice("no such group", "may open it")
    assert what == "12345 is not in the group no such group, which may open it"
    assert mend.startswith("sudo usermod -aG no such group 12345")


def test_group_that_the_session_has_not_yet_is_a_new_login(user, monkeypatch):
    group = types.SimpleNamespace(gr_mem=["12345"])
    monkeypatch.setattr(grp, "getgrnam", lambda _: group)
    what, mend = group_advice("apex", "may open it")
    assert "not yet in this session" in what
    assert "log out and in again" in mend
