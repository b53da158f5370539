"""The ports of emulated PLCs: which they have, and whether they can be had."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

from twin.errors import LinetwinError, UsageError
from twin.model.line import Line

__all__ = ["PORTS_HELP", "line_ports", "must_be_free"]

FREE = 0
MOST = 65_535
PORTS_HELP = "Number the PLCs' ports from here on; 0: any free ones. Default: the line file's."


def line_ports(lines: Sequence[Line], first: int | None) -> list[dict[str, int]]:
    """Give every PLC of some lines its port.

    Args:
        lines: in the order in which they are numbered.
        first: of the first PLC of the first line, the next ones follow; 0: any free one for each;
            None: as the line files say.

    Raises:
        UsageError: there are no so many ports from there on.

    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
    >>> line_ports([line, line], 5001)
    [{'PLC': 5001}, {'PLC': 5002}]
    """
    found: list[dict[str, int]] = []
    number = first
    for line in lines:
        # A PLC that has no station serves nothing.
        serving = {line.plc_of(station.id): FREE for station in line.stations}
        ports = {plc.id: plc.port for plc in line.plcs if plc.id in serving}
        ports = ports or serving
        if number is not None:
            for plc in ports:
                ports[plc] = number
                number += 1 if number else 0
        found.append(ports)
    if number is not None and number > MOST + 1:
        count = sum(len(ports) for ports in found)
        raise UsageError(
            f"--ports-from must leave room for {count} ports up to {MOST}, got {first}"
        )
    return found


def must_be_free(ports: Sequence[tuple[str, int]]) -> None:
    """Look whether ports can be had, before plants are filled, which may take a minute.

    Args:
        ports: PLC and port, 0 for any free one.

    Raises:
        LinetwinError: some can't; names every one.
    """
    faults = []
    holders: dict[int, str] = {}
    for plc, port in ports:
        if port and port in holders:
            faults.append(f"{port} ({plc}: it is {holders[port]}'s)")
        elif port and (reason := _taken(port)):
            faults.append(f"{port} ({plc}: {reason})")
        holders.setdefault(port, plc)
    if faults:
        noun = "port" if len(faults) == 1 else "ports"
        raise LinetwinError(
            f"{noun} of 127.0.0.1 must be free, got {', '.join(faults)}; end what uses "
            f"{'it' if len(faults) == 1 else 'them'}, or choose others with --ports-from "
            "(0: any free ones)"
        )


def _taken(port: int) -> str:
    """Why a port can't be had; empty if it can."""
    with socket.socket() as listener:
        if os.name == "posix":
            # As the server itself does: a connection that has just ended holds no port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            return error.strerror or str(error)
    return ""
