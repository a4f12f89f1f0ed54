from __future__ import annotations

import html
import re

import cv2
import msgspec
import numpy as np
import pytest

from convert.report.facts import load_facts
from convert.report.page import make_page, report
from device.bundle.manifest import SampleDetection, format_manifest
from device.charts.markup import escape
from tests.helpers.measured_report import (
    EVIL,
    MEASURE,
    accuracy_of,
    browse,
    console,
    with_check,
    write_accuracy,
)
from tests.helpers.outline import Outline


def test_page_without_a_measurement_says_so_and_how_to_make_one(bundle):
    page = report(bundle).read_text()
    assert "Accuracy was not measured" in page
    assert "python -m convert evaluate BUNDLE" in page
    assert "agreement" in page
    assert "loss-chart" not in page


def test_page_is_sound_accessible_and_fetches_nothing(bundle, manifest):
    write_accuracy(bundle, accuracy_of(manifest))
    path = report(bundle)
    page = path.read_text()
    assert path.stat().st_size < 1_500_000
    outline = Outline(page)
    assert outline.open == []
    assert [tag for tag, _ in outline.elements if tag == "h1"] == ["h1"]
    assert not outline.all("script")
    for image in outline.all("img"):
        assert image["src"].startswith("data:image/jpeg;base64,")
        assert image["alt"]
    for svg in outline.all("svg"):
        assert svg["role"] == "img"
    identifiers = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    for _, attributes in outline.elements:
        for name in (attributes.get("aria-labelledby") or "").split():
            assert name in identifiers
    for link in outline.all("a"):
        assert link["href"].startswith("https://ai.google.dev/") or (
            link["href"].removeprefix("#") in identifiers
        )
    assert len(outline.all("caption")) == len(outline.all("table"))
    assert all(heading.get("scope") for heading in outline.all("th"))
    loaded = re.findall(
        r"""(?:src|srcset|data|action|poster)=["'](?!data:)|url\((?!data:)|@import""", page
    )
    assert loaded == []


def test_what_comes_from_files_is_escaped(bundle, manifest):
    sample = msgspec.structs.replace(
        manifest.samples[0],
        title=EVIL,
        licence=EVIL,
        source=EVIL,
        detections={"float32": (SampleDetection(EVIL, 0.9, (1, 1, 50, 50)),), "int8": ()},
    )
    origin = msgspec.structs.replace(
        manifest.provenance,
        source=EVIL,
        machine=EVIL,
        command=EVIL,
        licence=EVIL,
        calibration=(EVIL,),
        versions={EVIL: EVIL},
    )
    hostile = msgspec.structs.replace(
        with_check(manifest, "int8", "litert", ok=False, reason=EVIL, invoke_ms=None),
        model=EVIL,
        samples=(sample,),
        provenance=origin,
    )
    variants = hostile.variants | {EVIL: hostile.variants["dynamic"]}
    hostile = msgspec.structs.replace(hostile, variants=variants)
    (bundle / "manifest.json").write_bytes(format_manifest(hostile))
    measured = accuracy_of(hostile, {EVIL: 0.002})
    for name, item in measured.variants.items():
        classes = {EVIL: 0.5 if name == "float32" else 0.1}
        measured.variants[name] = msgspec.structs.replace(item, classes=classes, interpreter=EVIL)
    write_accuracy(bundle, measured)
    page = report(bundle).read_text()
    outline = Outline(page)
    assert "<script" not in page
    assert not outline.all("script")
    assert outline.open == []
    assert html.unescape(escape(EVIL)) == EVIL
    assert outline.text.count(EVIL) >= 10


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("measured", [False, True])
def test_browser_shows_it_without_scrolling_sideways(
    chromium, bundle, manifest, tmp_path, width, measured
):
    if measured:
        write_accuracy(bundle, accuracy_of(manifest))
    page = report(bundle).read_text()
    # The page forbids scripts, so a copy without that rule measures itself. The browser's own
    # window is never narrower than 500 pixels: a frame in it is.
    copy = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', MEASURE, page)
    assert copy != page
    (tmp_path / "copy.html").write_text(copy)
    (tmp_path / "frame.html").write_text(
        "<title></title><script>onmessage = event => document.title += event.data</script>"
        f'<iframe src="copy.html" style="border:0;width:{width}px;height:900px"></iframe>'
    )
    done = browse(
        chromium, tmp_path / "frame.html", tmp_path / "profile", "--dump-dom",
        "--virtual-time-budget=3000", "--window-size=1600,1000",
    )  # fmt: skip
    found = re.search(r"<title>(.*?)</title>", done.stdout)
    assert found is not None, done.stderr[-2000:]
    needed, available, fetched, broken, wide = map(int, found[1].split())
    assert available == width
    assert needed <= available
    assert (fetched, broken, wide) == (0, 0, 0)


def test_browser_finds_nothing_to_complain_about(chromium, bundle, manifest, tmp_path):
    write_accuracy(bundle, accuracy_of(manifest))
    shot = tmp_path / "shot.png"
    done = browse(
        chromium, report(bundle), tmp_path / "profile", f"--screenshot={shot}",
        "--window-size=1440,2000",
    )  # fmt: skip
    assert console(done) == []
    image = cv2.imread(str(shot))
    assert image.shape == (2000, 1440, 3)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 100  # something was drawn


def test_page_is_made_without_reading_anything_again(bundle):
    _, _, facts = load_facts(bundle)
    page = make_page(facts, (), measured_images=False)
    assert 'id="pictures"' not in page
    assert "#pictures" not in page
