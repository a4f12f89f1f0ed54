"""The page of the past, looked at and used in a real browser."""

from __future__ import annotations

import re

import pytest

from device.events.store import EventStore
from device.outputs.encoders import choose_encoder
from device.web.past import Past
from tests.device.conftest import names_in
from tests.device.events.test_store import make_visit
from tests.helpers.browser import DESK, PHONE, faint, texts_on_grounds
from tests.helpers.children import wait_until
from tests.helpers.live_page import visit
from tests.helpers.past import CLIP, DAY_S, make_past, write_clip

pytestmark = pytest.mark.pages

DAY = "past#2026-05-29"
NO_VIDEO = "This browser cannot play the clip"
UTC = {"timezone_id": "UTC", "locale": "en-GB"}


@pytest.fixture(scope="module")
def standing(bundle_dir, tmp_path_factory, no_token):
    """A past that tests leave as it is."""
    folder = tmp_path_factory.mktemp("past")
    path = make_past(folder, count=60)
    with visit(bundle_dir, name="Back garden", past=Past(path, folder / "clips")) as run:
        yield run


@pytest.fixture
def run(standing):
    return standing


@pytest.fixture
def open_past(open_page):
    """Opens the page on the day of the visits, in the zone in which the script has it."""

    def open_past(run, size_wh=PHONE, address=DAY, ready="#visits li", **options):
        page = open_page(run.link + address, size_wh, image=False, **{**UTC, **options})
        page.locator(ready).first.wait_for()
        return page

    return open_past


@pytest.fixture
def own(bundle_dir, tmp_path):
    """A past to change: its run, and the folder of its clips."""
    path = make_past(tmp_path)
    with visit(bundle_dir, past=Past(path, tmp_path / "clips")) as run:
        yield run, tmp_path / "clips"


def cards(page) -> list[str]:
    return page.locator("#visits li b").all_inner_texts()


def texts(page, selector: str) -> list[str]:
    return [re.sub(r"\s+", " ", text) for text in page.locator(selector).all_inner_texts()]


def summary(page) -> str:
    return page.locator("#summary").inner_text()


def test_day_is_shown_in_bars_cards_and_words(own, open_past):
    page = open_past(own[0])
    assert re.fullmatch("Friday,? 29 May 2026", page.locator("#day-title").inner_text())
    assert summary(page) == "5 visits"
    assert texts(page, "#bars button") == ["person 3", "cat 2", "door 4"]
    assert cards(page) == ["person", "cat", "person", "cat", "person"]
    assert texts(page, "#visits li small")[0] == "12:00, 2 min, in door"
    assert page.locator("#visits em").all_inner_texts() == ["▶ clip"]
    bars = page.locator("#bars canvas")
    assert bars.first.get_attribute("aria-label") == (
        "person: there in the hours from 8:00, 10:00, 12:00"
    )
    filled = bars.first.evaluate(
        "e => e.getContext('2d').getImageData(0, 0, e.width, e.height).data.some(Boolean)"
    )
    assert filled


def test_feet_are_on_the_map_by_hour(own, open_past):
    page = open_past(own[0])
    heat = page.locator("#heat-map")
    assert heat.get_attribute("data-seconds") == "150"
    # The feet are between 140 and 440 of 640 pixels and at 420 of 480: row 21 of 24.
    row = """e => {
        const { data } = e.getContext('2d').getImageData(0, 21.5 * 12, e.width, 1);
        return [...Array(e.width).keys()].filter(x => data[4 * x + 3] > 60).map(x => x / e.width);
    }"""
    places = heat.evaluate(row)
    assert 0.2 < min(places) < max(places) < 0.75
    page.get_by_role("slider", name="Hour").fill("8")
    wait_until(lambda: heat.get_attribute("data-seconds") == "30")
    assert page.locator("#hour-text").inner_text() == "08:00 to 09:00"
    wait_until(lambda: len(cards(page)) == 1)
    page.get_by_role("slider", name="Hour").fill("3")
    page.get_by_role("button", name="Show all of the day").click()
    wait_until(lambda: len(cards(page)) == 5)


