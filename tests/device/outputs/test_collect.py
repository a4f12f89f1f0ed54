from __future__ import annotations

import json
from dataclasses import replace

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.errors import SinkError
from device.images import encode_jpeg, read_image
from device.outputs import collect
from device.outputs.collect import TABLE, CollectSink, Scene
from device.outputs.pace import Pace
from device.records import Classification, Detection
from tests.device.conftest import make_outcome, names_in

LEFT, RIGHT = (2.0, 2.0, 22.0, 22.0), (40.0, 20.0, 60.0, 40.0)


def scenery(seed: int) -> np.ndarray:
    """Large patches of grey, other ones for each seed."""
    cells = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(cells, (64, 48), interpolation=cv2.INTER_CUBIC)


def found(score: float, label: str = "cat", box=LEFT) -> Detection:
    return Detection(3, label, score, *box)


def outcome_at(second: int, *detections, pixels=None, unsure=()):
    """An outcome of a source of one frame a second."""
    pixels = scenery(second) if pixels is None else pixels
    outcome = make_outcome(second, pixels, detections=detections)
    return replace(outcome, result=replace(outcome.result, unsure=tuple(unsure)))


@pytest.fixture
def opened(tmp_path):
    def make(folder="kept", *, every_s=1.0, quota_bytes=1 << 20) -> CollectSink:
        return CollectSink(tmp_path / folder, (0.3, 0.6), every_s, quota_bytes, Pace(1.0))

    return make


@pytest.fixture
def no_rare(monkeypatch):
    """Take no class for a rare one."""
    monkeypatch.setattr(collect, "RARE", 0)


@pytest.mark.usefixtures("berlin", "no_rare")
def test_frame_is_named_by_the_machines_own_time_where_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(collect.time, "time", lambda: 1_795_271_400.5)
    with CollectSink(tmp_path, (0.3, 0.6), 1.0, 1 << 20, Pace(1.0), local_time=True) as sink:
        sink.write(outcome_at(7, found(0.4)))
    assert images_in(tmp_path) == ["20261121T153000+0100-000007.jpg"]


def test_frame_takes_no_name_that_is_taken_where_the_clock_was_set_back(
    opened, tmp_path, no_rare, monkeypatch
):
    monkeypatch.setattr(collect.time, "time", lambda: 1_795_271_400.5)  # at each start, as on a Pi
    for seed in (1, 2):
        with opened() as sink:
            sink.write(outcome_at(7, found(0.4), pixels=scenery(seed)))
    assert images_in(tmp_path / "kept") == [
        "20261121T143000Z-000007.jpg",
        "20261121T143001Z-000007.jpg",
    ]


def lines_in(folder):
    return [json.loads(line) for line in (folder / TABLE).read_text().splitlines()]


def images_in(folder):
    return [name for name in names_in(folder) if name.endswith(".jpg")]


def test_frame_with_a_doubtful_finding_is_kept_clean_with_what_was_found(opened, tmp_path, no_rare):
    drawn_on = np.zeros((48, 64, 3), np.uint8)
    outcome = replace(outcome_at(7, found(0.9), unsure=[found(0.4, "dog", RIGHT)]), image=drawn_on)
    with opened() as sink:
        assert not sink.needs_image(outcome.frame)
        sink.write(outcome)
    (name,) = images_in(tmp_path / "kept")
    assert name.endswith("-000007.jpg")
    written = read_image(tmp_path / "kept" / name)
    assert np.abs(written.astype(int) - outcome.frame.pixels).mean() < 8
    (line,) = lines_in(tmp_path / "kept")
    assert line["file"] == name
    assert line["why"] == "unsure"
    assert (line["width"], line["height"]) == (64, 48)
    assert [(item["label"], item["score"], item["box"]) for item in line["findings"]] == [
        ("cat", 0.9, list(LEFT)),
        ("dog", 0.4, list(RIGHT)),
    ]


@pytest.mark.parametrize(("score", "kept"), [(0.29, 0), (0.3, 1), (0.6, 1), (0.61, 0)])
def test_only_scores_within_the_limits_are_doubtful(opened, tmp_path, no_rare, score, kept):
    with opened() as sink:
        sink.write(outcome_at(0, found(score)))
    assert len(images_in(tmp_path / "kept")) == kept


