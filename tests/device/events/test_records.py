from __future__ import annotations

import pytest

from device.events.records import BestPicture, StoredFinding, VisitFilter


def test_box_of_a_visit_is_told_in_shares_of_the_picture_and_within_it():
    found = (
        StoredFinding("dog", 18, 0.9, (0.0, 0.0, 1.0, 1.0), 1),
        StoredFinding("cat", 17, 0.9, (-6.4, 12.0, 32.0, 96.0), 2),
    )
    picture = BestPicture(b"jpeg", (64, 48), found)
    assert picture.box_of(2) == (0.0, 0.25, 0.5, 1.0)
    assert picture.box_of(3) is None


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (VisitFilter(), True),
        (VisitFilter(labels=("cat", "dog")), True),
        (VisitFilter(labels=("dog",)), False),
        (VisitFilter(zones=("bed", "sofa")), True),
        (VisitFilter(zones=("bed",)), False),
        (VisitFilter(labels=("dog",), zones=("sofa",)), False),
    ],
)
def test_visit_fits_all_that_is_asked_for(wanted, fits):
    assert wanted.fits("cat", ("hall", "sofa")) is fits
