from __future__ import annotations

import dataclasses
import sqlite3

import numpy as np
import pytest

from device.events import writer as module
from device.events.clip_folder import ClipFolder
from device.events.feet import FootMap
from device.events.reader import VisitReader
from device.events.records import StoredFinding
from device.events.store import EventStore
from device.events.writer import EventWriter, RawPicture
from tests.device.events.test_store import make_visit
from tests.helpers.children import PATIENCE_S, wait_until

NEVER_S = 1e6
PIXELS = np.full((48, 64, 3), 128, np.uint8)
FOUND = (StoredFinding("cat", 17, 0.9, (1.0, 2.0, 3.0, 4.0), 1),)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Writing is given its time, however busy the machine is."""
    monkeypatch.setattr(module, "CLOSE_TIMEOUT_S", PATIENCE_S)


def visits_in(path):
    store = VisitReader(path)
    try:
        return list(store.visits())
    finally:
        store.close()


def test_visits_and_pictures_are_written_when_the_run_ends(tmp_path):
    path = tmp_path / "events.db"
    with EventWriter(path, flush_s=NEVER_S) as writer:
        writer.note(make_visit(1), "0", 160.0)
        writer.take(RawPicture({1}, PIXELS, FOUND))
        writer.note(make_visit(2, label="dog"), "0", 161.0, ended=True)
        writer.note(make_visit(1, seen_s=170.0), "0", 170.0, ended=True)
    cat, dog = visits_in(path)
    assert (cat.label, cat.ended_s, cat.under_way, cat.has_picture) == ("cat", 170.0, False, True)
    assert (dog.label, dog.has_picture) == ("dog", False)


def test_batches_are_written_while_the_run_goes_on(tmp_path):
    path = tmp_path / "events.db"
    with EventWriter(path, flush_s=0.01) as writer:
        writer.note(make_visit(1), "0", 160.0)
        assert wait_until(lambda: [v.under_way for v in visits_in(path)] == [True])
        writer.note(make_visit(1, seen_s=170.0), "0", 170.0, ended=True)
        assert wait_until(lambda: [v.under_way for v in visits_in(path)] == [False])
        assert wait_until(lambda: not writer._shared.entries), "it is forgotten"
    assert [visit.ended_s for visit in visits_in(path)] == [170.0]


def test_clip_box_and_feet_are_written_and_the_clip_of_a_kept_visit_is_kept(tmp_path):
    path, clips = tmp_path / "events.db", ClipFolder(tmp_path)
    (tmp_path / "one.mp4").write_bytes(b"video")
    feet = FootMap()
    feet.add("cat", 160.0, 0.5, 0.5, 3.0)
    with EventWriter(path, flush_s=NEVER_S, clips=clips) as writer:
        writer.note(make_visit(1), "0", 160.0)
        writer._flush()
        store = EventStore(path)
        store.keep(1, True)
        store.close()
        writer.note(make_visit(1), "0", 161.0, clip="one.mp4")
        writer.note(make_visit(1), "0", 162.0, clip="two.mp4", ended=True)
        writer.take(RawPicture({1}, PIXELS, FOUND))
        writer.tread(feet)
    (visit,) = visits_in(path)
    assert (visit.clip, visit.kept) == ("one.kept.mp4", True)
    assert (tmp_path / "one.kept.mp4").read_bytes() == b"video"
    assert visit.box == (0.0156, 0.0417, 0.0469, 0.0833)  # (1, 2, 3, 4) of 64x48
    store = VisitReader(path)
    assert sum(store.feet(0, 1e9).entries[0, "cat"]) == 3.0
    store.close()


def test_feet_that_could_not_be_written_are_written_later(tmp_path, monkeypatch):
    path = tmp_path / "events.db"
    feet = FootMap()
    feet.add("cat", 160.0, 0.5, 0.5, 3.0)
    with EventWriter(path, flush_s=NEVER_S) as writer, monkeypatch.context() as full:
        full.setattr(writer._store, "add_feet", _full)
        writer.tread(feet)
        writer._flush()
    store = VisitReader(path)
    assert sum(store.feet(0, 1e9).entries[0, "cat"]) == 3.0
    store.close()


def test_pictures_that_wait_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(module.EventWriter, "_run", lambda self: self._store.close())
    monkeypatch.setattr(module, "MOST_WAITING_BYTES", 3 * PIXELS.nbytes)
    with EventWriter(tmp_path / "events.db") as writer:
        for number in range(3):
            assert writer.has_room
            writer.take(RawPicture({number}, PIXELS, FOUND))
        assert not writer.has_room


def test_picture_waits_for_a_better_one_only_until_its_visits_have_ended(tmp_path):
    with EventWriter(tmp_path / "events.db", flush_s=NEVER_S) as writer:
        for number in (1, 2, 3):
            writer.note(make_visit(number), "0", 160.0)
        writer.take(RawPicture({1, 2}, PIXELS, FOUND))
        writer.take(RawPicture({3}, PIXELS, FOUND))
        writer.note(make_visit(1), "0", 161.0, ended=True)
        with writer._changed:
            assert len(writer._shared.waiting) == 2, "visit 2 may be shown better"
        writer.note(make_visit(2), "0", 162.0, ended=True)
        wait_until(lambda: len(writer._shared.waiting) == 1)
        assert writer._shared.waiting[0].visit_ids == {3}
        wait_until(lambda: writer._shared.entries[2].picture is not None)
    assert all(visit.has_picture for visit in visits_in(tmp_path / "events.db"))


def test_better_picture_replaces_one_that_waits(tmp_path, monkeypatch):
    path = tmp_path / "events.db"
    encoded = []
    monkeypatch.setattr(module, "encode_jpeg", lambda pixels: encoded.append(pixels) or b"jpeg")
    with EventWriter(path, flush_s=NEVER_S) as writer:
        for number in (1, 2):
            writer.note(make_visit(number), "0", 160.0)
        writer.take(RawPicture({1, 2}, PIXELS, ()))
        writer.take(RawPicture({1}, PIXELS, FOUND))
        writer.take(RawPicture({1, 2}, PIXELS, FOUND))
    assert len(encoded) == 1
    store = VisitReader(path)
    assert [store.picture(number).findings for number in (1, 2)] == [FOUND, FOUND]
    store.close()


def test_newer_store_is_told_of_and_the_run_goes_on(tmp_path, capsys):
    path = tmp_path / "events.db"
    EventStore(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with EventWriter(path) as writer:
        writer.note(make_visit(1), "0", 160.0)
        assert not writer.has_room
    assert "no visits are kept, the run goes on: --events " in capsys.readouterr().err


def test_damaged_store_is_replaced_and_told_of(tmp_path, capsys):
    path = tmp_path / "events.db"
    path.write_bytes(b"no database at all, this is" * 100)
    with EventWriter(path, flush_s=NEVER_S) as writer:
        writer.note(make_visit(1), "0", 160.0)
    assert len(visits_in(path)) == 1
    assert "it is now events.db.damaged, and a new one is begun" in capsys.readouterr().err


def test_full_disk_is_told_of_once_and_visits_are_held_until_there_is_room(
    tmp_path, monkeypatch, capsys
):
    path = tmp_path / "events.db"
    with EventWriter(path, flush_s=NEVER_S) as writer:
        store = writer._store
        with monkeypatch.context() as full:
            full.setattr(store, "add", _full)
            for number in range(3):
                writer.note(make_visit(number), "0", 160.0, ended=True)
                writer._flush()
        writer._flush()
    assert len(visits_in(path)) == 3
    told = capsys.readouterr().err
    assert told.count("visits cannot be kept for now, the run goes on") == 1
    assert "database or disk is full" in told
    assert told.count("visits are kept again") == 1


def test_store_that_turns_out_to_be_damaged_is_replaced_while_the_run_goes_on(
    tmp_path, monkeypatch, capsys
):
    path = tmp_path / "events.db"
    with EventWriter(path, flush_s=NEVER_S) as writer:
        writer.note(make_visit(1), "0", 160.0)
        writer.note(make_visit(2), "0", 160.0, ended=True)
        writer._flush()
        with monkeypatch.context() as broken:
            broken.setattr(writer._store, "update", _damaged)
            writer.note(make_visit(3), "0", 161.0, ended=True)
            writer._flush()
    assert [visit.number for visit in visits_in(path)] == [1, 2], "under way, and the new one"
    assert len(visits_in(tmp_path / "events.db.damaged")) == 2
    told = capsys.readouterr().err
    assert told.count("it is now events.db.damaged, and a new one is begun") == 1
    assert "cannot be kept" not in told


def _damaged(*_, **__):
    raise sqlite3.DatabaseError("database disk image is malformed")


def test_what_a_full_disk_has_no_room_for_at_the_end_is_kept_without_pictures(
    tmp_path, monkeypatch, capsys
):
    path = tmp_path / "events.db"
    with EventWriter(path, flush_s=NEVER_S) as writer:
        monkeypatch.setattr(writer._store, "set_picture", _full)
        writer.note(make_visit(1), "0", 160.0)
        writer.take(RawPicture({1}, PIXELS, FOUND))
    assert [visit.has_picture for visit in visits_in(path)] == [False]
    assert "lost" not in capsys.readouterr().err


def test_what_is_lost_on_a_full_disk_is_counted_at_the_end(tmp_path, monkeypatch, capsys):
    path = tmp_path / "events.db"
    with EventWriter(path, flush_s=NEVER_S) as writer:
        monkeypatch.setattr(writer._store, "add", _full)
        for number in (1, 2):
            writer.note(make_visit(number), "0", 160.0)
    told = capsys.readouterr().err
    assert f"2 visits are lost: --events {path} could not be written to the end" in told


def _full(*_):
    raise sqlite3.OperationalError("database or disk is full")


def test_visits_held_for_a_full_disk_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_ENDED", 5)
    path = tmp_path / "events.db"
    with EventWriter(path, flush_s=NEVER_S) as writer, monkeypatch.context() as full:
        full.setattr(writer._store, "add", _full)
        for number in range(20):
            writer.note(make_visit(number), "0", 160.0, ended=True)
            writer._flush()
            assert len(writer._shared.entries) <= 6


def test_quota_and_age_are_kept(tmp_path):
    path = tmp_path / "events.db"
    with EventWriter(path, age_s=1000.0, flush_s=NEVER_S) as writer:
        for number in range(10):
            began_s = 500.0 * number
            visit = dataclasses.replace(make_visit(number), began_s=began_s, seen_s=began_s)
            writer.note(visit, "0", began_s, ended=True)
    assert [visit.began_s for visit in visits_in(path)] == [3500.0, 4000.0, 4500.0]


def test_batch_larger_than_what_is_left_of_the_quota_stays_within_it(tmp_path):
    path = tmp_path / "events.db"
    random = np.random.default_rng(0)
    with EventWriter(path, quota_bytes=1_000_000, flush_s=NEVER_S) as writer:
        for number in range(40):
            visit = make_visit(number, began_s=100.0 * number, seen_s=100.0 * number + 5)
            writer.note(visit, "0", visit.seen_s, ended=True)
            pixels = random.integers(0, 256, (144, 192, 3), np.uint8)  # 40 kB as JPEG
            writer.take(RawPicture({number}, pixels, FOUND))
    assert 700_000 < path.stat().st_size <= 1_000_000
    kept = [visit.began_s for visit in visits_in(path)]
    assert kept == [100.0 * number for number in range(40 - len(kept), 40)], "the newest"
