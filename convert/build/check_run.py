"""Check runs: a file in one interpreter over check images, decoded as the device would."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.build.contract import Contract
from device.bundle.heads import DenseHead, DetectionsHead, Head, RowsHead, TensorSpec
from device.errors import InterpreterError, LiteberryError
from device.images import read_image
from device.inference.candidates import dequantise
from device.inference.decode import make_decoder
from device.inference.engine import in_source, name_classes, name_detections
from device.inference.preprocess import Placement
from device.inference.probe import ProbeAnswer, ProbeRequest, probe_all
from device.records import Classification, Detection, Tensor
from device.runtimes import InterpreterName

Found = tuple[Detection, ...] | tuple[Classification, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers of one interpreter on the check images.

    ``found`` has an entry per image. ``values`` maps the outputs that are decoded to float32
    (images, ...); outputs that list finished detections are left out, for rows that swap places
    are no error. ``invoke_ms`` is the median of one invoke on one thread.
    """

    version: str
    input: TensorSpec
    heads: tuple[Head, ...]
    found: list[Found]
    values: Mapping[str, NDArray[np.float32]]
    invoke_ms: float | None


class CheckRun:
    """Runs files over ``images`` in child processes, and decodes what they answer."""

    def __init__(self, contract: Contract, images: Sequence[Path]) -> None:
        self.contract = contract
        self.images = tuple(images)
        self._sizes_wh = [_size_wh(path) for path in images]

    def answers(self, file: Path, interpreter: InterpreterName) -> Answers:
        """Run ``file`` in ``interpreter``.

        Raises ``InterpreterError`` where it is refused or crashes, ``ConversionError`` where its
        outputs are not those of the contract.
        """
        (found,) = self.answers_of([file], interpreter)
        if isinstance(found, LiteberryError):
            raise found
        return found

    def answers_of(
        self, files: Sequence[Path], interpreter: InterpreterName
    ) -> list[Answers | LiteberryError]:
        """What :meth:`answers` returns or raises for each of ``files``, from one child."""
        found: list[Answers | LiteberryError] = []
        with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch:
            requests = [
                ProbeRequest(
                    model=str(file.resolve()),
                    interpreter=interpreter,
                    rule=self.contract.input,
                    images=tuple(str(path.resolve()) for path in self.images),
                    outputs=str(Path(scratch) / f"{number}.npz"),
                )
                for number, file in enumerate(files)
            ]
            for request, answer in zip(requests, probe_all(requests), strict=True):
                try:
                    found.append(self._decoded(request, answer))
                except LiteberryError as exc:
                    found.append(exc)
        return found

    def _decoded(self, request: ProbeRequest, answer: ProbeAnswer | InterpreterError) -> Answers:
        if isinstance(answer, InterpreterError):
            raise answer
        with np.load(str(request.outputs)) as arrays:
            outputs = dict(arrays)
        Path(str(request.outputs)).unlink()
        heads = self.contract.heads(answer.outputs)
        names = {spec.position: name for name, spec in answer.outputs.items()}
        values = {
            (name := names[spec.position]): dequantise(outputs[name], spec)
            for head in heads
            for spec in compared_tensors(head)
        }
        by_position = [outputs[names[position]] for position in sorted(names)]
        found = self._decode(heads, by_position)
        return Answers(answer.version, answer.input, heads, found, values, answer.invoke_ms)

    def _decode(self, heads: tuple[Head, ...], outputs: Sequence[Tensor]) -> list[Found]:
        """What was found on each image, by the code that the device runs."""
        contract = self.contract
        decode = make_decoder(heads, contract.decoder, contract.anchors, contract.input.size_wh)
        found: list[Found] = []
        for number, size_wh in enumerate(self._sizes_wh):
            tensors = [output[number] for output in outputs]
            candidates = decode(tensors, contract.thresholds, contract.max_detections)
            if contract.task == "classification":
                found.append(name_classes(candidates, contract.labels))
            else:
                placement = Placement.of(contract.input, size_wh)
                found.append(name_detections(in_source(candidates, placement), contract.labels))
        return found


def _size_wh(path: Path) -> tuple[int, int]:
    height, width, _ = read_image(path).shape
    return width, height


def compared_tensors(head: Head) -> tuple[TensorSpec, ...]:
    """The outputs of ``head`` that are compared value by value.

    Not rows of what was found, whose order a rounding changes, nor anchors, always the same.
    """
    if isinstance(head, DetectionsHead | RowsHead):
        return ()
    fixed = head.anchors if isinstance(head, DenseHead) else None
    return tuple(spec for spec in head.tensors if spec != fixed)
