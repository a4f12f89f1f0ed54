"""Services that messages are sent to, on loopback: ntfy's API over HTTP, and a mail server."""

from __future__ import annotations

import contextlib
import http.server
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

HOST = "127.0.0.1"


class NtfyHandler(http.server.BaseHTTPRequestHandler):
    """Keeps what is published, and answers with the server's status."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.received.append((self.path, dict(self.headers), body))
        answer = b"{}"
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_PUT = do_POST  # noqa: N815  # as the base class calls them

    def log_message(self, *_: Any) -> None:
        pass


class MailHandler(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs that delivers one mail."""

    def handle(self) -> None:
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline():
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.received.append(b"".join(lines))
            if line.upper().startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 test\r\n")


@contextlib.contextmanager
def serving(handler: type, status: int = 200) -> Iterator[Any]:
    """A server of ``handler`` whose ``received`` grows; ``port`` is where it listens."""
    server = socketserver.ThreadingTCPServer((HOST, 0), handler)
    server.daemon_threads = True
    server.received, server.status = [], status
    server.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
