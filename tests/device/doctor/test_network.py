from __future__ import annotations

import socket

from device.doctor.network import check_port
from tests.device.doctor.conftest import of, only


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_free_port_is_ok(tmp_path):
    port = free_port()
    finding = only(check_port(of(tmp_path, port=port)))
    assert (finding.verdict, finding.found) == ("ok", f"{port} is free for the live page")


def test_port_that_another_program_serves_is_a_warning_that_names_the_command(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        finding = only(check_port(of(tmp_path, port=port)))
    assert finding.verdict == "warning"
    assert finding.found == f"{port} is taken: the live page needs another"
    assert finding.mend == f"sudo ss -ltnp 'sport = :{port}'"


def test_port_that_may_not_be_used_is_told_with_the_reason(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    finding = only(check_port(of(tmp_path, port=80)))
    assert finding.found.startswith("80 may not be used (Permission denied)")
