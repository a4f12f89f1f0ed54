"""The examination: all checks, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from device.doctor.bundle import check_bundle
from device.doctor.camera import check_camera, check_camera_access, check_camera_in_use
from device.doctor.case import Case
from device.doctor.code import check_code
from device.doctor.edge_tpu import check_edge_tpu
from device.doctor.finding import Finding
from device.doctor.home import check_home
from device.doctor.network import check_port
from device.doctor.packages import (
    check_environment,
    check_interpreters,
    check_opencv,
    check_packages,
)
from device.doctor.power import check_governor, check_temperature, check_throttling
from device.doctor.storage import check_card, check_disk
from device.doctor.system import (
    check_clock,
    check_memory,
    check_memory_cgroup,
    check_processor,
    check_python,
    check_system,
)

Check = Callable[[Case], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    check_system,
    check_python,
    check_code,
    check_environment,
    check_packages,
    check_opencv,
    check_interpreters,
    check_camera,
    check_camera_access,
    check_camera_in_use,
    check_processor,
    check_governor,
    check_temperature,
    check_throttling,
    check_memory,
    check_memory_cgroup,
    check_disk,
    check_card,
    check_clock,
    check_port,
    check_home,
    check_edge_tpu,
    check_bundle,
)


def examine(case: Case) -> Iterator[Finding]:
    """Every finding, in the order of the checks; one check that fails does not end the others."""
    for check in CHECKS:
        try:
            yield from check(case)
        except Exception as exc:
            name = check.__name__[len("check_") :].replace("_", " ")
            yield Finding(name, "unknown", f"the check failed: {type(exc).__name__}: {exc}")
