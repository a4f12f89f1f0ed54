from __future__ import annotations

from pathlib import Path

from convert.build.train_options import TrainOptions


def test_what_a_run_leaves_lies_beside_its_bundle():
    options = TrainOptions(Path("bees"), Path("build/bees"))
    assert options.work == Path("build/bees.training")


def test_what_changes_the_network_must_be_the_same_for_a_run_taken_up_again():
    plain = TrainOptions(Path("bees"), Path("build/bees"))
    others = (
        TrainOptions(Path("wasps"), plain.out),
        TrainOptions(plain.dataset, plain.out, seed=1),
        TrainOptions(plain.dataset, plain.out, epochs=3),
        TrainOptions(plain.dataset, plain.out, rounded=True),
        TrainOptions(plain.dataset, plain.out, teacher=Path("build/whole")),
        TrainOptions(plain.dataset, plain.out, unlabelled=Path("more")),
        TrainOptions(plain.dataset, plain.out, start_from=Path("build/whole")),
    )
    assert all(item.settings != plain.settings for item in others)
    longer = TrainOptions(plain.dataset, plain.out, seconds=9.0, resume=True)
    assert longer.settings == plain.settings
