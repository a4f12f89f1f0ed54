from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from device.errors import UsageError
from device.home.broker import BrokerOptions
from device.home.connection import (
    CONNECT_TIMEOUT_S,
    FIRST_DELAY_S,
    LONGEST_DELAY_S,
    MAX_UNDER_WAY,
    BrokerConnection,
)
from tests.helpers.children import PATIENCE_S, wait_until
from tests.helpers.mqtt import (
    HOST,
    Broker,
    SilentBroker,
    listening,
    needs_mosquitto,
    running_broker,
)

WILL = "liteberry/abc/availability"


class Told(list):
    """What was said."""

    def wait_for(self, words: str) -> str:
        return wait_until(
            lambda: next((line for line in list(self) if words in line), None),
            f"{words!r} is not in {self}",
        )


@contextlib.contextmanager
def connecting(port, subscriptions=(), hear=lambda *_: None, host=HOST, **options):
    told = Told()
    connection = BrokerConnection(
        BrokerOptions(
            **{"host": host, "port": port, "device_id": "abc", "name": "garden"} | options
        ),
        WILL,
        subscriptions,
        lambda: None,
        hear,
        told.append,
    )
    with connection:
        connection.start()
        yield connection, told


@contextlib.contextmanager
def hanging_server():
    """One that takes a connection and never says or reads a word."""
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def broker(tmp_path):
    with running_broker(tmp_path) as broker:
        yield broker


@needs_mosquitto
def test_message_arrives_and_goodbye_is_said(broker):
    with listening(broker) as listener:
        with connecting(broker.port) as (connection, told):
            wait_until(lambda: connection.takes_more)
            connection.publish("liteberry/abc/fps", b"12.5", retain=True)
            listener.expect("liteberry/abc/fps", b"12.5")
        listener.expect(WILL, b"offline")
    assert told == [f"mqtt {HOST}:{broker.port}: connected, as garden"]


@needs_mosquitto
def test_goodbye_that_is_not_confirmed_is_left_to_the_will(broker, monkeypatch):
    class Unsent:
        def is_published(self) -> bool:
            return False

    with listening(broker) as listener, connecting(broker.port) as (connection, _):
        wait_until(lambda: connection.is_up)
        monkeypatch.setattr(connection._client, "publish", lambda *_, **__: Unsent())
        connection.close()
        listener.expect(WILL, b"offline")


@needs_mosquitto
def test_device_that_dies_is_offline_by_its_will(broker):
    with listening(broker) as listener, connecting(broker.port) as (connection, _):
        wait_until(lambda: connection.is_up)
        # As when it loses power: the connection breaks without a goodbye.
        connection._client.socket().shutdown(socket.SHUT_RDWR)
        listener.expect(WILL, b"offline")


@needs_mosquitto
def test_what_is_sent_to_it_is_heard(broker):
    heard = []
    with (
        listening(broker) as listener,
        connecting(broker.port, ["x/set"], lambda *message: heard.append(message)) as (
            connection,
            _,
        ),
    ):
        wait_until(lambda: connection.is_up)

        def is_heard() -> bool:
            listener.send("x/set", b"1")  # again: the broker may not know yet who wants it
            return bool(heard)

        wait_until(is_heard)
    assert set(heard) == {("x/set", b"1", False)}


@needs_mosquitto
def test_lost_broker_is_told_once_and_found_again(broker):
    with connecting(broker.port) as (connection, told):
        wait_until(lambda: connection.is_up)
        broker.stop()
        wait_until(lambda: not connection.is_up)
        told.wait_for("does a broker run there")
        broker.start()
        wait_until(lambda: connection.is_up)
        told.wait_for("back after")
    assert sum("tries again" in line for line in told) == 1


def test_broker_that_is_lost_again_and_again_is_told_once_a_minute():
    clock = SimpleNamespace(now_s=1000.0)
    said = []
    options = BrokerOptions(host=HOST, port=1, device_id="abc", name="garden")
    connection = BrokerConnection(
        options, WILL, (), lambda: None, lambda *_: None, said.append, lambda: clock.now_s
    )
    client, code = connection._client, SimpleNamespace(is_failure=False, value=0x80)

    def come_and_go() -> None:
        connection._on_connect(client, None, None, code, None)
        connection._on_disconnect(client, None, None, code, None)

    come_and_go()
    assert [line.partition(": ")[2] for line in said] == [
        "connected, as garden",
        "the connection is lost; the run goes on, and tries again until it is there",
    ]
    for _ in range(10):
        come_and_go()
        clock.now_s += 5
    assert [line.partition(": ")[2] for line in said[2:]] == ["back after 0 s"]
    clock.now_s += 10  # and one that stays away is told of, if later
    connection._tell_lost("nobody listens there")
    assert "nobody listens there" in said[-1]


def test_port_that_resets_what_does_not_begin_as_mqtt_does_is_told_of():
    """As mosquitto does."""
    said = []
    options = BrokerOptions(host=HOST, port=7, device_id="abc", name="garden", tls=True)
    connection = BrokerConnection(options, WILL, (), lambda: None, lambda *_: None, said.append)
    try:
        raise ConnectionResetError(104, "reset by peer")
    except OSError:
        connection._on_connect_fail(connection._client, None)
    assert "no TLS there" in said[0]
    assert "is 7 the port for TLS?" in said[0]


