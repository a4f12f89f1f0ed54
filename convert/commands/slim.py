"""``python -m convert slim``: a smaller network that keeps a promise, in a bundle of its own."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from convert.commands.executor_flag import add_executor, looker_of
from convert.commands.weight_flags import add_weight_flags, weight_bits_of
from device.commands.argument_types import non_negative_int, positive_float, positive_int
from device.commands.runner import Commands, HelpText, debug_flag
from device.errors import UsageError
from device.system.console import say, say_step

if TYPE_CHECKING:
    from convert.evaluation.predict import Looker
    from convert.slimming.original import Original
    from convert.slimming.search import Search
    from convert.slimming.slim_bundle import SlimBundles
    from convert.training.dataset import Dataset
    from convert.training.interrupt import Interrupt

SLIM_EXAMPLES = """examples:
  python -m convert slim build/bees --max-drop 1 --target pi4
  python -m convert slim build/bees --dataset ~/bees --cost 0.25 --minutes 60
  python -m convert slim build/bees --images val --annotations val.json --size 172 --max-drop 2
  python -m convert slim build/ssdlite_mobilenet_v2 --images ~/Pictures --frontier

A search tries the middle one of the input sides, then the middle of those left, for the smallest
that keeps the promise, makes 1x1 convolutions two where that is cheaper, then takes channels away,
those first that matter least for the instructions they take. Where its int8 loses too much, the
next dearer network is kept. Each network is trained on the labels, and loses channels with the
pixels; without labels, where a class has none, and where it is COCO's, it is taught by what the
whole network finds, and sides keep all channels. Instructions are estimated from counted layers
(python -m convert.arm counts the whole).
"""
MINUTES = 60.0
FRONTIER = (0.9, 0.8, 0.7, 0.6)


def add_slim(commands: Commands) -> None:
    """Add the command to the parser."""
    slim = commands.add_parser(
        "slim",
        help="a smaller network for a task that needs no more: fewer pixels and channels",
        description="Make a detector's network itself cheaper, and train the accuracy back. "
        "BUNDLE is one that `train` made (its weights.npz lies in "
        "it), or the default one; it stays as it is, and the smaller network becomes a bundle of "
        "its own, with every network tried in its slimming.json. Pictures: those that the bundle "
        "was trained on, or --dataset, or --images with or without --annotations. Ctrl-C ends the "
        "search, and the best network finished so far becomes the bundle; --resume goes on after "
        "the last that was finished. Exit code 1: nothing keeps the promise.",
        epilog=SLIM_EXAMPLES,
        formatter_class=HelpText,
    )
    slim.add_argument("bundle", type=Path, metavar="BUNDLE", help="or the OUT.training of a run")
    pictures = slim.add_mutually_exclusive_group()
    pictures.add_argument(
        "--dataset", type=Path, metavar="DIR", help="labelled pictures, as `train` reads them"
    )
    pictures.add_argument(
        "--images", type=Path, metavar="DIR", help="pictures; without --annotations unlabelled ones"
    )
    slim.add_argument(
        "--annotations",
        type=Path,
        metavar="PATH",
        help="what --images show: COCO's JSON, a folder of Pascal VOC's XML or of YOLO's text",
    )
    slim.add_argument(
        "--out", type=Path, metavar="DIR", help="the new bundle (default: BUNDLE-slim)"
    )
    slim.add_argument(
        "--max-drop",
        type=positive_float,
        metavar="POINTS",
        help="the promise: points of mAP that may be lost against the whole network",
    )
    slim.add_argument(
        "--cost",
        type=positive_float,
        metavar="SHARE",
        help="aim at this share of the whole network's instructions instead, such as 0.25",
    )
    slim.add_argument(
        "--frontier",
        action="store_true",
        help=f"write a bundle for each of {', '.join(map(str, FRONTIER))} of the cost, "
        "named OUT-80, ...; one that costs less may serve two",
    )
    slim.add_argument(
        "--size", type=positive_int, metavar="PIXELS", help="input side (default: searched for)"
    )
    slim.add_argument(
        "--low-rank",
        type=positive_float,
        default=0.0,
        metavar="SHARE",
        help="begin with 1x1 convolutions as two where that takes fewer instructions and leaves "
        "out at most this share of the kernel, such as 0.02 (default: only --max-drop makes them "
        "two, after the sides, at 0.05)",
    )
    add_weight_flags(slim)
    slim.add_argument(
        "--target",
        choices=("pi4", "pi5", "here"),
        default="pi4",
        help="whose instructions count; `here` searches as pi5 and measures time at the end "
        "(default: pi4)",
    )
    duration = slim.add_mutually_exclusive_group()
    duration.add_argument(
        "--minutes",
        type=positive_float,
        default=MINUTES,
        metavar="N",
        help="how long to train at most, all networks together; --resume has it anew "
        f"(default: {MINUTES:g})",
    )
    duration.add_argument(
        "--epochs",
        type=positive_int,
        metavar="N",
        help="train each network so many epochs instead: one seed gives one result then",
    )
    slim.add_argument(
        "--resume",
        action="store_true",
        help="go on where the search of this --out was cut off or ended, also with another "
        "--max-drop",
    )
    slim.add_argument(
        "--weights", type=Path, metavar="DIR", help="the published weights, instead of fetching"
    )
    slim.add_argument(
        "--seed",
        type=non_negative_int,
        default=0,
        metavar="N",
        help="draws splits, halves and the augmentation (default: 0)",
    )
    add_executor(slim)
    slim.set_defaults(handler=run_slim)
    debug_flag(slim)


def run_slim(args: argparse.Namespace) -> None:
    """``convert slim``."""
    check_flags(args)
    if not args.debug:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from convert.build.build import require_reference
    from convert.build.bundle_writer import staged_bundle
    from convert.build.training_run import prepare_tensorflow
    from convert.output_capture import quiet
    from convert.slimming.original import open_bundle, read_original
    from convert.slimming.pictures import refuse_few
    from convert.training.interrupt import Interrupt
    from convert.training.trainable_bundle import refuse_foreign

    bundle = open_bundle(args.bundle)
    refuse_foreign(bundle, "slim")
    check_size(args.size, bundle.manifest.input.width)
    require_reference()
    dataset, labelled = read_pictures(args, bundle.folder)
    refuse_few(dataset)
    out = args.out or bundle.folder.with_name(f"{bundle.folder.name}-slim")
    with staged_bundle(out) as folder:  # where it cannot be written, nothing is trained
        with quiet(args.debug):
            prepare_tensorflow(args.seed)
            original = read_original(bundle, args.weights)
        with looker_of(args) as looker:
            interrupt = Interrupt(say=say)
            slim_into(folder, out, args, original, dataset, labelled, interrupt, looker)


def slim_into(
    folder: Path,
    out: Path,
    args: argparse.Namespace,
    original: Original,
    dataset: Dataset,
    labelled: bool,
    interrupt: Interrupt,
    looker: Looker | None,
) -> None:
    """Search, and fill the empty ``folder``, which becomes ``out``, with what is kept."""
    from convert.errors import EvaluationError
    from convert.slimming.log import format_kept, format_trials
    from convert.slimming.promise import keep_promise
    from convert.slimming.search import Search
    from convert.slimming.slim_bundle import SlimBundles
    from convert.slimming.task import SlimOptions, SlimTask

    options = SlimOptions(
        out=out,
        max_drop=args.max_drop,
        costs=FRONTIER if args.frontier else () if args.cost is None else (args.cost,),
        size=args.size,
        low_rank=args.low_rank,
        weight_bits=weight_bits_of(args),
        weight_clusters=args.weight_clusters or 0,
        target=args.target,
        seconds=args.minutes * 60,
        epochs=args.epochs,
        resume=args.resume,
        seed=args.seed,
        debug=args.debug,
    )
    task = SlimTask(original, dataset, options, labelled, looker)
    search = Search(task, say_step)
    search.search(interrupt)
    bundles = SlimBundles(task, search.held_out, say_step)
    try:
        verdict, log = keep_promise(search, bundles, folder, say_step)
    except EvaluationError:
        print(format_trials(search.figures()))
        raise
    print(format_trials(log.trials))
    if args.frontier:
        build_frontier(search, bundles, verdict.kept, out)
    search.clear()
    print(format_kept(log, log.trials[verdict.kept], bundles.measured_here(folder)))
    print(f"bundle      {out}")


def build_frontier(search: Search, bundles: SlimBundles, kept: int, out: Path) -> None:
    """A bundle beside ``out`` for every network but the one that becomes ``out``."""
    from convert.build.bundle_writer import staged_bundle

    for at, (student, figures) in enumerate(zip(search.students, search.figures(), strict=True)):
        if at != kept:
            target = out.with_name(f"{out.name}-{100 * figures.cost:.0f}")
            with staged_bundle(target) as folder:
                bundles.build(student, figures.name, folder, ("float32", "int8"))
            say(f"bundle      {target}")


def check_flags(args: argparse.Namespace) -> None:
    """Raise :class:`UsageError` for flags that do not go together."""
    if args.max_drop is None and args.cost is None and not args.frontier:
        raise UsageError("say how much may be lost (--max-drop 1) or what to aim at (--cost 0.25)")
    if args.cost is not None and args.frontier:
        raise UsageError("--cost and --frontier both say what to aim at: leave one out")
    if args.cost is not None and args.cost >= 1:
        raise UsageError(f"--cost {args.cost:g}: expected less than 1, the whole network's")
    if args.low_rank >= 1:
        raise UsageError(f"--low-rank {args.low_rank:g}: expected a share, such as 0.02")
    weight_bits_of(args)
    if args.annotations is not None and args.images is None:
        raise UsageError("--annotations say what --images show: give both")


def check_size(size: int | None, whole: int) -> None:
    """Raise :class:`UsageError` for an input side that a smaller network cannot have."""
    from convert.training.input_size import LEAST

    if size is not None and not LEAST <= size <= whole:
        raise UsageError(f"--size {size}: expected {LEAST} to {whole}, the whole network's")


def read_pictures(args: argparse.Namespace, folder: Path) -> tuple[Dataset, bool]:
    """The pictures that were asked for, and whether they are labelled.

    Raises :class:`UsageError` where none are named and the bundle at ``folder`` names none.
    """
    from convert.slimming.original import trained_on
    from convert.slimming.pictures import annotated_folder, labelled_folder, unlabelled_folder
    from device.bundle.bundle import Bundle

    bundle = Bundle(folder)
    labels = tuple(bundle.labels)
    if args.images is not None:
        if args.annotations is None:
            return unlabelled_folder(args.images, labels, args.seed, say), False
        return annotated_folder(args.images, args.annotations, labels, args.seed, say), True
    dataset = args.dataset or trained_on(bundle)
    if dataset is None:
        raise UsageError(
            f"{folder} does not say what it was trained on: name the pictures with --dataset, or "
            "with --images (and --annotations, where they are labelled)"
        )
    return labelled_folder(dataset, labels, args.seed, say), True