def test_visits_are_filtered_by_class_zone_and_kept(own, open_past):
    page = open_past(own[0])
    page.get_by_role("button", name="cat, 2 visits").click()
    wait_until(lambda: cards(page) == ["cat", "cat"])
    assert page.get_by_role("button", name="cat, 2 visits").get_attribute("aria-pressed") == "true"
    wait_until(lambda: page.locator("#heat-map").get_attribute("data-seconds") == "60")
    page.get_by_role("button", name="door, 4 visits").click()
    wait_until(lambda: cards(page) == ["cat"])
    page.get_by_role("button", name="Kept only").click()
    page.get_by_text("None of these.").wait_for()
    page.get_by_role("button", name="Show all of the day").click()
    wait_until(lambda: len(cards(page)) == 5)


def test_days_are_stepped_through_and_an_empty_one_shows_the_way(own, open_past):
    page = open_past(own[0])
    page.get_by_label("Day before that has visits").click()
    wait_until(lambda: cards(page) == ["cat"])
    assert page.url.endswith("/past#2026-05-28")
    assert page.get_by_label("Day before that has visits").is_disabled()
    page.get_by_label("Day after that has visits").click()
    wait_until(lambda: len(cards(page)) == 5)
    page.get_by_label("Day", exact=True).fill("2026-06-03")
    page.get_by_text("Nobody came.").wait_for()
    page.get_by_role("button", name=re.compile("Go to Friday,? 29 May 2026")).click()
    wait_until(lambda: len(cards(page)) == 5)


def test_days_on_which_clocks_are_set_have_23_and_25_hours(own, open_past):
    """At half past twelve by the clock, 13.5 hours into the one day and 11.5 into the other."""
    run, folder = own
    noons_s = [1_792_927_800.0, 1_774_780_200.0]  # 2026-10-25 and 2026-03-29, 12:30 in Berlin
    store = EventStore(folder.parent / "events.db")
    with store.batch():
        for number, noon_s in enumerate(noons_s, 20):
            store.add(make_visit(number, label="dog", began_s=noon_s, seen_s=noon_s + 5), "0")
    store.close()
    page = open_past(run, address="past#2026-10-25", timezone_id="Europe/Berlin")
    for day, last_hour, twelve in (("2026-10-25", 24, "52%"), ("2026-03-29", 22, "47.8261%")):
        page.get_by_label("Day", exact=True).fill(day)
        dog = page.get_by_role("img", name="dog: there in the hours from 12:00")
        dog.wait_for()
        wait_until(lambda most=last_hour: page.locator("#hour").get_attribute("max") == str(most))
        wait_until(
            lambda left=twelve: (
                page.locator(".hours span", has_text="12").evaluate("e => e.style.left") == left
            )
        )
        page.get_by_role("slider", name="Hour").fill(str(last_hour - 11))
        assert page.locator("#hour-text").inner_text() == "12:00 to 13:00"


def test_long_list_comes_in_parts(run, open_past):
    page = open_past(run)
    assert summary(page) == "16 visits"
    page.route(
        "**/api/visits?*", lambda route: route.continue_(url=f"{route.request.url}&limit=20")
    )
    page.get_by_label("Day after that has visits").click()
    wait_until(lambda: len(cards(page)) == 20)
    page.get_by_role("button", name="Show more").click()
    wait_until(lambda: len(cards(page)) == 24)
    assert page.get_by_role("button", name="Show more").count() == 0


def test_clip_plays_in_place(own, open_past):
    run, folder = own
    if not choose_encoder(".mp4").robust:
        pytest.skip("PyAV is not installed: clips are not H.264")
    write_clip(folder / CLIP)
    page = open_past(run)
    page.get_by_role("button", name="clip").click()
    clip = page.locator("#clip")
    wait_until(lambda: clip.evaluate("e => e.duration") > 1.5)
    assert clip.evaluate("e => [e.videoWidth, e.videoHeight]") == [64, 48]
    clip.evaluate("e => { e.muted = true; return e.play(); }")
    wait_until(lambda: clip.evaluate("e => e.currentTime") > 0)
    clip.evaluate("e => { e.pause(); e.currentTime = 1; }")
    wait_until(lambda: not clip.evaluate("e => e.seeking"))
    page.get_by_role("button", name="Show the picture").click()
    assert not clip.is_visible()
    wait_until(lambda: page.locator("#large").evaluate("e => e.naturalWidth") == 640)


