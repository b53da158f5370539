"""Every fault, as a plain client sees it, in virtual time over real TCP."""

from __future__ import annotations

import asyncio
import functools
import math
from itertools import pairwise

import pytest
from asyncua import ua
from fault_rig import rig, until

from opcua.connect import AccessRefused, connect
from opcua.faults.kinds import KINDS
from opcua.faults.stand import Condition
from opcua.virtual_time import MONDAY_UNIX_US, run_virtual
from twin.errors import NotConnected, UsageError
from twin.model.packml import State

TESTED: set[str] = set()


def of(*kinds: str):
    """Mark what a test is of, and run it in virtual time."""
    TESTED.update(kinds)

    def mark(test):
        @functools.wraps(test)
        def run(*args, **kwargs):
            run_virtual(test(*args, **kwargs))

        return run

    return mark


def values(data: list[ua.DataValue]) -> list:
    return [one.Value.Value for one in data]


def source_s(one: ua.DataValue) -> float:
    return one.SourceTimestamp.timestamp() - MONDAY_UNIX_US / 1e6


@of("power_off")
@pytest.mark.parametrize("start", ["warm", "cold"])
async def test_power_off_and_on(start) -> None:
    async with rig(watch=False) as at:
        await (await at.node("A/A01/Setpoints/CycleTimeFactor")).write_value(0.5)
        await at.run(20)
        before = await at.read("made")
        assert before > 15
        number = await at.fault("power_off", start=start)
        with pytest.raises(Exception):  # noqa: B017, PT011 -- asyncua has many words for it
            await asyncio.wait_for(at.read("made"), 2)
        with pytest.raises(NotConnected):
            await connect(at.url, None)
        await at.run(10)
        await at.end(number)
        async with at.another() as client:
            made, factor = (
                await at.read("made", client),
                await at.read("A/A01/Setpoints/CycleTimeFactor", client),
            )
            if start == "warm":
                assert made >= before + 9
                assert factor == 0.5
            else:
                assert made <= 1
                assert factor == 1.0
            await at.run(20)
            grown = await at.read("made", client) - made
            assert grown == (20 if start == "warm" else 10)


@of("cable_cut")
async def test_a_cut_cable_resets_connections() -> None:
    async with rig(watch=False) as at:
        number = await at.fault("cable_cut", how="reset")
        with pytest.raises(Exception):  # noqa: B017, PT011
            await asyncio.wait_for(at.read("made"), 2)
        with pytest.raises(NotConnected):
            await connect(at.url, None)
        await at.end(number)
        async with at.another() as client:
            assert await at.read("made", client) >= 0


@of("cable_cut")
async def test_a_black_hole_swallows_nothing_and_lets_nothing_pass() -> None:
    async with rig() as at:
        await at.run(5)
        loop = asyncio.get_running_loop()
        number, cut_s = await at.fault("cable_cut", how="black_hole"), loop.time()
        reading = asyncio.ensure_future(at.read("made"))
        await at.run(3)
        assert not reading.done()
        assert at.told("made", cut_s) == []
        await at.end(number)
        assert await reading >= 3  # asked, and answered, late
        await at.run(1)
        told = values(at.told("made"))
        assert told == list(range(told[-1] + 1))
        assert len(at.told("made", cut_s)) >= 2


@of("slow_network")
async def test_a_slow_network_delays_and_keeps_the_order() -> None:
    async with rig() as at:
        loop = asyncio.get_running_loop()

        async def takes_s() -> float:
            began_s = loop.time()
            await at.read("made")
            return loop.time() - began_s

        assert await takes_s() < 0.01
        number = await at.fault("slow_network", delay_s=0.25, jitter_s=0.2)
        slow = [await takes_s() for _ in range(10)]
        # There and back, for the namespace's index and for the value.
        assert all(4 * 0.25 <= one <= 4 * 0.45 + 0.01 for one in slow)
        assert len(set(slow)) == 10
        made = values(at.told("made"))
        assert made == sorted(made)
        await at.end(number)
        assert await takes_s() < 0.5
        narrow = await at.fault("slow_network", delay_s=0.0, jitter_s=0.0, bytes_per_s=400)
        assert await takes_s() > 0.8
        await at.end(narrow)


