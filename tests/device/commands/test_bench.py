from __future__ import annotations

import json
import signal

import pytest

from device.bench.record import encode, read
from device.bundle.bundle import Bundle
from device.bundle.hashes import sha256_of
from device.inference.autotune import load_choice
from device.system.board import read_board
from tests.device.conftest import names_in
from tests.helpers.children import children_of, wait_until
from tests.helpers.device_command import finish, spawn

BRIEF = ("--variants", "int8", "--threads", 1, "--rounds", 2, "--warmups", 1, "--min-count", 3,
         "--min-time", 0.01)  # fmt: skip


@pytest.fixture(autouse=True)
def _state_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def change(path, edit) -> None:
    record = json.loads(path.read_text())
    edit(record)
    path.write_text(json.dumps(record))


def test_benchmark_is_shown_written_and_compared(device, small_bundle, tmp_path):
    old, page = tmp_path / "out" / "here.json", tmp_path / "page.html"
    ran = device(
        "bench", small_bundle, *BRIEF, "--source", "demo", "--sustained", 0.002, "--tune",
        "--interpreters", "litert",
        "--json", old, "--html", page,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    found = read(old)
    assert found.machine in ran.out
    assert "4 of 4 processes" in ran.err
    for warning in found.warnings:
        assert f"warning: {warning}" in ran.err
    (result,) = found.results
    assert (result.variant, result.interpreter, result.threads) == ("int8", "litert", 1)
    assert f"{result.invoke.median_ms:.2f}" in ran.out
    assert found.sustained.end_to_end
    assert page.read_text().startswith("<!DOCTYPE html>")

    # What was tuned is what detect will find.
    bundle = Bundle(small_bundle)
    assert load_choice(read_board(), bundle, "int8") == found.chosen["int8"]

    # The same again, held against times that nothing here can miss or reach.
    for factor, code, verdict in ((1000, 0, "faster"), (0.001, 1, "slower")):

        def scale(record, factor=factor):
            (one,) = record["results"]
            one["invoke"]["median_ms"] *= factor
            one["rounds_ms"] = [[ms * factor for ms in times] for times in one["rounds_ms"]]
            one["end_to_end"] = None

        other = tmp_path / f"{verdict}.json"
        other.write_bytes(encode(found))
        change(other, scale)
        ran = device("bench", small_bundle, *BRIEF, "--compare", other)
        assert ran.code == code, ran.err
        assert verdict in ran.out
    assert ran.error == (
        "error: 1 of 1 figures became worse by more than 5 %, the first: "
        "int8 in litert, 1 thread: invoke"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--variants", "int4"], "no variant 'int4'"),
        (["--variants", "int8,"], "an empty name"),
        (["--interpreters", "onnx"], "no interpreter is called 'onnx'"),
        (["--interpreters", "all,litert"], "no interpreter is called 'all'"),
        (["--threads", "1,0"], "--threads"),
        (["--threads", "1,many"], "--threads"),
        (["--min-time", "0"], "--min-time"),
        (["--sustained", "nan"], "--sustained"),
        (["--json", "x", "--html", "x"], "--compare and --source name the same file"),
    ],
)
def test_wrong_options_exit_with_2_and_say_why(device, small_bundle, options, said):
    ran = device("bench", small_bundle, *options)
    assert ran.code == 2
    assert said in ran.err
    assert ran.out == ""


def test_output_in_the_bundle_is_refused(device, small_bundle):
    ran = device("bench", small_bundle, "--json", small_bundle / "x.json")
    assert ran.code == 2
    assert "x.json lies in the bundle" in ran.error


def test_file_to_compare_with_is_read_before_anything_is_measured(device, small_bundle, tmp_path):
    (tmp_path / "old.json").write_text("{}")
    ran = device("bench", small_bundle, "--compare", tmp_path / "old.json")
    assert ran.code == 1
    assert "not what bench --json writes" in ran.error
    assert "rounds" not in ran.err


