"""What faults make of values on their way from the plant to the nodes: pure, seeded, no socket."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from opcua.faults.kinds import KINDS, Setting
from twin.signals import Value

__all__ = ["GOOD", "Shown", "Tamper", "ValueFault"]

Key = tuple[str, str]
GOOD = "Good"
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Shown:
    """What a node shows.

    Args:
        value: as its signal has it.
        source_us: source timestamp, microseconds since 1970-01-01 UTC.
        status: name of a status code.
        as_type: another type on the wire than the node's; empty: the node's.
    """

    value: Value
    source_us: int
    status: str = GOOD
    as_type: str = ""


@dataclass(slots=True)
class ValueFault:
    """A fault that acts on values.

    Args:
        kind: its name.
        settings: what it was told.
        touches: which (unit, signal) it acts on.
        began_us: when it began, source time.
        rng: its own.
        firsts: by key the first value that it met.
    """

    kind: str
    settings: Mapping[str, Setting]
    touches: Callable[[Key], bool]
    began_us: int
    rng: random.Random
    firsts: dict[Key, Value] = field(default_factory=dict)

    def number(self, name: str) -> float:
        """One of its settings, as a number."""
        return float(self.settings[name])


class Tamper:
    """The value faults of one PLC, and what they hold back."""

    def __init__(self) -> None:
        self._faults: list[ValueFault] = []
        self._ended: list[ValueFault] = []
        self._held_back: list[tuple[int, Key, Shown]] = []
        self._zeros: dict[Key, Value] = {}

    @property
    def idle(self) -> bool:
        """Whether values pass as they are."""
        return not (self._faults or self._ended or self._held_back or self._zeros)

    def begin(self, fault: ValueFault) -> None:
        """Let a fault act from the next scan on."""
        self._faults.append(fault)

    def end(self, fault: ValueFault) -> None:
        """Let the truth be shown again at the next scan."""
        self._faults.remove(fault)
        self._ended.append(fault)

    def zero(self, counters: Mapping[Key, Value]) -> None:
        """Let counters begin at 0 from now on, as after a cold start."""
        self._zeros = dict(counters)

    def shown(
        self, changed: Mapping[Key, Value], every: Mapping[Key, Value], at_us: int
    ) -> list[tuple[Key, Shown]]:
        """Make what is written at one scan.

        Args:
            changed: values that changed, by (unit, signal).
            every: all values, the changed ones among them.
            at_us: source time.

        Returns:
            What to show, in order; a key can come more than once where values were held back.
        """
        keys = dict.fromkeys(changed)
        for fault in (*self._faults, *self._ended):
            if KINDS[fault.kind].restless or fault in self._ended:
                keys.update(dict.fromkeys(key for key in every if fault.touches(key)))
        self._ended = []
        out = [(key, shown) for due, key, shown in self._held_back if due <= at_us]
        self._held_back = [held for held in self._held_back if held[0] > at_us]
        for key in keys:
            shown = self._one(key, every[key], at_us)
            if shown is not None:
                out.append((key, shown))
        return out

    def _one(self, key: Key, value: Value, at_us: int) -> Shown | None:
        if key in self._zeros:
            value = value - self._zeros[key]
        shown: Shown | None = Shown(value, at_us)
        for fault in self._faults:
            if shown is None:
                return None
            if not fault.touches(key):
                continue
            if fault.kind == "late":
                self._held_back.append((at_us + round(fault.number("by_s") * 1e6), key, shown))
                return None
            if KINDS[fault.kind].numbers_only and isinstance(value, bool):
                continue
            shown = _tampered(fault, key, shown, at_us)
        return shown


def touching(units: Iterable[str], signals: Iterable[str]) -> Callable[[Key], bool]:
    """Make a test of keys from names with `*`; no name touches everything."""
    import fnmatch  # noqa: PLC0415

    wanted_units, wanted_signals = tuple(units) or ("*",), tuple(signals) or ("*",)

    def touches(key: Key) -> bool:
        unit, signal = key
        return any(fnmatch.fnmatchcase(unit, u) for u in wanted_units) and any(
            fnmatch.fnmatchcase(signal, s) for s in wanted_signals
        )

    return touches


def _like(old: Value, number: float) -> Value:
    return round(number) if isinstance(old, int) else number


def _tampered(fault: ValueFault, key: Key, shown: Shown, at_us: int) -> Shown | None:
    value, rng = shown.value, fault.rng
    hours = (at_us - fault.began_us) / _HOUR_US
    first = fault.firsts.setdefault(key, value)
    match fault.kind:
        case "frozen_value":
            return None
        case "bad_quality" | "uncertain_quality":
            return replace(shown, status=str(fault.settings["status"]))
        case "spikes":
            spiked = rng.random() < fault.number("share")
            high = _like(value, (value or 1) * fault.number("size"))
            return replace(shown, value=high) if spiked else shown
        case "dips":
            return replace(shown, value=_like(value, 0)) if _hit(fault) else shown
        case "drift":
            added = abs(first or 1) * fault.number("share_per_h") * hours
            return replace(shown, value=_like(value, value + added))
        case "noise":
            spread = abs(value or 1) * fault.number("share")
            return replace(shown, value=_like(value, rng.gauss(value, spread)))
        case "stuck_bit":
            return replace(shown, value=_stuck(value, fault))
        case "counter_reset":
            return replace(shown, value=value - first)
        case "counter_wrap":
            return replace(shown, value=value % (1 << int(fault.number("bits"))))
        case "wrong_type":
            return replace(shown, as_type=str(fault.settings["to"]))
        case "alarm_flood":
            return replace(shown, value=_hit(fault))
        case "clock_drift":
            gained = fault.number("s_per_h") * hours
            return replace(shown, source_us=shown.source_us + round(gained * 1e6))
        case "clock_jump":
            by_us = round(fault.number("by_s") * 1e6)
            return replace(shown, source_us=shown.source_us + by_us)
    raise ValueError(f"{fault.kind} does not act on values")


def _hit(fault: ValueFault) -> bool:
    return fault.rng.random() < fault.number("share")


def _stuck(value: Value, fault: ValueFault) -> Value:
    at, bit = int(fault.number("at")), int(fault.number("bit"))
    if isinstance(value, bool):
        return bool(at)
    if isinstance(value, int):
        return value | (1 << bit) if at else value & ~(1 << bit)
    return value
