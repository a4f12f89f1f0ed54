"""``python -m convert train``: labelled images to a network of one's own, in a bundle."""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.bundle.manifest import Task
from device.commands.argument_types import non_negative_int, positive_float, positive_int
from device.commands.runner import Commands, HelpText
from device.errors import UsageError
from device.system.console import say, say_step

if TYPE_CHECKING:
    from convert.build.train_options import TrainOptions
    from convert.build.training_result import TrainingResult
    from convert.build.training_run import TrainingRun
    from convert.training.dataset import Dataset

TRAIN_EXAMPLES = """examples:
  python -m convert train ~/bees --out build/bees
  python -m convert train ~/bees --out build/bees --minutes 60 --size 236
  python -m convert train ~/bees --out build/bees --resume
  python -m convert train ~/bees --out build/bees2 --from build/bees --epochs 20
  python -m convert train ~/bees --out build/small --size 172 --teacher build/bees --qat
  python -m convert train ~/ripe_or_not --out build/ripe --base mobilenet_v2
"""
MINUTES = 20.0
BASES: Mapping[str, Task] = {
    "ssdlite_mobilenet_v2": "detection",
    "mobilenet_v2": "classification",
}
SAME = 0.0005  # of a score: what is printed does not show less


def add_train(commands: Commands) -> None:
    """Add the command to the parser."""
    train = commands.add_parser(
        "train",
        help="labelled images to a detector or classifier of your own",
        description="Train an SSDLite MobileNetV2 on your images, from the weights published for "
        "COCO, and write a bundle: four variants, calibrated on your images, with a threshold per "
        "class. Reads Pascal VOC's XML, YOLO's text, COCO's JSON and the CSV of the Object "
        "Detection API. Of a folder per class, a MobileNetV2 that tells the classes apart is "
        "trained, from ImageNet's weights or the detector's. Ctrl-C ends training, and the best so "
        "far becomes the bundle; what a run goes on from with --resume lies beside it, in "
        "OUT.training.",
        epilog=TRAIN_EXAMPLES,
        formatter_class=HelpText,
    )
    train.add_argument("dataset", type=Path, metavar="DATASET", help="folder of labelled images")
    train.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="the bundle's folder (default: build/ and the dataset's name)",
    )
    train.add_argument(
        "--base",
        choices=tuple(BASES),
        help="the network: ssdlite_mobilenet_v2 finds things by boxes, mobilenet_v2 says which "
        "class a whole image is of (default: by the labels)",
    )
    train.add_argument(
        "--size",
        type=_size,
        metavar="PIXELS",
        help="input side, 64 to 640: fewer pixels are faster, small things need more; auto takes "
        "300, or the smallest above it that your boxes fit, 224 without boxes (default: auto)",
    )
    duration = train.add_mutually_exclusive_group()
    duration.add_argument(
        "--minutes",
        type=positive_float,
        default=MINUTES,
        metavar="N",
        help=f"how long to train, without building the bundle (default: {MINUTES:g})",
    )
    duration.add_argument(
        "--epochs",
        type=positive_int,
        metavar="N",
        help="train so many epochs instead: one seed gives one result then, however fast the "
        "machine is (an epoch is a pass over the images, but at least 512 and at most 1024)",
    )
    train.add_argument(
        "--resume", action="store_true", help="go on where the run of this --out was cut off"
    )
    train.add_argument(
        "--from",
        dest="start_from",
        type=Path,
        metavar="BUNDLE",
        help="start from a bundle that was trained here, and say how both do on the test images",
    )
    train.add_argument(
        "--weights",
        type=Path,
        metavar="PATH",
        help="the published weights, where you have them already, instead of fetching: the "
        "detector's folder, or for a folder per class also Keras Applications' file",
    )
    train.add_argument(
        "--qat",
        action="store_true",
        help="train the last quarter with the rounding of int8, for where int8 loses too much; the "
        "report tells what it gave",
    )
    train.add_argument(
        "--teacher",
        type=Path,
        metavar="BUNDLE",
        help="learn from the float network of a bundle too, such as one of more pixels that was "
        "trained on the same classes",
    )
    train.add_argument(
        "--unlabelled",
        type=Path,
        metavar="DIR",
        help="images without labels, of which the teacher alone speaks: half of each batch",
    )
    train.add_argument(
        "--seed",
        type=non_negative_int,
        default=0,
        metavar="N",
        help="draws the split, the order and the augmentation (default: 0)",
    )
    train.add_argument(
        "--tensorboard", type=Path, metavar="DIR", help="write the curves for TensorBoard too"
    )
    train.add_argument(
        "--debug", action="store_true", help="show tracebacks and TensorFlow's own output"
    )
    train.set_defaults(handler=run_train)


