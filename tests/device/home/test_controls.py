import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.errors import UsageError
from device.home.controls import read_change
from device.pipeline.live_settings import SettingsChange


@pytest.mark.parametrize(
    ("name", "payload", "expected"),
    [
        ("threshold", b"0.4", SettingsChange(threshold=0.4)),
        ("threshold", b"1", SettingsChange(threshold=1.0)),
        ("paused", b"ON", SettingsChange(paused=True)),
        ("paused", b"OFF", SettingsChange(paused=False)),
        ("variant", b"int8", SettingsChange(variant="int8")),
    ],
)
def test_change_is_read(name, payload, expected):
    assert read_change(name, payload) == expected


@pytest.mark.parametrize(
    ("name", "payload", "expected"),
    [
        ("threshold", b"0", "a number above 0"),
        ("threshold", b"1.1", "a number above 0"),
        ("threshold", b"nan", "a number above 0"),
        ("threshold", b"1e-3", "a number above 0"),
        ("threshold", b"-1", "a number above 0"),
        ("threshold", b".", "a number above 0"),
        ("threshold", b"", "a number above 0"),
        ("paused", b"on", "ON or OFF"),
        ("paused", b"\xff", "ON or OFF"),
        ("variant", b"a\x1b[2J", "the name of a variant"),
        ("variant", b"x" * 65, "the name of a variant"),
        ("speed", b"1", "the name of a variant"),
    ],
)
def test_what_cannot_be_meant_is_refused(name, payload, expected):
    with pytest.raises(UsageError, match=expected):
        read_change(name, payload)


@given(st.sampled_from(["threshold", "paused", "variant"]), st.binary(max_size=80))
def test_any_bytes_are_a_valid_change_or_refused(name, payload):
    try:
        change = read_change(name, payload)
    except UsageError:
        return
    msgspec.json.decode(msgspec.json.encode(change), type=SettingsChange)
