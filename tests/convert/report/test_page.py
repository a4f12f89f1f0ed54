from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from convert.cli import main
from convert.evaluation.accuracy import Accuracy, Disagreement, SeenObject, VariantAccuracy
from convert.report.charts import Bar, Pair, Point, bars, changes, losses, scatter
from convert.report.charts import Loss as LossRow
from convert.report.comparison import MOST_BYTES, encode, unmatched
from convert.report.decision import decide
from convert.report.facts import gather, load_facts
from convert.report.page import make_page, report
from convert.report.recommendation import (
    PI_4,
    PI_5,
    Verdict,
    advise,
    best_for,
    headline,
    judge,
    points,
)
from device.bundle.bundle import Bundle
from device.bundle.manifest import SampleDetection, format_manifest, parse_manifest
from device.charts.markup import escape
from device.errors import BundleError
from tests.helpers.outline import Outline

EVIL = "<script>alert('x')</script>\"&"


@pytest.fixture
def bundle(bundle_dir, tmp_path) -> Path:
    """A copy of the real bundle, without what others may have left in it."""
    folder = tmp_path / "bundle"
    shutil.copytree(bundle_dir, folder)
    for name in ("accuracy.json", "report.html"):
        (folder / name).unlink(missing_ok=True)
    return folder


@pytest.fixture
def manifest(bundle):
    return Bundle(bundle).manifest


def accuracy_of(manifest, drops=None, intervals=None, **changed) -> Accuracy:
    """A measurement with float32 at 0.3 and ``drops`` from there."""
    drops = {"float32": 0.0, "float16": 0.0, "dynamic": 0.001, "int8": 0.004} | (drops or {})
    variants = {}
    for name, variant in manifest.variants.items():
        drop = drops[name]
        spread_of = (intervals or {}).get(name, (drop - 0.003, drop + 0.003))
        variants[name] = VariantAccuracy(
            interpreter="litert 2.3.0",
            size_bytes=variant.size_bytes,
            map=0.3 - drop,
            map_50=0.5 - drop,
            map_interval=(0.28 - drop, 0.33 - drop),
            drop=None if name == "float32" else drop,
            drop_interval=None if name == "float32" else spread_of,
            classes={"cat": 0.5 - 10 * drop, "dog": 0.4, "kite": 0.2 + drop},
        )
    fields = {
        "model": manifest.model,
        "task": manifest.task,
        "images": 100,
        "seed": 3,
        "resamples": 1000,
        "threshold": 0.5,
        "variants": variants,
        "disagreements": (),
    }
    return Accuracy(**(fields | changed))


def write_accuracy(folder: Path, accuracy: Accuracy) -> None:
    (folder / "accuracy.json").write_bytes(msgspec.json.encode(accuracy))


# Charts


def test_scatter_puts_point_and_whisker_where_they_belong():
    svg = scatter("s", "t", [Point("a", 10, 0.3, (0.2, 0.4)), Point("b", 20, 0.2)], "x", "y")
    # x: 0..20 on 42..348; y: 0.2..0.4 on 232..30.
    assert '<circle cx="195.0" cy="131.0"' in svg
    assert '<circle cx="348.0" cy="232.0"' in svg
    assert '<line x1="195.0" y1="232.0" x2="195.0" y2="30.0" class="whisker"/>' in svg


