from __future__ import annotations

import ast
import json
import os
import pty
import re
import subprocess
import sys

import pytest

from device.doctor.finding import VERDICTS
from tests.conftest import ROOT, run_module
from tests.device.conftest import cut
from tests.helpers.children import is_running, start, wait_until
from tests.helpers.old_pythons import find_python


def test_findings_come_as_json_and_decide_the_exit_code():
    done = run_module("device", "doctor", "--json", "--port", "54321")
    report = json.loads(done.stdout)
    assert done.returncode == (1 if report["counts"]["problem"] else 0), done.stderr
    assert report["verdict"] in VERDICTS
    checks = {finding["check"] for finding in report["findings"]}
    assert checks >= {"system", "python", "packages", "interpreters", "disk", "port", "clock"}
    assert "bundle" not in checks
    assert "54321" in done.stdout, "the port that was asked for"
    assert sum(report["counts"].values()) == len(report["findings"])


def test_damaged_bundle_exits_with_1_and_one_line(device, bundle_copy):
    cut(bundle_copy.folder / "labels.txt", 0.5)
    ran = device("doctor", bundle_copy.folder)
    assert ran.code == 1
    assert "X PROBLEM  bundle" in ran.out
    assert ran.out.splitlines()[-1].startswith("1 problem, ")
    assert ran.error == "error: a run would be stopped by: bundle"


@pytest.mark.parametrize("port", ["0", "65536", "x"])
def test_impossible_port_is_wrong_usage(device, port):
    assert device("doctor", "--port", port).code == 2


def test_own_process_imports_the_standard_library_alone():
    code = (
        "import sys\nfrom device.cli import main\nmain(['doctor', '--json'])\n"
        "print({name.split('.')[0] for name in sys.modules} - sys.stdlib_module_names)"
    )
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.')\n{code}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ast.literal_eval(done.stdout.splitlines()[-1]) == {"device", "__main__"}, done.stderr
    assert '"litert 2.' in done.stdout, "but its children find the packages"


def test_environment_without_any_package_is_told_what_it_lacks(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    command = [tmp_path / "bare/bin/python", "-m", "device", "doctor"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "numpy is not installed; msgspec is not installed" in done.stdout
    assert "bare/bin/python -m pip install" in done.stdout
    assert done.stderr == (
        "importing the packages\nerror: a run would be stopped by: packages, opencv, interpreters\n"
    )
    command = [tmp_path / "bare/bin/python", "-m", "device", "info", "x"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: No module named ")
    assert done.stderr.endswith("; what to install: python -m device doctor\n")


def test_ended_doctor_leaves_no_child_behind(tmp_path):
    package = tmp_path / "packages/ai_edge_litert"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    told = tmp_path / "pid"
    (package / "interpreter.py").write_text(
        f"import os, pathlib, time\npath = pathlib.Path({str(told)!r})\n"
        "path.with_suffix('.new').write_text(str(os.getpid()))\n"
        "path.with_suffix('.new').rename(path)\ntime.sleep(1000)\n"
    )
    with start(
        [sys.executable, "-m", "device", "doctor"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as doctor:
        wait_until(lambda: told.exists() or doctor.poll() is not None)
        doctor.terminate()
        out, err = doctor.communicate()
    assert (doctor.returncode, out) == (130, ""), err
    wait_until(lambda: not is_running(int(told.read_text())))


@pytest.mark.parametrize("version", ["3.9", "3.10"])
def test_doctor_says_what_an_old_python_is(version):
    command = [find_python(version), "-m", "device", "doctor"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "needs 3.11 or newer" in " ".join(done.stdout.split())
    assert done.stderr == "error: a run would be stopped by: python\n"


@pytest.mark.parametrize(
    ("version", "arguments"),
    [("2.7", ["doctor"]), ("3.8", ["doctor"]), ("3.9", ["detect", "x"]), ("3.10", [])],
)
def test_other_commands_say_in_a_line_that_python_is_too_old(version, arguments):
    command = [find_python(version), "-m", "device", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(
        rf"error: Python {version}\.\d+ is too old: liteberry needs 3\.11 or newer; "
        r"Raspberry Pi OS Bookworm has 3\.11, Trixie 3\.13\n",
        done.stderr,
    )


@pytest.mark.parametrize(("environment", "is_coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals(monkeypatch, environment, is_coloured):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        command = [sys.executable, "-m", "device", "doctor"]
        child = subprocess.Popen(command, cwd=ROOT, stdout=theirs, stderr=subprocess.DEVNULL)
        os.close(theirs)
        shown = b""
        with child:
            while True:
                try:
                    shown += terminal.read(4096)
                except OSError:  # how a terminal ends
                    break
    assert (b"\x1b[32m" in shown) == is_coloured
    assert b"could not be checked" in shown or b" ok" in shown
