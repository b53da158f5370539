"""Logging in and out, who one is, and what people did."""

from __future__ import annotations

import secrets
import time
from functools import cache
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from dashboards.live.guard import COOKIE
from dashboards.live.page import Page
from dashboards.live.users import Role, User, hashed

__all__ = ["access_api"]

REFUSED = "the name or the password is wrong"


class Login(BaseModel):
    """A name and a password."""

    name: str = Field(max_length=64)
    password: str = Field(max_length=1024)


def access_api(page: Page) -> APIRouter:
    """The routes of `/api/v1` that are about people."""
    api = APIRouter(tags=["access"])

    @api.get("/me")
    async def me(request: Request) -> dict[str, Any]:
        """Who asks, what they may do, and what their changing requests have to say."""
        session = page.guard.who(request)
        if session is None:
            return {"user": None, "role": None, "csrf": None, "login": True}
        return {
            "user": session.user,
            "role": session.role.name.lower(),
            "csrf": session.csrf,
            "login": bool(page.guard.users),
        }

    @api.post("/login")
    async def login(request: Request, response: Response, asked: Login) -> dict[str, Any]:
        """Log in; five tries a minute for each name, thirty for each address."""
        now, address = time.monotonic(), request.client.host if request.client else ""
        wait_s = max(
            page.guard.logins.wait_s(asked.name, now), page.guard.tries.wait_s(address, now)
        )
        if wait_s:
            page.audit(None, "login refused", "too many tries", asked.name)
            raise HTTPException(
                429,
                f"too many tries; wait {wait_s:.0f} s",
                headers={"Retry-After": str(int(wait_s) + 1)},
            )
        user = page.guard.users.get(asked.name)
        # A name that nobody has takes as long as a wrong password.
        right = await run_in_threadpool((user or _nobody()).has_password, asked.password)
        if user is None or not right:
            page.audit(None, "login refused", "wrong name or password", asked.name)
            raise HTTPException(401, REFUSED)
        token, session = page.guard.sessions.begin(user.name, user.role, now)
        page.guard.set_cookie(response, token)
        page.audit(session, "login")
        return {"user": user.name, "role": user.role.name.lower(), "csrf": session.csrf}

    @api.post("/logout")
    async def logout(request: Request, response: Response) -> dict[str, str]:
        """Log out."""
        session = page.guard.need(request, Role.VIEW)
        page.guard.sessions.end(request.cookies.get(COOKIE))
        response.delete_cookie(COOKIE, path="/")
        page.audit(session, "logout")
        return {"status": "logged out"}

    @api.get("/audit")
    async def audit(request: Request) -> list[dict[str, Any]]:
        """What people did on the page, the latest first; for the role admin."""
        page.guard.need(request, Role.ADMIN)
        entries = await run_in_threadpool(page.notebook.audited)
        return [
            {
                "at_us": e.at_us,
                "who": e.who,
                "role": e.role,
                "action": e.action,
                "detail": e.detail,
            }
            for e in entries
        ]

    return api


@cache
def _nobody() -> User:
    return hashed("nobody", Role.VIEW, secrets.token_urlsafe(32))
