from __future__ import annotations

import device.doctor.libcamera
from device.doctor.libcamera import list_cameras, parse_listing
from tests.helpers.boards import set_program


def test_listing_of_several_sensors_leaves_usb_out():
    text = (
        "Available cameras\n-----------------\n"
        "0 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx219@10)\n"
        "    Modes: 'SRGGB8' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]\n"
        "1 : imx477 [4056x3040] (/base/soc/i2c0mux/i2c@1/imx477@1a)\n"
        "2 : H264 USB Camera: USB Camera [1920x1080] (/base/soc/usb@7e980000/usb1@1-1.2:1.0)\n"
    )
    assert parse_listing(text) == ("imx219 3280x2464", "imx477 4056x3040")


def test_tool_that_fails_is_quoted(tmp_path):
    set_program(tmp_path / "usr/bin/rpicam-hello", "starting\nERROR: no permission\n", code=255)
    assert list_cameras(tmp_path).error == "rpicam-hello failed: ERROR: no permission"


def test_tool_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(device.doctor.libcamera, "TIMEOUT_S", 0.2)
    program = tmp_path / "usr/bin/rpicam-hello"
    set_program(program, "")
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    assert list_cameras(tmp_path).error == "rpicam-hello gave no answer in 0 s"
