"""What the page of the past is answered."""

from __future__ import annotations

import json
import sqlite3

import cv2
import numpy as np
import pytest

from device.events.store import EventStore
from device.web.past import Past
from tests.device.conftest import names_in
from tests.helpers.live_page import visit
from tests.helpers.past import CLIP, CLIP_BYTES, DAY_S, make_past

DAY = f"since={DAY_S}&until={DAY_S + 86400}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("past")


@pytest.fixture(scope="module")
def standing(bundle_dir, folder, no_token):
    path = make_past(folder)
    with visit(bundle_dir, name="Back garden", past=Past(path, folder / "clips")) as run:
        yield run


def get(run, path):
    status, _, content = run.ask(path)
    return status, json.loads(content)


def change(run, number, what, **headers):
    headers = {"Content_Type": "application/json", **headers}
    status, _, content = run.ask(
        f"/api/visits/{number}", "POST", json.dumps(what).encode(), **headers
    )
    return status, json.loads(content)


def numbers(content):
    return [item["number"] for item in content["visits"]]


def test_visits_come_newest_first_and_page_by_page(standing):
    status, first = get(standing, "/api/visits?limit=4")
    assert (status, numbers(first)) == (200, [6, 5, 4, 3])
    _, rest = get(standing, f"/api/visits?limit=4&after={first['next']}")
    assert (numbers(rest), rest["next"]) == ([2, 1], None)
    assert first["visits"][0] == {
        "number": 6, "label": "person", "colour": "#ff4000", "began_s": DAY_S + 12 * 3600,
        "ended_s": DAY_S + 12 * 3600 + 90, "under_way": False, "score": 0.9, "zones": ["door"],
        "source": "0", "kept": False, "picture": True,
        "box": [0.4688, 0.25, 0.6562, 0.875], "clip": False,
    }  # fmt: skip
    assert [item["clip"] for item in first["visits"]] == [False, False, True, False]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (DAY, [6, 5, 4, 3, 2]),
        (f"{DAY}&class=cat", [5, 3]),
        (f"{DAY}&class=cat&class=person&zone=door", [6, 5, 4, 2]),
        (f"{DAY}&zone=nowhere", []),
        ("kept=1", []),
        ("day=1999-12-31", []),
    ],
)
def test_visits_are_chosen_by_class_zone_and_day(standing, query, found):
    assert numbers(get(standing, f"/api/visits?{query}")[1]) == found


@pytest.mark.parametrize(
    "path",
    [
        "visits?limit=0", "visits?limit=101", "visits?limit=x", "visits?limit=%C2%B2",
        "visits?after=1", "visits?after=nan,1", "visits?after=1,-1", "visits?since=inf",
        "visits?day=tomorrow", "visits?day=9999-12-31",
        "visits?" + "&".join(["class=a"] * 51),
        "day", "day?since=0", "day?since=0&until=100000", "day?since=5&until=5",
    ],
)  # fmt: skip
def test_query_that_makes_no_sense_is_refused_in_words(standing, path):
    status, content = get(standing, f"/api/{path}")
    assert status == 400
    assert content["error"]


def test_day_is_told_in_bars_feet_and_neighbours(standing):
    status, day = get(standing, f"/api/day?{DAY}")
    assert (status, day["name"], day["visits"], day["is_all"]) == (200, "Back garden", 5, True)
    person, cat = day["classes"]
    assert (person["name"], person["colour"], person["visits"]) == ("person", "#ff4000", 3)
    assert [slot for slot, count in enumerate(person["slots"]) if count] == [96, 120, 144]
    assert len(cat["slots"]) == 288
    assert [(bar["name"], bar["colour"], bar["visits"]) for bar in day["zones"]] == [
        ("door", None, 4)
    ]
    assert (day["earlier_s"], day["later_s"]) == (DAY_S - 7200, None)
    assert day["newest"] == 6
    hours = day["feet"]["hours"]
    assert [hour["hour_s"] for hour in hours] == [DAY_S + 3600 * hour for hour in range(8, 13)]
    # The feet of the first: 200 of 640 and 420 of 480 pixels, column 10 of 32 and row 21 of 24.
    assert [place for place, s in enumerate(hours[0]["seconds"]) if s == 30] == [21 * 32 + 10]
    _, cats = get(standing, f"/api/day?{DAY}&class=cat")
    assert [len(cats["classes"]), cats["visits"], len(cats["feet"]["hours"])] == [1, 2, 2]


def test_best_picture_comes_clean_and_drawn(standing):
    images = []
    for query in ("", "?drawn=1"):
        status, answer, jpeg = standing.ask(f"/api/visits/2/picture.jpg{query}")
        assert (status, answer.headers["Content-Type"]) == (200, "image/jpeg")
        images.append(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).astype(int))
    assert np.abs(images[0] - 90).max() < 5
    assert np.abs(images[1] - images[0]).max() > 100
    assert get(standing, "/api/visits/99/picture.jpg")[0] == 404


