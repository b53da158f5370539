"""HistoryRead of a server's signals: raw values, forwards and backwards, in parts (OPC 10000-11).

What is not kept is refused by name: values that were changed later, processed values, values at
given times and events with BadHistoryOperationUnsupported; so is every node that is no signal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.address_space import AddressSpace, AttributeValue

from opcua.clock import unix_us
from opcua.history import History, Stretch
from opcua.tag_table import TagTable, ticks_of

__all__ = ["MOST_VALUES", "HistoryReads", "show_history"]

MOST_VALUES = 10_000
"""Values of a node in one answer; more of them come in parts."""
_CODES, _AT, _IDS = ua.StatusCodes, ua.AttributeIds, ua.ObjectIds
_1601 = ua.get_win_epoch()


class HistoryReads:
    """Answers HistoryRead and HistoryUpdate; stands where asyncua has its history manager.

    Args:
        space: the server's nodes.
        table: its signals.
        history: what they were.
    """

    def __init__(self, space: AddressSpace, table: TagTable, history: History) -> None:
        self._space = space
        self._table = table
        self._history = history

    async def init(self) -> None:
        """Nothing is to be opened."""

    async def stop(self) -> None:
        """Nothing is to be closed."""

    async def read_history(self, params: ua.HistoryReadParameters) -> list[ua.HistoryReadResult]:
        """Read what is asked of each node.

        Raises:
            ServiceError: no timestamps, or no nodes, are asked for.
        """
        if params.TimestampsToReturn == ua.TimestampsToReturn.Neither:
            raise ServiceError(_CODES.BadTimestampsToReturnInvalid)
        if not params.NodesToRead:
            raise ServiceError(_CODES.BadNothingToDo)
        return [
            self._read(params.HistoryReadDetails, node, release=params.ReleaseContinuationPoints)
            for node in params.NodesToRead
        ]

    def update_history(self, params: ua.HistoryUpdateParameters) -> list[ua.HistoryUpdateResult]:
        """Refuse: what was, was."""
        code = ua.StatusCode(_CODES.BadHistoryOperationUnsupported)
        return [ua.HistoryUpdateResult(code) for _ in params.HistoryUpdateDetails]

    def _read(
        self, details: Any, node: ua.HistoryReadValueId, *, release: bool
    ) -> ua.HistoryReadResult:
        if node.NodeId not in self._space:
            return _refused(_CODES.BadNodeIdUnknown)
        raw = isinstance(details, ua.ReadRawModifiedDetails)
        tag = self._table.index.get(node.NodeId)
        if not raw or details.IsReadModified or tag is None:
            return _refused(_CODES.BadHistoryOperationUnsupported)
        if release:
            # A continuation point is where to go on, and nothing that is kept.
            return ua.HistoryReadResult()
        start, end = _ticks(details.StartTime), _ticks(details.EndTime)
        count = int(details.NumValuesPerNode)
        if (start != 0) + (end != 0) + (count != 0) < 2:
            return _refused(_CODES.BadHistoryOperationInvalid)
        most = min(count or MOST_VALUES, MOST_VALUES)
        try:
            found = self._history.read(
                tag,
                start,
                end,
                most,
                node.ContinuationPoint or b"",
                bounds=bool(details.ReturnBounds),
            )
        except ValueError:
            return _refused(_CODES.BadContinuationPointInvalid)
        result = ua.HistoryReadResult()
        result.HistoryData = ua.HistoryData(self._values(tag, found))
        if not len(found.ticks):
            result.StatusCode = ua.StatusCode(_CODES.GoodNoData)
        # Who says how many it wants has got them, unless an answer has no room for so many.
        bounded = start == 0 or end == 0
        # Null, not empty: some clients ask on as long as they are given anything.
        result.ContinuationPoint = None if bounded and count <= most else found.continues or None
        return result

    def _values(self, tag: int, found: Stretch) -> list[ua.DataValue]:
        return [
            self._table.value_of(tag, int(raw), int(code), int(ticks))
            for raw, code, ticks in zip(found.raw, found.status, found.ticks, strict=True)
        ]


def show_history(space: AddressSpace) -> None:
    """Say what is to be had of history where clients look for it (OPC 10000-11, 5.4.2)."""
    top = _IDS.HistoryServerCapabilities
    for name, value in (
        ("AccessHistoryDataCapability", ua.Variant(True, ua.VariantType.Boolean)),
        ("AccessHistoryEventsCapability", ua.Variant(False, ua.VariantType.Boolean)),
        ("MaxReturnDataValues", ua.Variant(MOST_VALUES, ua.VariantType.UInt32)),
        ("MaxReturnEventValues", ua.Variant(0, ua.VariantType.UInt32)),
    ):
        for reference in space[ua.NodeId(top)].references:
            if reference.IsForward and reference.BrowseName.Name == name:
                held = AttributeValue(ua.DataValue(value))
                space[reference.NodeId].attributes[_AT.Value] = held


def _refused(code: int) -> ua.HistoryReadResult:
    return ua.HistoryReadResult(ua.StatusCode(code))


def _ticks(at: datetime | None) -> int:
    return 0 if at is None or at <= _1601 else ticks_of(unix_us(at))
