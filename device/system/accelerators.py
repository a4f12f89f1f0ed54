"""Accelerators: the Coral Edge TPUs of this machine, and what keeps this user from them.

Read from the kernel's lists, nothing is opened. The doctor reads this too: standard library alone,
and what Python 3.9 can import.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from device.system.board import HERE, read_text

# Vendor and product on USB: as it is plugged in, and once libedgetpu has sent it its firmware.
USB_IDS = (("1a6e", "089a"), ("18d1", "9302"))
PCI_ID = ("0x1ac1", "0x089a")
# Groups that libedgetpu's and the driver's udev rules give the device nodes to.
USB_GROUP, PCI_GROUP = "plugdev", "apex"


class Accelerator(NamedTuple):
    """A Coral device that a program can open."""

    name: str
    node: Path
    group: str

    @property
    def may_be_opened(self) -> bool:
        """Whether this user may."""
        return os.access(self.node, os.R_OK | os.W_OK)


def edge_tpus(root: Path = HERE) -> list[Accelerator]:
    """The Edge TPUs that have a device node."""
    found = []
    for entry in sorted((root / "sys/bus/usb/devices").glob("*")):
        ids = read_text(entry / "idVendor").strip(), read_text(entry / "idProduct").strip()
        numbers = [read_text(entry / name).strip() for name in ("busnum", "devnum")]
        if ids in USB_IDS and all(number.isdecimal() for number in numbers):
            bus, device = map(int, numbers)
            node = root / f"dev/bus/usb/{bus:03}/{device:03}"
            name = f"Coral USB Accelerator ({':'.join(ids)}, port {entry.name})"
            found.append(Accelerator(name, node, USB_GROUP))
    nodes = sorted((root / "dev").glob("apex_*"))
    on_pcie = [Accelerator(f"Coral on PCIe (/dev/{node.name})", node, PCI_GROUP) for node in nodes]
    return found + on_pcie


def lacks_pcie_driver(root: Path = HERE) -> bool:
    """Whether an Edge TPU is on the PCIe bus that no driver gave a device node."""
    if any((root / "dev").glob("apex_*")):
        return False
    return any(
        (read_text(entry / "vendor").strip(), read_text(entry / "device").strip()) == PCI_ID
        for entry in (root / "sys/bus/pci/devices").glob("*")
    )


def what_edge_tpu_needs(root: Path = HERE) -> str:
    """What keeps a program from the Edge TPU here, and the next step, in words."""
    devices = edge_tpus(root)
    if devices and any(device.may_be_opened for device in devices):
        return (
            f"{devices[0].name} is there: end what else uses it, unplug it and plug it in again, "
            "or get a library built for this interpreter"
        )
    if devices:
        return (
            f"{devices[0].name} is there, but this user may not open it: "
            f"sudo usermod -aG {devices[0].group} $USER, then log in again"
        )
    if lacks_pcie_driver(root):
        return "a Coral on PCIe is there without a driver: sudo apt install gasket-dkms"
    return "no Coral Edge TPU is plugged in here"
