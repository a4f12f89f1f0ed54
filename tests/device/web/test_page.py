"""The live page, looked at and used in a real browser."""

from __future__ import annotations

import base64
import contextlib
import io
import re
import time

import numpy as np
import pytest
from PIL import Image

from device.cameras.base import CameraLoss
from device.drawing.palette import class_colour
from device.errors import SourceError
from tests.helpers.browser import DESK, PHONE, faint, texts_on_grounds
from tests.helpers.children import wait_until
from tests.helpers.live_page import Phone, WebSocket, visit

pytestmark = pytest.mark.pages

PERSON, CAT = 0, 15  # class ids of the bundle


@pytest.fixture(scope="module")
def standing(bundle_dir):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LITEBERRY_TOKEN", raising=False)
        with visit(bundle_dir, messages=Phone()) as run:
            run.until(lambda: run.pipeline.rate.stamps > 2)
            yield run


@pytest.fixture
def run(standing):
    """A run as if it had just begun: starting one for each test would take its time."""
    yield standing
    standing.scene.there.set()
    standing.scene.shows = "cat"
    standing.change({"threshold": 0.5, "classes": [], "variant": "int8"})


def frame_number(page) -> int:
    return int(page.locator("#picture").get_attribute("data-frame"))


def pixels_of(page, selector: str) -> np.ndarray:
    """What is on a canvas, RGB."""
    address = page.locator(selector).evaluate("canvas => canvas.toDataURL()")
    data = base64.b64decode(address.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def text_of(page, selector: str) -> str:
    return page.locator(selector).inner_text()


def boxes_drawn(page) -> int:
    return int(page.locator("#boxes").get_attribute("data-boxes"))


def area_of(image, colour) -> int:
    """How many pixels have about this colour (blue, green, red)."""
    return int((np.abs(image - colour[::-1]).max(axis=2) < 20).sum())


def test_picture_moves_and_has_the_boxes_of_what_is_found(run, open_page):
    page = open_page(run.link)
    first = frame_number(page)
    before = pixels_of(page, "#picture")
    wait_until(lambda: frame_number(page) > first + 10)
    assert before.shape == (240, 320, 3)
    wait_until(lambda: (pixels_of(page, "#picture") != before).any())
    assert area_of(pixels_of(page, "#boxes"), class_colour(CAT)) > 300
    run.change({"threshold": 1})
    wait_until(lambda: boxes_drawn(page) == 0)
    assert not pixels_of(page, "#boxes").any()


def test_boxes_are_drawn_as_sharp_as_the_screen_and_on_their_things(run, open_page):
    page = open_page(run.link, device_scale_factor=2)
    page.get_by_role("button", name="Pause").click()
    image = pixels_of(page, "#boxes")
    assert image.shape == (2 * 293, 2 * 390, 3)  # the picture is 320x240, its place 390x292.5
    record = page.evaluate("async () => (await import('/run.js')).run.frame.record")
    left = record["detections"][0]["box"][0] * 780 / 320
    columns = np.abs(image - class_colour(CAT)[::-1]).max(axis=2) < 20
    rows = columns.sum(axis=0)
    assert rows[max(0, round(left) - 4) : round(left) + 5].max() > 200


def test_boxes_go_at_a_button_and_a_key_and_stay_out_of_the_saved_picture(run, open_page, tmp_path):
    page = open_page(run.link)
    wait_until(lambda: boxes_drawn(page) == 1)
    areas = []
    for _ in range(2):
        with page.expect_download() as download:
            page.keyboard.press("s")
        download.value.save_as(tmp_path / "saved.jpg")
        with Image.open(tmp_path / "saved.jpg") as saved:
            areas.append(area_of(np.asarray(saved).astype(int), class_colour(CAT)))
        page.get_by_role("button", name="Boxes").click()
    assert areas[1] < areas[0] - 300  # the cat itself has much of that colour
    wait_until(lambda: boxes_drawn(page) == 1)
    page.keyboard.press("b")
    wait_until(lambda: boxes_drawn(page) == 0)


def test_card_that_is_tapped_lights_its_box_and_dims_the_others(run, open_page):
    page = open_page(run.link)
    card = page.locator("#found button")
    wait_until(lambda: card.count() == 1)
    before = area_of(pixels_of(page, "#boxes"), class_colour(CAT))
    card.click()
    assert card.get_attribute("aria-pressed") == "true"
    wait_until(lambda: area_of(pixels_of(page, "#boxes"), class_colour(CAT)) > 1.2 * before)
    card.click()
    assert card.get_attribute("aria-pressed") == "false"


PLACE = """async ([boxes, labels, size]) =>
    (await import('/placement.js')).placeLabels(boxes, labels, size)"""


def place(page, boxes, label=(60, 20), size=(400, 300)):
    return page.evaluate(PLACE, [boxes, [label] * len(boxes), size])


def test_label_lies_above_its_box_below_it_or_inside_where_there_is_room(run, open_page):
    page = open_page(run.link)
    assert place(page, [[100, 100, 200, 200]]) == [[100, 80, 160, 100]]
    assert place(page, [[100, 10, 200, 200]]) == [[100, 200, 160, 220]]
    assert place(page, [[0, 0, 400, 300]]) == [[0, 0, 60, 20]]
    assert place(page, [[380, 100, 399, 200]]) == [[340, 80, 400, 100]]  # kept in the picture


def test_labels_never_hide_each_other_and_tiny_things_have_none(run, open_page):
    page = open_page(run.link)
    same = [[100, 100, 200, 200]] * 20
    spots = place(page, same)
    found = [spot for spot in spots if spot]
    assert 4 <= len(found) < 20  # as many as there is room for
    for index, one in enumerate(found):
        for other in found[:index]:
            assert (
                one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            )
    assert place(page, [[50, 50, 60, 60]]) == [None]
    assert place(page, [[0, 0, 40, 40]], size=(40, 40)) == [None]  # wider than the picture


@pytest.mark.parametrize(
    ("colour", "ink"),
    [("#ffffff", "#000"), ("#f2d52b", "#000"), ("#111111", "#fff"), ("#0000ff", "#fff")],
)
def test_letters_are_black_or_white_by_what_stands_out_more(run, open_page, colour, ink):
    page = open_page(run.link)
    script = "async (colour) => (await import('/boxes.js')).inkOn(colour)"
    assert page.evaluate(script, colour) == ink


def test_page_needs_nothing_from_elsewhere(run, open_page):
    page = open_page(run.link)
    wait_until(lambda: text_of(page, "#sentence") == "cat")  # all that a picture needs is there
    assert open_page.requests
    assert all(url.startswith((run.link, "data:", "blob:")) for url in open_page.requests)


def test_what_is_found_is_named_and_shown(run, open_page):
    page = open_page(run.link)
    assert wait_until(lambda: text_of(page, "#sentence")) == "cat"
    card = page.locator("#found li")
    assert card.count() == 1
    assert re.fullmatch(r"cat\s+\d\d %", card.inner_text())
    assert pixels_of(page, "#found li canvas").std() > 10, "a thumbnail of one colour"
    assert page.title() == "cat \u2013 liteberry"
    assert page.locator("#spoken").text_content() == "cat"
    run.scene.shows = "person"
    wait_until(lambda: "person" in text_of(page, "#sentence"))


def test_nothing_found_says_so(run, open_page):
    page = open_page(run.link)
    run.change({"threshold": 1})
    wait_until(lambda: text_of(page, "#sentence").startswith("Nothing above 100 %."))
    wait_until(lambda: page.locator("#found li").count() == 0)


def test_slider_acts_and_follows_others(run, open_page):
    page = open_page(run.link)
    slider = page.get_by_label("Threshold")
    slider.fill("97")
    wait_until(lambda: run.pipeline.engine.threshold == 0.97)
    wait_until(lambda: text_of(page, "#sentence").startswith("Nothing above 97 %."))
    run.change({"threshold": 0.25})
    wait_until(lambda: slider.input_value() == "25")
    assert text_of(page, "#threshold-text") == "25 %"


def test_classes_are_chosen_by_chip_and_by_name(run, open_page):
    page = open_page(run.link)
    page.get_by_role("button", name="cat", exact=True).click()
    wait_until(lambda: page.locator('[data-label="cat"][aria-pressed="true"]').count())
    page.get_by_label("Add a class to look for").fill("person")
    page.keyboard.press("Enter")
    page.locator('[data-label="person"][aria-pressed="true"]').wait_for()
    page.get_by_role("button", name="cat", exact=True).click()
    wait_until(lambda: text_of(page, "#sentence").startswith("No person above 50 %."))
    page.get_by_role("button", name="Everything").click()
    wait_until(lambda: text_of(page, "#sentence") == "cat")


def test_unknown_class_is_complained_of_and_the_rest_stays(run, open_page):
    page = open_page(run.link)
    page.get_by_label("Add a class to look for").fill("unicorn")
    page.keyboard.press("Enter")
    page.get_by_role("alert").filter(has_text="the model knows no class 'unicorn'").wait_for()
    assert "400 (Bad Request)" in open_page.complaints.pop()
    assert text_of(page, "#sentence") == "cat"


def test_variant_switches_and_the_picture_goes_on(run, open_page):
    page = open_page(run.link)
    assert page.locator('#variants [aria-pressed="true"]').inner_text().startswith("int8")
    page.get_by_role("button", name="float32").click()
    page.locator('#variants [aria-pressed="true"]', has_text="float32").wait_for()
    assert run.pipeline.engine.variant == "float32"
    frame = frame_number(page)
    wait_until(lambda: frame_number(page) > frame + 3)


def encoded_meanwhile(run, frames: int = 20) -> int:
    """How many images are encoded while the run goes on by ``frames``."""
    encoded, done = run.encoded(), run.pipeline.rate.stamps
    run.until(lambda: run.pipeline.rate.stamps > done + frames)
    return run.encoded() - encoded


def test_pause_stops_the_picture_and_the_drawing(run, open_page):
    page = open_page(run.link)
    page.get_by_role("button", name="Pause").click()
    assert text_of(page, "#status") == "Paused"
    frame = frame_number(page)
    wait_until(lambda: encoded_meanwhile(run) == 0)  # what was on its way has come
    assert frame_number(page) == frame
    page.get_by_role("button", name="Go on").click()
    wait_until(lambda: frame_number(page) > frame)
    assert text_of(page, "#status").startswith("Live")


def test_snapshot_is_saved_as_shown(run, open_page, tmp_path):
    page = open_page(run.link)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save this picture").click()
    assert re.fullmatch(r"liteberry-[\d-]{19}\.jpg", download.value.suggested_filename)
    download.value.save_as(tmp_path / "saved.jpg")
    with Image.open(tmp_path / "saved.jpg") as saved:
        assert saved.size == (320, 240)


def test_picture_fills_the_screen_and_leaves_it(run, open_page):
    page = open_page(run.link)
    button = page.get_by_role("button", name="Full screen")
    button.click()
    wait_until(lambda: page.locator("#viewfinder").bounding_box()["height"] == PHONE[1])
    wait_until(lambda: button.get_attribute("aria-pressed") == "true")
    button.click()
    wait_until(lambda: page.locator("#viewfinder").bounding_box()["height"] < PHONE[1] / 2)
    wait_until(lambda: button.get_attribute("aria-pressed") == "false")


def test_picture_fills_the_window_where_there_is_no_full_screen(run, open_page):
    page = open_page(run.link)
    page.evaluate("document.querySelector('#viewfinder').requestFullscreen = undefined")
    page.get_by_role("button", name="Full screen").click()
    assert page.locator("#viewfinder").bounding_box()["height"] == PHONE[1]
    page.keyboard.press("Escape")
    assert page.locator("#viewfinder").bounding_box()["height"] < PHONE[1] / 2


def test_camera_that_is_lost_and_back_is_told(run, open_page, monkeypatch):
    page = open_page(run.link)
    with monkeypatch.context() as patch:
        patch.setattr("device.pipeline.history.STALE_AFTER_S", 0.0)
        run.scene.there.clear()
        page.get_by_text("No picture", exact=True).first.wait_for()
        assert re.match(r"(?i)no frame for \d+ s", text_of(page, "#notice-text"))
    run.scene.there.set()
    page.locator('body[data-state="live"]').wait_for()
    frame = frame_number(page)
    wait_until(lambda: frame_number(page) > frame)
    assert not page.locator("#notice").is_visible()


def test_page_opened_before_the_first_frame_waits_for_it(bundle_dir, open_page):
    with visit(bundle_dir, there=False) as run:
        page = open_page(run.link, image=False)
        page.get_by_text("Waiting for the first picture").wait_for()
        run.scene.there.set()
        page.locator("#picture[data-frame]").wait_for()
        page.locator('body[data-state="live"]').wait_for()
        page.close()


def status_of(page) -> str:
    """What a screen reader is told of the state."""
    return page.get_by_role("status").filter(has=page.locator("#notice-title")).inner_text()


def test_lost_camera_is_told_with_its_cause_since_when_and_what_to_check(run, open_page):
    page = open_page(run.link)
    lost_at_s = time.monotonic() - 7200
    run.scene.loss = CameraLoss("/dev/video0: gone", "Is its plug in?", lost_at_s)
    try:
        page.locator('body[data-state="lost"]').wait_for()
        told = status_of(page)
        assert re.search(
            r"^No picture\n+/dev/video0: gone\n+Since \d\d:\d\d.*again.*\n+Is its plug in\?$", told
        )
        assert page.title() == "No picture \u2013 liteberry"
        since = page.locator("#notice-since").inner_text()
        page.wait_for_timeout(1100)
        assert page.locator("#notice-since").inner_text() == since  # the minute does not wander
    finally:
        run.scene.loss = None
    page.locator('body[data-state="live"]').wait_for()
    assert not page.locator("#notice").is_visible()
    wait_until(lambda: page.title() == "cat \u2013 liteberry")


@pytest.mark.usefixtures("unhurried_farewell")
def test_end_of_the_run_is_told_with_what_was_seen_and_a_neutral_title(bundle_dir, open_page):
    with visit(bundle_dir) as run:
        page = open_page(run.link)
        wait_until(lambda: text_of(page, "#sentence") == "cat")
    page.locator('body[data-state="ended"]').wait_for()
    assert re.search(
        r"^The run has ended\n+At \d\d:\d\d.*, after [\d,]+ frames\n+Seen: cat on [\d,]+\n",
        status_of(page),
    )
    assert page.title() == "Ended \u2013 liteberry"
    page.close()
    assert all("ERR_CONNECTION_REFUSED" in text for text in open_page.complaints)
    open_page.complaints.clear()


def test_named_run_has_its_name_in_header_title_and_saved_pictures(bundle_dir, open_page):
    with visit(bundle_dir, name="Back garden") as run:
        page = open_page(run.link)
        wait_until(lambda: page.title() == "cat \u2013 Back garden")
        assert text_of(page, "h1") == "Back garden"
        with page.expect_download() as download:
            page.keyboard.press("s")
        assert download.value.suggested_filename.startswith("Back_garden-20")
        page.close()


@pytest.mark.usefixtures("unhurried_farewell")
def test_error_that_ended_the_run_is_told(bundle_dir, open_page):
    with contextlib.suppress(SourceError), visit(bundle_dir) as run:
        page = open_page(run.link)
        raise SourceError("/dev/video0: given up after 60 s")
    page.get_by_text("/dev/video0: given up after 60 s").wait_for()
    page.close()


def test_line_that_is_cut_is_told_and_taken_up_again(run, open_page):
    page = open_page(run.link)
    page.context.set_offline(True)
    page.evaluate("async () => (await import('/line.js')).hangUp()")
    page.locator('body[data-state="offline"]').wait_for()
    assert "liteberry was ended" in status_of(page)
    assert page.title() == "Out of reach \u2013 liteberry"
    page.context.set_offline(False)
    page.locator('body[data-state="live"]').wait_for()
    open_page.complaints[:] = [text for text in open_page.complaints if "ERR_" not in text]


UNANSWERED = """
window.dialled = [];
window.WebSocket = class {
  static CONNECTING = 0; static OPEN = 1; static CLOSED = 3;
  constructor(address) { this.readyState = 0; window.dialled.push(this); }
  close() { this.readyState = 3; }
};
"""


def test_line_that_nobody_answers_is_dialled_anew_after_eight_seconds(run, open_page):
    page = open_page("about:blank", image=False, script=UNANSWERED)
    page.clock.install(time=0)
    page.clock.pause_at(1_000)  # or it would run on by itself, however slow the machine
    page.goto(run.link)
    page.wait_for_function("dialled.length")
    assert page.locator("body").get_attribute("data-state") == "connecting"
    assert status_of(page).startswith("Waiting for the first picture")
    page.clock.run_for(7_000)
    assert page.evaluate("dialled.map(line => line.readyState)") == [0]
    page.clock.run_for(4_000)
    assert page.evaluate("dialled.map(line => line.readyState)") == [3, 0]


def test_page_tells_its_own_rate_and_delay(run, open_page):
    page = open_page(run.link)
    wait_until(lambda: "behind" in text_of(page, "#arrival"))
    rate, behind, size = text_of(page, "#arrival").split(", ")
    assert re.fullmatch(r"On this screen: \d+(\.\d)? pictures a second", rate)
    assert re.fullmatch(r"\d+\.\d s behind the camera", behind)
    assert size == "320 \u00d7 240"


def test_delay_is_reckoned_by_the_answer_that_came_quickest(run, open_page):
    page = open_page(run.link, script="window.setInterval = () => 0")
    found = page.evaluate(
        """async () => {
          const { clockCame, delay, forgetClock } = await import('/arrival.js');
          const { run } = await import('/run.js');
          const now = performance.now();
          performance.now = () => now;
          forgetClock();
          run.frame.record.captured_at_s = 1000;
          const unknown = delay();
          clockCame([now - 4000, 990]);  // asked 4 s ago, answered at some moment since
          clockCame([now - 200, 1002.9]);  // at about 100 ms ago: now it is 1003.0 there
          return [unknown, delay()];
        }"""
    )
    assert found == [None, pytest.approx(3.0)]


def test_run_and_machine_are_drawn_live(run, open_page):
    page = open_page(run.link, DESK)
    wait_until(lambda: text_of(page, "#memory"))
    assert re.fullmatch(r"\d+ MB of [\d.]+ GB", text_of(page, "#memory"))
    assert re.fullmatch(r"\d+ %( of \d+ cores)?", text_of(page, "#cpu"))
    for trace in ("fps", "invoke", "age"):
        # A second without a frame has a dash, or none a second.
        wait_until(lambda at=trace: re.match(r"[\d.]*[1-9]", text_of(page, f"#trace-{at} b")))
        assert pixels_of(page, f"#trace-{trace} canvas").any()
        label = page.locator(f"#trace-{trace} canvas").get_attribute("aria-label")
        assert re.search(r"from [\d.]+ to [\d.]+", label)
    frames = text_of(page, "#counts")
    wait_until(lambda: text_of(page, "#counts") != frames)


def test_link_with_a_token_opens_and_hides_it(bundle_dir, open_page):
    with visit(bundle_dir, token="open-sesame") as run:
        page = open_page(run.link)
        assert page.url == f"http://{run.host}/"
        page.reload()
        page.locator("#picture[data-frame]").wait_for()
        stranger = open_page(f"http://{run.host}/", image=False)
        stranger.get_by_label("Token").fill("wrong")
        stranger.keyboard.press("Enter")
        stranger.locator("#wrong").wait_for()  # the page that was there would take the next too
        stranger.get_by_label("Token").fill("open-sesame")
        stranger.get_by_role("button", name="Open").click()
        stranger.locator("#picture[data-frame]").wait_for()
        assert {text.rpartition(": ")[2] for text in open_page.complaints} == {
            "the server responded with a status of 401 (Unauthorized)"
        }
        open_page.complaints.clear()
        page.close()
        stranger.close()


def test_wrong_token_is_said_to_be_wrong_and_the_right_one_opens(bundle_dir, open_page):
    with visit(bundle_dir, token="open-sesame") as run:
        page = open_page(f"http://{run.host}/", image=False)
        assert not page.locator("#wrong").is_visible()  # none was given yet
        page.get_by_label("Token").fill("open-barley")
        page.keyboard.press("Enter")
        page.locator("#wrong").wait_for()
        assert page.url == f"http://{run.host}/"
        page.get_by_label("Token").fill("open-sesame")
        page.keyboard.press("Enter")
        page.locator("#picture[data-frame]").wait_for()
    # Chromium notes each refusal.
    open_page.complaints[:] = [text for text in open_page.complaints if "401" not in text]


@pytest.mark.parametrize(
    ("value", "limit", "shown"),
    [
        (0.42, 10, "0.4"),
        (9.94, 10, "9.9"),
        (30.4, 10, "30"),
        (37.46, 100, "37.5"),
        (412.3, 100, "412"),
    ],
)
def test_small_numbers_have_a_decimal(run, open_page, value, limit, shown):
    page = open_page(run.link)
    script = "async ([value, limit]) => (await import('/run.js')).brief(value, limit)"
    assert page.evaluate(script, [value, limit]) == shown


def test_words_follow_the_picture_without_waiting_for_the_clock(run, open_page):
    page = open_page(run.link, script="window.setInterval = () => 0")
    wait_until(lambda: text_of(page, "#sentence") == "cat")
    run.scene.shows = "cup"
    wait_until(lambda: "cup" in text_of(page, "#sentence"))


def test_ten_viewers_and_a_stuck_one_all_get_on(run, browser, open_page, monkeypatch):
    # On a busy machine ten pages take longer than a stuck viewer is borne.
    monkeypatch.setattr("device.web.broadcast.STUCK_S", 3600.0)
    monkeypatch.setitem(run.page._application.settings, "websocket_ping_interval", 3600.0)
    first = open_page(run.link)
    pages = [first, *(first.context.new_page() for _ in range(9))]
    with WebSocket(run.host, ready=False):
        for page in pages[1:]:
            page.goto(run.link)
        for page in pages:
            page.bring_to_front()  # a page behind another is not looked at, and gets nothing
            page.locator("#picture[data-frame]").wait_for()
            frame = frame_number(page)
            wait_until(lambda page=page, frame=frame: frame_number(page) > frame)
        # One that heard nothing for a while, on a busy machine, calls anew.
        wait_until(lambda: len(run.page.feed.audience.viewers) == 11)


# --- for everyone -------------------------------------------------------------------------


def test_messages_are_tried_at_a_button_and_the_answer_is_shown(open_page, bundle_dir, monkeypatch):
    monkeypatch.setattr("device.web.messages.PERIOD_S", 0.0)
    phone = Phone()
    with visit(bundle_dir, messages=phone) as run:
        page = open_page(run.link)
        assert text_of(page, "#messages-on") == "When it sees: cat, crowd"
        page.locator("#messages-test").focus()
        page.keyboard.press("Enter")
        wait_until(lambda: "Sending" in text_of(page, "#messages-answer"))
        page.keyboard.press("Enter")  # a second is not asked for
        phone.answers.put({})
        wait_until(lambda: "Sent to 1 service at " in text_of(page, "#messages-answer"))
        assert len(phone.pictures) == 1
        phone.answers.put({1: "ntfy: error=500 <b>"})
        page.keyboard.press("Enter")
        wait_until(lambda: text_of(page, "#messages-answer") == "Not sent: ntfy: error=500 <b>")
        page.goto("about:blank")


def test_keyboard_reaches_everything_in_order(run, open_page):
    page = open_page(run.link)
    page.locator('[data-label="cat"]').wait_for()
    reached = []
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "(e => e.ariaLabel || e.labels?.[0]?.innerText || e.innerText)"
                "(document.activeElement)"
            ).split("\n")[0]
        )
        if reached[-1] == "health":
            break
    assert reached == [
        "Past", "Pause", "Boxes", "Draw zones", "Save this picture", "Full screen", "cat",
        "Threshold", "Add a class to look for", "Everything", "cat", "float32", "float16",
        "dynamic", "int8", "Send a test", "metrics", "events", "snapshot", "health",
    ]  # fmt: skip


