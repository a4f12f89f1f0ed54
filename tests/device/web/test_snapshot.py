from __future__ import annotations

import json

from tests.helpers.live_page import visit


def test_snapshot_of_a_lost_camera_is_refused_with_the_reason(bundle_dir, monkeypatch):
    monkeypatch.setattr("device.web.snapshot.SNAPSHOT_TIMEOUT_S", 0.2)
    with visit(bundle_dir, there=False) as run:
        status, _, content = run.ask("/snapshot.jpg")
        assert status == 503
        assert json.loads(content)["error"].startswith("no frame yet")