def test_clip_that_cannot_be_played_is_said_to_be_one_and_can_be_saved(own, open_past):
    page = open_past(own[0])  # its clip is no video at all
    page.get_by_role("button", name="clip").click()
    page.get_by_text(NO_VIDEO).wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save clip").click()
    assert download.value.suggested_filename == "visit-4.mp4"


def test_clip_that_was_removed_since_is_said_to_be_gone_and_not_offered(own, open_past, open_page):
    page = open_past(own[0])
    (own[1] / CLIP).unlink()
    page.get_by_role("button", name="clip").click()
    page.get_by_text("The clip is gone").wait_for()
    assert page.locator("#large").is_visible()
    assert not page.get_by_role("link", name="Save clip").is_visible()
    page.keyboard.press("Escape")
    wait_until(lambda: page.get_by_role("button", name="clip").count() == 0)
    assert all("404" in text for text in open_page.complaints)  # Chromium's word on what is gone
    open_page.complaints.clear()


def test_visit_is_kept_saved_and_deleted_by_keys_alone(own, open_past):
    run, folder = own
    page = open_past(run)
    page.locator("#visits button").nth(1).focus()
    page.keyboard.press("Enter")
    page.locator("#closer[open]").wait_for()
    page.keyboard.press("ArrowRight")  # to the one on the clip
    assert page.locator("#closer-title").inner_text() == "person 90 %"
    page.get_by_text(NO_VIDEO).wait_for()  # all of the clip that the browser asks for
    page.keyboard.press("k")
    wait_until(lambda: page.locator("#keep").get_attribute("aria-pressed") == "true")
    assert names_in(folder) == [CLIP.replace(".mp4", ".kept.mp4")]
    with page.expect_download() as download:
        page.get_by_role("link", name="Save picture").press("Enter")
    assert download.value.suggested_filename == "visit-4.jpg"
    page.keyboard.press("Escape")
    page.get_by_text("kept", exact=True).wait_for()
    focused = "document.activeElement.closest('li')?.dataset.number"
    wait_until(lambda: page.evaluate(focused) == "4")
    page.keyboard.press("Enter")
    page.get_by_text(NO_VIDEO).wait_for()
    page.keyboard.press("Delete")
    assert page.locator("#delete").inner_text() == "Really delete?"
    page.keyboard.press("Delete")
    wait_until(lambda: page.locator("#closer-title").inner_text() == "cat 90 %")
    assert names_in(folder) == []
    page.keyboard.press("Escape")
    wait_until(lambda: cards(page) == ["person", "cat", "cat", "person"])


def test_run_without_events_says_how_to_keep_them(bundle_dir, open_past, open_page):
    with visit(bundle_dir) as run:
        page = open_past(run, address="past", ready="text=This run keeps no past.")
        assert "--events events.db" in page.locator("#teach-command").inner_text()
        assert not page.locator("#controls").is_visible()
        page.get_by_role("link", name="Live").click()
        page.locator("#picture[data-frame]").wait_for()
        page.close()
    open_page.complaints[:] = [text for text in open_page.complaints if "404" not in text]


def test_past_with_no_visits_yet_says_what_makes_one(bundle_dir, tmp_path, open_past):
    path = make_past(tmp_path, count=0, before=False)
    with visit(bundle_dir, past=Past(path, tmp_path / "clips")) as run:
        page = open_past(run, address="past", ready="text=Nobody has come yet.")
        assert "three of five frames" in page.locator("#teach").inner_text()
        page.close()


def test_live_page_leads_to_the_past_and_back(run, open_page):
    page = open_page(run.link)
    page.get_by_role("link", name="Past").click()
    page.locator("#summary").wait_for()
    page.get_by_role("link", name="Live").press("Enter")
    page.locator("#picture[data-frame]").wait_for()


