"""``python -m convert tune``: the cheapest variant that keeps an accuracy limit."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from convert.commands.dataset_flags import add_image_sets, image_sets
from convert.commands.executor_flag import add_executor, looker_of
from device.commands.argument_types import non_negative_int, positive_float
from device.commands.runner import Commands, HelpText, debug_flag
from device.system.console import say, say_step

if TYPE_CHECKING:
    from convert.tuning.types import Options, TuningResult
    from device.bundle.bundle import Bundle

TUNE_EXAMPLES = """examples:
  python -m convert tune build/ssdlite_mobilenet_v2 --images val2017 \\
      --annotations annotations/instances_val2017.json --max-drop 0.3 --target pi5
  python -m convert tune build/mobilenet_v2 --images pictures \\
      --annotations pictures/labels.tsv --max-drop 1
  python -m convert tune build/ssdlite_mobilenet_v2 --images ~/Pictures --max-drop 2
"""


def add_tune(commands: Commands) -> None:
    """Add the command to the parser."""
    tune = commands.add_parser(
        "tune",
        help="find the cheapest mixed-precision variant within an accuracy limit",
        description="Search which layers stay float32 or take int16 activations, and how the rest "
        "is made int8, for the cheapest variant that loses at most --max-drop points of mAP or "
        "top-1 against float32; without --annotations, points of agreement with it. What one half "
        "of the pictures chose is judged on the other. Adds the variant `tuned` to the bundle, "
        "and leaves every candidate in its tuning.json. Ctrl-C judges and keeps the best so far; "
        "a second one leaves the bundle as it is. Exit code 1: nothing keeps the limit.",
        epilog=TUNE_EXAMPLES,
        formatter_class=HelpText,
    )
    tune.add_argument("bundle", type=Path, metavar="BUNDLE")
    add_image_sets(tune)
    tune.add_argument(
        "--max-drop", type=positive_float, required=True, metavar="POINTS", help="the limit: 0.3"
    )
    tune.add_argument(
        "--target",
        choices=("here", "pi4", "pi5"),
        default="here",
        help="what a candidate costs: measured time here, or counted Arm instructions of a Pi 4 "
        "or Pi 5 (default: here)",
    )
    tune.add_argument(
        "--minutes",
        type=positive_float,
        default=15.0,
        metavar="N",
        help="stop looking for candidates in time for this; the first of each half, and the "
        "judgement, are never left out (default: 15)",
    )
    tune.add_argument(
        "--seed",
        type=non_negative_int,
        default=0,
        metavar="N",
        help="draws the halves, the calibration pictures and the random changes; the same seed and "
        "target pi4 or pi5 give the same file, if time does not run out (default: 0)",
    )
    add_executor(tune)
    tune.set_defaults(handler=run_tune)
    debug_flag(tune)


def run_tune(args: argparse.Namespace) -> None:
    """``convert tune``."""
    sets = image_sets(args)
    import os
    import tempfile

    if not args.debug:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from convert.tuning.tuner import Tuner
    from convert.tuning.types import Options
    from device.bundle.bundle import Bundle

    options = Options(
        max_drop=args.max_drop,
        target=args.target,
        minutes=args.minutes,
        seed=args.seed,
        debug=args.debug,
    )
    bundle = Bundle(args.bundle)
    bundle.verify()  # now, rather than when what was found is put into it
    refuse_unwritable(bundle.folder)
    scratch = tempfile.TemporaryDirectory(prefix="liteberry-")
    with looker_of(args) as looker, scratch as folder:
        tuner = Tuner(bundle, sets, options, Path(folder), say_step, looker=looker)
        try:
            outcome = tuner.run()
        except KeyboardInterrupt:
            outcome = tuner.settle(say)
            if not outcome.met:
                raise
            say("interrupted: the best so far is kept; it was judged on one half only")
    finish(bundle, outcome, options)


def refuse_unwritable(folder: Path) -> None:
    """Raise ``EvaluationError`` where the bundle at ``folder`` cannot be replaced.

    Asked before a search of many minutes, not after it.
    """
    import os

    from convert.errors import EvaluationError

    for place in (folder, folder.absolute().parent):  # it is renamed, and one made beside it
        if not os.access(place, os.W_OK | os.X_OK):
            raise EvaluationError(f"{place} cannot be written: tune a copy of the bundle")


def finish(bundle: Bundle, outcome: TuningResult, options: Options) -> None:
    """Put what was found into the bundle, leave the log, and say what it is.

    Raises ``EvaluationError`` where nothing keeps the limit.
    """
    from convert.errors import EvaluationError
    from convert.evaluation.bootstrap import in_resamples
    from convert.tuning.install import add_tuned
    from convert.tuning.log import TUNING, log_of, write_log
    from convert.tuning.selection import tell

    kept = outcome.kept
    assert kept is not None
    log = log_of(outcome, options)
    if outcome.met:
        add_tuned(bundle, kept.model, recipe_of(outcome, options))
    write_log(log, bundle.folder / TUNING)
    judged = f"{outcome.drop:.2f} points{in_resamples(outcome.interval)}"
    if not outcome.met:
        raise EvaluationError(
            f"no candidate keeps --max-drop {options.max_drop:g} on pictures that its search had "
            f"not seen: the closest loses {judged}, {outcome.expected:.2f} to be expected; "
            f"{tell(kept)}. float32 itself costs "
            f"{outcome.float32_cost:.2f} times int8. The bundle is as it was"
        )
    print(
        f"tuned       {kept.size_bytes / 1e6:.2f} MB, {kept.cost:.3f} times int8's cost "
        f"({outcome.unit})\n"
        f"            is expected to lose {outcome.expected:.2f} points of {outcome.metric}, by "
        "what all candidates lost on pictures that the search had not seen\n"
        f"            lost {judged} there itself; int8 "
        f"{outcome.base_drop:.2f}{in_resamples(outcome.base_interval)}"
    )
    if kept.choice is None:
        print("            int8 keeps the limit already, and nothing cheaper does: it is the same")


def recipe_of(outcome: TuningResult, options: Options) -> dict[str, str | int | float | bool]:
    """As the manifest records it."""
    kept = outcome.kept
    assert kept is not None
    recipe: dict[str, str | int | float | bool] = {
        "precision": "mixed" if kept.choice is not None else "int8",
        "made": "as int8" if kept.choice is None else kept.choice.describe(),
        "max_drop_points": options.max_drop,
        "drop_points": round(outcome.drop, 4),
        "drop_points_expected": round(outcome.expected, 4),
        "drop_points_of_this_file": round(kept.unseen.drop, 4),
        "metric": outcome.metric,
        "pictures": outcome.images,
        "target": options.target,
        "cost_of_int8": round(kept.cost, 4),
        "seed": options.seed,
    }
    if outcome.interval is not None:
        low, high = outcome.interval
        recipe |= {"drop_points_low": low, "drop_points_high": high}
    return recipe
