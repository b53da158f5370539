"""Scripts of faults in YAML: what is to go wrong, when, for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lines.yaml_tree import MAX_BYTES, Mapping, Position, Sequence, Unreadable, plain, read_tree
from opcua.faults.kinds import KINDS
from opcua.faults.stand import Condition, FaultOrder
from twin.errors import Fault, LineFileError, QuantityError, UsageError
from twin.model.quantity import parse_duration

__all__ = ["FaultScript", "fault_order", "fault_script", "fault_script_from_text"]

_WORDS = ("fault", "after", "for", "when", "plcs", "units", "signals")

FaultScript = tuple[FaultOrder, ...]


def fault_script(path: Path) -> FaultScript:
    """Read a script.

    Raises:
        LineFileError: there is none, or it is wrong; every fault with file, line and column.
    """
    try:
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            raise LineFileError([Fault("", f"must be at most {MAX_BYTES:,} bytes", file=str(path))])
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        must = "must be a file of faults that can be read"
        raise LineFileError([Fault(str(path), must, str(error))]) from None
    return fault_script_from_text(text, str(path))


def fault_script_from_text(text: str, file: str = "faults.yaml") -> FaultScript:
    """Read a script: `faults` is a list, each entry a fault with its time and what it is told.

    Args:
        text: YAML.
        file: what faults call it.

    Raises:
        LineFileError: it is wrong; every fault with file, line and column.

    >>> text = '''
    ... faults:
    ... - {fault: cable_cut, how: black_hole, after: 10 min, for: 30 s}
    ... - {fault: frozen_value, units: [FNS03], when: FNS03.state_current == 9}
    ... '''
    >>> [(order.kind, order.after_s, order.lasts_s) for order in fault_script_from_text(text)]
    [('cable_cut', 600.0, 30.0), ('frozen_value', 0.0, None)]
    """
    try:
        tree, faults = read_tree(text)
    except Unreadable as error:
        raise LineFileError(_in(file, error.faults)) from None
    orders: list[FaultOrder] = []
    for name in tree.entries:
        if name != "faults":
            faults.append(_fault(tree.keys[name], name, "must be 'faults'"))
    entries = tree.entries.get("faults")
    if not isinstance(entries, Sequence):
        faults.append(_fault(tree.at, "faults", "must be a list of faults"))
        raise LineFileError(_in(file, faults))
    for number, node in enumerate(entries.items):
        where = f"faults[{number}]"
        if not isinstance(node, Mapping):
            faults.append(_fault(node.at, where, "must be a mapping, as {fault: cable_cut}"))
            continue
        try:
            orders.append(fault_order({name: plain(one) for name, one in node.entries.items()}))
        except UsageError as error:
            faults += [_fault(node.at, where, line) for line in str(error).splitlines()]
    if faults:
        raise LineFileError(_in(file, faults))
    return tuple(orders)


def fault_order(found: dict[str, Any]) -> FaultOrder:
    """Read one entry of a script, from YAML or JSON.

    Args:
        found: its words and what stands behind them.

    Raises:
        UsageError: it is wrong; a line for each fault.
    """
    kind = found.get("fault")
    if not isinstance(kind, str) or kind not in KINDS:
        raise UsageError(f"fault: must be one of {', '.join(KINDS)}, got {kind!r}")
    wrong = []
    times: dict[str, float | None] = {"after": 0.0, "for": None}
    for name in times:
        if name in found:
            try:
                times[name] = parse_duration(found[name]) / 1e6
            except QuantityError as error:
                wrong.append(f"{name}: {error}, got {found[name]!r}")
    when = None
    if "when" in found:
        try:
            when = Condition.parse(str(found["when"]))
        except UsageError as error:
            wrong.append(str(error))
    names = {}
    for name in ("plcs", "units", "signals"):
        given = found.get(name, [])
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            wrong.append(f"{name}: must be a name or a list of names, got {given!r}")
            texts = []
        names[name] = tuple(texts)
    order = FaultOrder(
        kind,
        times["after"] or 0.0,
        times["for"],
        when,
        settings={name: value for name, value in found.items() if name not in _WORDS},
        **names,
    )
    try:
        checked = order.checked()
    except UsageError as error:
        wrong += str(error).splitlines()
    if wrong:
        raise UsageError("\n".join(wrong))
    return checked


def _fault(at: Position, path: str, must: str) -> Fault:
    return Fault(path, must, line=at.line, column=at.column)


def _in(file: str, faults: list[Fault]) -> list[Fault]:
    return [
        Fault(f.path, f.must, f.found, f.remedy, file=file, line=f.line, column=f.column)
        for f in faults
    ]
