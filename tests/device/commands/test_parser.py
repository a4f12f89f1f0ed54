import pytest

from device.cli import make_parser
from device.commands.parser import StrictParser

DETECT = ("detect", "bundle", "--source", "demo")


def refusal(capsys, *words: str) -> str:
    """The one line that the command line ends with, without its ``error: ``."""
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args(words)
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err.removeprefix("error: ").strip()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((*DETECT, "--treshold", "0.5"), "--treshold; did you mean --threshold?"),
        ((*DETECT, "--variants=int8"), "--variants; did you mean --variant?"),
        (
            (*DETECT, "--conf", "0.5"),
            "--conf; did you mean --config, or --threshold, the least score?",
        ),
        ((*DETECT, "--iou", "0.5"), "--iou: how far boxes may overlap is part of the model; see"),
        ((*DETECT, "--max-det", "5"), "--max-det; did you mean --max-detections?"),
        ((*DETECT, "-source"), "-source; did you mean --source?"),
        ((*DETECT, "--zzz"), "--zzz; see python -m device detect --help"),
        # A flag that is required is not said to be missing where it is misspelt.
        (("detect", "bundle", "--sorce", "demo"), "--sorce; did you mean --source?"),
    ],
)
def test_unknown_flag_names_the_nearest_one(capsys, words, expected):
    assert refusal(capsys, *words).startswith(f"unrecognized argument {expected}")


def test_refusal_says_where_the_flags_are_listed(capsys):
    assert refusal(capsys, *DETECT, "--sizes", "9").endswith("? See python -m device detect --help")


@pytest.mark.parametrize("flag", ["--thresh", "--sourc", "--print-c", "--deb"])
def test_beginning_of_a_flag_is_not_that_flag(capsys, flag):
    assert f"unrecognized argument {flag}; did you mean --" in refusal(capsys, *DETECT, flag, "1")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("detcet",), "did you mean detect?"),
        ((*DETECT, "--interpreter", "tflite"), "did you mean tflite-runtime?"),
        ((*DETECT, "--flip", "horizontaly"), "did you mean horizontal?"),
        ((*DETECT, "--flip", "up"), "up is none of horizontal, vertical, both; see"),
        ((*DETECT, "--rotate", "45"), "45 is none of 0, 90, 180, 270; see"),
    ],
)
def test_value_that_is_no_choice_names_the_nearest_one(capsys, words, expected):
    assert expected in refusal(capsys, *words)


@pytest.mark.parametrize(
    ("value", "expected"), [("50", "did you mean 0.5?"), ("7.5", "did you mean 0.075?")]
)
def test_threshold_in_percent_is_answered_with_the_share(capsys, value, expected):
    said = refusal(capsys, *DETECT, "--threshold", value)
    assert f"{value} is not above 0 and at most 1; {expected}" in said


@pytest.mark.parametrize(
    ("value", "meant"), [("0,5", "0.5"), ("50%", "0.5"), ("7.5%", "0.075"), (",4", "0.4")]
)
def test_threshold_as_it_is_written_elsewhere_is_answered_with_the_number(capsys, value, meant):
    said = refusal(capsys, *DETECT, "--threshold", value)
    assert f"{value} is not a number; did you mean {meant}?" in said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "COMMAND is missing: detect, info, bench, doctor, events, hub, verify; see"),
        (("detect", "bundle"), "--source SRC is missing: picamera, the number of a USB camera, "),
        (("verify",), "BUNDLE is missing: folder made by convert build; see"),
    ],
)
def test_missing_argument_says_what_it_is(capsys, words, expected):
    assert refusal(capsys, *words).startswith(expected)


def test_pattern_that_the_shell_took_apart_says_that_it_wants_quotes(capsys):
    said = refusal(capsys, "detect", "bundle", "--source", "a.jpg", "b.jpg", "c.jpg")
    assert said.startswith("unrecognized arguments b.jpg c.jpg: behind --source comes one name, ")
    assert "a pattern in quotes" in said


@pytest.mark.parametrize("value", ["-1", "0", "101"])
def test_threshold_that_is_no_percentage_gets_no_guess(capsys, value):
    said = refusal(capsys, *DETECT, "--threshold", value)
    assert "is not above 0 and at most 1; see" in said


def test_values_that_look_like_flags_to_nobody_but_a_reader_are_taken():
    parser = StrictParser(prog="run")
    parser.add_argument("--run")
    parser.add_argument("--mean", type=float)
    parser.add_argument("files", nargs="*")
    args = parser.parse_args(["--run", "--loud now", "--mean", "-1.5", "-", "--", "--not-a-flag"])
    assert (args.run, args.mean) == ("--loud now", -1.5)
    assert args.files == ["-", "--not-a-flag"]


def test_parser_of_one_command_names_the_nearest_flag_too(capsys):
    parser = StrictParser(prog="run")
    parser.add_argument("--update", action="store_true")
    with pytest.raises(SystemExit):
        parser.parse_args(["--updat"])
    assert "did you mean --update? See run --help" in capsys.readouterr().err
