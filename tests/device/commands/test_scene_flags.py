from __future__ import annotations

import json

import pytest

from tests.device.conftest import write_video

PLAN = """
[[zone]]
name = "left"
points = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]

[[zone]]
name = "knot"
points = [[0, 0], [1, 1], [1, 0], [0, 1]]

[[line]]
name = "middle"
start = [0.5, 1]
end = [0.5, 0]

[[rule]]
name = "crowd"
when = "left: mor than 4"
"""


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_tracked_demo_has_visits_in_its_log(device, small_bundle, tmp_path):
    ran = device(
        "detect", small_bundle, "--source", "demo", "--frames", 12, "--track",
        "--log", tmp_path / "a.jsonl",
    )  # fmt: skip
    assert ran.code == 0
    last = lines_of(tmp_path / "a.jsonl")[-1]
    assert last["visits"]
    numbers = {visit["visit_id"] for visit in last["visits"]}
    assert {item.get("visit_id") for item in last["detections"]} & numbers


def test_run_that_follows_nothing_has_no_visits(device, small_bundle, tmp_path):
    ran = device(
        "detect", small_bundle, "--source", "demo", "--frames", 3, "--log", tmp_path / "a.jsonl"
    )
    assert ran.code == 0
    assert all("visits" not in line for line in lines_of(tmp_path / "a.jsonl"))


def test_plan_of_a_file_is_watched_and_what_is_wrong_in_it_is_told(device, small_bundle, tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text(PLAN)
    ran = device(
        "detect", small_bundle, "--source", "demo", "--frames", 3, "--config", config,
        "--log", tmp_path / "a.jsonl",
    )  # fmt: skip
    assert ran.code == 0, "the run goes on without them"
    assert f"--config {config}: zone 2 ('knot') is left out: sides 1 and 3 cross" in ran.err
    assert "rule 'crowd' is left out: when = 'left: mor than 4': 'mor than 4', from" in ran.err
    last = lines_of(tmp_path / "a.jsonl")[-1]
    assert [zone["name"] for zone in last["zones"]] == ["left"]
    assert last["lines"] == [{"name": "middle", "in": 0, "out": 0}]


def test_visits_and_counts_are_kept(device, small_bundle, tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text(PLAN)
    ran = device(
        "detect", small_bundle, "--source", "demo", "--frames", 12, "--config", config,
        "--events", tmp_path / "events.db", "--counts", tmp_path / "counts",
    )  # fmt: skip
    assert ran.code == 0
    listed = device("events", tmp_path / "events.db").out.splitlines()
    assert listed[-1] != "no visits"
    assert device("events", tmp_path / "events.db", "--coco", tmp_path / "coco").code == 0
    assert (tmp_path / "coco" / "visit-000001.jpg").is_file()
    rows = (tmp_path / "counts" / "hours.csv").read_text().splitlines()
    assert [row.split(",")[1] for row in rows[1:3]] == ["left", "middle"]


def test_counts_without_a_place_exit_with_2(device, small_bundle, tmp_path):
    ran = device("detect", small_bundle, "--source", "demo", "--counts", tmp_path / "counts")
    assert ran.code == 2
    assert "--counts needs a zone or a line" in ran.error


def test_mask_of_which_nothing_is_known_exits_with_2(device, small_bundle, tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text("[[mask]]\npoints = [[2, 2], [3, 2], [3, 3]]\n")
    ran = device("detect", small_bundle, "--source", "demo", "--config", config)
    assert ran.code == 2
    assert f"--config {config}: mask 1: point 1 (2, 2) is not in the picture" in ran.error


def test_masked_picture_shows_nothing(device, small_bundle, tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text("[[mask]]\npoints = [[0, 0], [1, 0], [1, 1], [0, 1]]\n")
    ran = device(
        "detect", small_bundle, "--source", small_bundle / "samples" / "cat.jpg",
        "--config", config, "--log", tmp_path / "a.jsonl",
    )  # fmt: skip
    assert ran.code == 0
    assert lines_of(tmp_path / "a.jsonl")[0]["detections"] == []


def test_pictures_cannot_be_tracked(device, small_bundle):
    ran = device("detect", small_bundle, "--source", small_bundle / "samples", "--track")
    assert ran.code == 2
    assert "single pictures have no time between them" in ran.error


def test_on_with_pictures_looks_at_each(device, small_bundle, tmp_path):
    ran = device(
        "detect", small_bundle, "--source", small_bundle / "samples", "--on", "cat",
        "--record", 1, "--clips", tmp_path / "clips",
    )  # fmt: skip
    assert ran.code == 0
    assert [path.name[:4] for path in (tmp_path / "clips").iterdir()] == ["cat-"]


@pytest.mark.parametrize("value", ["0,5", "6,5", "3", "a,b", "1,101"])
def test_visit_frames_that_cannot_be_meant_exit_with_2(device, small_bundle, value):
    ran = device("detect", small_bundle, "--source", "demo", f"--visit-frames={value}")
    assert ran.code == 2
    assert "argument --visit-frames: " in ran.err


def test_per_frame_acts_on_a_single_frame_where_visits_do_not(device, small_bundle, tmp_path):
    video = tmp_path / "a.avi"
    write_video(video, 3)
    for flag, visits in (("--per-frame", False), ("--no-per-frame", True)):
        log = tmp_path / f"{visits}.jsonl"
        ran = device(
            "detect", small_bundle, "--source", video, "--on", "cat", "--record", 1,
            "--clips", tmp_path / "clips", "--log", log, flag,
        )  # fmt: skip
        assert ran.code == 0
        assert all(("visits" in line) == visits for line in lines_of(log))


def test_zones_of_their_own_file_stand_for_those_of_the_settings(device, small_bundle, tmp_path):
    config, zones = tmp_path / "settings.toml", tmp_path / "zones.toml"
    config.write_text(PLAN)
    zones.write_text("[[zone]]\nname = 'right'\npoints = [[0.5, 0], [1, 0], [1, 1]]\n")
    ran = device(
        "detect", small_bundle, "--source", "demo", "--frames", 3, "--config", config,
        "--zones", zones, "--log", tmp_path / "a.jsonl",
    )  # fmt: skip
    assert ran.code == 0
    assert f"zones, lines and masks are those of {zones}, not those of {config}" in ran.err
    last = lines_of(tmp_path / "a.jsonl")[-1]
    assert [zone["name"] for zone in last["zones"]] == ["right"]
    assert last["lines"] == []


def test_zones_file_that_cannot_be_read_exits_with_2(device, small_bundle, tmp_path):
    (tmp_path / "zones.toml").write_text("[[mask")
    ran = device(
        "detect", small_bundle, "--source", "demo", "--zones", tmp_path / "zones.toml"
    )  # fmt: skip
    assert ran.code == 2
    assert "is not TOML" in ran.error
