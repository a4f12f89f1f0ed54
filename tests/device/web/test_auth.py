from __future__ import annotations

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.errors import UsageError
from device.web.auth import VARIABLE, Access, kept_token, origin_is_own, token_given


def test_without_a_token_anyone_is_admitted_who_names_this_machine():
    access = Access(None, ["Camera.lan"])
    assert access.admits(None, None, None)
    for host in ("localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "camera.lan:80"):
        assert access.host_is_known(host)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example:8080", "", "[::1", "localhost@evil.example"]
)
def test_without_a_token_other_names_are_unknown(host):
    assert not Access(None).host_is_known(host)


def test_with_a_token_any_name_will_do():
    assert Access("right").host_is_known("proxy.example")


@pytest.mark.parametrize(
    ("given", "cookie", "authorization"),
    [
        ("right", None, None),
        (None, Access("right").cookie, None),
        (None, None, "Bearer right"),
        (None, None, "bearer  right"),
        ("wrong", Access("right").cookie, None),
    ],
)
def test_token_is_taken_from_query_cookie_and_header(given, cookie, authorization):
    assert Access("right").admits(given, cookie, authorization)


@pytest.mark.parametrize(
    ("given", "cookie", "authorization"),
    [
        (None, None, None),
        ("", "", ""),
        ("wrong", None, None),
        ("right ", None, None),
        (None, "right", None),
        (None, Access("other").cookie, None),
        (None, None, "Basic right"),
        (None, None, "right"),
        ("r\u00efght", "\u00ef", "Bearer \udcff".encode("utf-8", "replace").decode()),
    ],
)
def test_anything_else_is_refused(given, cookie, authorization):
    assert not Access("right").admits(given, cookie, authorization)


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        (None, True),
        ("http://pi:8080", True),
        ("HTTP://PI:8080", True),
        ("https://pi:8080", True),
        ("http://pi", False),
        ("http://evil.example", False),
        ("null", False),
        ("", False),
        ("ftp://pi:8080", False),
    ],
)
def test_origin_is_own_only_if_it_is_the_host(origin, own):
    assert origin_is_own(origin, "pi:8080") is own


@given(st.text(max_size=40))
def test_any_header_is_answered(text):
    Access(None).host_is_known(text)
    assert not Access("right").admits(None, text, f"Basic {text}")
    assert not origin_is_own(f"http://{text}", f"{text}x")


def test_typed_token_wins_over_the_environment():
    assert token_given("typed", {VARIABLE: "set"}) == "typed"
    assert token_given(None, {VARIABLE: "set"}) == "set"
    assert token_given(None, {VARIABLE: ""}) is None
    assert token_given(None, {}) is None


@pytest.mark.parametrize("token", ["", "two words", "gr\u00fcn", "a\nb", "x" * 257])
def test_token_that_no_header_carries_is_refused(token):
    with pytest.raises(UsageError, match="a token is"):
        token_given(token, {})


def test_token_is_made_once_and_kept_to_oneself(tmp_path):
    file = tmp_path / "state" / "token"
    token = kept_token(file)
    assert len(token) >= 22
    assert kept_token(file) == token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.unlink()
    assert kept_token(file) != token


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"two words"])
def test_damaged_token_is_made_anew(tmp_path, content):
    file = tmp_path / "token"
    file.write_bytes(content)
    token = kept_token(file)
    assert len(token) >= 22
    assert kept_token(file) == token


def test_token_that_cannot_be_kept_holds_for_this_run(tmp_path):
    (tmp_path / "state").write_text("a file where the folder should be")
    assert len(kept_token(tmp_path / "state" / "token")) >= 22
