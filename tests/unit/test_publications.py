"""What a server publishes, decoded as asyncua would decode it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opcua.publications import Columns, decode_changes, decode_publication

AT = datetime(2026, 1, 5, tzinfo=UTC)
AT_US = 1_767_571_200_000_000
_NUMBERS = {
    ua.VariantType.Boolean: st.booleans(),
    ua.VariantType.SByte: st.integers(-128, 127),
    ua.VariantType.Byte: st.integers(0, 255),
    ua.VariantType.Int16: st.integers(-(2**15), 2**15 - 1),
    ua.VariantType.UInt32: st.integers(0, 2**32 - 1),
    ua.VariantType.Int64: st.integers(-(2**63), 2**63 - 1),
    ua.VariantType.UInt64: st.integers(0, 2**64 - 1),
    ua.VariantType.Float: st.floats(width=32, allow_nan=False),
    ua.VariantType.Double: st.floats(allow_nan=False),
    ua.VariantType.String: st.text(max_size=20),
}
VARIANTS = st.one_of(
    [st.builds(ua.Variant, values, st.just(kind)) for kind, values in _NUMBERS.items()]
)


@st.composite
def items(draw) -> ua.MonitoredItemNotification:
    value = ua.DataValue(
        draw(VARIANTS),
        draw(st.sampled_from([None, ua.StatusCode(0x40000000), ua.StatusCode(0x80000000)])),
        draw(st.sampled_from([None, AT, AT + timedelta(days=400)])),
        draw(st.sampled_from([None, AT])),
    )
    return ua.MonitoredItemNotification(draw(st.integers(0, 2**32 - 1)), value)


def encoded(notifications: list[ua.MonitoredItemNotification]) -> bytes:
    return struct_to_binary(ua.DataChangeNotification(MonitoredItems=notifications))


def as_asyncua(notifications: list[ua.MonitoredItemNotification]) -> Columns:
    columns = Columns()
    for one in notifications:
        columns.add(one.ClientHandle, one.Value)
    return columns


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(items(), max_size=12), st.integers(1, 40))
def test_every_layout_is_read_as_asyncua_reads_it(notifications, times) -> None:
    # Runs of records alike, of every length, between others.
    repeated = [one for one in notifications for _ in range(times if one.ClientHandle % 2 else 1)]
    columns = Columns()
    decode_changes(encoded(repeated), columns)
    wanted = as_asyncua(repeated)
    assert columns.handles == wanted.handles
    assert columns.values == wanted.values
    assert [type(v) for v in columns.values] == [type(v) for v in wanted.values]
    assert columns.codes == wanted.codes
    assert columns.source_us == wanted.source_us


def response(*data: object, sequence: int = 7) -> Buffer:
    answer = ua.PublishResponse()
    answer.Parameters.SubscriptionId = 3
    answer.Parameters.AvailableSequenceNumbers = [5, 6]
    answer.Parameters.NotificationMessage.SequenceNumber = sequence
    answer.Parameters.NotificationMessage.NotificationData = list(data)
    return Buffer(struct_to_binary(answer))


def test_a_publication_is_told_from_a_keep_alive() -> None:
    value = ua.DataValue(ua.Variant(1.5, ua.VariantType.Double), SourceTimestamp=AT)
    change = ua.DataChangeNotification(MonitoredItems=[ua.MonitoredItemNotification(9, value)])
    found = decode_publication(response(change, change))
    assert (found.subscription, found.sequence, found.keep_alive) == (3, 7, False)
    assert (found.changes.handles, found.changes.values) == ([9, 9], [1.5, 1.5])
    assert found.changes.source_us == [AT_US, AT_US]
    silent = decode_publication(response(sequence=8))
    assert (silent.sequence, silent.keep_alive, silent.ended) == (8, True, 0)


def test_an_ended_subscription_and_a_refusal_are_told() -> None:
    ended = ua.StatusChangeNotification(Status=ua.StatusCode(ua.StatusCodes.BadTimeout))
    assert decode_publication(response(ended)).ended == ua.StatusCodes.BadTimeout
    refused = ua.PublishResponse()
    refused.ResponseHeader.ServiceResult = ua.StatusCode(ua.StatusCodes.BadNoSubscription)
    with pytest.raises(ua.UaStatusCodeError):
        decode_publication(Buffer(struct_to_binary(refused)))
