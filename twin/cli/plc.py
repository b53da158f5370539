"""`twin plc`: serve the emulated PLCs of a line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer

from lines.loader import load
from opcua.clock import WallClock
from opcua.collection import keep_for_good
from opcua.emulated_plc import serve_line
from opcua.faults.control import control_over_http
from opcua.faults.script import fault_script
from opcua.personality import PERSONALITIES
from opcua.security import make_pki
from twin.cli.access import ANONYMOUS_HELP, LIMIT_HELP, access_of, make_told, role_told
from twin.cli.export_file import export_address_space
from twin.cli.faults import Faults
from twin.cli.numbers import number, whole
from twin.cli.own_plc import OwnPlcCall, serve_own
from twin.cli.places import DEFAULT_DATA, DataPlaces
from twin.cli.ports import PORTS_HELP, line_ports, must_be_free
from twin.cli.replay_plc import ReplayCall, serve_replayed
from twin.cli.screen import STDERR, progress_bar
from twin.engine.plant import SimulatedPlant, warmed_plant
from twin.errors import UsageError
from twin.model.line import Line

SLICE_US = 60_000_000

__all__ = ["EXAMPLES", "plc"]

EXAMPLES = (
    "Examples:  twin plc tube_line   |   twin plc my_line.yaml --speed 60 --port PLC-A=4841   |   "
    "twin plc storage_line --no-security   (loopback only)   |   "
    "twin plc tube_line --export tags.csv   |   "
    "twin plc tube_line --faults bad_day.yaml --control 8088   |   "
    "twin plc tube_line --as s7-1200   |   "
    "twin plc tube_line --anonymous observe --limit sessions=3 --limit message-bytes=65536   |   "
    "twin plc tube_line --replay history.duckdb --loop   |   "
    "twin plc --nodeset export.xml --rules rules.yaml --fast 1000@100ms"
)


def plc(
    line: Annotated[
        str | None, typer.Argument(help="A line file, or the name of a packaged line.")
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            parser=number("--speed", 0.001, 10_000), metavar="NUMBER", help="Times real speed."
        ),
    ] = 1.0,
    scan: Annotated[
        float,
        typer.Option(
            parser=number("--scan", 0.01, 60), metavar="NUMBER", help="Scan time, seconds."
        ),
    ] = 0.5,
    jitter: Annotated[
        float,
        typer.Option(
            parser=number("--jitter", 0, 60),
            metavar="NUMBER",
            help="Most by which a scan begins late, seconds.",
        ),
    ] = 0.0,
    seed: Annotated[
        int,
        typer.Option(
            parser=whole("--seed"), metavar="NUMBER", help="The same seed gives the same plant."
        ),
    ] = 1,
    port: Annotated[
        list[str] | None, typer.Option(help="PLC=PORT; 0 for any free one. Default: the file's.")
    ] = None,
    ports_from: Annotated[
        int | None,
        typer.Option(parser=whole("--ports-from", 0), metavar="NUMBER", help=PORTS_HELP),
    ] = None,
    data: Annotated[Path, typer.Option(help="Where keys and passwords are kept.")] = DEFAULT_DATA,
    security: Annotated[
        bool, typer.Option(help="Encrypted and authenticated; without, on loopback only.")
    ] = True,
    anonymous: Annotated[str | None, typer.Option(metavar="ROLE", help=ANONYMOUS_HELP)] = None,
    limit: Annotated[list[str] | None, typer.Option(metavar="NAME=NUMBER", help=LIMIT_HELP)] = None,
    faults: Annotated[
        Path | None, typer.Option(help="A script of what goes wrong, in YAML.")
    ] = None,
    control: Annotated[
        int | None,
        typer.Option(
            parser=whole("--control", 0),
            metavar="PORT",
            help="Faults and clock by HTTP on this port of loopback, and faults by methods of each "
            "PLC; 0 for any free port.",
        ),
    ] = None,
    make: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="MAKE",
            help=f"Be like one of {', '.join(PERSONALITIES)}: its node ids, namespaces and limits.",
        ),
    ] = "generic",
    nodeset: Annotated[
        Path | None, typer.Option(help="Instead of a line: a NodeSet2 export of a real PLC.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="How the export's values move, in YAML.")
    ] = None,
    fast: Annotated[
        str | None, typer.Option(metavar="COUNT@TIME", help="Nodes for load: 1000@100ms.")
    ] = None,
    slow: Annotated[
        str | None, typer.Option(metavar="COUNT@TIME", help="More of them: 5000@10s.")
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            help="Play again what a plant did: a history (.duckdb), or points (.csv, .parquet)."
        ),
    ] = None,
    loop: Annotated[
        bool, typer.Option("--loop", help="Begin a replay again when it is over.")
    ] = False,
    since_us: Annotated[
        int | None, typer.Option(hidden=True, help="The plant's first now, us since 1970 UTC.")
    ] = None,
    clock_us: Annotated[
        int | None, typer.Option(hidden=True, help="When its clock began to run, by the wall's.")
    ] = None,
    end_with_stdin: Annotated[
        bool, typer.Option(hidden=True, help="End when stdin is closed: when who started us ends.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    export: Annotated[
        Path | None,
        typer.Option(help="Write the address space to FILE.xml (NodeSet2) or FILE.csv, and end."),
    ] = None,
) -> None:
    """Serve the emulated PLCs of a line over OPC UA until Ctrl-C."""
    wrong = Faults()
    like = make_told(make, limit or (), wrong)
    role = None
    with wrong.noted():
        role = role_told(anonymous, security)
    wrong.tell()
    if nodeset is not None or fast is not None or slow is not None:
        if any(each is not None for each in (line, faults, control, export, replay)):
            raise UsageError(
                "--nodeset, --fast and --slow serve a PLC without a line: give no line, --faults, "
                "--control, --export or --replay beside them"
            )
        ports_told = port or []
        own = OwnPlcCall(
            nodeset, rules, fast, slow, speed, seed, data, security, ports_told, like, role
        )
        serve_own(own, _say_json if as_json else _say_text, _until_told_to_stop)
        return
    if rules is not None:
        raise UsageError("--rules is for --nodeset: name the export whose values it moves")
    if line is None:
        raise UsageError("must name a line, --nodeset FILE, or --fast and --slow nodes")
    if export is not None:
        export_address_space(line, export, like)
        return
    if loop and replay is None:
        raise UsageError("--loop is for --replay: name the recording that is played again")
    if replay is not None and (faults is not None or control is not None):
        raise UsageError("--replay has no plant to break: give no --faults or --control beside it")
    if end_with_stdin:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    loaded = load(line)
    script = fault_script(faults) if faults else ()
    ports = line_ports([loaded], ports_from)[0] | _ports(loaded, port or [])
    must_be_free(tuple(ports.items()))
    say = _say_json if as_json else _say_text
    if replay is not None:
        call = ReplayCall(loaded, replay, loop, speed, scan, ports, data, security, like, role)
        serve_replayed(call, say, _until_told_to_stop)
        return
    places = DataPlaces(data)
    if security:
        make_pki(places.pki)
    began_us = time.time_ns() // 1000 if since_us is None else since_us
    with progress_bar(f"filling {loaded.id} with work in process") as progress:
        bar = (lambda done: say({"event": "warming", "done": done})) if as_json else progress
        lived_us = _lived_us(clock_us, speed)
        plant, epoch_us = warmed_plant(
            loaded, seed=seed, now_unix_us=began_us, lived_us=lived_us, progress=bar
        )
        start_us = plant.now_us - lived_us
        if clock_us is not None:
            _catch_up(plant, start_us, clock_us, speed, bar)
    started_us = time.time_ns() // 1000 if clock_us is None else clock_us
    clock = WallClock(epoch_us, max(plant.now_us, start_us + _lived_us(started_us, speed)), speed)

    async def serve() -> None:
        access = access_of(places.pki, security, role)
        async with AsyncExitStack() as stack:
            served = await stack.enter_async_context(
                serve_line(
                    plant,
                    clock,
                    access,
                    ports=ports,
                    scan_s=scan,
                    jitter_s=jitter,
                    seed=seed,
                    test_methods=control is not None,
                    personality=like,
                )
            )
            for order in script:
                await served.faults.begin(order)
            endpoints = dict(served.endpoints)
            event = {"event": "listening", "line": loaded.id, "endpoints": endpoints}
            if control is not None:
                http = control_over_http(served.faults, clock, control)
                event["control"] = f"http://127.0.0.1:{stack.enter_context(http)}"
            keep_for_good()
            work = asyncio.ensure_future(served.run())
            # Whoever reads what is said may end it at once: Ctrl-C is heeded by then.
            _heed(work)
            say(event | {"since_us": began_us, "clock_us": started_us})
            await _until_told_to_stop(work)

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    asyncio.run(serve())


def _lived_us(clock_us: int | None, speed: float) -> int:
    """How far a plant's clock has run since it began to, engine time."""
    return 0 if clock_us is None else round((time.time_ns() // 1000 - clock_us) * speed)


def _catch_up(
    plant: SimulatedPlant, start_us: int, clock_us: int, speed: float, bar: Callable[[float], None]
) -> None:
    """Run on to where the clock is by now, before anybody looks: time must not go back."""
    while True:
        due_us = start_us + _lived_us(clock_us, speed)
        if due_us - plant.now_us <= SLICE_US:
            return
        plant.advance(plant.now_us + SLICE_US)
        bar((plant.now_us - start_us) / (due_us - start_us))


def _end_with_stdin() -> None:
    """Wait until stdin is closed, as when who started us is killed; then end as by SIGTERM."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    signal.raise_signal(signal.SIGTERM)


def _heed(work: asyncio.Future[None]) -> None:
    """End the work when Ctrl-C or SIGTERM comes."""
    loop = asyncio.get_running_loop()
    for told in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(told, work.cancel)


async def _until_told_to_stop(work: asyncio.Future[None]) -> None:
    """Run until Ctrl-C or SIGTERM, then end in order; a failure of the work itself goes on up."""
    _heed(work)
    with contextlib.suppress(asyncio.CancelledError):
        await work


def _ports(line: Line, given: list[str]) -> dict[str, int]:
    known = {line.plc_of(station.id) for station in line.stations}
    ports = {}
    for text in given:
        name, _, number = text.partition("=")
        if name not in known or not number.isdecimal() or int(number) > 65535:
            names = ", ".join(sorted(known))
            raise UsageError(
                f"--port must be PLC=PORT with a PLC of the line ({names}), got {text!r}"
            )
        ports[name] = int(number)
    return ports


Say = Callable[[dict[str, object]], None]


def _say_json(event: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def _say_text(event: dict[str, object]) -> None:
    endpoints = event.get("endpoints")
    if isinstance(endpoints, dict):
        for name, url in endpoints.items():
            STDERR.print(f"{name} listens on {url}", highlight=False)
        if "control" in event:
            STDERR.print(f"faults and clock: {event['control']}", highlight=False)
        STDERR.print("Ctrl-C ends it", highlight=False)
