"""The clips of visits: which file shows one, kept from the quota and removed with it."""

from __future__ import annotations

import stat
from pathlib import Path

from device.events.store import EventStore
from device.system.partial_file import partial_of

SUFFIX = ".mp4"
KEPT_SUFFIX = ".kept.mp4"  # of a clip that no quota counts


class ClipFolder:
    """The folder of a run's clips, in which the store names files.

    What the store says is not trusted: only plain files of this folder that end as clips do are
    read, renamed or removed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file_of(self, clip: str | None) -> Path | None:
        """The file of that name; None where there is none, or it is still being written."""
        if clip is None or not clip.endswith(SUFFIX) or Path(clip).name != clip or "\0" in clip:
            return None
        path = self._folder / clip
        try:
            return path if stat.S_ISREG(path.lstat().st_mode) else None
        except OSError:
            return None

    def keep(self, store: EventStore) -> None:
        """Take the clips of kept visits out of the quota, in a batch of the store.

        A clip that is not finished waits for the next time. Another name is all it takes: a quota
        removes only files that are called as it calls them.
        """
        for clip in store.kept_clips():
            if clip.endswith(KEPT_SUFFIX):
                continue
            name = clip.removesuffix(SUFFIX) + KEPT_SUFFIX
            if self.file_of(name) is not None or self._rename(clip, name):
                store.rename_clip(clip, name)

    def let_go(self, store: EventStore, clip: str | None) -> None:
        """Give a clip that no kept visit is on back to the quota, in a batch of the store."""
        if clip is None or not clip.endswith(KEPT_SUFFIX) or clip in store.kept_clips():
            return
        name = clip.removesuffix(KEPT_SUFFIX) + SUFFIX
        if self._rename(clip, name):
            store.rename_clip(clip, name)

    def remove(self, clip: str | None) -> None:
        """Remove a clip, also one that is still being written. Raises ``OSError``."""
        unfinished = None if clip is None else partial_of(Path(clip)).name
        for path in (self.file_of(clip), self.file_of(unfinished)):
            if path is not None:
                path.unlink(missing_ok=True)

    def _rename(self, clip: str, name: str) -> bool:
        path = self.file_of(clip)
        if path is None or self.file_of(name) is not None:
            return False
        try:
            path.rename(self._folder / name)
        except OSError:
            return False
        return True


def keep_visit(store: EventStore, clips: ClipFolder, number: int, kept: bool) -> bool:
    """Keep a visit and its clip whatever the quota, or no longer; whether there is such a visit.

    Raises ``StoreError``.
    """
    with store.batch():
        visit = store.visit(number)
        if visit is None:
            return False
        store.keep(number, kept)
        if kept:
            clips.keep(store)
        else:
            clips.let_go(store, visit.clip)
    return True


def delete_visit(store: EventStore, clips: ClipFolder, number: int) -> bool:
    """Remove a visit with its picture, and its clip if no other visit is on it.

    Whether there was such a visit. Raises ``StoreError``, and ``OSError`` where the clip stays.
    """
    with store.batch():
        visit = store.visit(number)
        if visit is None:
            return False
        store.delete(number)
        clip = visit.clip
        if clip is not None and store.has_visit_on(clip):
            clips.let_go(store, clip)
            return True
    clips.remove(clip)
    return True
