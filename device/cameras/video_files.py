"""Video files: how they are called, and which a folder has."""

from __future__ import annotations

from pathlib import Path

from device.file_search import FolderListing, find_files, matching_files, part_files
from device.system.partial_file import is_partial

# Frames one after another in no container, as rpicam-vid writes them.
RAW_SUFFIXES = (".mjpeg", ".mjpg", ".h264", ".264", ".h265", ".265", ".hevc")
VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts"),
    *(".3gp", ".wmv", ".flv", ".ogv"),
    *RAW_SUFFIXES,
)


def find_videos(folder: Path) -> FolderListing:
    """The videos below ``folder``, in order of their paths; none that is still being written."""
    return _without_unfinished(find_files(folder, VIDEO_SUFFIXES))


def matching_videos(pattern: str) -> FolderListing:
    """The videos that a pattern such as ``clips/*`` matches, likewise."""
    return _without_unfinished(part_files(matching_files(pattern), VIDEO_SUFFIXES))


def _without_unfinished(found: FolderListing) -> FolderListing:
    whole = [path for path in found.files if not is_partial(path)]
    unfinished = len(found.files) - len(whole)
    if unfinished:
        found.passed_over["unfinished"] += unfinished
    return FolderListing(whole, found.passed_over)
