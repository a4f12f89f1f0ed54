from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from device.bench.record import Load, Moment
from device.bench.stability import LoadMonitor, disturbances, unsteady, warnings
from tests.device.bench.conftest import PI, QUIET, make_failure, make_result

ALONE = Load(other_cores=0.0, stolen_percent=0.0)


def moments(*changes: dict[str, object]) -> list[Moment]:
    return [
        Moment(elapsed_s=float(number), state=dataclasses.replace(QUIET, **change))
        for number, change in enumerate(changes)
    ]


def test_quiet_run_has_no_warnings():
    assert warnings(PI, [make_result()], moments({}, {}), ALONE) == ()


def test_rounds_that_disagree_are_counted_and_the_worst_named():
    results = [
        make_result(((10.0,), (10.4,))),
        make_result(((10.0,), (10.6,)), threads=2),
        make_result(((10.0,), (10.7,)), threads=3, frames_ms=((20.0,), (22.0,))),
    ]
    assert unsteady(results) == [
        "3 of 4 rows: the rounds' medians lie more than 5% apart, furthest in int8 in litert, "
        "3 threads, end to end (20.00 to 22.00 ms)"
    ]


def test_wide_spread_within_rounds_is_told():
    # Mean 10, deviations 2 and -2 in turns: sample deviation 2.1.
    wide = make_result(((8.0, 12.0) * 5, (8.0, 12.0) * 5))
    assert unsteady([wide, make_result()]) == [
        "1 of 2 rows: the standard deviation is more than 10% of the mean, most in "
        "int8 in litert, 1 thread (21%)"
    ]


def test_what_failed_has_nothing_to_be_unsteady():
    assert unsteady([make_failure()]) == []


@pytest.mark.parametrize("governor", ["ondemand", "schedutil", "powersave"])
def test_governor_that_changes_the_clock_is_told_with_the_command(governor):
    (said,) = disturbances(PI, moments({"governor": governor}, {}), ALONE)
    assert f"governor is {governor}, which" in said
    assert "echo performance | sudo tee" in said


def test_machine_without_a_governor_is_not_blamed():
    assert not disturbances(PI, moments({"governor": None}), ALONE)


@pytest.mark.parametrize(
    ("bits", "said"),
    [
        ((0x0, 0x4, 0x40000), "throttled"),  # during the run, over at its end
        ((0x0, 0x50000), "throttled, under-voltage"),  # between two looks
        ((0x80008, 0x80008), "soft temperature limit"),  # all along
        ((0x0, 0x20002), "clock capped"),
    ],
)
def test_throttling_during_the_run_is_told(bits, said):
    (found,) = disturbances(PI, moments(*({"throttled": value} for value in bits)), ALONE)
    assert f"held the processor back ({said})" in found


def test_throttling_before_the_run_is_none_of_its_business():
    assert not disturbances(PI, moments({"throttled": 0x50000}, {"throttled": 0x50000}), ALONE)


def test_other_programs_and_the_hypervisor_are_told():
    load = Load(other_cores=0.75, stolen_percent=3.0)
    assert disturbances(PI, moments({}), load) == [
        "other programs kept 0.75 of 4 cores busy",
        "the hypervisor gave 3.0 % of the time to other machines",
    ]
    unknown = Load(other_cores=None, stolen_percent=None)
    assert not disturbances(PI, moments({}), unknown)


def test_more_threads_than_cores_are_told():
    assert warnings(PI, [make_result(threads=8)], moments({}), ALONE) == (
        "there are 4 cores, fewer than threads (8)",
    )


def stat(folder, fields: str) -> None:
    (folder / "proc").mkdir(exist_ok=True)
    (folder / "proc" / "stat").write_text(f"cpu  {fields}\ncpu0 0 0 0 0\n")


def test_load_is_what_the_kernel_counted_less_our_own(tmp_path):
    # user nice system idle iowait irq softirq steal guest guest_nice, in hundredths of a second
    stat(tmp_path, "1000 0 0 0 0 0 0 0 0 0")
    monitor = LoadMonitor(tmp_path)
    stat(tmp_path, "100900 50 50 90000 5000 0 0 4000 0 0")
    load = monitor.load(1000.0)
    # 100000 - 0 hundredths busy in 1000 s are a core; 4000 of 199000 were stolen.
    assert load.other_cores == pytest.approx(1.0, abs=0.02)
    assert load.stolen_percent == 2.0


def test_machine_that_tells_nothing_has_no_load(tmp_path):
    assert LoadMonitor(tmp_path).load(1.0) == Load(other_cores=None, stolen_percent=None)


def test_work_of_children_is_our_own(tmp_path):
    stat(tmp_path, "0 0 0 0 0 0 0 0 0 0")
    monitor = LoadMonitor(tmp_path)
    code = "import time\nwhile time.process_time() < 1: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
    stat(tmp_path, "300 0 0 700 0 0 0 0 0 0")
    # Three seconds busy, one of them the child's.
    assert monitor.load(10.0).other_cores == pytest.approx(0.2, abs=0.03)
