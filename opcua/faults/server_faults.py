"""The faults of a PLC as a whole: power, wire, sessions, subscriptions, certificates, nodes.

Each begins on one PLC, and returns what ends it there.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from asyncua import ua

from opcua.faults.certificates import expired, renewed
from opcua.faults.kinds import Setting
from twin.errors import UsageError

if TYPE_CHECKING:
    from opcua.emulated_plc import ServedLine
    from opcua.plc_server import PlcServer

__all__ = ["BEGIN"]

Key = tuple[str, str]
End = Callable[["ServedLine"], Awaitable[None]]
Begin = Callable[
    ["PlcServer", Mapping[str, Setting], Callable[[Key], bool], random.Random], Awaitable[End]
]


async def _power_off(server: PlcServer, settings: Mapping[str, Setting], *_: Any) -> End:
    await server.power_off()

    async def end(served: ServedLine) -> None:
        if settings["start"] == "cold":
            served.requests.forget(server.plc)
            server.jobs.forget()
            server.vision.forget()
            server.tamper.zero(served.counters(server.plc))
        await server.power_on(served.source_us)

    return end


async def _cable_cut(server: PlcServer, settings: Mapping[str, Setting], *_: Any) -> End:
    wire = server.wire
    wire.cut = str(settings["how"])
    if wire.cut == "reset":
        wire.reset()

    async def end(_: ServedLine) -> None:
        wire.cut = ""
        wire.let_go()

    return end


async def _slow_network(server: PlcServer, settings: Mapping[str, Setting], *_: Any) -> End:
    wire = server.wire
    before = (wire.delay_s, wire.jitter_s, wire.bytes_per_s)
    wire.delay_s = float(settings["delay_s"])
    wire.jitter_s = float(settings["jitter_s"])
    wire.bytes_per_s = float(settings["bytes_per_s"])

    async def end(_: ServedLine) -> None:
        wire.delay_s, wire.jitter_s, wire.bytes_per_s = before

    return end


async def _no_answer(server: PlcServer, *_: Any) -> End:
    server.wire.swallows = True

    async def end(_: ServedLine) -> None:
        server.wire.swallows = False
        # What was swallowed will never be answered: only a new connection helps.
        server.wire.reset()

    return end


async def _nothing(_: ServedLine) -> None:
    pass


async def _session_dropped(server: PlcServer, *_: Any) -> End:
    for protocol in server.connections:
        processor = protocol.processor
        session = processor.session
        if session is None:
            continue
        _refuse_publishing(processor, ua.StatusCodes.BadSessionClosed)
        await session.close_session(True)
        processor.session = _Forgotten()
    return _nothing


async def _service_level(server: PlcServer, settings: Mapping[str, Setting], *_: Any) -> End:
    await server.serve_at_level(int(settings["level"]))

    async def end(_: ServedLine) -> None:
        await server.serve_at_level(255)

    return end


async def _subscription_dropped(server: PlcServer, *_: Any) -> End:
    service = server.subscriptions
    if service is None:
        return _nothing
    await service.delete_subscriptions(list(service.subscriptions))
    for protocol in server.connections:
        _refuse_publishing(protocol.processor, ua.StatusCodes.BadNoSubscription)
    return _nothing


async def _subscription_dead(server: PlcServer, *_: Any) -> End:
    async def says_nothing(*_: Any) -> bool:
        return False

    service = server.subscriptions
    dead = [] if service is None else list(service.subscriptions.values())
    for subscription in dead:
        subscription.publish_results = says_nothing

    async def end(_: ServedLine) -> None:
        for subscription in dead:
            # Its own method stands behind the one that was put before it.
            subscription.__dict__.pop("publish_results", None)

    return end


async def _duplicates(server: PlcServer, *_: Any) -> End:
    service = server.subscriptions
    if service is None:
        return _nothing
    own = service.create_subscription

    def double(subscription: Any) -> None:
        once = subscription.enqueue_datachange_event

        async def twice(*what: Any) -> None:
            await once(*what)
            await once(*what)

        subscription.enqueue_datachange_event = twice
        subscription.repeats = True

    async def create(*args: Any, **kwargs: Any) -> Any:
        result = await own(*args, **kwargs)
        double(service.subscriptions[result.SubscriptionId])
        return result

    for subscription in service.subscriptions.values():
        double(subscription)
    service.create_subscription = create

    async def end(_: ServedLine) -> None:
        service.__dict__.pop("create_subscription", None)
        for subscription in service.subscriptions.values():
            subscription.__dict__.pop("enqueue_datachange_event", None)
            subscription.repeats = False

    return end


async def _notifications_lost(
    server: PlcServer,
    settings: Mapping[str, Setting],
    _: Callable[[Key], bool],
    rng: random.Random,
) -> End:
    service = server.subscriptions
    if service is None:
        return _nothing
    own = service.create_subscription
    share, kept = float(settings["share"]), settings["kept"] == "yes"

    def lossy(subscription: Any) -> None:
        pop = subscription._pop_publish_result  # noqa: SLF001 -- asyncua has no other way to them

        def lose() -> Any:
            result = pop()
            message = result.NotificationMessage
            if not message.NotificationData or rng.random() >= share:
                return result
            if not kept:
                subscription._not_acknowledged_results.pop(message.SequenceNumber)  # noqa: SLF001
            return pop()

        subscription._pop_publish_result = lose  # noqa: SLF001

    async def create(*args: Any, **kwargs: Any) -> Any:
        result = await own(*args, **kwargs)
        lossy(service.subscriptions[result.SubscriptionId])
        return result

    for subscription in service.subscriptions.values():
        lossy(subscription)
    service.create_subscription = create

    async def end(_: ServedLine) -> None:
        service.__dict__.pop("create_subscription", None)
        for subscription in service.subscriptions.values():
            subscription.__dict__.pop("_pop_publish_result", None)

    return end


async def _with_certificate(server: PlcServer, make: Callable[..., Any]) -> End:
    security = server.security
    if security is None:
        raise UsageError(f"{server.plc}: has no certificate; serve it with security")
    await server.power_off()
    server.security = make(security)
    await server.power_on(None)

    async def end(served: ServedLine) -> None:
        await server.power_off()
        server.security = security
        await server.power_on(served.source_us)

    return end


async def _certificate_expired(server: PlcServer, *_: Any) -> End:
    return await _with_certificate(server, expired)


async def _certificate_changed(server: PlcServer, *_: Any) -> End:
    return await _with_certificate(server, renewed)


async def _nodes_vanish(
    server: PlcServer,
    settings: Mapping[str, Setting],
    touches: Callable[[Key], bool],
    _: random.Random,
) -> End:
    gone = await server.hide(touches)

    async def end(served: ServedLine) -> None:
        shift = int(settings["shift"])
        if not shift:
            server.unhide(gone)
            return
        await server.power_off()
        server.namespace_shift += shift
        await server.power_on(served.source_us)

    return end


BEGIN: Mapping[str, Begin] = {
    "power_off": _power_off,
    "cable_cut": _cable_cut,
    "slow_network": _slow_network,
    "no_answer": _no_answer,
    "session_dropped": _session_dropped,
    "service_level": _service_level,
    "subscription_dropped": _subscription_dropped,
    "subscription_dead": _subscription_dead,
    "certificate_expired": _certificate_expired,
    "certificate_changed": _certificate_changed,
    "duplicates": _duplicates,
    "notifications_lost": _notifications_lost,
    "nodes_vanish": _nodes_vanish,
}


def _refuse_publishing(processor: Any, code: int) -> None:
    """Answer the publish requests that wait."""
    waiting = processor._publish_requests  # noqa: SLF001 -- asyncua has no other way to them
    while waiting:
        request = waiting.popleft()
        response = ua.ServiceFault()
        response.ResponseHeader.ServiceResult = ua.StatusCode(code)
        processor.send_response(request.requesthdr.RequestHandle, request.seqhdr, response)


class _Forgotten:
    """Stands where a session was: whatever is asked of it, the server knows of none."""

    name = "forgotten"

    def is_activated(self) -> bool:
        return True

    async def close_session(self, _: bool = True) -> None:
        pass

    def __getattr__(self, _: str) -> Any:
        raise ua.uaerrors.BadSessionIdInvalid
