"""Every command of docs/home-assistant.md, run as it stands there, on loopback."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import pytest

import device.cli
from device.home.broker import read_password
from tests.helpers.children import PATIENCE_S, wait_until
from tests.helpers.deploy_hosts import write_script
from tests.helpers.device_command import finish, spawn
from tests.helpers.live_page import Phone, visit
from tests.helpers.mqtt import listening, needs_mosquitto, running_broker
from tests.helpers.pages import Page, assert_settings_are_understood

PAGE = Page("home-assistant.md")
needs_clients = pytest.mark.skipif(
    not all(map(shutil.which, ("mosquitto_sub", "mosquitto_pub", "curl"))),
    reason="mosquitto_sub or curl is not installed (Debian: mosquitto-clients, curl)",
)


def run(command: str, **options: object) -> str:
    """What a command says, which must succeed."""
    done = subprocess.run(
        ["sh", "-euc", command],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        **options,
    )
    assert done.returncode == 0, done
    return done.stdout


@pytest.mark.parametrize("settings", PAGE.blocks("toml"))
def test_settings_are_understood(settings, tmp_path):
    assert_settings_are_understood(settings, tmp_path)


def test_password_is_written_for_the_service_and_nobody_else(tmp_path):
    (tmp_path / "liteberry").mkdir()
    write_script(tmp_path / "sudo", 'echo "$*" >>"$HOME/asked"')
    (lines,) = [block for block in PAGE.blocks("bash") if "mqtt.password" in block]
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    run(lines, env={**os.environ, "HOME": str(tmp_path), "PATH": path})
    file = tmp_path / "liteberry" / "mqtt.password"
    assert read_password(file) == "the password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == [f"chgrp liteberry {file}", "systemctl restart liteberry"]
    # Where the settings look for it, and in whose hands it is then.
    assert f'password_file = "/home/pi/{file.relative_to(tmp_path)}"' in PAGE.text


@needs_mosquitto
@needs_clients
def test_run_tells_a_broker_and_is_changed_by_it(tmp_path, bundle_dir):
    words = shlex.split(PAGE.command("python -m device detect"))[3:]
    bundle = Path("build/ssdlite_mobilenet_v2")
    words = [str(bundle_dir) if word == str(bundle) else word for word in words]
    with running_broker(tmp_path) as broker, listening(broker) as listener:
        child = spawn(*words, "--mqtt-port", broker.port)
        try:
            online = "/availability"
            wait_until(lambda: [name for name in list(listener.newest) if name.endswith(online)])
            base = next(t for t in listener.newest if t.endswith(online)).removesuffix(online)
            listener.expect(f"{base}{online}", b"online")
            introduced = f"homeassistant/device/{base.replace('/', '_')}/config"
            assert b'"Garden"' in listener.newest[introduced]

            lines = run(f"{PAGE.command('mosquitto_sub')} -p {broker.port} -C 5").splitlines()
            assert [line for line in lines if re.fullmatch(rf"{base}/\S+ \d+ bytes", line)] == lines

            threshold, pause = PAGE.commands_of("mosquitto_pub")
            for command, topic, state in (
                (threshold, "threshold", b"0.4"),
                (pause, "paused", b"ON"),
            ):
                assert listener.newest[f"{base}/{topic}"] != state
                run(f"{command.replace('liteberry/ID', base)} -p {broker.port}")
                listener.expect(f"{base}/{topic}", state)
        finally:
            child.send_signal(signal.SIGTERM)
            ran = finish(child)
        assert ran.code == 0, ran.err
        listener.expect(f"{base}{online}", b"offline")


@needs_clients
def test_test_message_is_sent_by_a_program(bundle_dir):
    phone = Phone()
    phone.answers.put({})
    with visit(bundle_dir, token="open-sesame", messages=phone) as page:
        page.until(lambda: page.pipeline.rate.stamps > 2)
        command = PAGE.command("curl").replace("TOKEN", "open-sesame")
        command = command.replace("raspberrypi.local:8080", page.host)
        said = run(f"{command} --silent --show-error")
    assert json.loads(said) == {"services": 1, "failures": {}}
    assert len(phone.pictures) == 1


def test_every_command_of_the_page_is_one_that_is_run_here():
    ran = ("python -m device detect", "mosquitto_", "curl ", "printf ", "chmod ", "sudo ")
    assert [line for line in PAGE.commands if not line.startswith(ran)] == []
