"""The delegate's trial: a model loaded and run with it once, in a child that may crash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from device.errors import InterpreterError
from device.inference.interpreter import Interpreter
from device.runtimes import InterpreterName
from device.schema import Record
from device.system.isolated_process import ask, serve

TIMEOUT_S = 120.0  # a Coral on USB takes its firmware first, which is seconds


class DelegateRequest(Record, frozen=True):
    """Which model is to be run with which library."""

    model: str
    interpreter: InterpreterName
    delegate: str
    input_shape: tuple[int, ...]


class DelegateAnswer(Record, frozen=True, tag="delegate"):
    """What carries out the operators, where it ran."""

    delegate: str


def try_delegate(request: DelegateRequest) -> None:
    """Run the model once in a child process.

    Raises ``InterpreterError`` where the library cannot be loaded, refuses, crashes or hangs.
    """
    name = Path(request.delegate).name
    what = f"{Path(request.model).name} in {request.interpreter} with the delegate {name}"
    try:
        ask("device.inference.delegate_trial", request, DelegateAnswer, what, TIMEOUT_S)
    except InterpreterError as exc:
        if "crashed" not in str(exc):
            raise
        raise InterpreterError(
            f"{exc}: it was likely built for another version; get one built for this, or try "
            "another --interpreter"
        ) from exc


def _work(request: DelegateRequest, reply: Callable[[Record], None]) -> None:
    interpreter = Interpreter(
        request.interpreter,
        Path(request.model),
        threads=1,
        input_shape=request.input_shape,
        delegate=request.delegate,
    )
    interpreter.input_tensor()[...] = 0
    interpreter.invoke()
    reply(DelegateAnswer(delegate=interpreter.delegate))


if __name__ == "__main__":
    serve(DelegateRequest, _work)
