from __future__ import annotations

import pytest

from device.events.clip_folder import ClipFolder, delete_visit, keep_visit
from device.events.store import EventStore
from device.system.partial_file import partial_of
from tests.device.conftest import names_in
from tests.device.events.test_store import fill, make_visit

CLIP, KEPT = "cat-20261128T143000Z.mp4", "cat-20261128T143000Z.kept.mp4"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / CLIP).write_bytes(b"video")
    return folder


@pytest.fixture
def clips(folder):
    return ClipFolder(folder)


@pytest.fixture
def store(tmp_path):
    """Two visits on one clip, and one on none."""
    store = EventStore(tmp_path / "events.db")
    fill(store, *(make_visit(number) for number in (1, 2, 3)))
    store.set_clip(1, CLIP)
    store.set_clip(2, CLIP)
    yield store
    store.close()


@pytest.mark.parametrize(
    "name",
    [None, "", "none.mp4", "../secret.mp4", "/etc/passwd", "folder.mp4", "link.mp4", "notes.txt",
     "a\0.mp4", "."],
)  # fmt: skip
def test_no_file_but_a_clip_of_the_folder_is_named(clips, folder, name):
    (folder.parent / "secret.mp4").write_bytes(b"secret")
    (folder / "folder.mp4").mkdir()
    (folder / "link.mp4").symlink_to(folder.parent / "secret.mp4")
    (folder / "notes.txt").write_text("notes")
    assert clips.file_of(name) is None


def test_clip_of_a_kept_visit_is_out_of_the_quota_until_no_kept_one_is_on_it(clips, store, folder):
    for number, kept, names in (
        (1, True, [KEPT]),
        (2, True, [KEPT]),
        (1, False, [KEPT]),
        (2, False, [CLIP]),
    ):
        assert keep_visit(store, clips, number, kept)
        assert names_in(folder) == names
        assert {store.visit(1).clip, store.visit(2).clip} == set(names)
    assert clips.file_of(CLIP) == folder / CLIP
    assert not keep_visit(store, clips, 99, True)


def test_clip_that_is_still_recorded_is_kept_once_it_is_there(clips, store, folder):
    (folder / CLIP).unlink()
    keep_visit(store, clips, 1, True)
    assert store.visit(1).clip == CLIP
    (folder / CLIP).write_bytes(b"video")
    clips.keep(store)
    assert store.visit(1).clip == KEPT
    assert names_in(folder) == [KEPT]


def test_name_that_a_power_cut_left_between_file_and_store_is_found(clips, store, folder):
    (folder / CLIP).rename(folder / KEPT)
    store.keep(1, True)
    clips.keep(store)
    assert store.visit(1).clip == KEPT


def test_deleted_visit_takes_its_clip_along_if_no_other_is_on_it(clips, store, folder):
    keep_visit(store, clips, 1, True)
    assert delete_visit(store, clips, 1)
    assert names_in(folder) == [CLIP], "the other visit on it is not kept"
    assert delete_visit(store, clips, 2)
    assert names_in(folder) == []
    assert delete_visit(store, clips, 3)
    assert not delete_visit(store, clips, 3)
    assert list(store.visits()) == []


def test_clip_under_way_goes_with_the_last_visit_on_it(clips, store, folder):
    partial = partial_of(folder / CLIP)
    (folder / CLIP).rename(partial)
    assert delete_visit(store, clips, 1)
    assert names_in(folder) == [partial.name], "another visit is on it"
    assert delete_visit(store, clips, 2)
    assert names_in(folder) == []
