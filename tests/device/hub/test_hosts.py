from __future__ import annotations

import pytest

from device.errors import UsageError
from device.hub.hosts import MOST_HOSTS, Host, read_hosts


def test_hosts_are_read_as_deploy_reads_them(tmp_path):
    path = tmp_path / "pis.txt"
    path.write_text(
        "# mine\n\ngarden.local\npi@till-1.local  # by the door\npi@10.0.0.7:2222\n"
        "ssh://pi@porch:22/\npi@[fe80::1]\npi@barn page=10.0.0.9:8081\n"
        "garden.local\nshed what ever\n"
    )
    assert read_hosts(path) == [
        Host("garden.local", "garden.local:8080"),
        Host("till-1.local", "till-1.local:8080"),
        Host("10.0.0.7", "10.0.0.7:8080"),
        Host("porch", "porch:8080"),
        Host("[fe80::1]", "[fe80::1]:8080"),
        Host("barn", "10.0.0.9:8081"),
        Host("shed", "shed:8080"),
    ]
    assert read_hosts(path, 90)[0].link == "http://garden.local:90/"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no host: write one a line"),
        ("# garden\n", "names no host"),
        ("garden\n-oProxyCommand=x\n", "line 2: '-oProxyCommand=x' is no host"),
        ("a/b\n", "line 1: 'a/b' is no host"),
        ("http://garden/\n", "is no host"),
        ("garden page=evil/:80\n", "'page=evil/:80' is no page=HOST:PORT"),
        ("garden page=garden:0\n", "is no page=HOST:PORT"),
        ("garden page=garden:65536\n", "is no page=HOST:PORT"),
        ("\x1b[2J\n", "is no host"),
        ("\n".join(f"pi{number}" for number in range(MOST_HOSTS + 1)), "shows 400 at most"),
    ],
)
def test_what_is_no_host_is_told_with_its_line(tmp_path, text, words):
    path = tmp_path / "pis.txt"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        read_hosts(path)
    assert words in str(refused.value)
    assert "\x1b" not in str(refused.value)


def test_file_that_is_missing_or_a_folder_is_told(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_hosts(tmp_path / "none")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_hosts(tmp_path)
