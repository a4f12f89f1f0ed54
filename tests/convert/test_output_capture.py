import subprocess
import sys

from tests.conftest import ROOT

TALKATIVE = """
import os, sys
from convert.output_capture import quiet
print("before", flush=True)
try:
    with quiet({debug}):
        print("python")
        os.write(1, b"C++ out\\n")
        os.write(2, b"C++ err\\n")
        {inside}
except ZeroDivisionError:
    pass
print("after", flush=True)
print("error", file=sys.stderr, flush=True)
"""


def run(debug, inside="pass"):
    code = TALKATIVE.format(debug=debug, inside=inside)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    return done.stdout.split("\n"), done.stderr.split("\n")


def test_output_of_python_and_of_cpp_is_swallowed():
    assert run(False) == (["before", "after", ""], ["error", ""])


def test_streams_come_back_after_an_exception():
    assert run(False, "1 / 0") == (["before", "after", ""], ["error", ""])


def test_debug_lets_everything_through():
    out, err = run(True)
    assert "C++ out" in out
    assert "C++ err" in err
