"""A condition of OPC 10000-9: what it is, the state that it is in, and how that changes. Pure.

    active    the alarm stands
    acked     somebody has seen that it stands
    confirmed somebody has done what is to be done about it
    shelved   somebody wants to hear no more of it: for a time, or until it stands no longer
    retained  it is of interest: enabled, and active or not yet acknowledged and confirmed

An alarm that comes is to be acknowledged; one that has been acknowledged is to be confirmed
(Annex B.1.3). It has no branches: an alarm that comes again before somebody saw that it went is the
same alarm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from twin.errors import LinetwinError
from twin.model.base import Text

__all__ = [
    "LONGEST_SHELVED_S",
    "Condition",
    "ConditionRefused",
    "ConditionState",
    "Kind",
    "Shelving",
    "acknowledged",
    "commented",
    "confirmed",
    "enabled",
    "followed",
    "may_be_commented",
    "shelved",
    "unshelved",
]

Key = tuple[str, str]

LONGEST_SHELVED_S = 24 * 3600.0
"""MaxTimeShelved: an alarm is not put away for longer than a day."""
_KNOWN_IDS = 16
"""So many events of one occurrence can be acknowledged; a client may not have read the last yet."""


class ConditionRefused(LinetwinError):
    """A condition does not take what a client asks of it.

    Args:
        status: name of the status code that the client gets (OPC 10000-9, 5.5 to 5.8).
    """

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Kind(Enum):
    """The standard's type: its node and name."""

    OFF_NORMAL = (10637, "OffNormalAlarmType")
    LEVEL = (9482, "ExclusiveLevelAlarmType")


class Shelving(Enum):
    """The states of ShelvedStateMachineType: node, and name."""

    UNSHELVED = (2930, "Unshelved")
    TIMED = (2932, "Timed Shelved")
    ONE_SHOT = (2933, "One Shot Shelved")


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """What a condition is.

    Args:
        node: the plan's node of it, as `L1/CUT/CUT01/Conditions/EQP001`.
        source: the node that it is about, as `L1/CUT/CUT01`.
        name: its own, as `EQP001`.
        text: what it means, in English and Chinese.
        kind: of what type it is.
        category: as in the line file.
        severity: 1 (least) to 1000.
        signal: the (unit, signal) that tells whether it stands.
        stands_at: the signal's value while it stands.
        variable: of a level the measured (unit, signal); None for the rest.
        low, high: of a level its limits.
        above: the nodes above the source, the nearest first: all notify of it.
    """

    node: str
    source: str
    name: str
    text: Text
    kind: Kind
    category: str
    severity: int
    signal: Key
    stands_at: int = 1
    variable: Key | None = None
    low: float | None = None
    high: float | None = None
    above: tuple[str, ...] = ()

    def limit(self, value: float) -> str:
        """Name the limit that a measured value is beyond: `High`, `Low`, or empty.

        >>> Condition("n", "s", "T", Text.of("T"), Kind.LEVEL, "PRC", 1, ("u", "a"), low=1).limit(0)
        'Low'
        """
        if self.high is not None and value > self.high:
            return "High"
        return "Low" if self.low is not None and value < self.low else ""


@dataclass(frozen=True, slots=True)
class ConditionState:
    """The state that a condition is in. Times are microseconds since 1970-01-01 UTC, the plant's.

    Args:
        at_us: when it last changed.
        event_ids: of this occurrence, the last one last.
        enabled, active, acked, confirmed, shelving: as above.
        unshelve_us: when it is unshelved by itself.
        limit: of a level that stands the limit that it is beyond.
        status: status code of what it is judged by; 0 is Good.
        comment, comment_locale, comment_us, user: the last comment, when, and who made it.
        active_us, acked_us, confirmed_us, enabled_us, shelved_us: when each last changed.
    """

    at_us: int = 0
    event_ids: tuple[bytes, ...] = ()
    enabled: bool = True
    active: bool = False
    acked: bool = True
    confirmed: bool = True
    shelving: Shelving = Shelving.UNSHELVED
    unshelve_us: int | None = None
    limit: str = ""
    status: int = 0
    comment: str = ""
    comment_locale: str = ""
    comment_us: int = 0
    user: str = ""
    active_us: int = 0
    acked_us: int = 0
    confirmed_us: int = 0
    enabled_us: int = 0
    shelved_us: int = 0

    @property
    def retain(self) -> bool:
        """Whether it is of interest."""
        return self.enabled and (self.active or not self.acked or not self.confirmed)

    def as_event(self, event_id: bytes) -> ConditionState:
        """The same, told to clients under an id."""
        return replace(self, event_ids=(*self.event_ids[1 - _KNOWN_IDS :], event_id))


