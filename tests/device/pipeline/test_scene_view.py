from __future__ import annotations

from device.pipeline.scene_view import SceneView


def test_scene_of_a_run_without_places_says_how_to_draw_some():
    assert "--zones zones.toml" in SceneView().advice
