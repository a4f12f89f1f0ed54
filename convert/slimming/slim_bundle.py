"""The bundle of a smaller network: built, measured beside the whole one, and its log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

from convert.arm.count import count_invoke
from convert.arm.root import missing_tools
from convert.build.build import BuildOptions
from convert.build.trained import TrainedDetector, build_trained
from convert.models.layer_weights import architecture
from convert.quantization.recipe import TRAINED, USUAL, Precision
from convert.slimming.held_out import HeldOut, Look, LookPair, lost, lost_by_int8
from convert.slimming.log import SlimmingLog, TrialFigures, write_log
from convert.slimming.selection import Judgement
from convert.slimming.student import Student, network_of
from convert.slimming.task import SlimTask
from convert.training.weights_file import WEIGHTS, pack_weights
from convert.tuning.cost import Latency

PRECISIONS: tuple[Precision, ...] = get_args(Precision)

Say = Callable[[str], None]


class SlimBundles:
    """Bundles of the students of one task."""

    def __init__(self, task: SlimTask, held_out: HeldOut, say: Say) -> None:
        self._task, self._held_out, self._say = task, held_out, say

    def build(
        self,
        student: Student,
        name: str,
        bundle: Path,
        precisions: tuple[Precision, ...] = PRECISIONS,
    ) -> None:
        """Fill the empty folder ``bundle`` with ``student``, which the search calls ``name``."""
        original, dataset, options = self._task.original, self._task.dataset, self._task.options
        manifest = original.bundle.manifest
        model = network_of(student, original.labels)
        detector = TrainedDetector(
            name=options.out.name,
            classes=original.labels,
            layout=student.layout,
            weights=model.get_weights(),
            class_thresholds=self._thresholds(student),
            source=f"{manifest.model} made smaller ({name}) on {len(dataset.train)} images; "
            f"{manifest.provenance.source}",
            architecture=architecture(student.weights),
            decoder=original.decoder,
            licence=manifest.provenance.licence,
            threshold=None if self._task.labelled else manifest.threshold,
        )
        build_options = BuildOptions(
            precisions,
            calibration=None,
            samples=0,
            seed=options.seed,
            debug=options.debug,
            int8=USUAL if original.published else TRAINED,
            weight_bits=options.weight_bits,
            weight_clusters=options.weight_clusters,
        )
        build_trained(detector, dataset, bundle, build_options, self._say)
        # After the manifest, which vouches only for what travels to a Pi.
        (bundle / WEIGHTS).write_bytes(pack_weights(model, original.labels))

    def _thresholds(self, student: Student) -> dict[str, float]:
        original = self._task.original
        if not self._task.labelled:
            return dict(original.bundle.manifest.class_thresholds)
        return self._held_out.thresholds(network_of(student, original.labels), student.layout)

    def measure(
        self,
        verdict: Judgement,
        whole: LookPair,
        look: Look,
        trials: tuple[TrialFigures, ...],
        whole_instructions: float,
        bundle: Path,
    ) -> SlimmingLog:
        """Measure and count the int8 of ``bundle``, and write the log of the search beside it.

        ``whole``: what the whole network found, whose int8, if it has one, is measured against;
        ``look``: the one kept, in float32.
        """
        options = self._task.options
        less = LookPair(look, self._held_out.look_of_variant(bundle, "int8"))
        drop, spread, _ = lost(whole.int8, less.int8, options.seed)
        expected = verdict.expected + lost_by_int8(whole, less, options.seed)
        log = SlimmingLog(
            source=str(self._task.original.bundle.folder),
            metric=self._held_out.metric,
            board=options.board,
            images=whole.int8.images,
            seed=options.seed,
            max_drop=options.max_drop,
            drop=round(verdict.drop, 4),
            drop_interval=verdict.interval,
            expected=round(verdict.expected, 4),
            int8_drop=round(drop, 4),
            int8_drop_interval=spread,
            instructions=self._counted(bundle / "int8.tflite"),
            whole_instructions=round(whole_instructions),
            trials=trials,
            int8_expected=round(expected, 4),
            int8_against="int8" if whole.has_int8 else "float32",
        )
        write_log(log, bundle)
        return log

    def _counted(self, int8: Path) -> int | None:
        """Its instructions, where this machine can count them."""
        if missing_tools():
            return None
        board = self._task.options.board
        return count_invoke(int8, "cortex-a72" if board == "pi4" else "cortex-a76")

    def measured_here(self, bundle: Path) -> float | None:
        """The time of an invoke as a multiple of the whole network's; None unless asked for."""
        if self._task.options.target != "here":
            return None
        whole = self._task.original.bundle.folder / "int8.tflite"
        return Latency(whole.read_bytes()).confirm([(bundle / "int8.tflite").read_bytes()])[0]