@of("no_answer")
async def test_a_server_that_never_answers() -> None:
    async with rig(watch=False) as at:
        number = await at.fault("no_answer")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(at.read("made"), 3)
        with pytest.raises(NotConnected, match="no answer in time"):
            await connect(at.url, None, timeout_s=1)
        await at.end(number)
        async with at.another() as client:
            await at.read("made", client)


@of("session_dropped")
async def test_a_dropped_session_is_unknown() -> None:
    async with rig(watch=False) as at:
        node = await at.node("made")
        await at.fault("session_dropped")
        with pytest.raises(ua.uaerrors.BadSessionIdInvalid):
            await node.read_value()
        async with at.another() as client:
            await at.read("made", client)


@of("subscription_dropped")
async def test_a_dropped_subscription_is_refused() -> None:
    async with rig() as at:
        await at.run(4)
        loop = asyncio.get_running_loop()
        await at.fault("subscription_dropped")
        dropped_s = loop.time()
        await at.run(10)
        assert at.told("made", dropped_s + 0.1) == []
        assert await at.read("made") == 7
        with pytest.raises(ua.uaerrors.BadNoSubscription):
            await at.client.uaclient.publish([])


@of("subscription_dead")
async def test_a_dead_subscription_says_nothing_and_reads_go_on() -> None:
    async with rig() as at:
        await at.run(4)
        loop = asyncio.get_running_loop()
        number, dead_s = await at.fault("subscription_dead"), loop.time()
        await at.run(20)
        assert at.told("made", dead_s) == []
        assert await at.read("made") == 12
        await at.end(number)
        await at.run(1)
        assert values(at.told("made", dead_s))[-1] == 12


@of("certificate_expired", "certificate_changed")
@pytest.mark.parametrize("kind", ["certificate_expired", "certificate_changed"])
async def test_a_certificate_that_is_not_the_known_one_is_refused(tmp_path, kind) -> None:
    async with rig(tmp_path / "pki", watch=False) as at:
        before = at.served.plcs[0].security
        number = await at.fault(kind)
        with pytest.raises(NotConnected) as refused:
            await connect(at.url, at.security, timeout_s=1)
        assert isinstance(refused.value, AccessRefused) or "certificate" in str(refused.value)
        with pytest.raises(UsageError, match="has such a fault already"):
            await at.fault("certificate_changed")
        await at.end(number)
        assert at.served.plcs[0].security is before
        async with at.another() as client:
            await at.read("made", client)


@of("clock_drift", "clock_jump")
async def test_a_clock_that_drifts_and_jumps() -> None:
    async with rig() as at:
        await at.run(10)
        loop = asyncio.get_running_loop()
        drift, began_s = await at.fault("clock_drift", s_per_h=360), loop.time()
        await at.run(100)
        last = at.told("made", began_s)[-1]
        true_s = loop.time()
        assert source_s(last) - true_s == pytest.approx(0.1 * (true_s - began_s), abs=2.5)
        await at.end(drift)
        await at.fault("clock_jump", by_s=-3600)
        jumped_s = loop.time()
        await at.run(10)
        late = at.told("made", jumped_s)
        assert source_s(late[-1]) == pytest.approx(loop.time() - 3600, abs=2.5)
        assert values(late) == sorted(values(late))


@of("frozen_value")
async def test_a_frozen_value_is_good_and_stands_still() -> None:
    async with rig() as at:
        await at.run(9)
        number = await at.fault("frozen_value", units=("A01",), signals=("processed",))
        frozen = await at.read("made")
        state = len(at.told("T"))
        await at.run(20)
        node = await at.node("made")
        held = await node.read_data_value()
        assert (held.Value.Value, held.StatusCode.is_good()) == (frozen, True)
        assert len(at.told("T")) > state
        await at.end(number)
        await at.run(1)
        assert await at.read("made") >= frozen + 10


