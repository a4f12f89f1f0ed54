import importlib.util

import pytest

from device.errors import UsageError
from device.home.notification import NotifyOptions, check_notify


def options(**changes) -> NotifyOptions:
    return NotifyOptions(
        **{"urls": ["ntfy://host/topic"], "name": "garden", "on": ["cat"]} | changes
    )


def test_usual_options_are_taken():
    check_notify(options())


def test_message_needs_an_occasion():
    with pytest.raises(UsageError, match="--notify-on person"):
        check_notify(options(on=[]))


def test_address_that_is_none_is_named_by_its_number_and_not_told():
    with pytest.raises(UsageError, match="--notify, number 2: an address") as told:
        check_notify(options(urls=["ntfy://host/topic", "secret-topic"]))
    assert "secret" not in str(told.value)


def test_missing_package_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install apprise"):
        check_notify(options())
