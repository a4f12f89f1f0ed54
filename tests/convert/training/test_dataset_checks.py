from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from convert.annotations.labels import BoxLabel
from convert.training.dataset_checks import Findings, check_image
from convert.training.image_probe import ImageProbe, probe_image
from convert.training.label_set import LabelledFile
from device.images import read_image


def labelled(edges, size=None, relative=False) -> LabelledFile:
    box = BoxLabel("cat", edges)
    return LabelledFile(Path("a.jpg"), (box,), "a.xml", None, size, relative)


PROBE = ImageProbe(Path("a.jpg"), 100, 50, 1, 0)


@pytest.mark.parametrize("orientation", range(5, 9))
def test_boxes_drawn_before_the_image_was_turned_are_turned_with_it(tmp_path, orientation):
    """A white block in a stored image is where its turned box says, whichever way it is turned."""
    pixels = np.zeros((60, 100, 3), np.uint8)
    pixels[10:20, 25:70] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.jpg"
    Image.fromarray(pixels).save(path, exif=exif, quality=95)
    findings = Findings()
    image = check_image(labelled((25, 10, 70, 20), (100, 60)), probe_image(path), findings)
    (box,) = image.boxes
    rows, columns = np.nonzero(cv2.cvtColor(read_image(path), cv2.COLOR_BGR2GRAY) > 127)
    block = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert box.edges == pytest.approx(block, abs=1.5)


def test_labels_of_an_image_of_another_shape_are_left_out():
    findings = Findings()
    assert check_image(labelled((10, 10, 400, 300), (500, 400)), PROBE, findings) is None
    assert list(findings.places) == ["left out, the labels are of an image of another shape"]


def test_shares_become_pixels():
    image = check_image(labelled((0.1, 0.2, 0.5, 0.6), relative=True), PROBE, Findings())
    assert image.boxes[0].edges == pytest.approx((10, 10, 50, 30))


def test_box_that_reaches_over_by_less_than_a_pixel_is_cut_without_a_word():
    findings = Findings()
    image = check_image(labelled((-0.5, 0, 100.5, 50)), PROBE, findings)
    assert image.boxes[0].edges == (0, 0, 100, 50)
    assert not findings.places


def test_findings_are_counted_and_the_first_named():
    findings, said = Findings(), []
    for number in range(5):
        findings.add("empty boxes; left out", f"{number}.xml")
    findings.tell(said.append)
    assert said == ["warning: empty boxes; left out: 5: 0.xml, 1.xml, 2.xml and 2 more"]