@needs_mosquitto
@pytest.mark.skipif(sys.platform != "linux", reason="these options are Linux's")
def test_machine_that_is_gone_without_a_word_is_noticed_within_seconds(broker):
    """What the kernel does with these is its own business, and tcp(7)'s."""
    with connecting(broker.port) as (connection, _):
        wait_until(lambda: connection.is_up)
        opened = connection._client.socket()
        assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        idle_s, every_s, probes, unconfirmed_ms = (
            opened.getsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_{name}"))
            for name in ("KEEPIDLE", "KEEPINTVL", "KEEPCNT", "USER_TIMEOUT")
        )
    assert idle_s + probes * every_s <= 5
    assert unconfirmed_ms <= 5000
    # An idle one is noticed when it is back by the next probe, and tried again a second later.
    assert idle_s + FIRST_DELAY_S < 5
    # An attempt that misses it by little ends with its time, and the next one follows.
    assert CONNECT_TIMEOUT_S - 1 + LONGEST_DELAY_S < 5  # its SYN is sent again after a second


@needs_mosquitto
def test_broker_that_comes_later_is_found(tmp_path):
    broker = Broker(tmp_path)
    with connecting(broker.port) as (connection, told):
        told.wait_for("Connection refused; does a broker run there, on this port?")
        broker.start()
        try:
            wait_until(lambda: connection.is_up)
        finally:
            broker.stop()


@pytest.fixture
def guarded_broker(tmp_path):
    passwords = tmp_path / "passwords"
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", passwords, "berry", "geheim"],
        check=True,
        timeout=PATIENCE_S,
    )
    passwords.chmod(0o600)
    with running_broker(tmp_path, "allow_anonymous false", f"password_file {passwords}") as broker:
        yield broker


@needs_mosquitto
def test_right_password_lets_in_and_a_wrong_one_is_told_once(guarded_broker, tmp_path):
    file = tmp_path / "password"
    file.write_text("wrong\n")
    login = {"user": "berry", "password_file": file}
    with connecting(guarded_broker.port, **login) as (connection, told):
        line = told.wait_for("refuses this user or password")
        assert "--mqtt-password-file" in line
        assert not connection.is_up
    assert len(told) == 1
    file.write_text("geheim\n")
    with connecting(guarded_broker.port, **login) as (connection, _):
        wait_until(lambda: connection.is_up)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A certificate that signs itself, for a host called broker.test."""
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=broker.test", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", folder / "key", "-out", folder / "crt"],
        check=True, capture_output=True, timeout=PATIENCE_S,
    )  # fmt: skip
    return folder


@pytest.fixture
def tls_broker(tmp_path, certificates):
    settings = (f"certfile {certificates / 'crt'}", f"keyfile {certificates / 'key'}")
    with running_broker(tmp_path, *settings) as broker:
        yield broker


@needs_mosquitto
def test_encrypted_connection_to_the_name_on_the_certificate(tls_broker, certificates):
    options = {"tls": True, "ca_file": certificates / "crt", "host": "localhost"}
    with connecting(tls_broker.port, **options) as (connection, _):
        wait_until(lambda: connection.is_up)


@needs_mosquitto
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")  # paho's
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"host": HOST}, "its certificate is for another name"),
        ({"host": "localhost", "ca_file": None}, "its certificate is not trusted"),
    ],
)
def test_certificate_that_does_not_fit_is_told_with_the_way_out(
    tls_broker, certificates, options, complaint
):
    options = {"tls": True, "ca_file": certificates / "crt"} | options
    with connecting(tls_broker.port, **options) as (connection, told):
        assert "--mqtt-" in told.wait_for(complaint)
        assert not connection.is_up
    assert len(told) == 1


@needs_mosquitto
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")  # paho's
def test_port_without_tls_is_told(broker):
    with connecting(broker.port, tls=True, host="localhost") as (_, told):
        told.wait_for("port")


def test_file_that_is_no_certificate_is_wrong_usage(tmp_path):
    file = tmp_path / "ca.crt"
    file.write_text("nothing")
    with (
        pytest.raises(UsageError, match="no certificates in PEM"),
        connecting(1, tls=True, ca_file=file),
    ):
        pass


def test_unknown_host_is_told():
    with connecting(1883, host="nobody.invalid") as (_, told):
        told.wait_for("no such host")


def test_server_that_says_nothing_is_waited_for_by_nobody():
    with hanging_server() as port, connecting(port) as (connection, told):
        assert not connection.takes_more
        assert not told


@pytest.fixture
def silent_broker():
    broker = SilentBroker()
    yield broker
    broker.close()


def test_broker_that_takes_nothing_is_sent_no_more_than_a_few(silent_broker):
    with connecting(silent_broker.port) as (connection, _):
        wait_until(lambda: connection.is_up)
        sent = 0
        while connection.takes_more:
            assert sent < 1000, "there is no bound"
            connection.publish("t", bytes(1_000_000), retain=False, qos=1)
            sent += 1
        assert sent == MAX_UNDER_WAY
        assert len(connection._under_way) == MAX_UNDER_WAY


def test_close_waits_for_no_broker_that_hangs(silent_broker):
    with connecting(silent_broker.port) as (connection, _):
        wait_until(lambda: connection.is_up)
        while connection.takes_more:
            connection.publish("t", bytes(1_000_000), retain=False, qos=1)
        began_s = time.monotonic()
        connection.close()
        # No measure of speed: a wait for the broker would have no end at all.
        assert time.monotonic() - began_s < PATIENCE_S
