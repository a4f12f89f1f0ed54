from __future__ import annotations

import re
import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.cameras.url import CameraUrl, is_same_server, redact
from device.errors import UsageError


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://cam.local/live", "rtsp://cam.local/live"),
        ("rtsp://bob:pw@cam:8554/live", "rtsp://***@cam:8554/live"),
        ("http://bob@cam/video", "http://***@cam/video"),
        ("http://:pw@cam/video", "http://***@cam/video"),
        ("rtsp://bob:p@ss@cam/live", "rtsp://***@cam/live"),
        ("rtsp://bob:p@ss/w?rd@cam/live", "rtsp://***"),
        ("http://cam/live?mail=bob@secret", "http://***"),
        ("http://cam/video.cgi?user=bob&pwd=pw", "http://cam/video.cgi..."),
        ("rtsp://cam/user=bob_password=pw_channel=1.sdp", "rtsp://cam/user..."),
    ],
)
def test_secrets_are_not_shown(url, shown):
    assert redact(url) == shown


@given(st.text(string.ascii_lowercase + "/?#@:%=&."))
def test_no_part_of_a_password_is_ever_shown(password):
    shown = redact(f"rtsp://BOB:{password}@192.168.0.7/CAM?TOKEN={password}")
    assert shown in ("rtsp://***@192.168.0.7/CAM...", "rtsp://***")


def test_address_is_taken_apart():
    url = CameraUrl.parse("http://b%40b:p%2Fw@cam:8080/video?size=big")
    assert (url.scheme, url.host, url.port) == ("http", "cam", 8080)
    assert (url.user, url.password) == ("b@b", "p/w")
    assert url.without_user == "http://cam:8080/video?size=big"


@pytest.mark.parametrize(
    ("url", "port"), [("rtsp://c/", 554), ("rtsps://c/", 322), ("http://c", 80), ("https://c", 443)]
)
def test_port_is_the_usual_one_where_none_is_named(url, port):
    assert CameraUrl.parse(url).port == port


@pytest.mark.parametrize("url", ["ftp://host/x", "file:///x.mp4", "udp://@239.0.0.1:1234", "://x"])
def test_unknown_scheme_is_wrong_usage(url):
    with pytest.raises(UsageError, match=r"is not known; .*rtsp://, rtsps://, http://, https://"):
        CameraUrl.parse(url)


@pytest.mark.parametrize(
    "url", ["rtsp://", "http:///video", "rtsp://bob:s3cret@", "http://cam:port/", "http://[::1/"]
)
def test_no_address_is_wrong_usage(url):
    with pytest.raises(UsageError, match="not an address; expected is") as caught:
        CameraUrl.parse(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("password", ["12?3", "12#3", "12/3", "?", "12?3@4"])
@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_password_that_would_make_a_host_of_the_user_is_refused(scheme, password):
    with pytest.raises(UsageError, match="in the password as %2F %3F %23 %40") as caught:
        CameraUrl.parse(f"{scheme}://bob:{password}@cam/live")
    assert "bob" not in str(caught.value)


@pytest.mark.parametrize("password", ["12?3", "#", "a/b", "me@home", "50%", "a:b", "é?"])
@pytest.mark.parametrize("host", ["cam", "cam:8554", "192.168.1.9:554", "[::1]:554"])
def test_password_that_is_written_in_per_cent_is_any(host, password):
    url = CameraUrl.parse(f"rtsp://bob:{quote(password, safe='')}@{host}/live")
    assert (url.user, url.password) == ("bob", password)
    assert url.host == re.sub(r":[0-9]+$", "", host).strip("[]")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://192.168.1.9:8080/cgi?user=me@home", "192.168.1.9"),
        ("http://[fe80::1]:8080/cgi?user=me@home", "fe80::1"),
        ("http://cam/cgi?user=me@home", "cam"),
        ("http://bob:pw@cam:80/cgi?user=me@home", "cam"),
    ],
)
def test_at_sign_of_a_path_stays_where_no_user_can_be_meant(url, host):
    assert CameraUrl.parse(url).host == host


def test_address_at_a_relay_keeps_user_password_and_path():
    url = CameraUrl.parse("rtsps://me:p%40ss@cam:8322/live?x=1")
    assert url.full_at("127.0.0.1", 99) == "rtsp://me:p%40ss@127.0.0.1:99/live?x=1"


def test_address_on_the_same_server_gets_user_and_password_and_none_of_its_own():
    url = CameraUrl.parse("rtsp://me:p%40ss@cam/live")
    moved = url.at_path_of("rtsp://other:secret@cam:554/hd?x=1")
    assert moved.full == "rtsp://me:p%40ss@cam:554/hd?x=1"
    assert (moved.user, moved.password) == ("me", "p@ss")


@pytest.mark.parametrize(
    ("url", "address", "same"),
    [
        ("http://cam/a", "http://cam/b", True),
        ("http://cam/a", "http://cam:80/b", True),
        ("http://cam/a", "https://cam/b", True),
        ("https://cam/a", "http://cam/b", False),
        ("http://cam:81/a", "http://cam/a", False),
        ("http://cam/a", "http://cam.example.com/a", False),
        ("http://cam/a", "http://evil@cam2/a", False),
        ("http://cam/a", "http://[", False),
        ("rtsp://cam/a", "rtsp://cam:554/b", True),
        ("rtsp://cam/a", "rtsps://cam/a", True),
        ("rtsps://cam/a", "rtsp://cam/a", False),
        ("rtsp://cam/a", "rtsp://cam2/a", False),
    ],
)
def test_server_is_the_same_by_host_port_and_scheme(url, address, same):
    assert is_same_server(CameraUrl.parse(url), address) == same
