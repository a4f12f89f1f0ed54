from __future__ import annotations

import pytest

from device.errors import UsageError
from device.pipeline.scene_editor import Places, SceneEditor
from device.visits.plan import CountingLine, Mask, Zone

SQUARE = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5))
RULES = {"rule": [{"name": "crowd", "when": "till: more than 2"}]}


class Taker:
    """Stands for a pipeline."""

    plan = mask = None

    def take_plan(self, plan, mask):
        self.plan, self.mask = plan, mask


@pytest.fixture
def taker():
    return Taker()


def test_places_are_taken_with_the_rules_that_have_their_zone(taker, tmp_path):
    editor = SceneEditor(taker, tmp_path / "zones.toml", RULES, ["person"])
    line = CountingLine(name="door", start=(0.5, 1.0), end=(0.5, 0.0))
    view = editor.save(Places(zone=(Zone(name="till", points=SQUARE),), line=(line,)))
    assert view.zone == [{"name": "till", "points": [[0, 0], [0.5, 0], [0.5, 0.5]]}]
    assert [rule.name for rule in taker.plan.rules] == ["crowd"]
    assert (taker.plan.lines, taker.mask) == ((line,), None)
    editor.save(Places(mask=(Mask(points=SQUARE),)))
    assert taker.mask is not None
    assert taker.plan.rules == ()


def test_nothing_is_taken_of_places_of_which_one_is_wrong(taker, tmp_path):
    editor = SceneEditor(taker, tmp_path / "zones.toml", {}, [])
    twice = tuple(Zone(name=name, points=SQUARE) for name in ("till", "Till"))
    with pytest.raises(UsageError, match=r"zone 2 \('Till'\): zone 1 has this name too"):
        editor.save(Places(zone=twice))
    assert taker.plan is None
    assert not (tmp_path / "zones.toml").exists()


def test_editor_without_a_file_refuses(taker):
    editor = SceneEditor(taker, None, {}, [])
    with pytest.raises(UsageError, match="--zones"):
        editor.save(Places())
    assert editor.view.advice is not None


def test_what_is_wrong_is_shown_where_it_can_be_drawn_and_told(taker, tmp_path):
    knot = {"name": "knot", "points": [[0, 0], [1, 1], [1, 0], [0, 1]]}
    tables = {
        "zone": [knot, {"name": "none"}, {"name": "text", "points": "all"}],
        "line": [{"name": "half", "start": [0, 0]}],
        "rule": [{"name": "crowd"}],
    }
    view = SceneEditor(taker, tmp_path / "zones.toml", tables, []).view
    assert (view.zone, view.line) == ([knot], [])
    wrong = [line.partition(" is left out")[0] for line in view.left_out]
    assert wrong == [
        "zone 1 ('knot')", "zone 2 ('none')", "zone 3 ('text')", "line 1 ('half')",
        "rule 1 ('crowd')",
    ]  # fmt: skip
