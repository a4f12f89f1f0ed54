from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.cli import make_parser
from device.commands.camera_tables import cameras_of, named_after
from device.errors import UsageError

DOOR_AND_GARDEN = """
bundle = "bundle"
threshold = 0.4
log = "seen.csv"

[[camera]]
name = "door"
source = 0
classes = ["person", "cat"]
priority = 2
zones = "door.toml"

[[camera.zone]]
name = "step"
points = [[0, 0], [1, 0], [1, 1]]

[[camera]]
name = "back garden"
source = "rtsp://me:secret@camera/1"
threshold = 0.6
log = "garden.jsonl"
"""


@pytest.fixture
def cameras(tmp_path):
    """The cameras of a settings file with this text, and of flags."""

    def cameras(text, *flags):
        file = tmp_path / "settings.toml"
        file.write_text(text)
        words = ["detect", "--config", str(file), *flags]
        args = make_parser(words).parse_args(words)
        return cameras_of(args, args.parser)

    return cameras


def test_one_source_is_the_run_itself(cameras):
    (camera,) = cameras("", "bundle", "--source", "demo", "--log", "a.csv")
    assert (camera.source, camera.log, camera.name) == ("demo", Path("a.csv"), None)
    assert not hasattr(camera, "camera")


def test_table_sets_what_is_of_its_camera_alone(cameras):
    door, garden = cameras(DOOR_AND_GARDEN)
    assert (door.name, door.camera, door.source, door.priority) == ("door", "door", "0", 2)
    assert (door.classes, door.threshold) == (["person", "cat"], 0.4)
    assert door.tables["zone"][0]["name"] == "step"
    assert (garden.classes, garden.threshold, garden.priority) == (None, 0.6, 1)
    assert garden.tables == {}
    assert str(door.bundle) == str(garden.bundle) == "bundle"


def test_what_both_would_write_carries_their_names_and_what_one_says_stays(cameras):
    door, garden = cameras(DOOR_AND_GARDEN)
    assert (door.log, door.zones) == (Path("seen-door.csv"), Path("door.toml"))
    assert (garden.log, garden.zones) == (Path("garden.jsonl"), None)


def test_sources_that_are_typed_get_numbers_and_replace_the_tables(cameras):
    found = cameras(DOOR_AND_GARDEN, "--source", "demo", "--source", "demo")
    assert [(c.name, c.source, c.seed) for c in found] == [
        ("camera1", "demo", 0),
        ("camera2", "demo", 1),
    ]
    (one,) = cameras(DOOR_AND_GARDEN, "--source", "1")
    assert (one.source, one.log) == ("1", Path("seen.csv"))


