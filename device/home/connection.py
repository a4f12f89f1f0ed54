"""The connection to an MQTT broker: kept up by paho-mqtt's own thread, and never waited for.

Reports go out only while the broker takes them: of what it has not taken yet there are at most
:data:`MAX_UNDER_WAY`, so that a broker that is slow or hangs costs no memory.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from device.errors import UsageError
from device.home.broker import BrokerOptions, read_password
from device.home.discovery import OFFLINE
from device.system.closable import Closable

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessageInfo
    from paho.mqtt.reasoncodes import ReasonCode

KEEPALIVE_S = 15  # a broker that is silent for longer is taken for gone
CONNECT_TIMEOUT_S = 3.0
# Backoff: so that states are right within five seconds of a broker's return, though the attempt
# that just misses it lasts until its time is over.
FIRST_DELAY_S, LONGEST_DELAY_S = 1, 2
# A broker whose machine lost its power says nothing, and one that has come back only answers what
# it is sent. So TCP asks it every other second while nothing else goes there, and what it does not
# confirm for four seconds ends the connection.
IDLE_S, PROBE_EVERY_S, PROBES, UNCONFIRMED_S = 2, 1, 3, 4
RIVAL_DELAY_S = 30  # where another has the same id: each connection of one ends the other's
MAX_UNDER_WAY = 16
FAREWELL_S = 0.5
# That the broker is to send: anybody may publish 256 MB, and paho takes a packet whole. What this
# device told of itself in an earlier run is the longest that it reads again.
MOST_PACKET_BYTES = 1 << 20
MOST_REASONS = 5  # that are told of one loss
TOLD_EVERY_S = 60  # losses are told at most so often: a broker that hangs is lost again and again

# Source: MQTT Version 5.0, section 2.4.
MALFORMED, UNSUPPORTED_VERSION, BAD_USER, NOT_AUTHORIZED = 0x81, 0x84, 0x86, 0x87

Message = Callable[[str, bytes, bool], None]


class BrokerConnection(Closable):
    """A connection that is tried again until it is there, and again when it is lost.

    ``on_message`` is called with topic, payload, and whether it was retained, in paho's thread,
    as is ``on_connect``. ``say`` is told once why it is not there, and that it is back.
    """

    def __init__(
        self,
        options: BrokerOptions,
        will_topic: str,
        subscriptions: Sequence[str],
        on_connect: Callable[[], None],
        on_message: Message,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``clock`` tells seconds.

        Raises ``UsageError`` for a password or certificates that cannot be read.
        """
        self._options = options
        self._will_topic = will_topic
        self._subscriptions = subscriptions
        self._announce = on_connect
        self._hand_on = on_message
        self._say = say
        self._clock = clock
        self._told: set[str] = set()  # why it is not there, since it was
        self._quiet_until_s = 0.0
        self._lost_at_s = clock()
        self._was_there = False
        self._has_rival = False
        self._up = threading.Event()
        self._under_way: deque[MQTTMessageInfo] = deque()
        self._client = self._make_client()

    def _make_client(self) -> Client:
        from paho.mqtt.client import Client, MQTTv5
        from paho.mqtt.enums import CallbackAPIVersion

        options = self._options
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"liteberry-{options.device_id}",
            protocol=MQTTv5,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.reconnect_delay_set(FIRST_DELAY_S, LONGEST_DELAY_S)
        client.will_set(self._will_topic, OFFLINE, qos=1, retain=True)
        if options.user is not None:
            file = options.password_file
            client.username_pw_set(options.user, None if file is None else read_password(file))
        if options.tls:
            try:
                client.tls_set(None if options.ca_file is None else str(options.ca_file))
            except (OSError, ValueError) as exc:
                raise UsageError(
                    f"--mqtt-ca {options.ca_file}: no certificates in PEM can be read: {exc}"
                ) from exc
        client.on_socket_open = lambda _client, _data, opened: _notice_loss(opened)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def start(self) -> None:
        """Begin to connect; returns at once."""
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        options = self._options
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = MOST_PACKET_BYTES
        self._client.connect_async(
            options.host, options.port_used, KEEPALIVE_S, clean_start=True, properties=properties
        )
        self._client.loop_start()

    @property
    def is_up(self) -> bool:
        """Whether the broker is there."""
        return self._up.is_set()

    @property
    def takes_more(self) -> bool:
        """Whether the broker is there, and has taken most of what it was sent."""
        while self._under_way and _is_done(self._under_way[0]):
            self._under_way.popleft()
        return self.is_up and len(self._under_way) < MAX_UNDER_WAY

    def publish(self, topic: str, payload: bytes, *, retain: bool, qos: int = 0) -> None:
        """Send a message, where :attr:`takes_more`.

        States go with QoS 0: after a loss all of them are sent anew, and none that was stored
        meanwhile may come after a newer one.
        """
        self._under_way.append(self._client.publish(topic, payload, qos=qos, retain=retain))

    def avoid_rival(self) -> None:
        """Come back more slowly from now on: another has this id, and each ends the other."""
        if not self._has_rival:
            self._has_rival = True
            self._client.reconnect_delay_set(RIVAL_DELAY_S, RIVAL_DELAY_S)
            self._say(
                f"mqtt {self._options.address}: another run or device has the id "
                f"{self._options.device_id} too; give one of them another with --mqtt-id"
            )

    def close(self) -> None:
        """Say goodbye, for which there is half a second; may be called more than once.

        Where the broker does not confirm it in time, it is asked to publish the will instead.
        """
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.reasoncodes import ReasonCode

        code = ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message")
        if self.is_up:
            told = self._client.publish(self._will_topic, OFFLINE, qos=1, retain=True)
            deadline_s = time.monotonic() + FAREWELL_S
            while not _is_done(told) and time.monotonic() < deadline_s and self.is_up:
                threading.Event().wait(0.01)
            if _is_done(told):
                code = ReasonCode(PacketTypes.DISCONNECT, "Normal disconnection")
        self._up.clear()
        self._client.disconnect(code)
        # It waits for paho's thread, which may be within a connection attempt: not this one's time.
        ending = threading.Thread(target=self._client.loop_stop, name="mqtt end", daemon=True)
        ending.start()
        ending.join(FAREWELL_S)

    def _on_connect(
        self, client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if code.is_failure:
            self._tell_lost(_refusal(code.value, code.getName()))
            return
        for topic in self._subscriptions:
            client.subscribe(topic, qos=1)
        address = self._options.address
        if not self._was_there:
            self._say(f"mqtt {address}: connected, as {self._options.name}")
        elif self._told and not self._has_rival:
            self._say(f"mqtt {address}: back after {self._clock() - self._lost_at_s:.0f} s")
        self._was_there = True
        self._told.clear()
        self._up.set()
        self._announce()

    def _on_connect_fail(self, _client: Client, _data: Any) -> None:
        error = sys.exc_info()[1]  # this is called where it is handled
        self._tell_lost(_failure(error, self._options))
        if error is not None:  # whose frames hold a socket that paho left open
            traceback.clear_frames(error.__traceback__)

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if self._up.is_set():
            self._lost_at_s = self._clock()
        was_up = self._up.is_set()
        self._up.clear()
        if code.value == 0:
            return
        if was_up:
            self._tell_lost("the connection is lost")
        elif not self._told:
            self._tell_lost(_refusal(code.value, code.getName()))

    def _on_message(self, _client: Client, _data: Any, message: Any) -> None:
        self._hand_on(message.topic, message.payload, message.retain)

    def _tell_lost(self, why: str) -> None:
        if not self._told and self._was_there:
            if self._clock() < self._quiet_until_s:
                return  # told by the next attempt that fails after that
            self._quiet_until_s = self._clock() + TOLD_EVERY_S
        if why not in self._told and len(self._told) < MOST_REASONS and not self._has_rival:
            first = not self._told
            rest = "; the run goes on, and tries again until it is there" if first else ""
            self._say(f"mqtt {self._options.address}: {why}{rest}")
        self._told.add(why)


def _notice_loss(opened: Any) -> None:
    """Have the kernel end a connection to a machine that is gone without a word: tcp(7)."""
    if sys.platform == "linux":
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE_S)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_EVERY_S)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNCONFIRMED_S * 1000)