def test_keys_do_what_the_pointer_does(run, open_page):
    page = open_page(run.link)
    page.get_by_label("Threshold").focus()
    page.keyboard.press("ArrowRight")
    wait_until(lambda: run.pipeline.engine.threshold == 0.51)
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Space")
    assert text_of(page, "#status") == "Paused"
    page.keyboard.press("Enter")
    page.locator('body[data-state="live"]').wait_for()
    with page.expect_download():
        page.get_by_role("button", name="Save this picture").press("Space")


def test_single_keys_pause_fill_and_hide_and_leave_fields_alone(run, open_page):
    page = open_page(run.link)
    page.keyboard.press("Space")
    assert text_of(page, "#status") == "Paused"
    page.keyboard.press("Space")
    page.locator('body[data-state="live"]').wait_for()
    page.keyboard.press("f")
    wait_until(lambda: page.locator("#viewfinder").bounding_box()["height"] == PHONE[1])
    page.keyboard.press("f")
    wait_until(lambda: page.locator("#viewfinder").bounding_box()["height"] < PHONE[1] / 2)
    page.keyboard.press("b")
    assert page.get_by_role("button", name="Boxes").get_attribute("aria-pressed") == "false"
    page.keyboard.press("b")
    field = page.get_by_label("Add a class to look for")
    field.press_sequentially("surf bus")
    assert field.input_value() == "surf bus"
    field.fill("")
    page.keyboard.press("Control+f")
    assert page.locator("#viewfinder").bounding_box()["height"] < PHONE[1] / 2
    assert page.get_by_role("button", name="Boxes").get_attribute("aria-pressed") == "true"
    assert text_of(page, "#status").startswith("Live")