def test_clip_is_answered_in_ranges(standing):
    status, answer, content = standing.ask("/api/visits/4/clip.mp4")
    assert (status, answer.headers["Content-Type"]) == (200, "video/mp4")
    assert (answer.headers["Accept-Ranges"], content) == ("bytes", CLIP_BYTES)
    status, answer, part = standing.ask("/api/visits/4/clip.mp4", Range="bytes=1000-1999")
    assert (status, part) == (206, CLIP_BYTES[1000:2000])
    assert answer.headers["Content-Range"] == f"bytes 1000-1999/{len(CLIP_BYTES)}"
    status, _, part = standing.ask("/api/visits/4/clip.mp4", Range="bytes=-5")
    assert (status, part) == (206, CLIP_BYTES[-5:])
    assert standing.ask("/api/visits/4/clip.mp4", Range="bytes=9999999-")[0] == 416
    assert standing.ask("/api/visits/4/clip.mp4", "HEAD")[2] == b""


@pytest.mark.parametrize("name", ["../events.db", "/etc/passwd", "../secret.mp4", "link.mp4"])
def test_file_that_is_no_clip_is_never_answered_whatever_the_store_says(standing, folder, name):
    (folder / "secret.mp4").write_bytes(b"secret")
    link = folder / "clips" / "link.mp4"
    link.unlink(missing_ok=True)
    link.symlink_to(folder / "secret.mp4")
    store = EventStore(folder / "events.db")
    store.rename_clip(CLIP, name)
    try:
        assert get(standing, "/api/visits/4/clip.mp4")[0] == 404
    finally:
        store.rename_clip(name, CLIP)
        store.close()
        link.unlink()


def test_kept_visit_is_told_and_its_clip_is_out_of_the_quota(standing, folder):
    assert change(standing, 4, {"kept": True}) == (
        200, {"number": 4, "kept": True, "deleted": False},
    )  # fmt: skip
    assert numbers(get(standing, "/api/visits?kept=1")[1]) == [4]
    assert names_in(folder / "clips") == [CLIP.replace(".mp4", ".kept.mp4")]
    assert standing.ask("/api/visits/4/clip.mp4")[2] == CLIP_BYTES
    assert change(standing, 4, {"kept": False})[0] == 200
    assert names_in(folder / "clips") == [CLIP]


def test_deleted_visit_is_gone_with_its_picture(bundle_dir, tmp_path):
    path = make_past(tmp_path)
    with visit(bundle_dir, past=Past(path, tmp_path / "clips")) as run:
        assert change(run, 4, {"delete": True})[1]["deleted"] is True
        assert numbers(get(run, "/api/visits")[1]) == [6, 5, 3, 2, 1]
        assert run.ask("/api/visits/4/picture.jpg")[0] == 404
        assert names_in(tmp_path / "clips") == []
        assert change(run, 4, {"delete": True})[0] == 404


@pytest.mark.parametrize(
    "what", [{}, [], {"kept": True, "delete": True}, {"kept": 1}, {"keep": True}, {"delete": False}]
)
def test_change_that_makes_no_sense_is_refused_in_words(standing, what):
    status, content = change(standing, 4, what)
    assert status == 400
    assert "expected is a JSON object with kept" in content["error"]


def test_pages_of_other_sites_can_neither_keep_nor_delete(standing):
    assert change(standing, 4, {"delete": True}, Origin="http://elsewhere.example")[0] == 403
    assert change(standing, 4, {"delete": True}, Content_Type="text/plain")[0] == 415
    assert standing.ask("/api/visits/4")[0] == 405
    assert 4 in numbers(get(standing, "/api/visits")[1])


@pytest.mark.parametrize(
    "path",
    ["/past", "/api/visits", "/api/day", "/api/visits/1/picture.jpg", "/api/visits/1/clip.mp4"],
)
def test_past_is_not_shown_without_the_token(locked, path):
    assert locked.ask(path)[0] == 401
    assert locked.ask("/api/visits/1", "POST", b"{}", Content_Type="application/json")[0] == 401


def test_run_that_keeps_nothing_says_how_to(locked):
    bearer = {"Authorization": "Bearer open-sesame"}
    for path in ("/api/visits", "/api/day?day=2026-05-29", "/api/visits/1/clip.mp4"):
        status, _, content = locked.ask(path, **bearer)
        assert status == 404
        assert "start with --events events.db" in json.loads(content)["error"]


def test_store_that_is_damaged_or_gone_is_told_of(bundle_dir, tmp_path):
    path = make_past(tmp_path)
    with visit(bundle_dir, past=Past(path, tmp_path / "clips")) as run:
        db = sqlite3.connect(path)
        db.execute("UPDATE visit SET zones = '{'")
        db.commit()
        db.close()
        status, content = get(run, "/api/visits")
        assert (status, "damaged" in content["error"]) == (503, True)
        path.unlink()
        assert get(run, "/api/visits")[0] == 503
        assert change(run, 1, {"kept": True})[0] == 503
        assert not path.exists()
        assert run.ask("/healthz")[0] in (200, 503), "the run goes on"
