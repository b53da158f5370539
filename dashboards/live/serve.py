"""The page's server, in a thread of its own beside the twin."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from dashboards.live.app import make_app
from dashboards.live.board import Board
from dashboards.live.experiments import Experiment, Experiments
from dashboards.live.guard import Guard, is_loopback
from dashboards.live.notebook import KeptAnswer, Notebook
from dashboards.live.page import Page, now_us
from dashboards.live.state import health_of, state_of
from dashboards.live.users import load_users
from dashboards.live.watched import Watched
from twin.errors import LinetwinError, UsageError

__all__ = ["Address", "check_address", "hang", "served"]

USUAL_PORT = 8600
HANG_EVERY_S = 0.1
"""Least time from one look at the lines to the next."""
GATHER_S = 0.01
"""How long a look waits for what PLCs say at the same instant."""
QUIET_S = 0.5
"""A look is due after so long also where no PLC has said a thing: the twin's own health changes."""
START_S = 15.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where the page is served.

    Args:
        host: an address of this machine.
        port: 0 for any free one; None: `USUAL_PORT`, or any free one where that is taken.
        certificate, key: PEM files for https; None: http.
        behind_proxy: whether a proxy in front of it speaks https.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by https alone."""
        return self.certificate is not None or self.behind_proxy

    @property
    def for_others(self) -> bool:
        """Whether people at other machines can reach it."""
        return self.behind_proxy or not is_loopback(self.host)


def check_address(address: Address, users_file: Path) -> None:
    """Refuse an address that would show the page to others without protection.

    Raises:
        UsageError: others can reach it and it lacks https or users; or its files are not there.
    """
    faults = []
    if (address.certificate is None) != (address.key is None):
        faults.append("--page-certificate and --page-key go together")
    for option, file in (
        ("--page-certificate", address.certificate),
        ("--page-key", address.key),
    ):
        if file is not None and not file.is_file():
            faults.append(f"{option} must be a PEM file, found none at {file}")
    if address.for_others:
        shown = "--behind-proxy" if address.behind_proxy else f"--page-host {address.host}"
        if not address.secure:
            faults.append(
                f"{shown} shows the page to others, which takes https: give "
                "--page-certificate and --page-key, or --behind-proxy where a proxy does it"
            )
        if not load_users(users_file):
            faults.append(
                f"{shown} shows the page to others, which takes users: "
                "'twin users add NAME' makes the first"
            )
    if faults:
        raise UsageError("\n".join(faults))


async def hang(watched: Watched, board: Board, told: asyncio.Event) -> None:
    """Keep a board current until cancelled; runs where the twin runs.

    Args:
        watched: whose values.
        board: where they hang.
        told: set whenever a PLC has said something. A change is put up as soon as it is known,
            unless the last look was just before it: a look at every tick of a clock would let it
            wait for the tick.
    """
    board.loop = asyncio.get_running_loop()
    while True:
        told.clear()
        values: dict[str, Any] = {"health": health_of(watched.store())}
        for one in watched.lines:
            values |= {f"{one.line.id}|{key}": value for key, value in state_of(one).items()}
        board.hang(values)
        await asyncio.sleep(HANG_EVERY_S - GATHER_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIET_S):
                await told.wait()
        await asyncio.sleep(GATHER_S)


@contextlib.contextmanager
def served(
    watched: Watched,
    board: Board,
    address: Address,
    users_file: Path,
    notebook_file: Path,
    line_files: dict[str, str],
) -> Iterator[str]:
    """Serve the page while the context lasts.

    Args:
        watched: what it shows.
        board: where its live values hang; see `hang`.
        address: where.
        users_file, notebook_file: who may use it, and what they did.
        line_files: path or packaged name of each line, by its id.

    Yields:
        The page's address, `http://127.0.0.1:8600`.

    Raises:
        UsageError: the address can't be had, or others would see the page unprotected.
    """
    check_address(address, users_file)
    guard = Guard(users_file, secure=address.secure, any_host=address.for_others)
    listening = _listen(address)
    notebook = Notebook(notebook_file)

    def keep(one: Experiment) -> None:
        asked = one.asked
        if one.kept is not None:
            text = one.kept.to_json()
            notebook.keep(KeptAnswer(one.id, now_us(), asked.who, asked.line.id, asked.title, text))

    experiments = Experiments(keep)
    page = Page(watched, board, guard, notebook, experiments, line_files)
    config = uvicorn.Config(
        make_app(page),
        log_config=None,
        log_level="warning",
        access_log=False,
        ssl_certfile=address.certificate,
        ssl_keyfile=address.key,
        proxy_headers=address.behind_proxy,
        server_header=False,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=16 * 1024,
        limit_concurrency=500,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listening]}, name="page", daemon=True
    )
    thread.start()
    try:
        deadline = time.monotonic() + START_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise LinetwinError("the page's server did not start")
            time.sleep(0.01)
        scheme = "https" if address.certificate else "http"
        host = f"[{address.host}]" if ":" in address.host else address.host
        yield f"{scheme}://{host}:{listening.getsockname()[1]}"
    finally:
        page.closing = True
        # Who follows ends by himself; whom the server cuts off, it writes a page of errors about.
        board.wake()
        server.should_exit = True
        thread.join(timeout=10)
        experiments.close()
        notebook.close()
        listening.close()


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    for port in (USUAL_PORT, 0) if address.port is None else (address.port,):
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((address.host, port))
            # Two that start together may both bind a port; only one of them gets to listen.
            listening.listen()
        except OSError as error:
            listening.close()
            reason = error.strerror
        else:
            return listening
    raise UsageError(
        f"the page can't be served at {address.host}:{port}: {reason}; "
        "--page-port names another port, 0 any free one"
    )
