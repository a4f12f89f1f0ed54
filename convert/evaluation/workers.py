"""Workers of Dask, on other machines or this one: they look at pictures for :func:`predict`.

Each picture and each model goes out once, as the result of a task that holds it: where a worker is
killed, the scheduler has what it held made anew elsewhere, and the tasks that it had begun are done
again. What comes back is as of processes here, to the last digit: workers of another version are
refused. Dask runs whatever it is sent: its port is for machines that trust each other.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from convert.errors import EvaluationError
from convert.evaluation.predict import Looker, Panel, Predictions, Unreadable, look_at
from convert.evaluation.variant_file import VariantFile
from device import __version__
from device.bundle.bundle import Bundle
from device.errors import LiteberryError, SourceError, UsageError
from device.images import read_image
from device.inference.engine import Engine
from device.runtimes import installed_interpreters

CONNECT_TIMEOUT_S = 15.0
# Not `dask ...`: as a module of Python it finds the code of the folder that it is started in.
START_SCHEDULER = "start one in a checkout like this with: python -m dask scheduler"
START = "start one in a checkout like this with: python -m dask worker ADDRESS --nthreads 1"

_opened = threading.local()  # on a worker: the engines of its newest pack, by digest


@dataclass(frozen=True, slots=True)
class Pack:
    """A panel and the files that it needs, to be unpacked elsewhere."""

    panel: Panel
    files: Mapping[str, bytes]  # of the bundle's folder, by name
    candidates: Mapping[str, bytes]  # models that the bundle does not hold, by variant
    digest: str


def pack(panel: Panel) -> Pack:
    """The pack of ``panel``: of the bundle what its variants need, and the candidates."""
    bundle = Bundle(panel.bundle)
    others = {
        item.file for name, item in bundle.manifest.variants.items() if name not in panel.variants
    }
    paths = [p for p in panel.bundle.iterdir() if p.is_file() and p.name not in others]
    files = {path.name: path.read_bytes() for path in sorted(paths)}
    candidates = {name: item.path.read_bytes() for name, item in panel.files.items()}
    parts = [*files.values(), *candidates.values(), repr(replace(panel, files={})).encode()]
    described = repr({name: item.variant for name, item in panel.files.items()}).encode()
    digest = hashlib.sha256()
    for part in (*parts, described):
        digest.update(hashlib.sha256(part).digest())
    return Pack(panel, files, candidates, digest.hexdigest())


def open_pack(pack: Pack) -> dict[str, Engine]:
    """On a worker: the engines of ``pack``, opened once by each of its threads."""
    if getattr(_opened, "digest", None) != pack.digest:
        with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch:
            folder, beside = Path(scratch) / "bundle", Path(scratch) / "candidates"
            for place, files in ((folder, pack.files), (beside, pack.candidates)):
                place.mkdir()
                for name, data in files.items():
                    (place / name).write_bytes(data)
            variants = {
                name: VariantFile(beside / name, item.variant)
                for name, item in pack.panel.files.items()
            }
            engines = replace(pack.panel, bundle=folder, files=variants).open()
        _opened.engines, _opened.digest = engines, pack.digest
    return dict(_opened.engines)


def look_there(pack: Pack, picture: bytes) -> dict[str, Predictions] | None:
    """On a worker: what each variant finds on a picture; None where it cannot be read."""
    engines = open_pack(pack)
    with tempfile.NamedTemporaryFile(prefix="liteberry-") as file:
        file.write(picture)
        file.flush()
        found = look_at(engines, Path(file.name))
    return None if isinstance(found, Unreadable) else found


def hold(data: Any) -> Any:
    """On a worker: what is sent once, and needed by many tasks."""
    return data


def describe_worker() -> tuple[str, dict[str, str]]:
    """What has to be the same for the same results: versions of liteberry and its interpreters."""
    return __version__, {str(name): str(v) for name, v in installed_interpreters().items()}


class Workers:
    """The workers of one scheduler, through its client."""

    def __init__(self, client: Any) -> None:
        """Raises ``EvaluationError`` where there are no workers, or others than this code's."""
        self._client = client
        self._held: dict[str, Any] = {}  # futures of what was sent, by digest
        try:
            client.run_on_scheduler(describe_worker)  # it opens what it hands on
        except Exception as exc:  # whatever it raises there comes as it is
            raise EvaluationError(
                f"the scheduler does not know this code ({_in_a_line(exc)}); {START_SCHEDULER}"
            ) from exc
        if not client.scheduler_info()["workers"]:
            raise EvaluationError(f"no worker has come to the scheduler; {START}")
        try:
            told = client.run(describe_worker)
        except Exception as exc:  # whatever a worker's code raises comes as it is
            raise EvaluationError(
                f"a worker does not know this code ({_in_a_line(exc)}); {START}"
            ) from exc
        for worker, described in told.items():
            if described != describe_worker():
                raise EvaluationError(
                    f"worker {worker} has {described}, here is {describe_worker()}: results would "
                    f"not be the same; {START}"
                )

    def look(
        self, panel: Panel, images: Sequence[Path]
    ) -> Iterator[dict[str, Predictions] | Unreadable]:
        """What each variant found on each of ``images``, in order."""
        # Candidates of a search are looked with once; the pictures again and again.
        model = self._client.submit(hold, pack(panel), pure=False)
        futures = [self._submit(model, path) for path in images]
        for path, future in zip(images, futures, strict=True):
            found = None if future is None else self._result(future)
            yield _why_unreadable(path) if found is None else found

    def _submit(self, model: Any, path: Path) -> Any:
        try:
            data = path.read_bytes()
        except OSError:
            return None
        picture = self._hold(hashlib.sha256(data).hexdigest(), data)
        return self._client.submit(look_there, model, picture, pure=False)

    def _hold(self, digest: str, data: object) -> Any:
        if digest not in self._held:
            self._held[digest] = self._client.submit(hold, data, key=f"liteberry-{digest}")
        return self._held[digest]

    @staticmethod
    def _result(future: Any) -> Any:
        try:
            return future.result()
        except LiteberryError:
            raise
        except Exception as exc:  # of Dask's, or of a worker's
            raise EvaluationError(
                f"the workers gave it up ({_in_a_line(exc)}); had they enough memory?"
            ) from exc


def _in_a_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _why_unreadable(path: Path) -> Unreadable:
    try:
        read_image(path)
    except SourceError as exc:
        return Unreadable(str(exc))
    return Unreadable(f"{path}: a worker cannot read it, though this machine can")


@contextlib.contextmanager
def looker_at(address: str, connect: Callable[[str], Any] | None = None) -> Iterator[Looker]:
    """A block in which the workers of the scheduler at ``address`` can look at pictures.

    Raises ``UsageError`` where Dask is missing, ``EvaluationError`` where nobody answers.
    """
    with contextlib.closing((connect or _connect)(address)) as client:
        yield Workers(client).look


def _connect(address: str) -> Any:
    try:
        import dask
        from distributed import Client
    except ModuleNotFoundError as exc:
        raise UsageError(
            "--executor needs Dask, which is not installed; run: pip install distributed"
        ) from exc
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "2GB"})  # models are large
    try:
        return Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
    except (OSError, TimeoutError) as exc:
        raise EvaluationError(
            f"--executor {address}: no scheduler answers there; {START_SCHEDULER}"
        ) from exc