def test_scatter_labels_do_not_cover_each_other():
    points = [Point(name, 5 + n / 100, 0.3 + n / 1e4) for n, name in enumerate("abcd")]
    svg = scatter("s", "t", [*points, Point("z", 20, 0.5)], "x", "y")
    found = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" class="label[^"]*">', svg)
    places = [(float(x), float(y)) for x, y in found]
    assert len(places) == 5
    for number, one in enumerate(places):
        for other in places[number + 1 :]:
            assert abs(one[1] - other[1]) >= 12 or abs(one[0] - other[0]) >= 6.6


def test_loss_row_has_its_point_and_interval():
    svg = losses("l", "t", [LossRow("int8", 1.0, (0.0, 2.0))], "x")
    # 0..2 on 96..290: one is in the middle, at 193.
    assert 'cx="193.0"' in svg
    assert '<line x1="96.0" y1="23.0" x2="290.0" y2="23.0" class="whisker"/>' in svg
    assert ">1.0<" in svg


def test_bars_are_linear_up_to_a_ratio_of_ten():
    svg, log = bars("b", "t", [("g", [Bar("a", 2.0), Bar("b", 20.0)])], "ms")
    assert not log
    assert 'width="20.6"' in svg  # 2 of 20, on 206 pixels
    assert 'width="206.0"' in svg


def test_bars_are_logarithmic_above_a_ratio_of_ten():
    svg, log = bars("b", "t", [("g", [Bar("a", 2.0), Bar("b", 200.0)])], "ms")
    assert log
    assert 'width="206.0"' in svg
    assert "logarithmic" in svg


def test_bar_without_a_time_says_why():
    svg, _ = bars("b", "t", [("g", [Bar("old", None, "does not load: op version 12")])], "ms")
    assert "does not load: op version 12" in svg
    assert "<rect" not in svg


def test_change_bars_share_a_scale():
    svg = changes("c", "t", [Pair("cat", 0.5, 0.45)], 10.0, "points")
    assert 'width="82.0"' in svg  # 5 of 10, on 164 pixels
    assert "0.50 → 0.45" in svg


# Words


@pytest.mark.parametrize(
    ("drop", "interval", "verdict"),
    [
        (0.004, (-0.001, 0.009), Verdict.GOOD),
        (0.004, (-0.010, 0.020), Verdict.UNSURE),
        (0.004, None, Verdict.GOOD),
        (0.011, (0.009, 0.015), Verdict.BAD),
        (-0.010, (-0.020, 0.000), Verdict.GOOD),
    ],
)
def test_verdict_follows_the_loss_and_its_interval(manifest, drop, interval, verdict):
    facts = gather(manifest, accuracy_of(manifest, {"int8": drop}, {"int8": interval}))
    assert judge(facts, facts.variant("int8")) is verdict


@pytest.mark.parametrize(
    ("drops", "on_pi_5", "on_pi_4"),
    [
        ({}, "int8", "int8"),
        ({"int8": 0.05}, "float16", "dynamic"),
        ({"int8": 0.05, "float16": 0.05}, "dynamic", "dynamic"),
        ({"int8": 0.05, "dynamic": 0.05}, "float16", "float16"),
        ({"int8": 0.05, "dynamic": 0.05, "float16": 0.05}, "float32", "float32"),
    ],
)
def test_boards_get_the_variant_that_is_right_and_cheap(manifest, drops, on_pi_5, on_pi_4):
    recipe = manifest.variants["float16"].recipe | {"half_arithmetic": True}
    float16 = msgspec.structs.replace(manifest.variants["float16"], recipe=recipe)
    manifest = msgspec.structs.replace(manifest, variants=manifest.variants | {"float16": float16})
    facts = gather(manifest, accuracy_of(manifest, drops))
    assert best_for(facts, PI_5).name == on_pi_5
    assert best_for(facts, PI_4).name == on_pi_4
    start = "Stay with" if on_pi_5 == "float32" else "Take"
    assert headline(facts)[0].startswith(f"{start} {on_pi_5}")


def test_float16_that_asks_for_float32_arithmetic_gains_nothing_on_a_pi_5(manifest):
    float16 = msgspec.structs.replace(
        manifest.variants["float16"], recipe={"precision": "float16", "half_arithmetic": False}
    )
    manifest = msgspec.structs.replace(manifest, variants=manifest.variants | {"float16": float16})
    facts = gather(manifest, accuracy_of(manifest, {"int8": 0.05}))
    assert best_for(facts, PI_5).name == "dynamic"
    assert "asks for float32 arithmetic" in decide(facts)[2].here


def with_check(manifest, name, interpreter, **changed):
    variant = manifest.variants[name]
    check = msgspec.structs.replace(variant.checks[interpreter], **changed)
    checked = msgspec.structs.replace(variant, checks=variant.checks | {interpreter: check})
    return msgspec.structs.replace(manifest, variants=manifest.variants | {name: checked})


def test_variant_that_litert_cannot_load_is_not_recommended(manifest):
    manifest = with_check(manifest, "int8", "litert", ok=False, reason="op 7", invoke_ms=None)
    facts = gather(manifest, accuracy_of(manifest))
    assert best_for(facts, PI_5).name != "int8"
    assert "LiteRT does not load it" in " ".join(advise(facts)[0].reasons)


def test_advice_for_this_machine_follows_the_times(manifest):
    quick = with_check(manifest, "float16", "litert", invoke_ms=0.5)
    here = advise(gather(quick, accuracy_of(quick)))[-1]
    assert (here.variant, here.interpreter) == ("float16", "LiteRT")
    assert "0.5 ms" in here.reasons[0]


def test_unsure_interval_is_said(manifest):
    facts = gather(manifest, accuracy_of(manifest, {}, {"int8": (-0.01, 0.03)}))
    first, told = headline(facts)
    assert first.startswith("Try int8")
    assert "measure on more pictures" in told


def test_agreement_below_the_limit_recommends_nothing_smaller(manifest):
    for name in ("int8", "dynamic", "float16"):
        manifest = with_check(manifest, name, "litert", agreement=0.7)
    facts = gather(manifest, None)
    assert best_for(facts, PI_5).name == "float32"


def test_likeness_alone_is_worth_a_try(manifest):
    first, _ = headline(gather(manifest, None))
    assert first.startswith("Try int8")
    assert "accuracy was not measured" in first


def test_decision_goes_on_where_a_step_gains_no_time(manifest):
    manifest = with_check(manifest, "float32", "litert", invoke_ms=10.0)
    manifest = with_check(manifest, "dynamic", "litert", invoke_ms=25.0)
    manifest = with_check(manifest, "int8", "litert", invoke_ms=4.0)
    dynamic, int8, _ = decide(gather(manifest, accuracy_of(manifest)))
    assert "slower in LiteRT (25.0 ms against 10.0)" in dynamic.here
    assert "go on if time matters" in dynamic.outcome
    assert "2.5 times as fast" in int8.here
    assert "Stop here" in int8.outcome


@pytest.mark.parametrize(
    ("share", "text"), [(0.0123, "1.2"), (-0.0123, "\N{MINUS SIGN}1.2"), (-0.0001, "0.0")]
)
def test_points_have_a_real_minus_and_no_minus_zero(share, text):
    assert points(share) == text


# Pictures


def seen(label, score, box=(0.0, 0.0, 10.0, 10.0)):
    return SampleDetection(label, score, box)


def test_unmatched_pairs_by_label_and_overlap():
    base = [seen("cat", 0.9), seen("dog", 0.8)]
    other = [seen("cat", 0.7, (0.0, 0.0, 10.0, 8.0)), seen("dog", 0.6, (50.0, 50.0, 60.0, 60.0))]
    assert [item.label for item in unmatched(base, other)] == ["dog"]
    assert unmatched(base, base) == ()


def test_classifiers_differ_by_their_first_choice_only():
    base = [seen("cat", 0.9, None), seen("dog", 0.1, None)]
    assert unmatched(base, [seen("cat", 0.5, None), seen("cow", 0.2, None)]) == ()
    assert [item.label for item in unmatched(base, base[::-1])] == ["cat"]


def test_noisy_pictures_are_still_small():
    noise = np.random.default_rng(1).integers(0, 256, (400, 400, 3), np.uint8)
    assert len(encode(noise)) <= MOST_BYTES * 4 / 3 + 40


def test_disagreements_are_shown_where_their_pictures_can_be_read(bundle, manifest, tmp_path):
    shutil.copy(bundle / "samples" / "cat.jpg", tmp_path / "one.jpg")
    variants = {
        "float32": (SeenObject("cat", 0.6, (10.0, 10.0, 200.0, 200.0)),),
        "int8": (SeenObject("dog", 0.55, (10.0, 10.0, 200.0, 200.0)),),
    }
    shown = [Disagreement(str(tmp_path), name, 2, variants) for name in ("gone.jpg", "one.jpg")]
    write_accuracy(bundle, accuracy_of(manifest, disagreements=tuple(shown)))
    page = report(bundle).read_text()
    assert "one.jpg</strong> Only float32: cat 60%. Only int8: dog 55%." in page
    assert "gone.jpg" not in page
    assert len(Outline(page).all("img")) == 2


def test_samples_are_shown_where_no_measured_picture_can_be_read(bundle, manifest, tmp_path):
    gone = Disagreement(str(tmp_path), "gone.jpg", 1, {"float32": (), "int8": ()})
    write_accuracy(bundle, accuracy_of(manifest, disagreements=(gone,)))
    page = report(bundle).read_text()
    assert "own samples" in page
    assert len(Outline(page).all("img")) == 2 * len(manifest.samples)


# The page


def test_page_without_a_measurement_says_so_and_how_to_make_one(bundle):
    page = report(bundle).read_text()
    assert "Accuracy was not measured" in page
    assert "python -m convert evaluate BUNDLE" in page
    assert "agreement" in page
    assert "loss-chart" not in page


def test_page_shows_the_measurement(bundle, manifest):
    write_accuracy(bundle, accuracy_of(manifest))
    page = report(bundle).read_text()
    text = Outline(page).text
    assert "Accuracy was not measured" not in text
    assert "0.276 to 0.326" in text  # int8's interval
    assert "0.1 to 0.7" in text  # and that of its loss
    assert "0.50 → 0.46" in text  # cat, in int8
    assert manifest.provenance.machine in text
    assert manifest.provenance.command in text
    assert all(name in text for name in manifest.provenance.calibration)


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
    loaded = re.findall(r"""(?:src|srcset|data|action|poster)=["'](?!data:)|url\(|@import""", page)
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


def test_variant_that_does_not_load_says_why(bundle, manifest):
    broken = with_check(
        manifest, "int8", "tflite-runtime", ok=False, reason="op version 12", invoke_ms=None
    )
    (bundle / "manifest.json").write_bytes(format_manifest(broken))
    text = Outline(report(bundle).read_text()).text
    assert "does not load: op version 12" in text


def test_measurement_of_other_files_is_pointed_out(bundle, manifest):
    measured = accuracy_of(manifest)
    item = msgspec.structs.replace(measured.variants["int8"], size_bytes=1)
    write_accuracy(
        bundle, msgspec.structs.replace(measured, variants=measured.variants | {"int8": item})
    )
    assert "files of other sizes" in report(bundle).read_text()


def test_classifier_is_shown_with_top_1(bundle, manifest):
    figures = {
        name: VariantAccuracy(
            interpreter="litert 2.3.0",
            size_bytes=variant.size_bytes,
            top1=0.7,
            top5=0.9,
            top1_interval=(0.65, 0.75),
            drop=None if name == "float32" else 0.0,
        )
        for name, variant in manifest.variants.items()
    }
    sample = msgspec.structs.replace(
        manifest.samples[0],
        detections={
            "float32": (SampleDetection("cat", 0.9),),
            "int8": (SampleDetection("person", 0.8),),
        },
    )
    data = json.loads(format_manifest(msgspec.structs.replace(manifest, samples=(sample,))))
    data["task"] = "classification"
    data["decoder"] = {"type": "classifier"}
    (bundle / "manifest.json").write_bytes(json.dumps(data).encode())
    assert parse_manifest(json.dumps(data).encode()).task == "classification"
    measured = accuracy_of(manifest, task="classification", variants=figures)
    write_accuracy(bundle, measured)
    text = Outline(report(bundle).read_text()).text
    assert "top-1 accuracy" in text
    assert "Only float32: cat 90%" in text


def test_agreement_without_annotations_is_shown_as_a_likeness(bundle, manifest):
    figures = {
        name: VariantAccuracy(
            interpreter="litert 2.3.0",
            size_bytes=variant.size_bytes,
            agreement=0.98,
            agreement_interval=(0.96, 0.99),
        )
        for name, variant in manifest.variants.items()
    }
    write_accuracy(bundle, accuracy_of(manifest, variants=figures))
    text = Outline(report(bundle).read_text()).text
    assert "Measured without annotations" in text
    assert "0.960 to 0.990" in text


# The command


def test_command_writes_the_page_and_says_where(bundle, capsys):
    assert main(["report", str(bundle)]) == 0
    assert capsys.readouterr().out.strip() == str(bundle / "report.html")
    assert sorted(path.name for path in bundle.iterdir() if path.name.startswith(".")) == []
    Bundle(bundle).verify()


def test_command_writes_elsewhere_where_asked(bundle, tmp_path):
    assert main(["report", str(bundle), "--out", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").is_file()
    assert not (bundle / "report.html").exists()


def test_no_bundle_is_one_line(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(BundleError, match="not a bundle"):
        report(tmp_path)


@pytest.mark.parametrize("place", ["missing/page.html", "folder"])
def test_place_that_cannot_be_written_is_one_line(bundle, tmp_path, capsys, place):
    (tmp_path / "folder").mkdir()
    assert main(["report", str(bundle), "--out", str(tmp_path / place)]) == 1
    said = capsys.readouterr().err
    assert "cannot be written" in said
    assert said.count("\n") == 1
    assert not list(tmp_path.glob(".*partial"))


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{", "measure again"), (b'{"model": 3}', "measure again"), (b"\xff\xfe", "measure again")],
)
def test_damaged_measurement_is_one_line(bundle, capsys, content, said):
    (bundle / "accuracy.json").write_bytes(content)
    assert main(["report", str(bundle)]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_measurement_of_another_model_is_refused(bundle, manifest, capsys):
    write_accuracy(bundle, accuracy_of(manifest, model="another"))
    assert main(["report", str(bundle)]) == 1
    assert "is about another" in capsys.readouterr().err


def test_damaged_bundle_is_refused(bundle, capsys):
    (bundle / "int8.tflite").write_bytes(b"x")
    assert main(["report", str(bundle)]) == 1
    assert "damaged" in capsys.readouterr().err


# A real browser

MEASURE = """<script>
addEventListener("error", event => parent.postMessage("error " + event.message, "*"));
addEventListener("load", () => parent.postMessage(
  [document.documentElement.scrollWidth, innerWidth,
   performance.getEntriesByType("resource").filter(e => !e.name.startsWith("data:")).length,
   [...document.images].filter(image => !image.naturalWidth).length,
   [...document.querySelectorAll("svg")].filter(
     svg => svg.getBoundingClientRect().right > innerWidth).length].join(" "), "*"));
</script>"""


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed (apt install chromium)")
    return found


def browse(chromium: str, page: Path, profile: Path, *options: str) -> subprocess.CompletedProcess:
    quiet = ["background-networking", "component-update", "sync", "quic", "gpu"]
    return subprocess.run(
        [
            chromium,
            "--headless",
            "--no-sandbox",
            "--no-first-run",
            *(f"--disable-{name}" for name in quiet),
            "--enable-logging=stderr",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={profile}",
            *options,
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def console(done: subprocess.CompletedProcess) -> list[str]:
    """What the page itself made the browser say, a refused resource included."""
    return [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


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