def test_class_is_rare_until_enough_images_show_it(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(collect, "RARE", 2)
    with opened() as sink:
        for second in range(5):
            sink.write(outcome_at(second, found(0.9)))
        sink.write(outcome_at(5, found(0.9, "dog")))
    lines = lines_in(tmp_path / "kept")
    assert [line["findings"][0]["label"] for line in lines] == ["cat", "cat", "dog"]
    assert {line["why"] for line in lines} == {"rare"}


def test_at_most_one_is_kept_in_the_time_asked_for(opened, tmp_path):
    with opened(every_s=3.0) as sink:
        for second in range(7):
            sink.write(outcome_at(second, found(0.5)))
    assert [name[-10:-4] for name in images_in(tmp_path / "kept")] == ["000000", "000003", "000006"]


def test_one_scene_is_kept_once_until_something_moves_in_it(opened, tmp_path):
    view = scenery(0)
    with opened() as sink:
        sink.write(outcome_at(0, found(0.5), pixels=view))
        sink.write(outcome_at(1, found(0.4), pixels=view + 1))
        sink.write(outcome_at(2, found(0.5), found(0.5, box=RIGHT), pixels=view))
        sink.write(outcome_at(3, found(0.5, box=RIGHT), pixels=view))
        sink.write(outcome_at(4, found(0.5, "dog"), pixels=view))
    kept = [name[-10:-4] for name in images_in(tmp_path / "kept")]
    assert kept == ["000000", "000002", "000004"]


def test_scenes_and_classes_of_earlier_runs_are_remembered(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(collect, "RARE", 2)
    with opened() as sink:
        sink.write(outcome_at(0, found(0.9)))
        sink.write(outcome_at(1, found(0.9)))
    table = tmp_path / "kept" / TABLE
    table.write_bytes(table.read_bytes() + b'{"hash": "zz", "findings": []}\n{"hash": "12')
    with opened() as sink:
        sink.write(outcome_at(1, found(0.5)))  # kept before
        sink.write(outcome_at(2, found(0.9)))  # no longer rare
        sink.write(outcome_at(3, found(0.5)))
    assert [name[-10:-4] for name in images_in(tmp_path / "kept")] == [
        "000000",
        "000001",
        "000003",
    ]


def test_frames_that_the_network_was_spared_are_not_kept(opened, tmp_path):
    outcome = outcome_at(0, found(0.5))
    with opened() as sink:
        sink.write(replace(outcome, result=replace(outcome.result, kept=True)))
    assert names_in(tmp_path / "kept") == []


def test_frame_on_which_a_steady_finding_was_missed_is_kept(opened, tmp_path, no_rare):
    with opened() as sink:
        for second in range(3):
            sink.write(outcome_at(second, found(0.9)))
        missing = outcome_at(3)
        sink.write(missing)
        missing.frame.pixels[:] = 0  # a camera may use its memory again
        sink.write(outcome_at(4, found(0.9)))
    (name,) = images_in(tmp_path / "kept")
    assert name.endswith("-000003.jpg")
    assert read_image(tmp_path / "kept" / name).max() > 100
    assert lines_in(tmp_path / "kept")[0]["why"] == "flicker"


def test_classifier_is_unsure_by_its_best_class(opened, tmp_path, no_rare):
    with opened() as sink:
        for second, score in enumerate((0.5, 0.9)):
            outcome = outcome_at(second)
            classes = (Classification(1, "bird", score), Classification(2, "cat", 0.4))
            sink.write(replace(outcome, result=replace(outcome.result, classes=classes)))
    (line,) = lines_in(tmp_path / "kept")
    assert line["findings"] == [{"label": "bird", "class_id": 1, "score": 0.5}]


def test_full_quota_is_told_once_and_nothing_is_removed(opened, tmp_path, capsys):
    size = len(encode_jpeg(scenery(0)))
    with opened(quota_bytes=3 * size) as sink:
        for second in range(6):
            sink.write(outcome_at(second, found(0.5)))
    assert images_in(tmp_path / "kept")[0].endswith("-000000.jpg")
    assert sum(path.stat().st_size for path in (tmp_path / "kept").iterdir()) <= 3 * size
    assert capsys.readouterr().err.count("its quota of") == 1
    with opened(quota_bytes=3 * size) as sink:  # the next run counts what is there
        sink.write(outcome_at(8, found(0.5)))
    assert "its quota of" in capsys.readouterr().err


def test_image_that_cannot_be_written_ends_collecting_and_not_the_run(
    opened, tmp_path, monkeypatch, capsys
):
    def fail(path, data):
        raise SinkError(f"{path}: Input/output error")

    monkeypatch.setattr(collect, "write_whole", fail)
    with opened() as sink:
        sink.write(outcome_at(0, found(0.5)))
        sink.write(outcome_at(1, found(0.5)))
    said = capsys.readouterr().err
    assert said.count("no more frames are collected, the run goes on") == 1
    assert names_in(tmp_path / "kept") == []


def test_second_run_into_one_folder_is_refused(opened):
    with opened(), pytest.raises(SinkError, match="another run is writing into it"):
        opened()
    opened().close()


@given(
    st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=5)
                | st.dictionaries(st.sampled_from(["hash", "findings", "label", "box"]), inner)
            ),
        ).map(msgspec.json.encode),
    )
)
def test_no_table_of_an_earlier_run_raises_anything(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("kept")
    (folder / TABLE).write_bytes(content)
    CollectSink(folder, (0.3, 0.6), 1.0, 1 << 20, Pace(1.0)).close()


def test_scene_is_known_from_one_that_shows_as_much_and_more():
    whole = Scene(0b1111, (("cat", LEFT), ("cat", RIGHT)))
    part = Scene(0b1111, (("cat", (3.0, 2.0, 23.0, 22.0)),))
    assert part.is_known_from(whole)
    assert not whole.is_known_from(part)
    assert not Scene(0b1111, (("cat", LEFT), ("cat", LEFT))).is_known_from(whole)
    assert not replace(part, hash=0b111110000).is_known_from(whole)  # 5 bits apart
