from __future__ import annotations

import signal

from tests.helpers.children import wait_until
from tests.helpers.device_command import finish, spawn


def test_hub_says_where_it_is_and_ends_at_a_signal(tmp_path):
    hosts = tmp_path / "pis.txt"
    hosts.write_text("pi@127.0.0.1 page=127.0.0.1:9\n")
    child = spawn("hub", "--hosts", hosts, "--serve", "127.0.0.1:0", "--token", "open-sesame")
    said = child.stderr.readline()
    assert said.startswith("1 Pi to be seen at http://127.0.0.1:")
    assert "open-sesame" not in said
    child.send_signal(signal.SIGTERM)
    wait_until(lambda: child.poll() is not None)
    assert finish(child).code == 0


def test_wrong_usage_is_told_in_a_line(device, tmp_path):
    assert device("hub").code == 2
    ran = device("hub", "--hosts", tmp_path / "none")
    assert (ran.code, "cannot be read" in ran.err) == (2, True)
    hosts, tokens = tmp_path / "pis.txt", tmp_path / "tokens"
    hosts.write_text("garden\n")
    tokens.write_text("* secret\n")
    tokens.chmod(0o644)
    ran = device("hub", "--hosts", hosts, "--tokens", tokens)
    assert (ran.code, "chmod 600" in ran.err) == (2, True)
    assert "secret" not in ran.err
