"""Zones, lines and masks on the live page, drawn with a finger, a mouse and keys alone."""

from __future__ import annotations

import tomllib
from itertools import pairwise

import pytest

from tests.helpers.children import wait_until

pytestmark = pytest.mark.pages

ALL = [[0, 0], [1, 0], [1, 1], [0, 1]]
PLACES = {
    "zone": [{"name": "door", "points": ALL, "queue": True}],
    "line": [{"name": "sill", "start": [0.5, 0.9], "end": [0.5, 0.2]}],
}


@pytest.fixture
def run(drawing):
    """A run on which nothing is drawn."""
    drawing.draw({})
    yield drawing
    drawing.change({"threshold": 0.5})


def kept(zones):
    return tomllib.loads(zones.read_text())


def open_editor(page):
    places = "async () => (await import('/scene.js')).places"
    # What is drawn already, or why nothing can be.
    wait_until(lambda: any(page.evaluate(places)[key] for key in ("file", "advice")))
    page.keyboard.press("e")
    page.locator("#editor").wait_for()


def save(page):
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator("#editor").wait_for(state="hidden")


def tap(page, x, y):
    """Tap the picture, at shares of it."""
    box = page.locator("#picture").bounding_box()
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def drag(page, start, end):
    box = page.locator("#picture").bounding_box()
    spots = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*spots[0])
    page.mouse.down()
    page.mouse.move(*spots[1])
    page.mouse.up()


def point(page, name):
    return page.get_by_role("button", name=name)


def test_places_and_counts_are_on_the_picture_and_go_at_a_key(run, open_page):
    run.draw(PLACES)
    page = open_page(run.link)
    tags = page.locator("#scene .tag")
    wait_until(
        lambda: tags.all_text_contents() == ["crowd", "door: 1 waiting", "sill: 0 in, 0 out"]
    )
    page.keyboard.press("z")
    wait_until(lambda: tags.count() == 0)
    page.keyboard.press("z")
    wait_until(lambda: tags.count() == 3)
    run.draw({"mask": [{"points": ALL}]})  # by somebody else
    wait_until(lambda: page.locator("#scene polygon.shape.mask").count() == 1)


def test_place_that_is_left_out_is_said_not_to_be_in_use(run, open_page):
    run.draw(PLACES)
    page = open_page(run.link)
    crossed = {"name": "bow tie", "points": [[0, 0], [1, 1], [1, 0], [0, 1]]}
    view = {"zone": [*PLACES["zone"], crossed], "line": PLACES["line"], "mask": []}
    page.route("**/scene", lambda route: route.fulfill(json=view))
    page.reload()
    tags = page.locator("#scene .tag")
    wait_until(lambda: "bow tie: not in use" in tags.all_text_contents())
    assert "sill: 0 in, 0 out" in tags.all_text_contents()


def test_long_names_stay_on_the_picture_and_beside_each_other(run, open_page):
    names = [f"{number} Schlange an der Kasse im hinteren Teil des Hauses" for number in range(3)]
    run.draw({"zone": [{"name": name, "points": ALL} for name in names]})
    page = open_page(run.link)
    tags = page.locator("#scene .tag rect")
    wait_until(lambda: tags.count() == 3)
    boxes = [tags.nth(place).bounding_box() for place in range(3)]
    picture = page.locator("#picture").bounding_box()
    assert all(box["x"] + box["width"] <= picture["x"] + picture["width"] + 1 for box in boxes)
    assert all(above["y"] + above["height"] <= box["y"] for above, box in pairwise(boxes))
    text = page.locator("#scene .tag text").first.text_content()
    assert text.startswith("0 Schlange an der Kasse im…: ")


def test_zone_is_drawn_dragged_and_named_with_a_pointer(run, open_page, zones):
    page = open_page(run.link)
    open_editor(page)
    page.get_by_role("button", name="New zone").click()
    for spot in [(0.2, 0.2), (0.6, 0.2), (0.6, 0.6), (0.2, 0.6), (0.2, 0.2)]:
        tap(page, *spot)
    page.get_by_label("Name of zone 1").fill("till 1")
    page.get_by_label("queue").check()
    drag(page, (0.6, 0.6), (0.8, 0.7))  # a corner
    drag(page, (0.4, 0.4), (0.2, 0.4))  # all of it, as far as the picture reaches
    save(page)
    (zone,) = kept(zones)["zone"]
    assert (zone["name"], zone["queue"]) == ("till 1", True)
    want = [[0.0, 0.2], [0.4, 0.2], [0.6, 0.7], [0.0, 0.6]]
    for found, expected in zip(zone["points"], want, strict=True):
        assert found == pytest.approx(expected, abs=0.01)


