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

from opcua.fast_items import FastItems
from opcua.tag_table import TagTable, ticks_of

__all__ = ["BulkSubscriptions"]

_LEAST_PUBLISHING_MS = 10.0


class BulkSubscriptions(SubscriptionService):  # type: ignore[misc]  # no types
    """A server's subscriptions.

    Args:
        space: its nodes.
        server: whose they are.
        table: its scalar values.
    """

    def __init__(self, space: AddressSpace, server: InternalServer, table: TagTable) -> None:
        super().__init__(space, server)
        self._table = table

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
        self._sub_id_counter += 1
        result = ua.CreateSubscriptionResult(
            SubscriptionId=self._sub_id_counter,
            # asyncua's own inner subscriptions ask for 0: at once.
            RevisedPublishingInterval=params.RequestedPublishingInterval
            if request_callback is None
            else max(_LEAST_PUBLISHING_MS, params.RequestedPublishingInterval),
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
        made.monitored_item_srv = _Items(made, self.aspace, self._table)
        self.subscriptions[result.SubscriptionId] = made
        await made.start()
        return result


class _Subscription(InternalSubscription):  # type: ignore[misc]  # no types
    """Publishes what its fast items have, beside what asyncua's own have."""

    repeats = False
    """Whether every change is published twice, as a faulty server does."""

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

    def __init__(self, of: InternalSubscription, space: AddressSpace, table: TagTable) -> None:
        super().__init__(of, space)
        self._table = table
        self.fast: FastItems | None = None

    async def create_monitored_items(
        self, params: ua.CreateMonitoredItemsParameters
    ) -> list[ua.MonitoredItemCreateResult]:
        results: list[ua.MonitoredItemCreateResult] = []
        if self.fast is None:
            self.fast = FastItems(self._table)
        # What asyncua itself subscribes to inside the server reads objects, not bytes.
        is_client = self.isub.pub_request_callback is not None
        for asked in params.ItemsToCreate:
            tag = self.fast.can_take(asked) if is_client else None
            if tag is None:
                one = ua.CreateMonitoredItemsParameters(
                    params.SubscriptionId, params.TimestampsToReturn, [asked]
                )
                results += await super().create_monitored_items(one)
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
                    RevisedSamplingInterval=self.isub.data.RevisedPublishingInterval,
                    RevisedQueueSize=queue,
                )
            )
        return results

    def _queue(self, asked: ua.MonitoringParameters) -> int:
        # Asked for 0 it is 1, for values (OPC 10000-4, 7.21).
        return max(1, min(int(asked.QueueSize), int(self.isub.max_queue_size)))

    def _modify_monitored_item(
        self, params: ua.MonitoredItemModifyRequest
    ) -> ua.MonitoredItemModifyResult:
        if self.fast is None or params.MonitoredItemId not in self.fast:
            return super()._modify_monitored_item(params)
        asked = params.RequestedParameters
        queue = self._queue(asked)
        self.fast.change(params.MonitoredItemId, asked, queue)
        return ua.MonitoredItemModifyResult(
            RevisedSamplingInterval=self.isub.data.RevisedPublishingInterval,
            RevisedQueueSize=queue,
        )

    async def _set_monitoring_mode(self, mode: ua.MonitoringMode, mid: int) -> ua.StatusCode:
        if self.fast is None or mid not in self.fast:
            return await super()._set_monitoring_mode(mode, mid)
        self.fast.set_mode(mid, mode)
        return ua.StatusCode()

    def _delete_monitored_items(self, mid: int) -> ua.StatusCode:
        if self.fast is None or mid not in self.fast:
            return super()._delete_monitored_items(mid)
        self.fast.remove(mid)
        return ua.StatusCode()

    def delete_all_monitored_items(self) -> None:
        super().delete_all_monitored_items()
        if self.fast is not None:
            self.fast.close()
            self.fast = None
