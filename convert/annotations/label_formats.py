"""The formats in which labels are written, and the ending of a file for each image."""

from __future__ import annotations

WRITTEN_FORMATS = ("voc", "yolo", "coco")
LABEL_SUFFIXES = {"voc": ".xml", "yolo": ".txt"}  # COCO has one file for all images
