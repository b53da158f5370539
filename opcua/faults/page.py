"""The reference page of faults, written from their table: `python -m opcua.faults.page`."""

from __future__ import annotations

import sys

from opcua.faults.kinds import KINDS, FaultKind

__all__ = ["fault_page"]

_HEAD = """# Faults

Written from `opcua/faults/kinds.py` by `python -m opcua.faults.page`; a test compares them.

A fault is begun by a script (`twin plc LINE --faults FILE`), by the method `Faults/Begin` of a PLC
that is served with `--control`, by HTTP (`--control PORT`), from Python (`served.faults.begin`) and
in a test (`plc.fault(...)`). [How to break a plant](../how-to/break-a-plant.md) shows each. All of
them take:

| word | means |
|---|---|
| `after` | time until it begins (plant time), or after its condition has come to hold |
| `for` | how long it lasts; without, until it is ended |
| `when` | it begins when this holds, as `FNS03.state_current == 9` |
| `plcs`, `units`, `signals` | what it acts on, with `*`; without, everything |

Faults are looked at when a scan begins. With the same seed, line and script a run is the same every
time. A fault of values shows what it makes of a signal's own node; what follows from a signal
(PackML's state machine nodes, for example) stays true, so that a client can compare.
"""


def fault_page() -> str:
    """Write the page, in Markdown."""
    return _HEAD + "".join(_section(kind) for kind in KINDS.values())


def _section(kind: FaultKind) -> str:
    params = "".join(
        f"| `{name}` | {param.text} | {', '.join(param.choices) or _limits(param.low, param.high)} "
        f"| {param.default} |\n"
        for name, param in kind.params.items()
    )
    table = f"\n| told | means | takes | if not |\n|---|---|---|---|\n{params}" if params else ""
    return (
        f"\n## {kind.name}\n\n{kind.does}\n\n**A client sees:** {kind.seen}\n\n"
        f"**What to do:** {kind.advice}\n{table}"
    )


def _limits(low: float, high: float) -> str:
    return f"at least {low:g}" if high >= 1e12 else f"{low:g} to {high:g}"


if __name__ == "__main__":
    sys.stdout.write(fault_page())