def test_broker_sees_a_device_for_each_camera(cameras):
    head = 'bundle = "bundle"\n[mqtt]\nhost = "attic"\nid = "pi"\nname = "Pi"\n'
    tables = '[[camera]]\nname = "door"\nsource = 0\n[[camera]]\nname = "Tür"\nsource = 1\n'
    door, other = cameras(head + tables)
    assert (door.mqtt_id, door.mqtt_name) == ("pi-door", "Pi door")
    assert other.mqtt_id.startswith("pi-tur_")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            '[[camera]]\nname = "a"\nsource = 0\n[[camera]]\nname = "A"\nsource = 1\n',
            "cameras 1 and 2 are called a and A, which is one name for files: give each a name",
        ),
        (
            '[[camera]]\nsource = 0\n[[camera]]\nsource = "/dev/video0"\n',
            "cameras 1 and 2 are both /dev/video0: a source is read once",
        ),
        (
            '[[camera]]\nsource = "rtsp://me:secret@a/"\n[[camera]]\nsource = "rtsp://me:secret@a/"\n',
            r"cameras 1 and 2 are both rtsp://[^ ]*a/: a source is read once",
        ),
        (
            '[[camera]]\nsource = 0\nlog = "a"\n[[camera]]\nsource = 1\nlog = "a"\n',
            "cameras 1 and 2 both write --log a",
        ),
        ("[[camera]]\nsource = 0\nclases = 'cat'\n", "'clases'; did you mean classes"),
        ("[[camera]]\nsource = 0\nvariant = 'int8'\n", "'variant'; it holds for all cameras"),
        ("[[camera]]\nname = 'a'\n", "camera 1: source is missing"),
        ("[[camera]]\nsource = []\n", "camera 1: source is one text or number"),
        ("[[camera]]\nsource = [0, 1]\n", "camera 1: source is one text or number"),
        ("camera = []\n", "0 cameras: a run has 1 to 64"),
        pytest.param(
            "".join(f"[[camera]]\nsource = {number}\n" for number in range(65)),
            "65 cameras: a run has 1 to 64",
            id="many",
        ),
        ("[[camera]]\nsource = 0\nzone = 3\n", "zone is expected as tables"),
        ("[[camera]]\nsource = 0\n[[zone]]\nname = 'a'\n", r"of which camera is \[\[zone\]\]"),
        ("display = true\n[[camera]]\nsource = 0\n", "--display shows one camera"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_of_several_is_refused(cameras, text, complaint):
    with pytest.raises(UsageError, match=complaint) as refused:
        cameras(f'bundle = "bundle"\n{text}')
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "[[camera]]\nsource = 0\n[[camera]]\nsource = 1\nthreshold = 7\n",
            "camera 2: argument --threshold: 7 is not above 0",
        ),
        ("[[camera]]\nsource = 0\nwhen_moving = 1\n", "camera 1: when_moving = 1: true or false"),
        ("source = 1\n[[camera]]\nsource = 0\n", "source beside [[camera]]"),
        ("camera = 3\n", "camera is expected as tables"),
        ("", "--source SRC is missing"),
    ],
)
def test_value_that_is_none_is_wrong_usage(cameras, capsys, text, complaint):
    with pytest.raises(SystemExit) as ended:
        cameras(f'bundle = "bundle"\n{text}')
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_names_that_files_cannot_tell_apart_are_both_named(cameras):
    tables = "".join(f"[[camera]]\nname = '{name}'\nsource = 'demo'\n" for name in (".", "..."))
    with pytest.raises(UsageError, match=r"called \. and \.\.\., which is one name for files"):
        cameras(f"bundle = 'bundle'\n{tables}")


def test_sources_that_are_links_in_a_circle_are_two(cameras, tmp_path):
    one, other = tmp_path / "one.mp4", tmp_path / "other.mp4"
    one.symlink_to(other)
    other.symlink_to(one)
    text = f"bundle = 'bundle'\n[[camera]]\nsource = '{one}'\n[[camera]]\nsource = 'demo'\n"
    assert [camera.source for camera in cameras(text)] == [str(one), "demo"]


def test_printed_settings_of_several_cameras_are_read_again(cameras, capsys):
    with pytest.raises(SystemExit):
        cameras(DOOR_AND_GARDEN, "--print-config")
    door, garden = cameras(capsys.readouterr().out)
    assert (door.name, door.classes, garden.threshold) == ("door", ["person", "cat"], 0.6)
    assert door.tables["zone"][0]["points"] == [[0, 0], [1, 0], [1, 1]]
    with pytest.raises(SystemExit):
        cameras("", "bundle", "--source", "demo", "--print-config")
    assert 'source = "demo"\n' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("a/annotated/", "a/annotated-back_garden/"),
        ("video.mp4", "video-back_garden.mp4"),
        (Path("counts"), Path("counts-back_garden")),
        (Path("-"), Path("-")),
    ],
)
def test_name_goes_before_the_ending(path, named):
    assert named_after(path, "back garden") == named


@given(st.text(min_size=1, max_size=40))
def test_no_name_leaves_the_folder(name):
    assert Path(named_after(Path("a/seen.csv"), name)).parent == Path("a")