def _size(text: str) -> int | None:
    return None if text == "auto" else positive_int(text)


def run_train(args: argparse.Namespace) -> None:
    """``convert train``."""
    from convert.build.build import require_reference
    from convert.build.bundle_writer import staged_bundle
    from convert.build.train_options import TrainOptions
    from convert.build.training_run import prepare_tensorflow
    from convert.output_capture import quiet
    from convert.training.dataset import read_dataset
    from convert.training.interrupt import Interrupt
    from device.bundle.cost_table import format_costs

    if not args.debug:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    if args.start_from is not None and args.weights is not None:
        raise UsageError("--from and --weights both say what to start from: leave one out")
    if args.tensorboard is not None and importlib.util.find_spec("tensorboard") is None:
        raise UsageError("--tensorboard needs TensorBoard: .venv/bin/pip install tensorboard")
    if args.unlabelled is not None and args.teacher is None:
        raise UsageError("--unlabelled needs --teacher BUNDLE, which says what the images show")
    options = TrainOptions(
        dataset=args.dataset,
        out=args.out or Path("build") / args.dataset.resolve().name,
        size=args.size,
        seconds=args.minutes * 60,
        epochs=args.epochs,
        resume=args.resume,
        start_from=args.start_from,
        seed=args.seed,
        weights=args.weights,
        rounded=args.qat,
        teacher=args.teacher,
        unlabelled=args.unlabelled,
        tensorboard=args.tensorboard,
        debug=args.debug,
    )
    require_reference()
    dataset = read_dataset(options.dataset, options.seed, say)
    _require_base(args, dataset.task)
    run, result_of = _task(dataset, options)
    with staged_bundle(options.out) as bundle:  # where it cannot be written, nothing is trained
        with quiet(args.debug):
            prepare_tensorflow(options.seed)
        trainer = run.trainer()
        before = run.test(trainer) if args.start_from is not None else None
        interrupt = Interrupt(say=say)
        run.train(trainer, interrupt)
        result = result_of(run, trainer)
        made = result.build(bundle, hurried=interrupt.came)
    say(f"bundle      {options.out} is whole, and detect can run it")
    run.clear()
    review = result.review(options.out, made.thresholds, before)
    if review.split == "test":
        told = ", ".join(f"{value:.3f} {name}" for name, value in review.scores.items())
        say(f"test        {told} in float32")
    if review.before is not None:
        name = next(iter(review.scores))
        say(f"before      {change_line(review.before, review.score, name)}")
    say(f"report      python -m convert report {options.out} shows its mistakes")
    print(format_costs(made.manifest))


def _require_base(args: argparse.Namespace, task: Task) -> None:
    """Raise ``UsageError`` for flags that the labels have no use for."""
    if args.base is not None and BASES[args.base] != task:
        fitting = next(name for name, of_task in BASES.items() if of_task == task)
        what = "a folder per class" if task == "classification" else "boxes"
        raise UsageError(f"--base {args.base}: {args.dataset} has {what}: --base {fitting}")
    if task == "classification" and (args.teacher is not None or args.unlabelled is not None):
        raise UsageError(
            f"--teacher is for labels with boxes: {args.dataset} has a folder per class"
        )


def _task(
    dataset: Dataset, options: TrainOptions
) -> tuple[TrainingRun[Any], Callable[[Any, Any], TrainingResult[Any]]]:
    """What trains a network for ``dataset``, and what makes a bundle of it.

    Raises ``DatasetError`` and what the run raises.
    """
    from convert.build.classifier_result import ClassifierResult
    from convert.build.classifier_run import ClassifierRun
    from convert.build.detector_result import DetectorResult
    from convert.build.detector_run import DetectorRun

    if dataset.task == "classification":
        return ClassifierRun(dataset, options, say_step), ClassifierResult
    return DetectorRun(dataset, options, say_step), DetectorResult


def change_line(before: float, now: float, score: str) -> str:
    """How the test changed since the network that training started from."""
    was = f"{before:.3f} {score} with the network it started from"
    if abs(now - before) < SAME:
        return f"{was}: the same now"
    word = "worse" if now < before else "better"
    said = f"{was}: {abs(now - before):.3f} {word} now"
    if now < before:
        said += "; its bundle is where it was, and the new images may be what is wrong"
    return said
