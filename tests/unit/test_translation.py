"""From values of nodes to readings of signals."""

from __future__ import annotations

from opcua.conversion import Conversion
from opcua.expression import expression
from opcua.publications import Columns
from opcua.tag_map import Address, MappedNode, PlcMap
from opcua.translation import Translation
from twin.historian.port import Quality


def at(name: str) -> Address:
    return Address("urn:x", f"s={name}")


def translation(*nodes: MappedNode, live: Address | None = None):
    said: list[tuple[tuple[str, str], str]] = []
    plc = PlcMap("P", ("opc.tcp://127.0.0.1:1",), nodes, live)
    return Translation(plc, lambda key, why: said.append((key, why))), said


def columns(*rows: tuple[int, object, int, int], odd: bool = False) -> Columns:
    return Columns(*map(list, zip(*rows, strict=True)), odd=odd)


def test_plain_values_go_through_as_they_are() -> None:
    made, _ = translation(
        MappedNode("A01", "processed", (at("n"),)), MappedNode("A01", "blocked", (at("b"),))
    )
    readings = made.readings(
        columns((1, True, 0, 50), (0, 7, 0x40000000, 60), (0, None, 0x80000000, 0)), 99
    )
    assert [tuple(reading) for reading in readings] == [
        ("P", "A01", "blocked", True, 50, 99, Quality.GOOD),
        ("P", "A01", "processed", 7, 60, 99, Quality.UNCERTAIN),
        ("P", "A01", "processed", None, 99, 99, Quality.BAD),
    ]
    assert made.last["A01", "blocked"].value is True


def test_one_word_feeds_many_signals() -> None:
    alarms = [
        MappedNode("A01", f"alarm.E{bit}", (at("w"),), Conversion(bit=bit)) for bit in range(3)
    ]
    made, _ = translation(*alarms, MappedNode("A01", "processed", (at("n"),)))
    assert made.addresses == (at("w"), at("n"))
    readings = made.readings(columns((0, 5, 0, 50), (1, 8, 0, 50)), 99)
    assert [(r.signal, r.value) for r in readings] == [
        ("alarm.E0", True),
        ("alarm.E1", False),
        ("alarm.E2", True),
        ("processed", 8),
    ]


def test_an_expression_waits_for_all_its_inputs_and_comes_once_a_batch() -> None:
    both = Conversion(expression=expression("a + b", ("a", "b")))
    made, _ = translation(MappedNode("A01", "processed", (at("a"), at("b")), both))
    assert made.readings(columns((0, 1, 0, 50)), 99) == ()
    (reading,) = made.readings(columns((0, 2, 0, 60), (1, 10, 0, 70), (0, 3, 0, 65)), 99)
    assert (reading.value, reading.source_us) == (13, 70)
    (worse,) = made.readings(columns((1, 11, 0x40000000, 80)), 99)
    assert (worse.value, worse.quality) == (14, Quality.UNCERTAIN)
    (bad,) = made.readings(columns((1, None, 0x80000000, 90)), 99)
    assert (bad.value, bad.quality) == (None, Quality.BAD)


def test_what_means_nothing_is_bad_and_said_once() -> None:
    state = Conversion(values={1: 6})
    made, said = translation(
        MappedNode("A01", "state_current", (at("s"),), state),
        MappedNode("A01", "processed", (at("n"),)),
    )
    for _ in range(3):
        readings = made.readings(columns((0, 2, 0, 50), (1, "12", 0, 50), odd=True), 99)
        assert [(r.value, r.quality) for r in readings] == [
            (None, Quality.BAD),
            (12.0, Quality.GOOD),
        ]
    (wrong,) = made.readings(columns((1, "many", 0, 50), odd=True), 99)
    assert (wrong.value, wrong.quality) == (None, Quality.BAD)
    made.readings(columns((1, "more", 0, 50), odd=True), 99)
    assert [key for key, _ in said] == [("A01", "state_current"), ("A01", "processed")]


def test_a_counter_goes_on_over_connections() -> None:
    made, _ = translation(MappedNode("A01", "processed", (at("n"),), Conversion(wraps_at=256)))
    shown = [made.readings(columns((0, raw, 0, 50)), 99)[0].value for raw in (250, 255, 4, 100)]
    assert shown == [250, 255, 260, 356]
    # It fell by more than a step on over the edge could be: the PLC has begun again.
    assert made.readings(columns((0, 3, 0, 50)), 99)[0].value == 3


def test_a_live_node_that_is_no_tag_says_nothing() -> None:
    made, _ = translation(MappedNode("A01", "processed", (at("n"),)), live=at("beat"))
    assert made.live == 1
    readings = made.readings(columns((1, 5, 0, 50), (0, 7, 0, 50)), 99)
    assert [r.signal for r in readings] == ["processed"]


def test_the_server_threw_values_away() -> None:
    assert Translation.overflows(columns((0, 1, 0x480, 5), (0, 2, 0, 6))) == 1
    assert Translation.overflows(columns((0, 1, 0, 5))) == 0


def test_distrusted_values_keep_their_time() -> None:
    made, _ = translation(MappedNode("A01", "processed", (at("n"),)))
    made.readings(columns((0, 7, 0, 50)), 99)
    (reading,) = made.distrusted([("A01", "processed"), ("A01", "never")], 200)
    assert reading == ("P", "A01", "processed", None, 50, 200, Quality.BAD)


def test_the_smallest_deadband_of_a_node_holds() -> None:
    made, _ = translation(
        MappedNode("A01", "variable.T", (at("t"),), deadband=0.5),
        MappedNode("A01", "variable.U", (at("t"),), deadband=0.0),
        MappedNode("A01", "variable.V", (at("v"),), deadband=0.2),
    )
    assert [made.deadband(handle) for handle in range(2)] == [0.0, 0.2]
