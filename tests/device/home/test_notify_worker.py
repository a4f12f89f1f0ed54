"""Each test starts the real worker, with the real apprise, which takes a second or more."""

import email
import email.policy
from urllib.parse import unquote_plus

import pytest

from device.home.notification import Message
from device.home.notifier import send_in_child
from device.images import encode_jpeg
from tests.helpers.message_services import HOST, MailHandler, NtfyHandler, serving


@pytest.fixture(autouse=True)
def time_for_all(monkeypatch):
    """However busy this machine is with other work, which goes before a message."""
    monkeypatch.setattr("device.home.notifier.TIMEOUT_S", 600.0)


def test_message_and_picture_reach_ntfy_and_a_service_that_fails_is_named(tmp_path, noise):
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(encode_jpeg(noise))
    with serving(NtfyHandler) as good, serving(NtfyHandler, status=500) as bad:
        urls = (
            f"ntfy://{HOST}:{good.port}/good",
            f"ntfy://user:geheim@{HOST}:{bad.port}/bad",
            "nonsense://x",
        )
        message = Message(
            urls=urls, title="garden: cat", body="cat, 90% sure", picture=str(picture)
        )
        failures = send_in_child(message).failures
    assert good.received
    sent = [body for _, _, body in good.received]
    assert any(picture.read_bytes() in body for body in sent)
    assert "garden: cat" in unquote_plus(good.received[0][0]), "the title is in the query"
    assert sorted(failures) == [2, 3]
    assert "500" in failures[2]
    assert "geheim" not in failures[2]
    assert "no service that apprise knows" in failures[3]


def test_mail_arrives_with_its_picture(tmp_path, noise):
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(encode_jpeg(noise))
    with serving(MailHandler) as server:
        url = f"mailto://{HOST}:{server.port}?from=pi@home.test&to=me@home.test&mode=insecure"
        message = Message(
            urls=(url,), title="garden: cat", body="cat, 90% sure", picture=str(picture)
        )
        assert send_in_child(message).failures == {}
    (data,) = server.received
    mail = email.message_from_bytes(data, policy=email.policy.default)
    assert mail["Subject"] == "garden: cat"
    (attached,) = mail.iter_attachments()
    assert attached.get_content() == picture.read_bytes()


def test_message_without_a_title_is_checked_and_not_sent():
    with serving(NtfyHandler) as server:
        urls = (f"ntfy://{HOST}:{server.port}/topic", "nonsense://x")
        assert list(send_in_child(Message(urls=urls)).failures) == [2]
    assert server.received == []
