"""What a client did to a PLC: every read, write, call, browse and subscription, in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from asyncua import ua

__all__ = ["ClientAction", "Recorder"]


@dataclass(frozen=True, slots=True)
class ClientAction:
    """One thing that a client did.

    Args:
        kind: `read`, `write`, `call`, `browse`, `subscribe`, `monitor`, `unmonitor`,
            `unsubscribe` or `connect`.
        node: the node's id without the namespace index, where it is about one.
        value: what was written, or given to a method.
        status: name of the status code of the answer.
        at_us: plant time, engine microseconds.
    """

    kind: str
    node: str
    value: Any
    status: str
    at_us: int


class Recorder:
    """Writes down what clients do; the oldest goes when there are too many.

    Args:
        now_us: tells plant time.
        most: actions that are kept.
    """

    def __init__(self, now_us: Callable[[], int], most: int = 100_000) -> None:
        self._now_us = now_us
        self._most = most
        self.actions: list[ClientAction] = []

    def listen(self, internal_server: Any) -> None:
        """Write down what sessions to come of an asyncua server do."""
        create = internal_server.create_session

        def create_session(name: str, **more: Any) -> Any:
            session = create(name, **more)
            if more.get("external"):
                self._add("connect", "", name, "Good")
                for method, note in self._notes().items():
                    own = getattr(session, method)
                    setattr(session, method, self._noting(own, note))
            return session

        internal_server.create_session = create_session

    def _add(self, kind: str, node: Any, value: Any, status: str) -> None:
        shown = str(node.Identifier) if isinstance(node, ua.NodeId) else str(node)
        self.actions.append(ClientAction(kind, shown, value, status, self._now_us()))
        if len(self.actions) > self._most:
            del self.actions[: self._most // 10]

    def _noting(
        self, own: Callable[..., Awaitable[Any]], note: Callable[[Any, Any], None]
    ) -> Callable[..., Awaitable[Any]]:
        async def noted(asked: Any, *more: Any, **named: Any) -> Any:
            answer = await own(asked, *more, **named)
            note(asked, answer)
            return answer

        return noted

    def _notes(self) -> dict[str, Callable[[Any, Any], None]]:
        return {
            "read": lambda asked, answer: self._each(
                "read", asked.NodesToRead, answer, lambda one: one.NodeId, lambda _: None
            ),
            "write": lambda asked, answer: self._each(
                "write",
                asked.NodesToWrite,
                answer,
                lambda one: one.NodeId,
                lambda one: one.Value.Value.Value if one.Value.Value is not None else None,
            ),
            "call": lambda asked, answer: self._each(
                "call",
                asked,
                answer,
                lambda one: one.MethodId,
                lambda one: tuple(given.Value for given in one.InputArguments or ()),
            ),
            "browse": lambda asked, answer: self._each(
                "browse", asked.NodesToBrowse, answer, lambda one: one.NodeId, lambda _: None
            ),
            "create_subscription": lambda _, answer: self._add(
                "subscribe", "", answer.RevisedPublishingInterval, "Good"
            ),
            "create_monitored_items": lambda asked, answer: self._each(
                "monitor",
                asked.ItemsToCreate,
                answer,
                lambda one: one.ItemToMonitor.NodeId,
                lambda one: one.RequestedParameters.SamplingInterval,
            ),
            "delete_subscriptions": lambda asked, answer: self._each(
                "unsubscribe", asked, answer, lambda _: "", lambda one: one
            ),
            "delete_monitored_items": lambda asked, answer: self._each(
                "unmonitor", asked.MonitoredItemIds, answer, lambda _: "", lambda one: one
            ),
        }

    def _each(
        self,
        kind: str,
        asked: Iterable[Any],
        answers: Iterable[Any],
        node: Callable[[Any], Any],
        value: Callable[[Any], Any],
    ) -> None:
        for one, answer in zip(asked, answers, strict=False):
            status = answer if isinstance(answer, ua.StatusCode) else answer.StatusCode
            name = "Good" if status is None else status.name
            self._add(kind, node(one), _plain(value(one)), name)


def _plain(value: Any) -> Any:
    """What can go to another process: asyncua's own types as text."""
    if isinstance(value, tuple | list):
        return tuple(_plain(each) for each in value)
    return value if isinstance(value, bool | int | float | str | bytes | None) else str(value)
