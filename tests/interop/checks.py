"""What every client must have seen of an emulated PLC, step by step; all print the same object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twin.model.packml import State

PACKML = "http://opcfoundation.org/UA/PackML/"
Seen = dict[str, Any]


def _browsed(seen: Seen) -> bool:
    packml = seen["namespaces"].index(PACKML)
    groups = {f"{packml}:{name}" for name in ("Admin", "BaseStateMachine", "Status")}
    return seen["type"] == f"{packml}:PackMLBaseObjectType" and groups <= set(seen["below"])


STEPS: dict[str, Callable[[Seen], bool]] = {
    "wrong password refused": lambda seen: (
        "BadUserAccessDenied" in seen["wrongPassword"]
        or "BadIdentityTokenRejected" in seen["wrongPassword"]
    ),
    "browse": _browsed,
    "read": lambda seen: (
        seen["state"] == State.EXECUTE
        and seen["machineState"] == "Running"
        and seen["processed"] > 0
    ),
    "call": lambda seen: (seen["stop"], seen["start"]) == ("Good", "BadInvalidState"),
    "subscribe": lambda seen: (
        (seen["states"][0], seen["states"][-1]) == (State.EXECUTE, State.STOPPED)
    ),
    "write": lambda seen: (
        (seen["write"], seen["written"], seen["writeOutOfRange"])
        == (
            "Good",
            1.5,
            "BadOutOfRange",
        )
        and seen["writeReadOnly"] in {"BadUserAccessDenied", "BadNotWritable"}
    ),
    "history": lambda seen: seen["history"][-len(seen["states"]) :] == seen["states"],
    "alarm": lambda seen: (seen["abort"], seen["alarms"][0]) == ("Good", [True, False]),
    "acknowledge": lambda seen: (seen["acknowledge"], seen["alarms"][-1]) == ("Good", [True, True]),
}


def failures(seen: Seen) -> dict[str, str]:
    """What a client saw that it should not have: nothing, or why by step."""
    found = {}
    for step, holds in STEPS.items():
        try:
            if not holds(seen):
                found[step] = f"saw {seen}"
        except (KeyError, IndexError, ValueError, TypeError) as error:
            found[step] = f"{type(error).__name__}: {error}, saw {seen}"
    return found
