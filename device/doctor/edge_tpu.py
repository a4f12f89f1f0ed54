"""Checks of a Coral Edge TPU: the device, the right to open it, its library and that one's version.

Of a machine that has none of it, and is asked about no model compiled for one, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from device.compiled_model import EDGE_TPU_LIBRARY, is_compiled_for_edge_tpu
from device.doctor.case import Case
from device.doctor.finding import Finding, Verdict
from device.doctor.groups import group_advice, is_in_group
from device.doctor.trial import try_library
from device.system.accelerators import Accelerator, edge_tpus, lacks_pcie_driver

CHECK = "edge tpu"
# Where packages put it; one elsewhere is named to a run with --delegate.
FOLDERS = ("usr/lib", "usr/lib/*-linux-gnu*", "usr/local/lib", "lib/*-linux-gnu*")
GET_LIBRARY = "install libedgetpu1-std as docs/coral.md says, then: sudo ldconfig"


def check_edge_tpu(case: Case) -> Iterator[Finding]:
    """Whether a model compiled for a Coral would run here."""
    wanted = case.bundle is not None and _holds_compiled(case.bundle)
    devices, lacks_driver = edge_tpus(case.root), lacks_pcie_driver(case.root)
    installed = any(any(case.root.glob(f"{folder}/{EDGE_TPU_LIBRARY}")) for folder in FOLDERS)
    if not (wanted or devices or lacks_driver or installed):
        return
    amiss: Verdict = "problem" if wanted else "warning"
    if lacks_driver:
        yield Finding(CHECK, amiss, "a Coral on PCIe has no driver", "sudo apt install gasket-dkms")
    elif not devices:
        yield Finding(
            CHECK,
            amiss,
            "no Coral is plugged in",
            "lsusb   # has 1a6e:089a or 18d1:9302 where one is; on PCIe lspci has 1ac1:089a",
        )
    for device in devices:
        yield _access(device, amiss)
    yield _library(amiss)


def _access(device: Accelerator, amiss: Verdict) -> Finding:
    if device.may_be_opened:
        return Finding(CHECK, "ok", device.name)
    if not device.node.exists():
        return Finding(
            CHECK,
            amiss,
            f"{device.name}, but {device.node} is not there",
            "give it to the container: docker run --device /dev/bus/usb ...",
        )
    if is_in_group(device.group):
        return Finding(
            CHECK,
            amiss,
            f"{device.name}: {device.node} may not be opened, though the group {device.group} may",
            "its udev rule is missing: install libedgetpu1-std again, and plug it in again",
        )
    what, mend = group_advice(device.group, "may open it")
    return Finding(CHECK, amiss, f"{device.name}: {what}", mend)


def _library(amiss: Verdict) -> Finding:
    attempt = try_library(EDGE_TPU_LIBRARY)
    if attempt.error is not None:
        return Finding(CHECK, amiss, f"{EDGE_TPU_LIBRARY}: {attempt.error}", GET_LIBRARY)
    runtime = attempt.facts.get("runtime")
    version = "which says no version" if runtime is None else f"runtime {runtime}"
    return Finding(CHECK, "ok", f"{EDGE_TPU_LIBRARY}, {version}")


def _holds_compiled(path: Path) -> bool:
    """Whether the bundle or model at ``path`` has a file compiled for an Edge TPU."""
    files = sorted(path.glob("*.tflite")) if path.is_dir() else [path]
    return any(is_compiled_for_edge_tpu(file) for file in files)
