"""`twin run`: the main job. Plants with their PLCs, the twin, its history, a live view."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from dashboards.live.board import Board
from dashboards.live.serve import hang, served
from dashboards.live.watched import StoreHealth, Watched
from lines.loader import load, plants
from opcua.collection import keep_for_good
from opcua.security import client_security, make_pki
from opcua.tag_map import tag_map
from twin.cli.interrupt import Interrupted
from twin.cli.line_process import LineProcess
from twin.cli.look_ahead import LookAhead
from twin.cli.mapped_plant import MappedPlant, maps_of
from twin.cli.numbers import number, whole
from twin.cli.page_options import (
    PAGE_HOST,
    BehindProxy,
    PageCertificate,
    PageHost,
    PageKey,
    PagePort,
    WithPage,
    page_address,
)
from twin.cli.places import DEFAULT_DATA, DataPlaces
from twin.cli.ports import PORTS_HELP, line_ports, must_be_free
from twin.cli.resume import resume
from twin.cli.screen import STDERR, STDOUT, several
from twin.cli.served_plants import ServedPlant
from twin.cli.stores import (
    DATABASE,
    ORG,
    Database,
    InfluxUrl,
    Org,
    Store,
    TokenFile,
    influx_address,
    open_store,
)
from twin.cli.terminal_view import LEGEND, height_wanted, line_panel, spool_text, summary
from twin.cli.watch import History, LiveLine
from twin.errors import LinetwinError, QuantityError, UsageError
from twin.historian.duckdb_store.forecasts import ForecastStore
from twin.historian.port import Query
from twin.model.line import Line
from twin.model.quantity import parse_duration
from twin.model.spool_status import SpoolStatus
from twin.whatif.forecast_scores import Kept

__all__ = ["EXAMPLES", "run"]

EXAMPLES = (
    "Examples:  twin run   |   twin run tube_line --speed 1   |   "
    "twin run my_line.yaml --for '10 min' --plain   |   "
    "twin run --speed 1 --influx http://127.0.0.1:8086   |   "
    "twin run my_line.yaml --tags tags.yaml"
)
_log = logging.getLogger("twin.live")

Plant: TypeAlias = LineProcess | MappedPlant | ServedPlant

REDRAW_S = 0.5
PLAIN_EVERY_S = 5.0
GOODBYE_S = 5.0
WIDE = 150


def run(
    lines: Annotated[
        list[str] | None,
        typer.Argument(help="Line files or packaged names. Default: the two packaged plants."),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            parser=number("--speed", 0.001, 1_000),
            metavar="NUMBER",
            help="Plants run so many times real speed.",
        ),
    ] = 60.0,
    seed: Annotated[
        int,
        typer.Option(
            parser=whole("--seed"), metavar="NUMBER", help="The same seed gives the same plants."
        ),
    ] = 1,
    ports_from: Annotated[
        int | None,
        typer.Option(parser=whole("--ports-from", 0), metavar="NUMBER", help=PORTS_HELP),
    ] = None,
    data: Annotated[Path, typer.Option(help="Where keys and history are kept.")] = DEFAULT_DATA,
    run_for: Annotated[
        str | None,
        typer.Option("--for", help="End by itself after watching for this time, as '2 min'."),
    ] = None,
    plain: Annotated[
        bool, typer.Option(help="Print lines of text; so it does where no terminal is.")
    ] = False,
    tags: Annotated[
        list[Path] | None,
        typer.Option(
            help="The tag map of a line whose PLCs are there: nothing is emulated for it. "
            "May be given once a line."
        ),
    ] = None,
    there: Annotated[
        bool,
        typer.Option(
            "--plcs-are-there",
            help="Start no PLCs: 'twin plc' serves them here, with the same --data and --speed.",
        ),
    ] = False,
    influx: InfluxUrl = None,
    database: Database = DATABASE,
    org: Org = ORG,
    token_file: TokenFile = None,
    page: WithPage = True,
    page_host: PageHost = PAGE_HOST,
    page_port: PagePort = None,
    page_certificate: PageCertificate = None,
    page_key: PageKey = None,
    behind_proxy: BehindProxy = False,
) -> None:
    """Run the lines and their twin: PLCs over OPC UA, live page, history. Ctrl-C ends it."""
    seconds = None if run_for is None else _seconds(run_for)
    names = tuple(lines) if lines else plants()
    loaded = [load(name) for name in names]
    ids = [line.id for line in loaded]
    if len(set(ids)) < len(ids):
        raise UsageError(f"the lines must have different ids, got {', '.join(ids)}")
    ports = line_ports(loaded, ports_from)
    maps = maps_of(tags or (), loaded)
    emulated = [of for of, line in zip(ports, loaded, strict=True) if line.id not in maps]
    if not there:
        must_be_free([(plc, port) for of_line in emulated for plc, port in of_line.items()])
    address = influx_address(influx, database, org, token_file)
    places = DataPlaces(data)
    at = page_address(page_host, page_port, page_certificate, page_key, behind_proxy, places.users)
    make_pki(places.pki)
    drawn = STDOUT.is_terminal and not plain
    # On a drawn screen the notices are part of the picture; a log line would tear it.
    logging.basicConfig(
        level=logging.INFO if not drawn else logging.CRITICAL,
        stream=sys.stderr,
        format="%(asctime)s %(message)s",
    )
    for noisy in ("opcua", "asyncua"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    store = open_store(places, loaded, address)
    since_us = 0 if there else _since_us(store, ids)
    done = dict.fromkeys(names, 0.0)

    def plant_of(name: str, line: Line, of_line: dict[str, int]) -> Plant:
        if line.id in maps:
            return MappedPlant(name, maps[line.id])
        if there:
            return ServedPlant(name, speed, of_line)
        progress = partial(done.__setitem__, name)
        return LineProcess(name, speed, seed, data, of_line, since_us, progress)

    processes = [
        plant_of(name, line, of_line)
        for name, line, of_line in zip(names, loaded, ports, strict=True)
    ]
    history = History(store.historian, store.every_s)
    told = asyncio.Event()
    live = [
        LiveLine(line, history.keep, told.set, process.speed)
        for line, process in zip(loaded, processes, strict=True)
    ]
    for process, twin in zip(processes, live, strict=True):
        same = not isinstance(process, LineProcess)
        history.keep(resume(store.historian, twin.mirror, same_plant=same))
    watched = Watched(
        live,
        store.historian,
        partial(_health, history),
        partial(_forecasts, ForecastStore(places.forecasts)),
        speed,
    )
    board = Board()
    files = {line.id: name for line, name in zip(loaded, names, strict=True)}
    try:
        with contextlib.ExitStack() as stack:
            if page:
                url = stack.enter_context(
                    served(watched, board, at, places.users, places.notebook, files)
                )
                STDERR.print(f"the live page: {url}", highlight=False, soft_wrap=True)
            else:
                url = ""
            show = Shown(processes, live, history, done, url)
            hanging = partial(hang, watched, board, told) if page else None
            asyncio.run(_run(show, store, places, seconds, hanging, drawn=drawn))
    except* LinetwinError as group:
        raise _first(group) from None
    finally:
        store.historian.close()
    ended = None if store.status is None else store.status()
    left = "" if ended is None or not ended.points else f"; {spool_text(ended)}"
    STDERR.print(
        f"{history.stored:,} points stored in {store.where}"
        + (f", {history.refused:,} refused" if history.refused else "")
        + (f", {history.waiting + history.dropped:,} lost" if history.away else "")
        + left
        + f"; look at them with: twin history{f' --influx {address.url}' if address else ''}",
        highlight=False,
        soft_wrap=True,
    )


def _since_us(store: Store, ids: Iterable[str]) -> int:
    """When the plants begin: now, or after all that the history has of these lines.

    A plant that ran faster than life has left points of a time that is still to come, and those of
    two plants must not stand in one another's midst.
    """
    now_us = time.time_ns() // 1000
    newest_us = 0
    try:
        for line in ids:
            newest_us = max([newest_us, *map(int, store.historian.last(Query(line=line)).at_us)])
        asked = True
    except LinetwinError as error:
        if store.status is None:
            raise
        _log.warning("the database can't be asked yet: %s", error)
        asked = False
    if store.status is not None and (not asked or store.status().points):
        newest_us = max(newest_us, store.newest_us())  # what has yet to arrive
    if newest_us < now_us:
        return now_us
    newest = datetime.fromtimestamp(newest_us / 1e6, UTC)
    STDERR.print(
        f"the history has points up to {newest:%Y-%m-%d %H:%M:%S} UTC: the plants' clocks go on "
        "from there",
        highlight=False,
        soft_wrap=True,
    )
    return (newest_us // 1_000_000 + 1) * 1_000_000


def _first(group: BaseExceptionGroup[LinetwinError]) -> LinetwinError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, LinetwinError)  # noqa: S101 - the group holds nothing else
    return error


def _seconds(text: str) -> float:
    try:
        seconds = parse_duration(text) / 1e6
    except QuantityError as error:
        raise UsageError(f"--for {error}, got {text!r}") from None
    if not seconds:
        raise UsageError(f"--for must be greater than 0, got {text!r}")
    return seconds


def _forecasts(store: ForecastStore, line_id: str) -> list[Kept]:
    return store.rows(line_id) if store.path.exists() else []


def _health(history: History) -> StoreHealth:
    return StoreHealth(
        history.stored,
        history.refused,
        history.waiting,
        history.dropped,
        history.away,
        history.spool,
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """What the terminal shows.

    Args:
        processes, live: the plants and their twins, one each a line.
        history: where points go.
        done: the share of the filling that is done, by the line's name.
        page: the live page's address; empty without one.
    """

    processes: list[Plant]
    live: list[LiveLine]
    history: History
    done: dict[str, float]
    page: str


async def _run(
    shown: Shown,
    store: Store,
    places: DataPlaces,
    seconds: float | None,
    hanging: Callable[[], Coroutine[None, None, None]] | None,
    *,
    drawn: bool,
) -> None:
    processes, live, history = shown.processes, shown.live, shown.history
    keep_for_good()
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for told in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(told, stop.set)

    def began_us(process: Plant) -> int | None:
        return process.since_us if isinstance(process, LineProcess) else None

    async def line(process: Plant, twin: LiveLine) -> None:
        await process.listening.wait()
        if isinstance(process, MappedPlant):
            await process.watch(twin, places.pki)
            return
        await twin.watch(
            tag_map(twin.line, process.endpoints), partial(client_security, places.pki)
        )

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(process.run()) for process in processes]
        watching = [
            group.create_task(line(process, twin))
            for process, twin in zip(processes, live, strict=True)
        ]
        tasks.append(group.create_task(history.run()))
        tasks += [group.create_task(twin.report()) for twin in live]
        kept = ForecastStore(places.forecasts)
        looking_ahead = [
            LookAhead(twin, kept, history=store.historian, plant_since_us=began_us(process))
            for process, twin in zip(processes, live, strict=True)
        ]
        tasks += [group.create_task(ahead.run()) for ahead in looking_ahead]
        if store.status is not None:
            ids = [twin.line.id for twin in live]
            tasks.append(group.create_task(history.watch_spool(store.status, ids)))
        if hanging is not None:
            tasks.append(group.create_task(hanging()))
        tasks.append(group.create_task(_show(shown, stop, drawn=drawn)))
        stopped = group.create_task(stop.wait())
        up = group.create_task(_all_listen(processes))
        await asyncio.wait((stopped, up), return_when=asyncio.FIRST_COMPLETED)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped, seconds)
        # The twin looks away before its plants end: none of them is lost.
        for watch in watching:
            watch.cancel()
        await asyncio.wait(watching, timeout=GOODBYE_S)
        for task in (*tasks, stopped, up):
            task.cancel()
    starting = [p for p in processes if not p.listening.is_set()]
    if starting:
        so_far = ", ".join(f"{one.line} {shown.done[one.line]:.0%}" for one in starting)
        raise Interrupted(f"interrupted while filling the lines with work in process ({so_far})")


async def _all_listen(processes: list[Plant]) -> None:
    for process in processes:
        await process.listening.wait()


async def _show(shown: Shown, stop: asyncio.Event, *, drawn: bool) -> None:
    processes, live = shown.processes, shown.live
    if drawn:
        with Live(console=STDOUT, screen=True, auto_refresh=False) as screen:
            while True:
                screen.update(_picture(shown), refresh=True)
                await asyncio.sleep(REDRAW_S)
    for twin in live:
        _log.info("%s: filling the line with work in process", twin.line.id)
    for process, twin in zip(processes, live, strict=True):
        while not process.listening.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.listening.wait(), PLAIN_EVERY_S)
                break
            _log.info("%s: %.0f %% filled", twin.line.id, shown.done[process.line] * 100)
    try:
        while True:
            await asyncio.sleep(PLAIN_EVERY_S)
            _print_summaries(live, shown.history.spool, stop)
    finally:
        _print_summaries(live, shown.history.spool, stop)


def _print_summaries(live: list[LiveLine], spool: SpoolStatus | None, stop: asyncio.Event) -> None:
    try:
        sys.stdout.writelines(summary(twin) + "\n" for twin in live)
        if spool is not None and (spool.away or spool.dropping):
            sys.stdout.write(f"{spool_text(spool)}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read this has gone, and with them the reason to go on.
        stop.set()


def _picture(now: Shown) -> RenderableType:
    processes, live, history, done = now.processes, now.live, now.history, now.done
    waiting = [p.line for p in processes if not p.listening.is_set()]
    shown = [
        (process.speed, twin)
        for process, twin in zip(processes, live, strict=True)
        if process.listening.is_set()
    ]
    width, height = STDOUT.size
    foot = f"{now.page}   {several(history.stored, 'point')}   {LEGEND}".lstrip()
    if history.spool is not None:
        foot = f"{spool_text(history.spool)}   {foot}"
    if history.away:
        foot = f"HISTORY IS NOT WRITTEN, {history.waiting:,} points wait: {history.away}"
    room = height - len(waiting) - 1
    across = 2 if width >= WIDE and len(shown) > 1 else 1
    wanted = [height_wanted(twin) for _, twin in shown]
    down = -(-len(shown) // across) or 1
    heights = [room // down] * len(shown) if across > 1 else _shares(wanted, room)
    panels = [
        line_panel(twin, rows, speed) for (speed, twin), rows in zip(shown, heights, strict=True)
    ]
    body: RenderableType = (
        Columns(panels, equal=True, expand=True, width=width // 2 - 1)
        if across > 1
        else Group(*panels)
    )
    starting = [
        f"{name}: filling the line with work in process {done[name]:.0%}, then starting its PLCs"
        for name in waiting
    ]
    return Group(
        *(Text(text, style="bold", no_wrap=True) for text in starting),
        body,
        Text(foot, style="dim", no_wrap=True, overflow="ellipsis"),
    )


def _shares(wanted: list[int], room: int) -> list[int]:
    """Share rows out: who wants less than an even share gets it, the others divide the rest."""
    shares = dict.fromkeys(range(len(wanted)), 0)
    for left, index in zip(
        range(len(wanted), 0, -1), sorted(shares, key=lambda i: wanted[i]), strict=True
    ):
        shares[index] = min(wanted[index], room // left)
        room -= shares[index]
    return list(shares.values())