def test_nothing_in_common_with_the_old_figures_is_an_error(device, small_bundle, tmp_path):
    old = tmp_path / "old.json"
    assert device("bench", small_bundle, *BRIEF, "--rounds", 1, "--json", old).code == 0
    change(old, lambda record: record["results"][0].update(threads=7))
    ran = device("bench", small_bundle, *BRIEF, "--rounds", 1, "--compare", old)
    assert ran.code == 1
    assert "nothing was measured in both" in ran.error


def test_all_failing_is_an_error_that_is_written_too(device, bundle_copy, tmp_path):
    bundle_copy.replace("int8.tflite", b"rubbish")
    ran = device("bench", bundle_copy.folder, *BRIEF, "--json", tmp_path / "x.json")
    assert ran.code == 1
    assert "nothing could be measured" in ran.error
    assert "refuses int8.tflite" in ran.out
    assert "refuses int8.tflite" in read(tmp_path / "x.json").results[0].error


def test_paths_are_those_of_the_folder_it_is_typed_in(device, small_bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(small_bundle.parent)
    ran = device(
        "bench", "bundle", *BRIEF, "--rounds", 1, "--references", "--source", "bundle/samples",
        "--json", tmp_path / "x.json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    found = read(tmp_path / "x.json")
    (result,) = found.results
    assert found.settings.source == "bundle/samples"
    assert [other.error for other in result.references] == ["", ""]


def test_full_disk_leaves_the_figures_on_the_screen(device, small_bundle):
    ran = device("bench", small_bundle, *BRIEF, "--rounds", 1, "--json", "/proc/x.json")
    assert ran.code == 1
    assert "/proc/x.json: No such file or directory" in ran.error
    assert "int8     litert" in ran.out


def test_damaged_bundle_is_refused_before_anything_is_measured(device, bundle_copy):
    (bundle_copy.folder / "int8.tflite").write_bytes(b"damaged")
    ran = device("bench", bundle_copy.folder, *BRIEF)
    assert ran.code == 1
    assert "is damaged" in ran.error
    assert ran.out == ""


def test_interrupted_benchmark_leaves_nothing(small_bundle, tmp_path):
    (tmp_path / "out").mkdir()
    child = spawn(
        "bench", small_bundle, "--min-time", 30, "--variants", "int8",
        "--json", tmp_path / "out" / "x.json",
    )  # fmt: skip
    wait_until(lambda: child.poll() is not None or children_of(child.pid))
    child.send_signal(signal.SIGINT)
    ran = finish(child)
    assert ran.code == 130
    assert ran.err.splitlines()[-1] == "interrupted: nothing was left half-written"
    assert names_in(tmp_path / "out") == []


def test_bare_model_is_measured_as_detect_would_run_it(device, small_bundle, tmp_path):
    # Its folder has a manifest, which is not its own: that a bundle lies there must not matter.
    model = small_bundle / "int8.tflite"
    ran = device(
        "bench", model, "--anchors", small_bundle / "anchors.npy",
        "--labels", small_bundle / "labels.txt", "--source", small_bundle / "samples",
        "--interpreters", "litert", "--threads", 1, "--rounds", 1, "--warmups", 1,
        "--min-count", 3, "--min-time", 0.01, "--tune", "--json", tmp_path / "x.json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    found = read(tmp_path / "x.json")
    (result,) = found.results
    assert (found.model, result.error) == ("int8", "")
    assert result.end_to_end is not None
    assert found.bundle_sha256 == sha256_of(model)
    assert load_choice(read_board(), Bundle(small_bundle), result.variant) is None


def test_flags_of_a_bare_model_beside_a_bundle_are_wrong_usage(device, small_bundle):
    ran = device("bench", small_bundle, "--task", "detection")
    assert ran.code == 2
    assert "--task: for a bare .tflite" in ran.error
