from __future__ import annotations

import itertools
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.cameras.rtsp_relay import MAX_LINE, MAX_LINES, RedirectError, RtspFilter, RtspRelay
from device.cameras.url import CameraUrl

OK = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"
CONTENT = b"RTSP/1.0 302 Moved\r\nCSeq: 4\r\n\r\n"
DESCRIBED = b"RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(CONTENT), CONTENT)
PACKET = b"$\x00\x00\x12" + b"RTSP/1.0 302 x\r\n\r\n"  # of 18 bytes
QUESTION = b"OPTIONS rtsp://cam/stream RTSP/1.0\r\nCSeq: 3\r\n\r\n"
MOVED = b"RTSP/1.0 302 Moved\r\nCSeq: 4\r\nLocation: rtsp://other/stream\r\n\r\n"


def passed(data: bytes, cuts: list[int]) -> bytes:
    """What a filter passes on of ``data`` that comes in pieces."""
    found, through = b"", RtspFilter()
    edges = [0, *sorted(cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        found += b"".join(through.feed(data[start:end]))
    return found


@given(
    st.lists(st.sampled_from([OK, DESCRIBED, PACKET, QUESTION, b"\r\n"])).map(b"".join),
    st.lists(st.integers(0, 300), max_size=6),
)
def test_what_is_no_redirect_passes_as_it_is_however_it_comes(data, cuts):
    assert passed(data, [min(cut, len(data)) for cut in cuts]) == data


@given(
    st.lists(st.sampled_from([OK, DESCRIBED, PACKET, QUESTION])).map(b"".join),
    st.lists(st.integers(0, 300), max_size=6),
)
def test_redirect_is_found_wherever_it_comes_and_none_of_it_passes(data, cuts):
    through, found = RtspFilter(), bytearray()
    whole = data + MOVED
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    with pytest.raises(RedirectError) as caught:
        for start, end in itertools.pairwise(edges):
            for piece in through.feed(whole[start:end]):
                found += piece
    assert bytes(found) == data
    assert caught.value.location == "rtsp://other/stream"


def test_last_answer_and_content_are_noted():
    heard = RtspFilter()
    for data in (DESCRIBED, PACKET, QUESTION, OK.replace(b"200 OK", b"401 Unauthorized")):
        assert b"".join(heard.feed(data)) == data
        assert heard.is_complete
    assert (heard.status, heard.content) == ("401 Unauthorized", CONTENT)
    list(heard.feed(DESCRIBED[:-5]))
    assert (heard.status, heard.is_complete) == ("200 OK", False)


@pytest.mark.parametrize("status", [b"300", b"301", b"305", b"399"])
def test_every_answer_from_300_to_399_is_a_redirect(status):
    with pytest.raises(RedirectError) as caught:
        passed(MOVED.replace(b"302", status).replace(b"Location", b"X"), [])
    assert caught.value.location == ""


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 302 Found\r\nLocation: rtsp://other/\r\n\r\n",
        b"RTSP/1.0  302 two spaces\r\nCSeq: 1\r\n\r\n",
        b"RTSP/1.0 +302 a sign\r\nCSeq: 1\r\n\r\n",
        b"RTSP/1.0 3020 too long\r\nCSeq: 1\r\n\r\n",
        b"220 mail.example ESMTP\r\nx: y\r\n\r\n",
        OK.replace(b"CSeq: 1", b"Content-Length: -1"),
        OK.replace(b"CSeq: 1", b"Content-Length: 9999999"),
        OK.replace(b"CSeq: 1", b"Content-Length: 5\r\ncontent-length: 6"),
        b"x" * (MAX_LINE + 1),
        b"RTSP/1.0 200 OK\r\n" + b"x: y\r\n" * MAX_LINES,
    ],
)
def test_what_ffmpeg_might_read_another_way_is_refused(data):
    with pytest.raises(ValueError, match=r"RTSP|length|end"):
        passed(data, [])


def test_relay_passes_on_both_ways_and_ends_with_the_camera():
    with socket.create_server(("127.0.0.1", 0)) as camera:
        url = CameraUrl.parse(f"rtsp://me:pw@127.0.0.1:{camera.getsockname()[1]}/stream")
        with RtspRelay(url, 5.0) as relay, socket.create_connection(relay.address) as near:
            far, _ = camera.accept()
            with far:
                near.sendall(b"asked")
                assert far.recv(100) == b"asked"
                far.sendall(OK)
                assert near.recv(100) == OK
            assert near.recv(100) == b""


def test_relay_that_is_closed_ends_what_waits_for_it():
    with socket.create_server(("127.0.0.1", 0)) as camera:
        url = CameraUrl.parse(f"rtsp://me:pw@127.0.0.1:{camera.getsockname()[1]}/stream")
        relay = RtspRelay(url, 5.0)
        with socket.create_connection(relay.address) as near:
            far, _ = camera.accept()
            relay.close()
            relay.close()
            assert near.recv(100) == b""
            assert far.recv(100) == b""
            far.close()


def test_relay_is_for_one_connection_alone():
    with socket.create_server(("127.0.0.1", 0)) as camera:
        url = CameraUrl.parse(f"rtsp://me:pw@127.0.0.1:{camera.getsockname()[1]}/stream")
        with RtspRelay(url, 5.0) as relay, socket.create_connection(relay.address):
            camera.accept()[0].close()
            with pytest.raises(ConnectionError):
                socket.create_connection(relay.address)


def test_relay_to_a_camera_that_is_not_there_closes_the_connection():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with (
        RtspRelay(CameraUrl.parse(f"rtsp://me:pw@127.0.0.1:{port}/"), 5.0) as relay,
        socket.create_connection(relay.address) as near,
    ):
        assert near.recv(1) == b""