def test_line_is_drawn_with_a_finger_and_turned_round(run, open_page, zones):
    page = open_page(run.link, has_touch=True)
    open_editor(page)
    page.get_by_role("button", name="New line").tap()
    box = page.locator("#picture").bounding_box()
    for x, y in [(0.25, 0.5), (0.75, 0.5)]:
        page.touchscreen.tap(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.get_by_role("button", name="Turn round").tap()
    save(page)
    (line,) = kept(zones)["line"]
    assert line["start"] == pytest.approx([0.75, 0.5], abs=0.01)
    assert line["end"] == pytest.approx([0.25, 0.5], abs=0.01)


def test_zone_is_drawn_moved_named_and_deleted_with_keys_alone(run, open_page, zones):
    page = open_page(run.link)
    open_editor(page)
    page.keyboard.press("Enter")  # New zone has the focus
    page.keyboard.press("Enter")  # a square, whose first point has it now
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("+")  # a point after it
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith(
        "zone 1, point 2 of 5: "
    )
    page.keyboard.press("Delete")
    page.keyboard.press("Enter")  # the name
    page.keyboard.press("Control+a")
    page.keyboard.type("yard")
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    page.locator("#editor").wait_for(state="hidden")
    want = [[0.34, 0.3], [0.65, 0.35], [0.65, 0.75], [0.35, 0.75]]
    assert kept(zones)["zone"] == [{"name": "yard", "points": want}]
    open_editor(page)
    point(page, "yard, point 1").focus()
    page.keyboard.press("Delete")
    point(page, "yard, point 1").press("Delete")  # three are no fewer: all of it goes
    save(page)
    assert kept(zones) == {}


def test_escape_puts_a_point_back_and_then_leaves_all_as_it_was(run, open_page, zones):
    run.draw(PLACES)
    before = zones.read_text()
    page = open_page(run.link)
    open_editor(page)
    start = point(page, "sill, start: 50 % across")
    start.press("ArrowLeft")
    assert point(page, "sill, start: 49 % across").count() == 1
    page.keyboard.press("Escape")
    assert start.count() == 1
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator("#editor").wait_for(state="hidden")
    assert zones.read_text() == before


def test_what_cannot_be_used_is_said_and_can_be_mended(run, open_page, zones):
    run.draw(PLACES)
    page = open_page(run.link)
    open_editor(page)
    page.get_by_role("button", name="New mask").click()
    for spot in [(0.2, 0.2), (0.6, 0.6), (0.6, 0.2), (0.2, 0.6)]:  # crosses itself
        tap(page, *spot)
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Save", exact=True).click()
    flaw = page.get_by_role("alert").filter(has_text="cross")
    flaw.wait_for()
    page.get_by_role("button", name="Delete mask 1").click()
    page.get_by_label("Name of line 1").fill("door")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("alert").filter(has_text="zone 1 has this name too").wait_for()
    page.get_by_label("Name of line 1").fill("step")
    save(page)
    assert kept(zones)["line"][0]["name"] == "step"
    assert all("400" in text for text in open_page.complaints)  # Chromium's word on a refusal
    open_page.complaints.clear()


def test_what_is_just_below_the_threshold_is_seen_while_drawing(run, open_page):
    page = open_page(run.link)
    record = page.evaluate("async () => (await import('/run.js')).run.frame.record")
    best = record["detections"][0]["score"]
    run.change({"threshold": min(1, best + 0.1)})
    open_editor(page)
    ghosts = page.locator("#boxes")
    wait_until(lambda: int(ghosts.get_attribute("data-ghosts")) >= 1)
    page.keyboard.press("Escape")
    wait_until(lambda: ghosts.get_attribute("data-ghosts") == "0")


def test_run_without_a_file_says_what_to_type(standing, open_page):
    page = open_page(standing.link)
    open_editor(page)
    assert "--zones zones.toml" in page.locator("#editor-hint").inner_text()
    assert not page.get_by_role("button", name="Save", exact=True).is_visible()
    page.get_by_role("button", name="Close").click()
