import re

import pytest

from device.errors import UsageError
from device.home.identity import checked_id, device_id, host_name


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_id_is_of_the_board_whatever_system_is_installed(tmp_path):
    write(tmp_path, "proc/device-tree/serial-number", "10000000abcdef01\0")
    write(tmp_path, "etc/machine-id", "1" * 32)
    before = device_id(tmp_path)
    write(tmp_path, "etc/machine-id", "2" * 32)
    assert device_id(tmp_path) == before


def test_id_of_a_machine_without_a_serial_number_is_of_its_system(tmp_path):
    write(tmp_path, "etc/machine-id", "1" * 32 + "\n")
    one = device_id(tmp_path)
    write(tmp_path, "etc/machine-id", "2" * 32 + "\n")
    assert device_id(tmp_path) != one


def test_id_tells_nothing_of_what_it_is_made_of(tmp_path):
    write(tmp_path, "proc/device-tree/serial-number", "10000000abcdef01\0")
    assert re.fullmatch("[0-9a-f]{12}", device_id(tmp_path))
    assert "abcdef01" not in device_id(tmp_path)


def test_machine_that_has_neither_has_an_id_too(tmp_path):
    assert device_id(tmp_path) == device_id(tmp_path)


def test_plain_id_is_taken():
    assert checked_id("garden-2_b") == "garden-2_b"


@pytest.mark.parametrize("text", ["", "a/b", "a+b", "a b", "#", "x" * 65, "ä"])
def test_id_that_would_break_topics_is_wrong_usage(text):
    with pytest.raises(UsageError, match="letters, digits"):
        checked_id(text)


def test_host_name_has_no_domain(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "garden.fritz.box")
    assert host_name() == "garden"
