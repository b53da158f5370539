"""The lines, their live values as a stream of events, and their past."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from dashboards.live import past
from dashboards.live.description import describe
from dashboards.live.foretold import foretold
from dashboards.live.notebook import Acknowledgement
from dashboards.live.page import Page, now_us, wrong
from dashboards.live.shift import shift_so_far
from dashboards.live.users import Role
from twin.historian.alarms import alarm_spells
from twin.historian.port import AT_US_MAX, AT_US_MIN
from twin.model.station import Station

__all__ = ["live_api"]

BREATH_S = 0.2
"""At most five events a second to a browser."""
PULSE_S = 5.0
"""A stream that has nothing to say says so this often, so that a browser knows it is alive."""
LONGEST_US = 31 * 86_400_000_000
MOST_POINTS = 600
NAME = r"^[A-Za-z][A-Za-z0-9_.-]{0,95}$"

Instant = Annotated[int, Query(ge=AT_US_MIN, le=AT_US_MAX, description="us since 1970-01-01 UTC")]
Named = Annotated[str, Query(pattern=NAME, max_length=96)]


class Seen(BaseModel):
    """An alarm that somebody acknowledges."""

    unit: str = Field(pattern=NAME)
    alarm: str = Field(pattern=NAME)
    since_us: int = Field(ge=AT_US_MIN, le=AT_US_MAX)
    comment: str = Field(max_length=500)


def live_api(page: Page) -> APIRouter:
    """The routes of `/api/v1` that are about the lines."""
    api = APIRouter(tags=["lines"])
    described = {line_id: describe(line) for line_id, line in page.lines.items()}

    @api.get("/lines")
    async def lines(request: Request) -> list[dict[str, Any]]:
        """What there is to know of each line once."""
        page.guard.need(request, Role.VIEW)
        return list(described.values())

    @api.get("/now")
    async def now(request: Request) -> dict[str, Any]:
        """All live values; the stream's first event has the same."""
        page.guard.need(request, Role.VIEW)
        news = page.board.news_since(None)
        assert news is not None  # noqa: S101 - it is asked for whole
        return {"number": news.number, "values": dict(news.values)}

    @api.get("/stream", response_class=StreamingResponse)
    async def stream(
        request: Request, last_event_id: Annotated[str | None, Header(max_length=20)] = None
    ) -> StreamingResponse:
        """Live values as server-sent events: first all, then what changes.

        One who comes back with `Last-Event-ID` within a minute gets what has changed since.
        """
        page.guard.need(request, Role.VIEW)
        number = int(last_event_id) if last_event_id and last_event_id.isdecimal() else None
        return StreamingResponse(
            _events(page, request, number),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    @api.get("/lines/{line_id}/at")
    async def at(request: Request, line_id: str, at_us: Instant) -> dict[str, Any]:
        """States and levels as they were at a past instant."""
        page.guard.need(request, Role.VIEW)
        line = page.line(line_id)
        return await run_in_threadpool(past.state_at, page.watched.historian, line, at_us)

    @api.get(
        "/lines/{line_id}/stations/{station_id}/spells",
        response_model=dict[str, list[list[int | str]]],
    )
    async def spells(
        request: Request, line_id: str, station_id: str, from_us: Instant, to_us: Instant
    ) -> dict[str, list[tuple[int, str]]]:
        """When the states of a station's machines changed, machine by machine."""
        page.guard.need(request, Role.VIEW)
        line, station = page.line(line_id), _station(page, line_id, station_id)
        _check_span(from_us, to_us)
        return await run_in_threadpool(
            past.spells, page.watched.historian, line, _machines(station), from_us, to_us
        )

    @api.get("/lines/{line_id}/stations/{station_id}/cycle_times")
    async def cycle_times(
        request: Request, line_id: str, station_id: str, from_us: Instant, to_us: Instant
    ) -> dict[str, Any]:
        """How long a station's operations took, as a histogram."""
        page.guard.need(request, Role.VIEW)
        line, station = page.line(line_id), _station(page, line_id, station_id)
        _check_span(from_us, to_us)
        return await run_in_threadpool(
            past.cycle_times, page.watched.historian, line, station, from_us, to_us
        )

    @api.get("/lines/{line_id}/curve")
    async def curve(
        request: Request, line_id: str, unit: Named, signal: Named, from_us: Instant, to_us: Instant
    ) -> dict[str, Any]:
        """A signal over time, in at most 600 steps."""
        page.guard.need(request, Role.VIEW)
        line = page.line(line_id)
        _check_span(from_us, to_us)
        every_us = max(1_000_000, -(-(to_us - from_us) // MOST_POINTS))
        store = page.watched.historian
        return await run_in_threadpool(
            past.curve, store, line, unit, signal, from_us, to_us, every_us
        )

    @api.get("/lines/{line_id}/shift")
    async def shift(request: Request, line_id: str) -> dict[str, Any]:
        """What the present shift has made so far, beside what it should have."""
        page.guard.need(request, Role.VIEW)
        line = page.line(line_id)
        # The plant's clock may run faster than ours: the shift is the plant's.
        news = page.board.news_since(None)
        lead = news.values.get(f"{line_id}|line", {}) if news else {}
        newest_us = lead.get("newest_us") or now_us()
        slowest = lead.get("slowest", [])
        bottleneck = slowest[0] if len(slowest) == 1 else None
        store = page.watched.historian
        return await run_in_threadpool(shift_so_far, store, line, newest_us, bottleneck)

    @api.get("/lines/{line_id}/forecasts")
    async def forecasts(request: Request, line_id: str) -> dict[str, Any]:
        """The last forecasts of a line beside what came, and how all of them did."""
        page.guard.need(request, Role.VIEW)
        line = page.line(line_id)
        return foretold(await run_in_threadpool(page.watched.forecasts, line.id))

    @api.get("/lines/{line_id}/alarms")
    async def alarms(
        request: Request,
        line_id: str,
        from_us: Instant,
        to_us: Instant,
        station: Annotated[str | None, Query(pattern=NAME, max_length=96)] = None,
    ) -> dict[str, Any]:
        """When a line's alarms stood, or a station's, and which were acknowledged."""
        page.guard.need(request, Role.VIEW)
        line = page.line(line_id)
        of = None if station is None else tuple(_machines(_station(page, line_id, station)))
        _check_span(from_us, to_us)

        def read() -> dict[str, Any]:
            found = alarm_spells(page.watched.historian, line, from_us, to_us, of)
            seen = page.notebook.acknowledgements(line_id, from_us - LONGEST_US)
            return {
                "spells": [[s.unit, s.alarm, s.from_us, s.to_us] for s in found],
                "acknowledged": [
                    [a.unit, a.alarm, a.since_us, a.at_us, a.who, a.comment]
                    for a in seen
                    if of is None or a.unit in of
                ],
            }

        return await run_in_threadpool(read)

    @api.post("/lines/{line_id}/alarms/acknowledge")
    async def acknowledge(request: Request, line_id: str, seen: Seen) -> dict[str, str]:
        """Say that an alarm was seen; takes the role operate."""
        session = page.guard.need(request, Role.OPERATE)
        line = page.line(line_id)
        known = {
            (station.machine_id(m), alarm.id)
            for station in line.stations
            for m in range(station.machines)
            for alarm in station.alarms
        }
        if (seen.unit, seen.alarm) not in known:
            raise HTTPException(404, f"{line_id} has no alarm {seen.alarm} of {seen.unit}")
        done = Acknowledgement(
            line_id, seen.unit, seen.alarm, seen.since_us, now_us(), session.user, seen.comment
        )
        await run_in_threadpool(page.notebook.acknowledge, done)
        page.audit(session, "acknowledge", f"{line_id} {seen.unit} {seen.alarm}: {seen.comment}")
        return {"status": "acknowledged"}

    return api


def _station(page: Page, line_id: str, station_id: str) -> Station:
    station = page.line(line_id).station_by_id.get(station_id)
    if station is None:
        raise HTTPException(404, f"{line_id} has no station {station_id!r}")
    return station


def _machines(station: Station) -> list[str]:
    return [station.machine_id(m) for m in range(station.machines)]


def _check_span(from_us: int, to_us: int) -> None:
    if not 0 < to_us - from_us <= LONGEST_US:
        raise wrong("from_us", "from_us must be before to_us, and at most 31 days before it")


async def _events(page: Page, request: Request, number: int | None) -> AsyncIterator[str]:
    yield "retry: 1000\n\n"
    while not page.closing:
        if page.guard.who(request) is None:
            return
        news = await page.board.wait(number, PULSE_S)
        if news is None:
            yield "event: pulse\ndata: {}\n\n"
            continue
        number = news.number
        kind = "all" if news.whole else "changes"
        data = json.dumps(dict(news.values), separators=(",", ":"), ensure_ascii=False)
        yield f"id: {number}\nevent: {kind}\ndata: {data}\n\n"
        await asyncio.sleep(BREATH_S)