def test_focus_can_be_seen(run, open_page):
    page = open_page(run.link)
    page.keyboard.press("Tab")
    style = page.evaluate(
        "(s => [s.outlineStyle, s.outlineWidth])(getComputedStyle(document.activeElement))"
    )
    assert style == ["solid", "2px"]


def test_everything_has_a_name(run, open_page):
    page = open_page(run.link, DESK)
    wait_until(lambda: text_of(page, "#memory"))
    nameless = page.evaluate(
        """[...document.querySelectorAll('button, a, input, meter, section, [role=img]')]
        .filter(e => !(e.ariaLabel || e.getAttribute('aria-labelledby') || e.labels?.length
          || e.innerText?.trim()))
        .map(e => e.outerHTML)"""
    )
    assert nameless == []
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").count() == 1


def test_nothing_is_cut_off_or_too_small_to_hit_at_any_width(run, open_page):
    page = open_page(run.link)
    wait_until(lambda: text_of(page, "#memory"))
    for width, height in [(320, 568), PHONE, (844, 390), (768, 1024), DESK, (2560, 1440)]:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        links = page.evaluate(
            """[...document.querySelectorAll('a')].filter(e => e.checkVisibility())
            .map(e => e.getBoundingClientRect())
            .filter(box => box.height < 24 || box.width < 24).length"""
        )
        assert links == 0
        small = page.evaluate(
            """[...document.querySelectorAll('button, #tools a, input')]
            .filter(e => e.checkVisibility())
            .map(e => [e.getBoundingClientRect(), e.outerHTML])
            .filter(([box]) => box.height < 32 || box.width < 40).map(([, html]) => html)"""
        )
        assert small == []


