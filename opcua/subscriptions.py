"""Subscriptions that publish scalar tags in bulk, and leave everything else to asyncua."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.address_space import AddressSpace
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_subscription import InternalSubscription
from asyncua.server.monitored_item_service import MonitoredItemService
from asyncua.server.subscription_service import SubscriptionService

from opcua.alarms.event_queue import EventQueue, overflow_event
from opcua.alarms.events import EventFilter
from opcua.fast_items import FastItems, is_nothing
from opcua.limits import NO_LIMITS, Limits
from opcua.tag_table import TagTable, ticks_of

__all__ = ["BulkSubscriptions"]

_LEAST_PUBLISHING_MS = 10.0


class BulkSubscriptions(SubscriptionService):  # type: ignore[misc]  # no types
    """A server's subscriptions.

    Args:
        space: its nodes.
        server: whose they are.
        table: its scalar values.
        limits: what it allows.
    """

    def __init__(
        self,
        space: AddressSpace,
        server: InternalServer,
        table: TagTable,
        limits: Limits = NO_LIMITS,
    ) -> None:
        super().__init__(space, server)
        self._table = table
        self._limits = limits

    @property
    def monitored_items(self) -> int:
        """How many there are, in all subscriptions."""
        return sum(len(one.monitored_item_srv) for one in self.subscriptions.values())

    def refusal(self, items: _Items, asked: ua.MonitoredItemCreateRequest) -> int:
        """Find the status code that an item is to be refused with; 0: it is not."""
        limits = self._limits
        if limits.filter_refused and not is_nothing(asked.RequestedParameters.Filter):
            return limits.filter_refused
        most, each = limits.monitored_items, limits.items_a_subscription
        if (most and self.monitored_items >= most) or (each and len(items) >= each):
            return int(ua.StatusCodes.BadTooManyMonitoredItems)
        return 0

    def sampling_ms(self, asked: ua.MonitoringParameters, publishing_ms: float) -> float:
        """Revise a sampling interval; without a limit an item is told of every change."""
        least = self._limits.least_sampling_ms
        if not least:
            return publishing_ms
        # Asked for less than 0 it is the publishing interval (OPC 10000-4, 7.21).
        wanted = publishing_ms if asked.SamplingInterval < 0 else asked.SamplingInterval
        return max(least, wanted)

    async def create_subscription(
        self,
        params: ua.CreateSubscriptionParameters,
        callback: Callable[..., Any],
        session_id: ua.NodeId,
        request_callback: Callable[..., Any] | None = None,
    ) -> ua.CreateSubscriptionResult:
        """Make a subscription, as asyncua does, of the kind below."""
        server = self.iserver
        if len(self.subscriptions) >= server.max_subscriptions:
            raise ServiceError(ua.StatusCodes.BadTooManySubscriptions)
        most = self._limits.subscriptions
        own = sum(one.session_id == session_id for one in self.subscriptions.values())
        if most and request_callback is not None and own >= most:
            raise ServiceError(ua.StatusCodes.BadTooManySubscriptions)
        self._sub_id_counter += 1
        result = ua.CreateSubscriptionResult(
            SubscriptionId=self._sub_id_counter,
            # asyncua's own inner subscriptions ask for 0: at once.
            RevisedPublishingInterval=params.RequestedPublishingInterval
            if request_callback is None
            else max(
                _LEAST_PUBLISHING_MS,
                self._limits.least_publishing_ms,
                params.RequestedPublishingInterval,
            ),
            RevisedLifetimeCount=self._clamp_lifetime_count(params.RequestedLifetimeCount),
            RevisedMaxKeepAliveCount=self._clamp_keep_alive_count(
                params.RequestedMaxKeepAliveCount
            ),
        )
        made = _Subscription(
            result,
            self.aspace,
            callback,
            session_id,
            request_callback=request_callback,
            delete_callback=lambda: self.subscriptions.pop(result.SubscriptionId, None),
            no_acks_limit=server.max_unacked_messages_per_subscription,
            max_queue_size=server.max_monitored_item_queue_size,
            publishing_enabled=params.PublishingEnabled,
        )
        made.monitored_item_srv = _Items(made, self.aspace, self._table, self)
        self.subscriptions[result.SubscriptionId] = made
        await made.start()
        return result


class _Subscription(InternalSubscription):  # type: ignore[misc]  # no types
    """Publishes what its fast items have, beside what asyncua's own have."""

    repeats = False
    """Whether every change is published twice, as a faulty server does."""
    _overflows = 0

    async def enqueue_event(self, mid: int, eventdata: ua.EventFieldList, maxsize: int) -> None:
        """Queue an event; what does not fit is discarded, and the client is told."""
        queued = self._triggered_events.get(mid)
        full = self.monitored_item_srv.event_queues.get(mid)
        if queued is None or full is None or maxsize <= 0:
            await super().enqueue_event(mid, eventdata, maxsize)
            return

        def overflow() -> ua.EventFieldList:
            self._overflows += 1
            now_us, subscription = time.time_ns() // 1000, self.data.SubscriptionId
            event = overflow_event(now_us, subscription, self._overflows)
            # Whatever the item's where clause says (OPC 10000-4, 7.22.3).
            select = self.monitored_item_srv.selected(mid)
            return ua.EventFieldList(eventdata.ClientHandle, event.to_event_fields(select))

        full.add(queued, eventdata, maxsize, overflow)

    def has_published_results(self) -> bool:
        fast = self.monitored_item_srv.fast
        if self._publishing_enabled and fast is not None and fast.has_changes:
            return True
        return bool(super().has_published_results())

    def _pop_triggered_datachanges(self, result: ua.PublishResult) -> None:
        super()._pop_triggered_datachanges(result)
        fast = self.monitored_item_srv.fast
        if fast is not None:
            encoded = fast.pop(ticks_of(time.time_ns() // 1000), repeats=self.repeats)
            if encoded is not None:
                result.NotificationMessage.NotificationData.append(encoded)


class _Items(MonitoredItemService):  # type: ignore[misc]  # no types
    """The monitored items of a subscription: the fast ones, and asyncua's own."""

    def __init__(
        self,
        of: InternalSubscription,
        space: AddressSpace,
        table: TagTable,
        service: BulkSubscriptions,
    ) -> None:
        super().__init__(of, space)
        self._table = table
        self._service = service
        self.fast: FastItems | None = None
        self.event_queues: dict[int, EventQueue] = {}

    def selected(self, mid: int) -> list[Any]:
        """What an item for events selects of each."""
        return list(self._monitored_items[mid].filter.SelectClauses)

    def __len__(self) -> int:
        return len(self._monitored_items) + (0 if self.fast is None else len(self.fast))

    @property
    def event_items(self) -> set[int]:
        """The items that are for events."""
        return {item for of_node in self._monitored_events.values() for item in of_node}

    def _create_events_monitored_item(
        self, params: ua.MonitoredItemCreateRequest
    ) -> ua.MonitoredItemCreateResult:
        wanted = params.RequestedParameters.Filter
        if not isinstance(wanted, ua.EventFilter):
            code = ua.StatusCodes.BadEventFilterInvalid
            return ua.MonitoredItemCreateResult(ua.StatusCode(code))
        result = super()._create_events_monitored_item(params)
        item = self._monitored_items.get(result.MonitoredItemId)
        if item is not None:
            item.where_clause_evaluator = EventFilter(self.aspace, wanted.WhereClause)
            oldest = bool(params.RequestedParameters.DiscardOldest)
            self.event_queues[result.MonitoredItemId] = EventQueue(oldest)
        return result

    async def create_monitored_items(
        self, params: ua.CreateMonitoredItemsParameters
    ) -> list[ua.MonitoredItemCreateResult]:
        results: list[ua.MonitoredItemCreateResult] = []
        if self.fast is None:
            self.fast = FastItems(self._table)
        # What asyncua itself subscribes to inside the server reads objects, not bytes.
        is_client = self.isub.pub_request_callback is not None
        for asked in params.ItemsToCreate:
            refused = self._service.refusal(self, asked) if is_client else 0
            if refused:
                results.append(ua.MonitoredItemCreateResult(ua.StatusCode(refused)))
                continue
            sampling_ms = self._sampling_ms(asked.RequestedParameters)
            tag = self.fast.can_take(asked) if is_client else None
            if tag is None:
                one = ua.CreateMonitoredItemsParameters(
                    params.SubscriptionId, params.TimestampsToReturn, [asked]
                )
                (made,) = await super().create_monitored_items(one)
                made.RevisedSamplingInterval = sampling_ms
                results.append(made)
                self._table.watch(asked.ItemToMonitor.NodeId)
                continue
            self._monitored_item_counter += 1
            queue = self._queue(asked.RequestedParameters)
            self.fast.add(
                self._monitored_item_counter,
                tag,
                asked.MonitoringMode,
                asked.RequestedParameters,
                queue,
                params.TimestampsToReturn,
            )
            results.append(
                ua.MonitoredItemCreateResult(
                    MonitoredItemId=self._monitored_item_counter,
                    RevisedSamplingInterval=sampling_ms,
                    RevisedQueueSize=queue,
                )
            )
        return results

    def _sampling_ms(self, asked: ua.MonitoringParameters) -> float:
        return self._service.sampling_ms(asked, self.isub.data.RevisedPublishingInterval)

    def _queue(self, asked: ua.MonitoringParameters) -> int:
        # Asked for 0 it is 1, for values (OPC 10000-4, 7.21).
        return max(1, min(int(asked.QueueSize), int(self.isub.max_queue_size)))

    def _modify_monitored_item(
        self, params: ua.MonitoredItemModifyRequest
    ) -> ua.MonitoredItemModifyResult:
        if params.MonitoredItemId in self.event_queues:
            return self._modify_events(params)
        if self.fast is None or params.MonitoredItemId not in self.fast:
            if params.MonitoredItemId not in self._monitored_items:
                code = ua.StatusCodes.BadMonitoredItemIdInvalid
                return ua.MonitoredItemModifyResult(ua.StatusCode(code))
            return super()._modify_monitored_item(params)
        asked = params.RequestedParameters
        queue = self._queue(asked)
        self.fast.change(params.MonitoredItemId, asked, queue)
        return ua.MonitoredItemModifyResult(
            RevisedSamplingInterval=self._sampling_ms(asked),
            RevisedQueueSize=queue,
        )

    def _modify_events(self, params: ua.MonitoredItemModifyRequest) -> ua.MonitoredItemModifyResult:
        asked, item = params.RequestedParameters, self._monitored_items[params.MonitoredItemId]
        # asyncua keeps the old where clause, and any size of queue.
        if isinstance(asked.Filter, ua.EventFilter):
            item.filter = asked.Filter
            item.where_clause_evaluator = EventFilter(self.aspace, asked.Filter.WhereClause)
        elif not is_nothing(asked.Filter):
            code = ua.StatusCodes.BadEventFilterInvalid
            return ua.MonitoredItemModifyResult(ua.StatusCode(code))
        item.client_handle = asked.ClientHandle
        item.queue_size = self._revise_queue_size(asked.QueueSize)
        self.event_queues[params.MonitoredItemId].discard_oldest = bool(asked.DiscardOldest)
        return ua.MonitoredItemModifyResult(
            RevisedSamplingInterval=self._sampling_ms(asked), RevisedQueueSize=item.queue_size
        )

    async def _set_monitoring_mode(self, mode: ua.MonitoringMode, mid: int) -> ua.StatusCode:
        if self.fast is None or mid not in self.fast:
            return await super()._set_monitoring_mode(mode, mid)
        self.fast.set_mode(mid, mode)
        return ua.StatusCode()

    def _delete_monitored_items(self, mid: int) -> ua.StatusCode:
        self.event_queues.pop(mid, None)
        if self.fast is None or mid not in self.fast:
            return super()._delete_monitored_items(mid)
        self.fast.remove(mid)
        return ua.StatusCode()

    def delete_all_monitored_items(self) -> None:
        super().delete_all_monitored_items()
        self.event_queues.clear()
        if self.fast is not None:
            self.fast.close()
            self.fast = None