def test_past_asks_for_the_token_and_stays_where_it_was(bundle_dir, tmp_path, open_page):
    path = make_past(tmp_path)
    with visit(bundle_dir, token="open-sesame", past=Past(path, tmp_path / "clips")) as run:
        page = open_page(f"http://{run.host}/past", image=False, **UTC)
        page.get_by_label("Token").fill("open-sesame")
        page.keyboard.press("Enter")
        page.locator("#summary").wait_for()
        assert page.url == f"http://{run.host}/past"
        page.close()
    open_page.complaints[:] = [text for text in open_page.complaints if "401" not in text]


def test_everything_is_reached_by_tab_in_order(own, open_past):
    page = open_past(own[0])
    name = (
        "(e => e.ariaLabel || e.labels?.[0]?.innerText || e.innerText || e.localName)"
        "(document.activeElement)"
    )
    reached = []
    while "12:00, 2 min" not in (reached or [""])[-1]:
        assert len(reached) < 30, reached
        page.keyboard.press("Tab")
        reached.append(re.sub(r"\s+", " ", page.evaluate(name)))
    # A date is entered in parts.
    once = [each for place, each in enumerate(reached) if reached[place - 1 : place] != [each]]
    assert once[:-1] == [
        "Live", "Past", "Day before that has visits", "Day", "Today", "person, 3 visits",
        "cat, 2 visits", "door, 4 visits", "Hour", "Kept only",
    ]  # fmt: skip


@pytest.mark.parametrize("opened", [False, True])
def test_nothing_is_cut_off_or_too_small_to_hit_at_any_width(own, open_past, opened):
    page = open_past(own[0])
    if opened:
        page.locator("#visits button").first.click()
    for width, height in [(320, 568), PHONE, (844, 390), (768, 1024), DESK, (2560, 1440)]:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        if opened:
            assert page.evaluate("(e => e.scrollWidth <= e.clientWidth)(closer)")
        small = page.evaluate(
            """[...document.querySelectorAll('button, a, input')].filter(e => e.checkVisibility())
            .map(e => [e.getBoundingClientRect(), e.outerHTML])
            .filter(([box]) => box.height < 32 || box.width < 40).map(([, html]) => html)"""
        )
        assert small == []


@pytest.mark.parametrize("size_wh", [PHONE, DESK])
def test_text_stands_out_and_everything_has_a_name_in_light_and_dark(own, open_past, size_wh):
    page = open_past(own[0], size_wh)
    page.get_by_role("button", name="door, 4 visits").click()
    wait_until(lambda: len(cards(page)) == 4)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        texts = texts_on_grounds(page, "h2, h3, label, span, p, small, b, a, button, output")
        assert len(texts) > 25
        assert faint(texts) == [], scheme
    nameless = page.evaluate(
        """[...document.querySelectorAll('button, a, input, section, [role=img]')]
        .filter(e => e.checkVisibility())
        .filter(e => !(e.ariaLabel || e.getAttribute('aria-labelledby') || e.labels?.length
          || e.innerText?.trim())).map(e => e.outerHTML)"""
    )
    assert nameless == []


def test_names_are_text_and_never_markup(bundle_dir, tmp_path, open_past):
    path = make_past(tmp_path, label="<img src=x onerror=alert(1)>")
    with visit(bundle_dir, past=Past(path, tmp_path / "clips")) as run:
        page = open_past(run)
        assert "<img src=x onerror=alert(1)>" in cards(page)
        assert page.locator("img[src=x]").count() == 0
        page.close()


def test_newcomers_are_announced_and_wait_to_be_shown(own, open_past, open_page):
    run, folder = own
    page = open_page(run.link, image=False, **UTC)
    page.clock.install(time=DAY_S + 13 * 3600)
    page.goto(run.link + "past")
    wait_until(lambda: len(cards(page)) == 5)
    store = EventStore(folder.parent / "events.db")
    with store.batch():
        came = make_visit(9, label="dog", began_s=DAY_S + 46_000, seen_s=DAY_S + 46_005)
        store.add(came, "0")
    store.close()
    page.clock.run_for(16_000)
    page.get_by_role("button", name="1 new: show").click()
    wait_until(lambda: cards(page)[0] == "dog")
    assert texts(page, "#visits li small")[0] == "12:46, 5 s and on, in sofa"