def followed(
    state: ConditionState, *, active: bool, at_us: int, limit: str = "", status: int = 0
) -> ConditionState:
    """Follow the plant: whether the alarm stands now.

    Args:
        state: as it was.
        active: whether it stands.
        at_us: since when.
        limit: of a level that stands the limit that it is beyond.
        status: status code of what it is judged by; what is bad says nothing of the alarm.

    Returns:
        The new state, or the same object if nothing has changed.

    >>> came = followed(ConditionState(), active=True, at_us=5)
    >>> came.active, came.acked, came.confirmed, came.retain
    (True, False, True, True)
    >>> followed(came, active=True, at_us=6) is came
    True
    """
    if state.unshelve_us is not None and at_us >= state.unshelve_us:
        state = _unshelved(state, state.unshelve_us)
    if not state.enabled:
        return state
    if status != state.status:
        state = replace(state, status=status, at_us=at_us)
    if status >> 31:
        return state
    if active == state.active:
        return state if limit == state.limit else replace(state, limit=limit, at_us=at_us)
    if active:
        # What is acknowledged from now on is this occurrence.
        return replace(
            state,
            active=True,
            acked=False,
            confirmed=True,
            limit=limit,
            at_us=at_us,
            active_us=at_us,
            acked_us=at_us,
            event_ids=(),
        )
    if state.shelving is Shelving.ONE_SHOT:
        state = _unshelved(state, at_us)
    return replace(state, active=False, limit="", at_us=at_us, active_us=at_us)


def acknowledged(state: ConditionState, event_id: bytes, at_us: int) -> ConditionState:
    """Acknowledge what an event told.

    Raises:
        ConditionRefused: it is disabled, has been acknowledged, or never told of that event.
    """
    _require_known(state, event_id)
    if state.acked:
        raise ConditionRefused("BadConditionBranchAlreadyAcked")
    return replace(
        state, acked=True, confirmed=False, at_us=at_us, acked_us=at_us, confirmed_us=at_us
    )


def confirmed(state: ConditionState, event_id: bytes, at_us: int) -> ConditionState:
    """Confirm what an event told.

    Raises:
        ConditionRefused: it is disabled, not to be confirmed, or never told of that event.
    """
    _require_known(state, event_id)
    if state.confirmed:
        raise ConditionRefused("BadConditionBranchAlreadyConfirmed")
    return replace(state, confirmed=True, at_us=at_us, confirmed_us=at_us)


def commented(
    state: ConditionState, text: str, locale: str, user: str, at_us: int
) -> ConditionState:
    """Note who did something, and what they said; no text and no locale leaves the comment.

    >>> state = commented(ConditionState(), "jam removed", "en", "eve", 7)
    >>> commented(state, "", "", "eve", 8).comment, commented(state, "", "en", "eve", 8).comment
    ('jam removed', '')
    """
    state = replace(state, user=user, at_us=at_us)
    if not text and not locale:
        return state
    return replace(state, comment=text, comment_locale=locale, comment_us=at_us)


def may_be_commented(state: ConditionState, event_id: bytes) -> None:
    """Refuse a comment on an event that is not known, or while the condition is disabled.

    Raises:
        ConditionRefused: so it is.
    """
    _require_known(state, event_id)


def enabled(state: ConditionState, at_us: int, *, on: bool) -> ConditionState:
    """Enable or disable it; while it is disabled it follows nothing.

    Raises:
        ConditionRefused: it is so already.
    """
    if on == state.enabled:
        raise ConditionRefused(f"BadConditionAlready{'Enabled' if on else 'Disabled'}")
    if on:
        # Whether it stands is looked at anew; what is to be acknowledged stays so.
        return replace(state, enabled=True, at_us=at_us, enabled_us=at_us)
    return replace(state, enabled=False, at_us=at_us, enabled_us=at_us)


def shelved(state: ConditionState, at_us: int, for_s: float | None = None) -> ConditionState:
    """Put it away.

    Args:
        state: as it was.
        at_us: now.
        for_s: for so long, greater than 0 and at most `LONGEST_SHELVED_S`; None: until it stands
            no longer.

    Raises:
        ConditionRefused: it is disabled or so already, or the time is out of range.
    """
    _require_enabled(state)
    if for_s is None:
        if state.shelving is Shelving.ONE_SHOT:
            raise ConditionRefused("BadConditionAlreadyShelved")
        return replace(
            state, shelving=Shelving.ONE_SHOT, unshelve_us=None, at_us=at_us, shelved_us=at_us
        )
    if not 0 < for_s <= LONGEST_SHELVED_S:
        raise ConditionRefused("BadShelvingTimeOutOfRange")
    until_us = at_us + round(for_s * 1e6)
    return replace(
        state, shelving=Shelving.TIMED, unshelve_us=until_us, at_us=at_us, shelved_us=at_us
    )


def unshelved(state: ConditionState, at_us: int) -> ConditionState:
    """Take it out again.

    Raises:
        ConditionRefused: it is disabled, or not shelved.
    """
    _require_enabled(state)
    if state.shelving is Shelving.UNSHELVED:
        raise ConditionRefused("BadConditionNotShelved")
    return _unshelved(state, at_us)


def _unshelved(state: ConditionState, at_us: int) -> ConditionState:
    return replace(
        state, shelving=Shelving.UNSHELVED, unshelve_us=None, at_us=at_us, shelved_us=at_us
    )


def _require_enabled(state: ConditionState) -> None:
    if not state.enabled:
        raise ConditionRefused("BadConditionDisabled")


def _require_known(state: ConditionState, event_id: bytes) -> None:
    _require_enabled(state)
    if event_id not in state.event_ids:
        raise ConditionRefused("BadEventIdUnknown")
