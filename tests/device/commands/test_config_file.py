import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.commands.argument_types import comma_list
from device.commands.config_file import ConfigurableParser


def make_parser() -> ConfigurableParser:
    parser = ConfigurableParser(prog="run")
    parser.add_argument("model", nargs="?", metavar="MODEL")
    parser.add_argument("--source", required=True)
    parser.add_argument("-t", "--threshold", type=float)
    parser.add_argument("--classes", type=comma_list)
    parser.add_argument("--size", type=lambda text: tuple(map(int, text.split("x"))))
    parser.add_argument("--when-moving", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--broker-host")
    parser.add_argument("--tell", action="append")
    parser.add_config()
    return parser


@pytest.fixture
def parse(tmp_path):
    """Parse flags after a config file with this text; returns the namespace."""

    def parse(text: str, *flags: str) -> argparse.Namespace:
        file = tmp_path / "run.toml"
        file.write_text(text)
        return make_parser().parse_args(["--config", str(file), *flags])

    return parse


FULL = """
model = "bundle"
source = "rtsp://camera/?a=1"
threshold = 0.25
classes = ["person", "traffic light"]
size = "640x480"
when_moving = true
"""


def test_file_sets_every_kind_of_flag(parse):
    args = parse(FULL)
    assert args.model == "bundle"
    assert args.source == "rtsp://camera/?a=1"
    assert args.threshold == 0.25
    assert args.classes == ["person", "traffic light"]
    assert args.size == (640, 480)
    assert args.when_moving is True


def test_flag_wins_over_file(parse):
    args = parse(FULL, "other", "--threshold", "0.5", "--no-when-moving", "--classes", "cat")
    assert (args.model, args.threshold, args.when_moving) == ("other", 0.5, False)
    assert args.classes == ["cat"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("treshold = 0.5", "no setting is called 'treshold'"),
        ("help = true", "no setting is called 'help'"),
        ("when_moving = 1", "true or false is expected"),
        ("threshold = true", "a number or text is expected"),
        ("[threshold]\nx = 1", "a number or text is expected"),
        ("threshold = 'high'", "argument -t/--threshold: invalid float value: 'high'"),
        ('source = "a\\u0000b"', "a character of number zero"),
        ('[[zone]]\npoints = [["a\\u0000b"]]', "a character of number zero"),
        ('[[zone]]\n"a\\u0000b" = 1', "a character of number zero"),
        ("threshold 0.5", "is not TOML"),
        pytest.param(f"threshold = {'9' * 5000}", "is not TOML", id="digits"),
        pytest.param(f"a = {'[' * 9000}", "is not TOML: more than 32 levels deep", id="deep"),
        ("threshold = 0.5", "--source is missing; see"),
        ("source = 'demo'", "MODEL is missing"),
    ],
)
def test_bad_file_is_wrong_usage_and_says_where(parse, capsys, text, complaint):
    with pytest.raises(SystemExit) as ended:
        parse(text)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_missing_file_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args(["--config", "/nowhere.toml"])
    assert ended.value.code == 2
    assert "/nowhere.toml: No such file" in capsys.readouterr().err


@given(
    source=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
        lambda text: not text.startswith("~/")  # which a file may have, and a run has not
    ),
    threshold=st.floats(0, 1),
    moving=st.booleans(),
)
def test_printed_settings_read_back_as_they_were(tmp_path_factory, source, threshold, moving):
    folder = tmp_path_factory.mktemp("config")
    given = ["m", f"--source={source}", f"--threshold={threshold!r}", "--size=3x4"]
    given += ["--when-moving"] if moving else []
    parser = make_parser()
    before = parser.parse_args(given)
    file = folder / "printed.toml"
    file.write_text(parser._as_toml(before), "utf-8")
    after = make_parser().parse_args(["--config", str(file)])
    assert vars(after) | {"config": None} == vars(before)


def test_text_that_only_spells_number_zero_is_a_text(parse):
    assert parse("model = 'm'\nsource = 'a\\u0000b'\n").source == "a\\u0000b"