@of("bad_quality", "uncertain_quality")
async def test_quality_goes_bad_and_uncertain_and_comes_back() -> None:
    async with rig() as at:
        bad = await at.fault("bad_quality", units=("A01",), signals=("variable.T",))
        await at.run(1)
        last = at.told("T")[-1]
        assert (last.StatusCode.name, last.Value.Value) == ("BadSensorFailure", None)
        await at.end(bad)
        uncertain = await at.fault("uncertain_quality", units=("A01",), signals=("variable.T",))
        await at.run(1)
        last = at.told("T")[-1]
        assert last.StatusCode.name == "UncertainSensorNotAccurate"
        assert 0 < last.Value.Value < 200
        await at.end(uncertain)
        await at.run(1)
        assert at.told("T")[-1].StatusCode.is_good()
        assert {one.StatusCode.name for one in at.told("state")} == {"Good"}


@of("spikes", "dips", "noise", "drift")
async def test_values_spike_dip_drift_and_jitter() -> None:
    async with rig() as at:
        true = await at.read("T")
        loop = asyncio.get_running_loop()

        async def under(kind: str, seconds: float = 60, **settings) -> list[float]:
            began_s = loop.time()
            number = await at.fault(kind, units=("A01",), signals=("variable.T",), **settings)
            await at.run(seconds)
            await at.end(number)
            await at.run(1)
            return values(at.told("T", began_s))[:-1]

        spiked = await under("spikes", share=0.2, size=5)
        high = [value for value in spiked if value > 3 * true]
        assert 10 < len(high) < 40
        assert all(value == pytest.approx(5 * true, rel=0.2) for value in high)
        assert min(spiked) > 0.5 * true
        dipped = await under("dips", share=0.2)
        assert 10 < dipped.count(0.0) < 40
        noisy = await under("noise", share=0.1)
        mean = math.fsum(noisy) / len(noisy)
        spread = math.sqrt(math.fsum((v - mean) ** 2 for v in noisy) / len(noisy))
        assert spread == pytest.approx(0.1 * true, rel=0.35)
        drifted = await under("drift", seconds=360, share_per_h=10)
        assert drifted[-1] - drifted[0] == pytest.approx(true, rel=0.2)
        await at.run(1)
        assert await at.read("T") == pytest.approx(true, rel=0.05)


@of("stuck_bit")
async def test_a_stuck_bit_makes_states_that_there_are_not() -> None:
    async with rig() as at:
        number = await at.fault("stuck_bit", units=("A01",), signals=("state_current",), bit=5)
        await at.run(1)
        assert await at.read("state") == 6 | 32
        await at.end(number)
        number = await at.fault("stuck_bit", units=("A01",), signals=("alarm.*",), at=1)
        await at.run(1)
        assert await at.read("alarm") is True
        await at.end(number)
        await at.run(1)
        assert (await at.read("alarm"), await at.read("state")) == (False, State.EXECUTE)


@of("counter_reset", "counter_wrap")
async def test_counters_reset_and_wrap() -> None:
    async with rig() as at:
        await at.run(30)
        before = await at.read("made")
        number = await at.fault("counter_reset", units=("A01",), signals=("processed",))
        await at.run(10)
        assert await at.read("made") == 5 < before
        await at.end(number)
        number = await at.fault("counter_wrap", units=("A01",), signals=("processed",), bits=3)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await at.run(40)
        seen = values(at.told("made", began_s))
        assert set(seen) == set(range(8))
        assert sum(b < a for a, b in pairwise(seen)) >= 2
        await at.end(number)


@of("duplicates")
async def test_notifications_come_twice() -> None:
    async with rig() as at:
        await at.run(4)
        loop = asyncio.get_running_loop()
        number, began_s = await at.fault("duplicates"), loop.time()
        await at.run(6)
        twice = [(v.Value.Value, v.SourceTimestamp) for v in at.told("made", began_s)]
        assert len(twice) == 6
        assert twice[0::2] == twice[1::2]
        await at.end(number)
        ended_s = loop.time()
        await at.run(6)
        once = values(at.told("made", ended_s))
        assert len(once) == len(set(once)) == 3


