from __future__ import annotations

import pytest

from device.doctor import edge_tpu
from device.doctor.edge_tpu import check_edge_tpu
from device.doctor.trial import Attempt, try_library
from tests.device.doctor.conftest import by_verdict, of
from tests.device.system.test_accelerators import plug_in, put_on_pcie
from tests.helpers import tiny_models

CORAL = ("18d1", "9302")


@pytest.fixture
def library(monkeypatch):
    """What comes of opening libedgetpu."""

    def library(**attempt):
        monkeypatch.setattr(edge_tpu, "try_library", lambda _: Attempt(**attempt))

    library(facts={"runtime": 14})
    return library


@pytest.fixture
def compiled(tmp_path):
    (tmp_path / "model.tflite").write_bytes(tiny_models.compiled())
    return tmp_path / "model.tflite"


def test_machine_without_any_of_it_hears_nothing(tmp_path):
    assert list(check_edge_tpu(of(tmp_path))) == []


def test_model_for_other_machines_is_not_asked_about(tmp_path, small_bundle):
    assert list(check_edge_tpu(of(tmp_path, bundle=small_bundle))) == []


def test_all_that_is_needed_is_ok(tmp_path, library, compiled):
    plug_in(tmp_path, CORAL)
    device, found = check_edge_tpu(of(tmp_path, bundle=compiled))
    assert (device.verdict, found.verdict) == ("ok", "ok")
    assert found.found == "libedgetpu.so.1, runtime 14"


def test_what_is_missing_is_a_problem_where_a_model_needs_it(tmp_path, library, compiled):
    library(error="libedgetpu.so.1 is not installed")
    found = by_verdict(check_edge_tpu(of(tmp_path, bundle=compiled)))
    assert [finding.found for finding in found["problem"]] == [
        "no Coral is plugged in",
        "libedgetpu.so.1: libedgetpu.so.1 is not installed",
    ]
    assert all(finding.mend for finding in found["problem"])


def test_compiled_variant_of_a_bundle_is_found(tmp_path, library, compiled):
    assert by_verdict(check_edge_tpu(of(tmp_path, bundle=compiled.parent)))["problem"]


def test_what_is_missing_is_a_warning_where_no_model_needs_it(tmp_path, library):
    (tmp_path / "usr/lib/aarch64-linux-gnu").mkdir(parents=True)
    (tmp_path / "usr/lib/aarch64-linux-gnu/libedgetpu.so.1").touch()
    found = by_verdict(check_edge_tpu(of(tmp_path)))
    assert [finding.found for finding in found["warning"]] == ["no Coral is plugged in"]


def test_coral_on_pcie_without_a_driver_is_told(tmp_path, library):
    put_on_pcie(tmp_path)
    (finding,) = by_verdict(check_edge_tpu(of(tmp_path)))["warning"]
    assert "no driver" in finding.found
    assert "gasket-dkms" in finding.mend


@pytest.mark.parametrize(
    ("in_group", "mend"),
    [(False, "sudo usermod -aG plugdev"), (True, "udev rule is missing")],
)
def test_device_that_may_not_be_opened(tmp_path, library, monkeypatch, in_group, mend):
    plug_in(tmp_path, CORAL)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    monkeypatch.setattr(edge_tpu, "is_in_group", lambda _: in_group)
    (finding,) = by_verdict(check_edge_tpu(of(tmp_path)))["warning"]
    assert mend in finding.mend


def test_node_that_a_container_lacks_is_told(tmp_path, library):
    plug_in(tmp_path, CORAL).unlink()
    (finding,) = by_verdict(check_edge_tpu(of(tmp_path)))["warning"]
    assert "--device /dev/bus/usb" in finding.mend


def test_library_is_opened_in_a_child(delegate):
    assert try_library(str(delegate())).facts == {"runtime": 13}
    assert "cannot be loaded" in try_library("/nowhere/libnpu.so").error
