from __future__ import annotations

import argparse

import pytest

from convert.commands.executor_flag import add_executor, looker_of


def parse(*words):
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_executor(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize("address", ["tcp://farm.local:8786", "tls://[fe80::1]:8786"])
def test_scheduler_is_taken(address):
    assert parse("--executor", address).executor == address


@pytest.mark.parametrize("address", ["farm", "farm:8786", "http://farm:8786", "tcp://a b:1", ""])
def test_what_is_no_scheduler_is_refused(address):
    with pytest.raises(argparse.ArgumentError, match="a scheduler is tcp://HOST:PORT"):
        parse(f"--executor={address}")


def test_without_the_flag_nothing_changes():
    with looker_of(parse()) as looker:
        assert looker is None
