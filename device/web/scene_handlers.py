"""The handler of a scene: zones, lines and masks as they are, and as the page's editor has them."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import msgspec

from device.errors import LiteberryError, UsageError
from device.web.guard import RefusedError
from device.web.request import JsonHandler

_EXPECTED = "expected is a JSON object with lists named zone, line and mask, as GET /scene has them"


class SceneHandler(JsonHandler):
    """The places of a scene, and what they are to be."""

    def get(self) -> None:
        """Tell them."""
        self.answer(self.run.scene())

    async def post(self) -> None:
        """Replace them: all or none."""
        editor = self.run.editor
        if editor is None or editor.view.advice is not None:
            raise RefusedError(HTTPStatus.CONFLICT, str(self.run.scene().advice))
        from device.pipeline.scene_editor import Places

        places = self.content_as(Places, _EXPECTED)
        try:
            view = await asyncio.to_thread(editor.save, places)
        except UsageError as exc:
            raise RefusedError(HTTPStatus.BAD_REQUEST, str(exc)) from exc
        except LiteberryError as exc:
            raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, str(exc)) from exc
        self.run.audience.tell("scene", msgspec.json.encode(view))
        self.answer(view)
