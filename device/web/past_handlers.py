"""Request handlers of the past: visits as JSON, their pictures and clips, and changes to them."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from tornado.web import StaticFileHandler

from device.events.day import LONGEST_S
from device.events.records import StoreError, VisitFilter
from device.web.guard import RefusedError
from device.web.request import Handler, JsonHandler

if TYPE_CHECKING:
    from device.web.past import Past

USUAL_COUNT = 50  # of visits in one answer
MOST_AT_ONCE = 100
MOST_VALUES = 50  # of one filter

_OFF = "no visits are kept: start with --events events.db, and the page has a past"
_EXPECTED = "expected is a JSON object with kept (true or false) or delete (true)"

Found = TypeVar("Found")


class VisitChange(msgspec.Struct, forbid_unknown_fields=True):
    """A change to a visit: kept from the quota or not, or removed."""

    kept: bool | None = None
    delete: bool = False


class _PastHandler(Handler):
    """A handler that asks the past."""

    async def ask(self, question: Callable[[Past], Found]) -> Found:
        """The answer of the past; refused where there is none, or it cannot be read."""
        past = self.run.past
        if past is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, _OFF)
        try:
            return await past.ask(lambda: question(past))
        except (StoreError, OSError) as exc:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, str(exc)) from exc

    def wanted(self) -> VisitFilter:
        """The filter that the query asks for."""
        since_s, until_s = self._number("since"), self._number("until")
        day = self.get_query_argument("day", None)
        if day is not None:
            since_s, until_s = _day_of(day)
        labels, zones = self.get_query_arguments("class"), self.get_query_arguments("zone")
        if max(len(labels), len(zones)) > MOST_VALUES:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"at most {MOST_VALUES} of a filter")
        kept = self.get_query_argument("kept", "") in ("1", "true")
        return VisitFilter(
            labels=tuple(labels), zones=tuple(zones), since_s=since_s, until_s=until_s, kept=kept
        )

    def _number(self, name: str) -> float | None:
        text = self.get_query_argument(name, None)
        return None if text is None else _number_of(text, f"{name} is seconds since 1970")


def _number_of(text: str, expected: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise RefusedError(HTTPStatus.BAD_REQUEST, expected)
    return number


def _day_of(text: str) -> tuple[float, float]:
    """Begin and end of a day of this machine's clock."""
    try:
        begin = datetime.datetime.combine(datetime.date.fromisoformat(text), datetime.time())
        return begin.timestamp(), (begin + datetime.timedelta(days=1)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "day is a date, as 2026-11-28") from None


class VisitsHandler(_PastHandler):
    """Visits, newest first, some at a time."""

    async def get(self) -> None:
        """Answer with those that the query asks for."""
        wanted, limit, after = self.wanted(), self._limit(), self._after()
        self.answer(await self.ask(lambda past: past.visits(wanted, limit, after)))

    def _limit(self) -> int:
        text = self.get_query_argument("limit", str(USUAL_COUNT))
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_AT_ONCE:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"limit is 1 to {MOST_AT_ONCE}")
        return int(text[:9])

    def _after(self) -> tuple[float, int] | None:
        text = self.get_query_argument("after", None)
        if text is None:
            return None
        began, _, number = text.partition(",")
        expected = "after is what an earlier answer had as next"
        if not number.isascii() or not number.isdigit() or len(number) > 18:
            raise RefusedError(HTTPStatus.BAD_REQUEST, expected)
        return _number_of(began, expected), int(number)


class DayHandler(_PastHandler):
    """A day in bars, and where feet were."""

    async def get(self) -> None:
        """Answer for the day that the query asks for."""
        wanted = self.wanted()
        since_s, until_s = wanted.since_s, wanted.until_s
        if since_s is None or until_s is None or not 0 < until_s - since_s <= LONGEST_S:
            raise RefusedError(
                HTTPStatus.BAD_REQUEST, "since and until, or day, have to be given, for a day"
            )
        day = await self.ask(lambda past: past.day(wanted))
        self.answer({**day, "name": self.run.about["name"]})


class PictureHandler(_PastHandler):
    """The best picture of a visit; with ``drawn=1`` what was found is drawn on it."""

    async def get(self, number: str) -> None:
        """Answer with the JPEG."""
        drawn = self.get_query_argument("drawn", "") == "1"
        jpeg = await self.ask(lambda past: past.picture(int(number), drawn=drawn))
        if jpeg is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"visit {number} has no picture")
        self.set_header("Content-Type", "image/jpeg")
        self.finish(jpeg)


class ClipHandler(_PastHandler, StaticFileHandler):
    """The clip that shows a visit, in ranges: which file that is, the store says."""

    def initialize(self, run: Any, site: Any) -> None:  # type: ignore[override]
        """Take what the application gives to each."""
        Handler.initialize(self, run, site)
        self.default_filename = None

    async def get(self, path: str, include_body: bool = True) -> None:
        """Answer with the video of the visit of that number, or a part of it."""
        file = await self.ask(lambda past: past.clip(int(path)))
        if file is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"visit {path} has no clip, or not yet")
        self.root = str(file.parent.resolve())
        await StaticFileHandler.get(self, file.name, include_body)

    def compute_etag(self) -> str | None:
        """The file's size and time: to read all of it for a part would take too long."""
        state = Path(str(self.absolute_path)).stat()
        return f'"{state.st_size:x}-{state.st_mtime_ns:x}"'

    def get_content_type(self) -> str:
        """Whatever else this machine knows of file types."""
        return "video/mp4"


class VisitHandler(JsonHandler, _PastHandler):
    """One visit, to be kept or removed."""

    async def post(self, number: str) -> None:
        """Change it, and answer with what it is then."""
        change = self.content_as(VisitChange, _EXPECTED)
        if change.delete == (change.kept is not None):
            raise RefusedError(HTTPStatus.BAD_REQUEST, _EXPECTED)
        kept = change.kept
        if kept is None:
            found = await self.ask(lambda past: past.delete(int(number)))
        else:
            found = await self.ask(lambda past: past.keep(int(number), kept))
        if not found:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"there is no visit {number} any more")
        self.answer({"number": int(number), "kept": kept, "deleted": change.delete})


def past_routes(given: dict[str, Any]) -> list[tuple[str, type[Handler], dict[str, Any]]]:
    """The addresses of the past and their handlers."""
    return [
        (r"/api/visits", VisitsHandler, given),
        (r"/api/day", DayHandler, given),
        (r"/api/visits/([0-9]{1,18})", VisitHandler, given),
        (r"/api/visits/([0-9]{1,18})/picture\.jpg", PictureHandler, given),
        (r"/api/visits/([0-9]{1,18})/clip\.mp4", ClipHandler, given),
    ]
