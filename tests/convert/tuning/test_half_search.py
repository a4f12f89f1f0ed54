from __future__ import annotations

import pytest

from convert.tuning.log import read_log
from convert.tuning.search import Explorer
from device.bundle.bundle import Bundle
from tests.helpers.tuning import tune

pytestmark = pytest.mark.usefixtures("no_measured_time")


def test_half_that_is_interrupted_is_concluded_with_what_it_tried(
    tiny_bundle, built, capsys, monkeypatch
):
    explore = Explorer.run

    def interrupted(self, *_):
        explore(self, 0.0)
        raise KeyboardInterrupt

    monkeypatch.setattr(Explorer, "run", interrupted)
    assert tune(tiny_bundle, built / "pictures", "30") == 0
    assert "measuring the best so far" in capsys.readouterr().err
    Bundle(tiny_bundle).verify()
    assert "tuned" in Bundle(tiny_bundle).manifest.variants
    log = read_log(tiny_bundle)
    assert len(log.halves) == 1
    assert not log.finished


def test_each_half_measures_int8_and_candidates_of_its_own(tiny_bundle, built, no_time):
    assert tune(tiny_bundle, built / "pictures", "30", *no_time) == 0
    for number, half in enumerate(read_log(tiny_bundle).halves, 1):
        measured = [item for item in half if item.drop_seen is not None]
        assert all(item.drop_unseen is not None for item in measured)
        names = {item.name for item in measured}
        assert "int8" in names
        assert len(names) > 1
        assert all(name.startswith(f"half{number}-") for name in names - {"int8"})
        assert sum(item.chosen for item in half) == 1
