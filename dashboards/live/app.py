"""The page's application: its gate, its routes and its files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from dashboards.live.access_api import access_api
from dashboards.live.gate import Gate
from dashboards.live.live_api import live_api
from dashboards.live.page import Page
from dashboards.live.texts import TEXTS
from dashboards.live.whatif_api import whatif_api
from twin.errors import LinetwinError, NotConnected

__all__ = ["make_app"]

STATIC: Final = Path(__file__).with_name("static")
API: Final = "/api/v1"


def make_app(page: Page) -> FastAPI:
    """Make the application that serves a page.

    Args:
        page: what it is served from.

    Returns:
        An ASGI application; its API describes itself at `/api/v1/openapi.json`.
    """
    app = FastAPI(
        title="linetwin",
        version="1",
        summary="A production line as its digital twin sees it.",
        openapi_url=f"{API}/openapi.json",
        # Their pages would load from other hosts.
        docs_url=None,
        redoc_url=None,
    )

    app.add_middleware(Gate, guard=page.guard)

    @app.exception_handler(NotConnected)
    async def away(_request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 503, {"Retry-After": "5"})

    @app.exception_handler(LinetwinError)
    async def faulty(_request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 409)

    for api in (access_api(page), live_api(page), whatif_api(page)):
        app.include_router(api, prefix=API)

    @app.get(f"{API}/texts", tags=["page"])
    async def texts() -> dict[str, dict[str, str]]:
        """Every text of the page, in English and Chinese."""
        return TEXTS

    @app.get("/", include_in_schema=False)
    async def index() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app