def _is_done(info: MQTTMessageInfo) -> bool:
    """Whether the broker has it, or it is lost."""
    try:
        return info.is_published()
    except (RuntimeError, ValueError):  # lost with the connection, or never taken
        return True


def _refusal(code: int, name: str) -> str:
    """Why the broker ends a connection, and what to do."""
    if code in (BAD_USER, NOT_AUTHORIZED):
        return "it refuses this user or password; see --mqtt-user and --mqtt-password-file"
    if code in (UNSUPPORTED_VERSION, MALFORMED):
        return "it does not speak MQTT 5; mosquitto does since 1.6"
    return f"the connection ended ({name}); is it a broker, and is --mqtt-tls right?"


def _failure(error: BaseException | None, options: BrokerOptions) -> str:
    """Why no connection came about, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if "mismatch" in error.verify_message or "not valid for" in error.verify_message:
            return (
                f"its certificate is for another name ({error.verify_message}); give the name on "
                "it to --mqtt-host"
            )
        return (
            f"its certificate is not trusted ({error.verify_message}); give the one that signed "
            "it to --mqtt-ca"
        )
    if options.tls and isinstance(error, ssl.SSLError | ConnectionResetError):
        reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        return f"no TLS there ({reason}); is {options.port_used} the port for TLS?"
    if isinstance(error, socket.gaierror):
        return f"no such host ({error.strerror}); is --mqtt-host right?"
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_TIMEOUT_S:g} s; is it on, and --mqtt-host right?"
    if isinstance(error, OSError):
        return f"{error.strerror or error}; does a broker run there, on this port?"
    return str(error)
