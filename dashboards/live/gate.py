"""The gate before the routes: what is refused at once, and the headers that every answer carries.

Spoken straight in ASGI: a stream of events goes through it piece by piece, with nothing in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards.live.guard import HEADERS, Guard

__all__ = ["MOST_BYTES", "Gate"]

MOST_BYTES: Final = 64 * 1024
"""The longest request that is taken."""


@dataclass(frozen=True, slots=True)
class Gate:
    """An application that stands before another.

    Args:
        app: what comes after it.
        guard: knows which hosts are ours, and whether browsers come by https.
    """

    app: ASGIApp
    guard: Guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self.guard.secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        refused = self._refused(Request(scope))
        await (refused or self.app)(scope, receive, with_headers)

    def _refused(self, request: Request) -> JSONResponse | None:
        if not self.guard.host_is_ours(request):
            return JSONResponse(
                {"detail": "this page answers to the names of its own machine alone"}, 421
            )
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return JSONResponse({"detail": f"at most {MOST_BYTES} bytes"}, 413)
        if "transfer-encoding" in request.headers:
            return JSONResponse({"detail": "say the length of what you send"}, 411)
        return None