@of("notifications_lost")
async def test_notifications_get_lost_and_can_be_asked_for() -> None:
    async with rig() as at:
        await at.run(2)
        number = await at.fault("notifications_lost", share=1.0)
        since_s = asyncio.get_running_loop().time()
        await at.run(5)
        assert at.told("made", since_s) == at.told("T", since_s) == []
        (subscription,) = at.served.plcs[0].subscriptions.subscriptions.values()
        kept = list(subscription._not_acknowledged_results)
        assert len(kept) >= 2
        for sequence_number in kept:
            assert subscription.republish(sequence_number).NotificationData
        await at.end(number)
        await at.run(3)
        assert len(at.told("made", since_s)) > 0


@of("late")
async def test_values_come_late_with_their_own_timestamps() -> None:
    async with rig() as at:
        await at.run(4)
        loop = asyncio.get_running_loop()
        await at.fault("late", units=("A01",), signals=("processed",), by_s=5)
        began_s = loop.time()
        await at.run(20)
        late = [(t, v) for t, name, v in at.watcher.seen if name == "made" and t > began_s + 1]
        assert len(late) >= 6
        assert all(5 <= t - source_s(v) < 5.8 for t, v in late)


@of("wrong_type")
@pytest.mark.parametrize(("to", "kind"), [("String", str), ("Float", float), ("Int16", int)])
async def test_a_firmware_update_changes_a_type(to, kind) -> None:
    async with rig() as at:
        number = await at.fault("wrong_type", units=("A01",), signals=("processed",), to=to)
        await at.run(1)
        node = await at.node("made")
        held = await node.read_data_value()
        assert held.Value.VariantType.name == to
        assert isinstance(held.Value.Value, kind)
        assert (await node.read_data_type()).Identifier == held.Value.VariantType.value
        assert at.told("made")[-1].Value.VariantType.name == to
        await at.end(number)
        await at.run(1)
        assert (await node.read_data_value()).Value.VariantType.name == "Int64"
        assert (await node.read_data_type()).Identifier == ua.VariantType.Int64.value


@of("nodes_vanish")
async def test_nodes_vanish_and_come_back_elsewhere() -> None:
    async with rig() as at:
        node = await at.node("made")
        number = await at.fault("nodes_vanish", units=("A01",), signals=("processed",), shift=2)
        with pytest.raises(ua.uaerrors.BadNodeIdUnknown):
            await node.read_value()
        await at.run(1)
        assert at.told("made")[-1].StatusCode.name == "BadNodeIdUnknown"
        assert await at.read("state") == State.EXECUTE
        await at.end(number)
        async with at.another() as client:
            with pytest.raises(ua.uaerrors.BadNodeIdUnknown):
                await client.get_node(node.nodeid).read_value()
            found = await at.node("made", client)
            assert found.nodeid.NamespaceIndex == node.nodeid.NamespaceIndex + 2
            assert await found.read_value() >= 1


@of("nodes_vanish")
async def test_nodes_vanish_and_come_back_where_they_were() -> None:
    async with rig() as at:
        node = await at.node("made")
        number = await at.fault("nodes_vanish", units=("A01",), signals=("processed",), shift=0)
        await at.run(5)
        with pytest.raises(ua.uaerrors.BadNodeIdUnknown):
            await node.read_value()
        await at.end(number)
        await at.run(3)
        assert await node.read_value() >= 4


@of("overload")
async def test_an_overloaded_plc_leaves_scans_out_and_says_so() -> None:
    async with rig(watch=False) as at:
        number = await at.fault("overload", takes_s=2.2)
        index = await at.client.get_namespace_index("urn:linetwin:ENTERPRISE:SITE:L1")
        plc = at.served.plcs[0].plc
        beat = at.client.get_node(ua.NodeId(f"plc:{plc}/Heartbeat", index))
        overruns = at.client.get_node(ua.NodeId(f"plc:{plc}/ScanOverruns", index))
        before = await beat.read_value()
        await at.run(25)
        assert 8 <= await beat.read_value() - before <= 11
        assert await overruns.read_value() >= 30
        await at.end(number)
        await at.run(5)
        before = await beat.read_value()
        await at.run(5)
        assert await beat.read_value() - before == 10


