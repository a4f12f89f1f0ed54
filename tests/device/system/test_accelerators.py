from __future__ import annotations

import os
from pathlib import Path

import pytest

from device.system.accelerators import edge_tpus, lacks_pcie_driver, what_edge_tpu_needs


def plug_in(root: Path, ids: tuple[str, str], port: str = "2-1", number: str = "5") -> Path:
    """A device on USB, as the kernel lists it; returns its node."""
    entry = root / "sys/bus/usb/devices" / port
    entry.mkdir(parents=True)
    texts = {"idVendor": ids[0], "idProduct": ids[1], "busnum": "2", "devnum": number}
    for name, text in texts.items():
        (entry / name).write_text(f"{text}\n")
    node = root / f"dev/bus/usb/002/{int(number):03}"
    node.parent.mkdir(parents=True, exist_ok=True)
    node.touch()
    return node


def put_on_pcie(root: Path) -> None:
    entry = root / "sys/bus/pci/devices/0000:01:00.0"
    entry.mkdir(parents=True)
    (entry / "vendor").write_text("0x1ac1\n")
    (entry / "device").write_text("0x089a\n")


@pytest.mark.parametrize("ids", [("1a6e", "089a"), ("18d1", "9302")])
def test_coral_on_usb_is_found_before_and_after_its_firmware(tmp_path, ids):
    node = plug_in(tmp_path, ids)
    (device,) = edge_tpus(tmp_path)
    assert (device.node, device.group) == (node, "plugdev")
    assert "port 2-1" in device.name
    assert device.may_be_opened
    assert "unplug it and plug it in again" in what_edge_tpu_needs(tmp_path)


def test_other_devices_on_usb_are_none(tmp_path):
    plug_in(tmp_path, ("046d", "0825"))
    assert edge_tpus(tmp_path) == []
    assert what_edge_tpu_needs(tmp_path) == "no Coral Edge TPU is plugged in here"


def test_number_that_is_none_is_no_path(tmp_path):
    plug_in(tmp_path, ("1a6e", "089a"))
    (tmp_path / "sys/bus/usb/devices/2-1/devnum").write_text("../../../etc/passwd")
    assert edge_tpus(tmp_path) == []


def test_coral_on_pcie_is_found_by_its_node(tmp_path):
    put_on_pcie(tmp_path)
    assert lacks_pcie_driver(tmp_path)
    assert "gasket-dkms" in what_edge_tpu_needs(tmp_path)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/apex_0").touch()
    (device,) = edge_tpus(tmp_path)
    assert (device.node, device.group) == (tmp_path / "dev/apex_0", "apex")
    assert not lacks_pcie_driver(tmp_path)


def test_device_that_may_not_be_opened_names_the_group(tmp_path, monkeypatch):
    plug_in(tmp_path, ("18d1", "9302"))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "sudo usermod -aG plugdev" in what_edge_tpu_needs(tmp_path)
