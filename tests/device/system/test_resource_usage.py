from __future__ import annotations

import resource
import subprocess
import sys

from device.system.resource_usage import peak_rss_mb, rss_mb
from tests.conftest import ROOT


def test_memory_is_about_what_the_system_says():
    peak = peak_rss_mb()
    assert 10 < rss_mb() <= max(peak, peak_rss_mb()) * 1.01
    assert peak <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6 * 1.05


def test_memory_that_was_given_back_still_counts_for_the_peak():
    code = (
        "from device.system.resource_usage import *; before = rss_mb();"
        "x = b'x' * 200_000_000; del x;"
        "print(rss_mb() - before, peak_rss_mb() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    now, peak = map(float, done.stdout.split())
    assert now < 50
    assert 190 < peak < 250


def test_peak_is_of_this_process_not_of_the_one_that_started_it():
    code = """
import subprocess, sys
ballast = b"x" * 300_000_000
code = "from device.system.resource_usage import *; print(peak_rss_mb())"
subprocess.run([sys.executable, "-c", code])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 100


def test_proportional_memory_counts_what_is_shared_in_part():
    # Two processes that map the same 40 MB: half of it belongs to each.
    script = """
import mmap, os, signal
from device.system.resource_usage import pss_mb, rss_mb
shared = mmap.mmap(-1, 40_000_000)
shared.write(bytes(40_000_000))
alone = pss_mb()
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    shared[:]
    os.write(writing, b"x")
    signal.pause()
os.read(reading, 1)
print(alone - pss_mb(), alone <= rss_mb() * 1.01)
os.kill(child, signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    given_up_mb, less_than_resident = done.stdout.split()
    assert float(given_up_mb) >= 19
    assert less_than_resident == "True"
