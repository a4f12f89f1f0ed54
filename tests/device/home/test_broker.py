import importlib.util

import pytest

from device.errors import UsageError
from device.home.broker import BrokerOptions, check_broker, read_password


def options(**changes) -> BrokerOptions:
    return BrokerOptions(**{"host": "attic", "device_id": "abc", "name": "garden", **changes})


def test_port_is_that_of_the_protocol_unless_named():
    assert options().port_used == 1883
    assert options(tls=True).port_used == 8883
    assert options(tls=True, port=1884).address == "attic:1884"


def test_usual_options_are_taken(tmp_path):
    check_broker(options(host="192.168.1.7"))
    check_broker(options(host="fe80::1%eth0", prefix="ha/discovery"))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"host": "mqtt://attic"}, "a name or an address is expected"),
        ({"host": ""}, "a name or an address is expected"),
        ({"host": "attic\n"}, "a name or an address is expected"),
        ({"prefix": "home/#"}, "a topic without"),
        ({"prefix": ""}, "a topic without"),
    ],
)
def test_options_that_cannot_be_meant_are_wrong_usage(changes, complaint):
    with pytest.raises(UsageError, match=complaint):
        check_broker(options(**changes))


def test_flags_that_need_another_are_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match="add --mqtt-tls"):
        check_broker(options(ca_file=tmp_path / "ca.crt"))
    with pytest.raises(UsageError, match="no such file of certificates"):
        check_broker(options(tls=True, ca_file=tmp_path / "ca.crt"))
    with pytest.raises(UsageError, match="needs --mqtt-user"):
        check_broker(options(password_file=tmp_path / "password"))


def test_missing_package_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install paho-mqtt \(on a Pi: deploy again"):
        check_broker(options())


@pytest.mark.parametrize("text", ["geheim", "geheim\n", "geheim\r\n"])
def test_password_is_the_line_of_its_file(tmp_path, text):
    file = tmp_path / "password"
    file.write_bytes(text.encode())
    assert read_password(file) == "geheim"


def test_space_at_the_end_is_part_of_a_password(tmp_path):
    file = tmp_path / "password"
    file.write_text(" a b \n")
    assert read_password(file) == " a b "


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "one line is expected"),
        (b"a\nb\n", "one line is expected"),
        (b"\xff\xfe", "not UTF-8"),
        (b"x" * 5000, "too large"),
    ],
)
def test_file_that_is_no_password_is_wrong_usage(tmp_path, data, complaint):
    file = tmp_path / "password"
    file.write_bytes(data)
    with pytest.raises(UsageError, match=complaint):
        read_password(file)


def test_missing_password_file_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match="No such file or directory; it must hold the password"):
        read_password(tmp_path / "password")
