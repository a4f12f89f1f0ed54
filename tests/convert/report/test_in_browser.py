"""The pages that `convert` makes, in Chromium: what axe-core finds in them, and what meets."""

from __future__ import annotations

import pytest

from convert.report.contact_sheet import make_contact_sheet
from convert.report.page import report
from convert.report.training import training
from device.charts.markup import document
from tests.convert.report.test_contact_sheet import write_dataset
from tests.convert.report.test_training import write_training
from tests.helpers.browser import DESK, PHONE, find_in_file, open_browser, opened
from tests.helpers.measured_report import accuracy_of, with_check, write_accuracy

pytestmark = pytest.mark.pages


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


def write_slow_manifest(bundle, manifest) -> None:
    """One interpreter takes minutes: the number beside its bar is as long as any will be."""
    from device.bundle.manifest import format_manifest

    slow = with_check(manifest, "float32", "litert", invoke_ms=123456.7)
    (bundle / "manifest.json").write_bytes(format_manifest(slow))


def test_report_keeps_nobody_out_and_its_texts_do_not_meet(browser, bundle, manifest):
    write_slow_manifest(bundle, manifest)
    write_accuracy(bundle, accuracy_of(manifest))
    assert find_in_file(browser, report(bundle)) == []


def test_report_without_a_measurement_keeps_nobody_out(browser, bundle):
    assert find_in_file(browser, report(bundle)) == []


def test_charts_and_tables_beside_each_other_never_meet(browser, bundle, manifest):
    write_accuracy(bundle, accuracy_of(manifest))
    file = report(bundle)
    for width in (700, 1000, 1440, 2560):
        with opened(browser, file, (width, 900), "light") as page:
            assert page.evaluate(
                """() => [...document.querySelectorAll("section .wide")].every(wide => {
                  const boxes = [...wide.children].map(item => item.getBoundingClientRect());
                  return boxes.every((a, i) => boxes.slice(i + 1).every(b => a.right <= b.left
                    || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top));
                })"""
            ), width


def test_report_has_the_typefaces_of_the_live_page(browser, bundle):
    with opened(browser, report(bundle), DESK, "light") as page:
        families = page.evaluate(
            "() => [...document.fonts].filter(font => font.status === 'loaded')"
            ".map(font => font.family)"
        )
    assert {name.strip('"') for name in families} == {"Instrument Sans", "Instrument Serif"}


def test_report_of_a_training_keeps_nobody_out(browser, tmp_path):
    file = tmp_path / "page.html"
    head = "<h1>training</h1>"
    file.write_text(
        document("training", head, training(write_training(tmp_path)), "end", folds=True), "utf-8"
    )
    assert find_in_file(browser, file) == []


def test_headings_inside_a_section_stand_off_from_what_is_above(browser, tmp_path):
    file = tmp_path / "page.html"
    body = training(write_training(tmp_path))
    file.write_text(document("training", "<h1>training</h1>", body, "end"), "utf-8")
    with opened(browser, file, DESK) as page:
        gaps = page.evaluate(
            "() => [...document.querySelectorAll('.body > * + h3')].map(heading => heading"
            ".getBoundingClientRect().top - heading.previousElementSibling"
            ".getBoundingClientRect().bottom)"
        )
    assert len(gaps) > 1
    assert min(gaps) >= 16


def test_contact_sheet_keeps_nobody_out_and_shows_its_images_on_a_phone(browser, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(make_contact_sheet(write_dataset(tmp_path), "mine", 0), "utf-8")
    assert find_in_file(browser, file) == []
    with opened(browser, file, PHONE, "light") as page:
        assert page.locator("img").first.is_visible()


def missing(page) -> list[str]:
    """The pictures that a print of the page would lack, or that push texts aside as they come."""
    return page.evaluate(
        "() => [...document.images].filter(image => image.loading === 'lazy' || !image.complete"
        " || !image.naturalWidth || !image.width || !image.getAttribute('height'))"
        ".map(image => image.alt)"
    )


def test_pictures_far_down_are_there_at_once_in_their_sizes(browser, bundle, tmp_path):
    sheet, trained = tmp_path / "sheet.html", tmp_path / "trained.html"
    sheet.write_text(make_contact_sheet(write_dataset(tmp_path), "mine", 0), "utf-8")
    (folder := tmp_path / "run").mkdir()
    body = training(write_training(folder))
    trained.write_text(document("training", "<h1>training</h1>", body, "end"), "utf-8")
    for file in (sheet, trained, report(bundle)):
        with opened(browser, file, DESK) as page:
            assert page.locator("img").count() > 0
            assert missing(page) == []
