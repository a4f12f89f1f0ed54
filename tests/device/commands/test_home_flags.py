from __future__ import annotations

import datetime

import pytest

from device.commands.config_file import ConfigurableParser
from device.commands.detect_flags import add_detect_flags
from device.commands.home_flags import MOST_CLASSES, broker_options, notify_options
from device.commands.scene_flags import TABLES
from device.errors import UsageError
from device.visits.plan import ScenePlan
from device.visits.rule import parse_rule

COCO = [*(f"class {number}" for number in range(20)), "person", "dog", "???", "cat"]


@pytest.fixture
def parse(tmp_path):
    parser = ConfigurableParser(prog="detect")
    add_detect_flags(parser)
    parser.add_config(TABLES)

    def parse(*flags: str, text: str = ""):
        file = tmp_path / "settings.toml"
        file.write_text(text)
        return parser.parse_args(["bundle", "--source", "demo", "--config", str(file), *flags])

    return parse


def test_without_a_host_there_is_no_broker(parse):
    assert broker_options(parse(), COCO) is None


def test_table_of_a_settings_file_says_all_of_it(parse, tmp_path):
    text = f"""
[mqtt]
host = "homeassistant.local"
port = 8884
user = "berry"
password_file = "{tmp_path / "password"}"
tls = true
name = "Garden"
id = "garden-1"
classes = ["dog"]
pictures = false
"""
    options = broker_options(parse(text=text), COCO)
    assert options.address == "homeassistant.local:8884"
    assert (options.user, options.password_file) == ("berry", tmp_path / "password")
    assert options.tls
    assert (options.name, options.device_id, options.classes) == ("Garden", "garden-1", ["dog"])
    assert not options.pictures


def test_device_is_named_after_its_host_unless_it_is_given_a_name(parse, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "garden.local")
    assert broker_options(parse("--mqtt-host", "attic"), COCO).name == "garden"


@pytest.mark.parametrize(
    ("flags", "labels", "expected"),
    [
        (["--classes", "cat"], COCO, ("cat",)),
        (["--on", "dog", "--record", "5"], COCO, ("dog",)),
        (["--classes", "cat", "--mqtt-classes", "dog"], COCO, ("dog",)),
        ([], COCO, ("person", "cat", "dog")),
        ([], ["ace", "king"], ("ace", "king")),
        ([], [f"card {n}" for n in range(20)], tuple(f"card {n}" for n in range(MOST_CLASSES))),
    ],
)
def test_classes_are_those_asked_for_else_a_few(parse, flags, labels, expected, capsys):
    options = broker_options(parse("--mqtt-host", "attic", *flags), labels)
    assert tuple(options.classes) == expected


def test_classes_that_were_chosen_by_nobody_are_told(parse, capsys):
    broker_options(parse("--mqtt-host", "attic"), COCO)
    assert "person, cat, dog are reported; others with --mqtt-classes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--mqtt-host", "attic", "--mqtt-classes", "unicorn"], "unicorn"),
        (["--mqtt-host", "attic", "--mqtt-id", "a/b"], "letters, digits"),
        (["--mqtt-user", "berry"], "which broker is meant"),
        (["--mqtt-host", "mqtt://attic"], "a name or an address"),
    ],
)
def test_flags_that_cannot_be_meant_are_wrong_usage(parse, flags, complaint):
    with pytest.raises(UsageError, match=complaint):
        broker_options(parse(*flags), COCO)


@pytest.mark.parametrize("port", ["0", "65536", "a"])
def test_port_that_is_none_is_wrong_usage(parse, port, capsys):
    with pytest.raises(SystemExit):
        parse("--mqtt-host", "attic", "--mqtt-port", port)
    assert "--mqtt-port" in capsys.readouterr().err


def test_messages_are_asked_for_in_a_settings_file(parse):
    text = """
notify = ["ntfy://host/topic", "mailto://a:b@c.test"]
notify_on = ["cat"]
notify_quiet = "22:00-07:00"
[mqtt]
name = "Garden"
"""
    args = parse(text=text)
    options = notify_options(args, COCO, None)
    assert options.urls == ["ntfy://host/topic", "mailto://a:b@c.test"]
    assert (options.name, options.on, options.cooldown_s) == ("Garden", ["cat"], 300.0)
    assert options.quiet.holds(datetime.time(23, 0))


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--notify-on", "cat"], "where are the messages to go"),
        (["--notify", "ntfy://host/topic"], "--notify-on person"),
        (["--notify", "ntfy://host/topic", "--notify-on", "unicorn"], "unicorn"),
    ],
)
def test_messages_that_cannot_be_meant_are_wrong_usage(parse, flags, complaint):
    with pytest.raises(UsageError, match=complaint):
        notify_options(parse(*flags), COCO, None)


def test_quiet_hours_that_are_none_are_wrong_usage(parse, capsys):
    with pytest.raises(SystemExit):
        parse("--notify", "ntfy://host/topic", "--notify-quiet", "night")
    assert "night is not from when to when, such as 22:00-07:00" in capsys.readouterr().err


def test_rule_is_an_occasion_by_its_name(parse):
    plan = ScenePlan(rules=(parse_rule("crowd", "door: more than 2"),))
    args = parse("--notify", "ntfy://host/topic", "--notify-on", "crowd,cat")
    assert notify_options(args, COCO, plan).on == ["crowd", "cat"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--name", "till 2"), "till 2"),
        (("--name", "till 2", "--mqtt-name", "Garden / left"), "Garden / left"),
    ],
)
def test_messages_and_mqtt_call_the_device_alike(parse, flags, expected):
    args = parse(
        "--notify", "ntfy://h/t", "--notify-on", "cat", "--mqtt-host", "broker.test", *flags
    )
    messages, broker = notify_options(args, COCO, None), broker_options(args, COCO)
    assert messages is not None
    assert broker is not None
    assert (messages.name, broker.name) == (expected, expected)