@pytest.mark.parametrize("size_wh", [DESK, (2560, 1440)])
def test_first_fold_of_a_desk_has_the_picture_and_all_that_belongs_to_it(run, open_page, size_wh):
    page = open_page(run.link, size_wh)
    wait_until(lambda: text_of(page, "#arrival"))
    page.locator("#found li").wait_for()
    for part in ("#viewfinder", "#found li", "#gauges"):
        box = page.locator(part).first.bounding_box()
        assert box["y"] + box["height"] <= size_wh[1], part
    main = page.locator("main").bounding_box()
    assert main["width"] >= 0.95 * size_wh[0]


def test_phone_on_its_side_shows_the_picture_from_edge_to_edge(run, open_page):
    page = open_page(run.link, (844, 390))
    assert page.locator("#viewfinder").bounding_box() == {
        "x": 0, "y": 0, "width": 844, "height": 390,
    }  # fmt: skip


def test_list_of_gauges_holds_terms_and_descriptions_alone(run, open_page):
    page = open_page(run.link)
    kinds = page.evaluate("[...document.querySelectorAll('dl > div > *')].map(e => e.localName)")
    assert set(kinds) == {"dt", "dd"}


def test_text_stands_out_from_its_ground_in_light_and_dark(run, open_page):
    page = open_page(run.link, DESK)
    wait_until(lambda: text_of(page, "#memory"))
    grounds = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        texts = texts_on_grounds(page, "h1, h2, h3, label, span, p, dt, dd, small, button")
        assert len(texts) > 30
        assert faint(texts) == [], scheme
    assert len(grounds) == 2


def test_nothing_swings_for_those_who_asked_for_calm(run, open_page):
    page = open_page(run.link)
    assert page.evaluate("document.getAnimations().length") > 0
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate("document.getAnimations().length") == 0