@of("alarm_flood")
async def test_an_alarm_flood_comes_and_goes() -> None:
    async with rig() as at:
        number = await at.fault("alarm_flood", share=0.5)
        await at.run(30)
        flood = values(at.told("alarm"))
        assert 15 < sum(a != b for a, b in pairwise(flood)) < 45
        await at.end(number)
        await at.run(1)
        assert await at.read("alarm") is False


@of("chaos")
async def test_chaos_is_the_same_from_the_same_seed_and_ends_clean() -> None:
    stories = []
    for seed in (1, 1, 2):
        async with rig(watch=False, seed=seed) as at:
            number = await at.fault("chaos", every_s=5, each_s=3)
            story = []
            for _ in range(120):
                await at.run(1)
                story.append(sorted(order.kind for order in at.served.faults.active.values()))
            stories.append(story)
            await at.end(number)
            await at.served.faults.clear()
            assert at.served.faults.active == {}
            await at.run(2)
            async with at.another() as client:
                assert await at.read("made", client) >= 0
    assert stories[0] == stories[1] != stories[2]
    assert len({kind for story in stories for kinds in story for kind in kinds}) > 12


@of("service_level")
async def test_a_server_says_that_it_serves_badly_and_goes_on() -> None:
    async with rig() as at:
        level, made = at.client.get_node(ua.ObjectIds.Server_ServiceLevel), await at.read("made")
        assert await level.read_value() == 255
        number = await at.fault("service_level", level=1)
        assert await level.read_value() == 1
        await at.run(5)
        assert await at.read("made") > made
        await at.end(number)
        assert await level.read_value() == 255


def test_every_fault_has_a_test() -> None:
    assert set(KINDS) == TESTED


@of()
async def test_a_fault_comes_at_its_time_and_goes() -> None:
    async with rig() as at:
        await at.fault("bad_quality", units=("A01",), signals=("processed",), after_s=5, lasts_s=4)
        seen = []
        for _ in range(12):
            await at.run(1)
            status = (
                await (await at.node("made")).read_data_value(raise_on_bad_status=False)
            ).StatusCode
            seen.append(status.is_good())
        assert seen[:4] == [True] * 4
        assert seen.count(False) == 4
        assert seen[-2:] == [True] * 2
        assert at.served.faults.waiting == at.served.faults.active == {}


@of()
async def test_a_fault_comes_when_its_condition_holds() -> None:
    async with rig() as at:
        when = Condition.parse("A01.processed >= 6")
        await at.fault("stuck_bit", units=("A01",), signals=("state_current",), bit=6, when=when)
        await until(lambda: 6 | 64 in values(at.told("state")))
        assert await at.read("made") == 6


@of()
@pytest.mark.parametrize(
    ("kind", "settings", "says"),
    [
        ("nonsense", {}, "fault: must be one of power_off, cable_cut"),
        ("cable_cut", {"how": "axe"}, "cable_cut.how: must be of reset, black_hole, got 'axe'"),
        ("spikes", {"share": 2}, "spikes.share: must be a number from 0 to 1, got 2"),
        ("spikes", {"shore": 2}, "spikes: can be told share, size, got shore"),
        ("noise", {"share": math.nan}, "got nan"),
        ("frozen_value", {"after_s": -1.0}, "after: must not be negative"),
        ("frozen_value", {"lasts_s": 0.0}, "for: must be greater than 0"),
        ("certificate_changed", {}, "has no certificate"),
        ("frozen_value", {"when": Condition(("X", "y"), "<", 1)}, "the line has no signal X.y"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_begins(kind, settings, says) -> None:
    async with rig(watch=False) as at:
        with pytest.raises(UsageError, match=says):
            await at.fault(kind, **settings)
        assert at.served.faults.active == at.served.faults.waiting == {}


def test_a_condition_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="when: must be UNIT"):
        Condition.parse("A01 is happy")
    assert not Condition.parse("A01.made > 3").holds({})
    assert Condition.parse("A01.made != 3").holds({("A01", "made"): 4})