def test_print_config_prints_and_ends(capsys):
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args(["m", "--source", "demo", "--print-config"])
    assert not ended.value.code
    assert capsys.readouterr().out == 'model = "m"\nsource = "demo"\nwhen_moving = false\n'


def test_setting_in_a_table_is_named_after_it(parse):
    args = parse("source = 'demo'\nmodel = 'bundle'\n[broker]\nhost = 'attic'\n")
    assert args.broker_host == "attic"


def test_unknown_setting_in_a_table_is_wrong_usage(parse, capsys):
    with pytest.raises(SystemExit):
        parse("source = 'demo'\nmodel = 'bundle'\n[broker]\nhots = 'attic'\n")
    assert "no setting is called 'broker_hots'; did you mean" in capsys.readouterr().err


def test_flag_that_may_be_given_often_takes_each_of_a_list(parse):
    args = parse("source = 'demo'\nmodel = 'bundle'\ntell = ['a,b', 'c']\n", "--tell", "d")
    assert args.tell == ["a,b", "c", "d"]


def test_printed_settings_of_a_flag_given_often_are_read_again(parse, capsys):
    with pytest.raises(SystemExit):
        parse("source = 'demo'\nmodel = 'bundle'\ntell = ['a,b', 'c']\n", "--print-config")
    assert parse(capsys.readouterr().out).tell == ["a,b", "c"]


def test_names_of_a_list_may_have_commas_and_are_printed_so(parse, capsys):
    settings = "source = 'demo'\nmodel = 'b'\nclasses = ['orange, blood', 'cat']\n"
    assert parse(settings).classes == ["orange, blood", "cat"]
    with pytest.raises(SystemExit):
        parse(settings, "--print-config")
    assert parse(capsys.readouterr().out).classes == ["orange, blood", "cat"]


def test_tilde_that_no_shell_has_read_is_the_users_folder(parse, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert parse("source = '~/a.mp4'\nmodel = '~x'").source == "/home/me/a.mp4"
    assert parse("source = '~/say.py //b'\nmodel = '~x'").source == "/home/me/say.py //b"
    assert parse("source = 'a~/b'\nmodel = '~x'").model == "~x"


PLAN = """
source = "demo"

[[zone]]
name = "till 1"
points = [[0, 0], [0.5, 0], [0.5, 1.0]]
threshold = {person = 0.5, "hot dog" = 0.6}
queue = true

[[zone]]
name = "yard"
"""


def make_scene_parser() -> ConfigurableParser:
    parser = ConfigurableParser(prog="run")
    parser.add_argument("--source", required=True)
    parser.add_config(["zone", "line"])
    return parser


def test_tables_of_a_file_are_passed_on_unchecked_and_printed_again(tmp_path, capsys):
    file = tmp_path / "run.toml"
    file.write_text(PLAN)
    tables = make_scene_parser().parse_args(["--config", str(file)]).tables
    first, second = tables["zone"]
    assert first["points"][2] == [0.5, 1.0]
    assert first["threshold"] == {"person": 0.5, "hot dog": 0.6}
    assert second == {"name": "yard"}
    with pytest.raises(SystemExit):
        make_scene_parser().parse_args(["--config", str(file), "--print-config"])
    file.write_text(capsys.readouterr().out)
    assert make_scene_parser().parse_args(["--config", str(file)]).tables == tables


def test_run_without_a_file_has_no_tables():
    assert make_scene_parser().parse_args(["--source", "demo"]).tables == {}


@pytest.mark.parametrize("text", ["zone = 3", "zone = [1]", "[zone]\nname = 'a'"])
def test_what_is_no_array_of_tables_is_refused(tmp_path, capsys, text):
    file = tmp_path / "run.toml"
    file.write_text(text)
    with pytest.raises(SystemExit):
        make_scene_parser().parse_args(["--config", str(file), "--source", "demo"])
    assert "zone is expected as tables, each under [[zone]]" in capsys.readouterr().err


def test_table_of_another_name_is_no_setting(parse, capsys):
    with pytest.raises(SystemExit):
        parse('source = "demo"\n[[zone]]\nname = "a"')
    assert "no setting is called 'zone'" in capsys.readouterr().err
