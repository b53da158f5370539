# ruff: noqa: E501  (a case a line)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.model import Buffer, Line, Station
from twin.model.checks import check_line
from twin.model.checks.graph import loops
from twin.model.product import product_units, same_units
from twin.model.topology import downstream_rank, upstream_first


def line_of(names: str, *ways: str, **fields: dict[str, object]) -> Line:
    """Return a line of one-letter stations and of buffers written as `AB>CD`."""
    return Line(
        id="L",
        stations=tuple(
            Station(id=name, cycle_time="1 s", **fields.get(name, {})) for name in names
        ),
        buffers=tuple(
            Buffer(id=f"q{j}", sources=tuple(way.partition(">")[0]), sinks=tuple(way.partition(">")[2]))
            for j, way in enumerate(ways)
        ),
    )  # fmt: skip


def by_rank(line: Line) -> str:
    rank = downstream_rank(line)
    assert sorted(rank.values()) == list(range(len(rank)))
    return "".join(sorted(rank, key=rank.__getitem__))


@pytest.mark.parametrize(
    ("line", "most_downstream_first"),
    [
        (line_of("A"), "A"),
        (line_of("ABC", "A>B", "B>C"), "CBA"),
        (line_of("CBA", "A>B", "B>C"), "CBA"),
        # On a tie the later in the file is the more downstream.
        (line_of("ABCD", "A>B", "A>C", "B>D", "C>D"), "DCBA"),
        (line_of("ABC", "A>C", "B>C"), "CBA"),
        (line_of("ABC", "AB>C"), "CBA"),
        # The longest way counts, in stations.
        (line_of("ABCD", "A>BD", "B>C", "C>D"), "DCBA"),
        (line_of("AXBC", "A>B", "B>C", "X>C"), "CBXA"),
        # A loop: the search comes to B by A, so the step from C back to B is left out.
        (line_of("ABCD", "AC>B", "B>C", "C>D"), "DCBA"),
        # It begins at stations without an input, wherever the file has them.
        (line_of("CBDA", "AC>B", "B>C", "C>D"), "DCBA"),
        # A loop without such a station: it begins with the first of the file.
        (line_of("BAC", "A>B", "B>C", "C>A"), "ACB"),
        (line_of("A", "A>A"), "A"),
    ],
)
def test_stations_are_ranked_by_the_longest_way_to_the_end(
    line: Line, most_downstream_first: str
) -> None:
    assert by_rank(line) == most_downstream_first


def test_the_search_takes_buffers_and_stations_in_the_order_of_the_file() -> None:
    # From S the search comes to B first, by A>B later: so B>A is no loop, and A>B is.
    line = line_of("SABE", "S>BA", "B>A", "A>B", "AB>E")
    assert by_rank(line) == "EABS"


def test_buffers_to_unknown_stations_are_no_obstacle() -> None:
    assert by_rank(line_of("AB", "A>BZ", "Z>A")) == "BA"


def test_a_long_line_is_ranked_and_checked_without_recursion() -> None:
    ids = [f"M{n:05d}" for n in range(10_000)]
    line = Line(
        id="L",
        stations=tuple(Station(id=name, cycle_time="1 s") for name in ids),
        buffers=tuple(
            Buffer(id=f"q{n}", sources=ids[n], sinks=ids[n + 1]) for n in range(len(ids) - 1)
        ),
    )
    assert downstream_rank(line) == {name: 9_999 - n for n, name in enumerate(ids)}
    assert set(product_units(line).values()) == {1.0}
    assert check_line(line) == []


def test_a_buffer_of_many_to_many_costs_their_sum_only() -> None:
    many = tuple(f"S{n:05d}" for n in range(4_000))
    line = Line(
        id="L",
        stations=tuple(Station(id=name, cycle_time="1 s") for name in many),
        buffers=(Buffer(id="q", sources=many[:2_000], sinks=many[2_000:]),),
    )
    assert downstream_rank(line)[many[0]] == 3_999
    assert check_line(line) == []


@given(st.lists(st.tuples(st.sampled_from("ABCDEF"), st.sampled_from("ABCDEF")), max_size=12))
def test_but_for_closed_loops_every_step_leads_downstream(ways: list[tuple[str, str]]) -> None:
    line = line_of("ABCDEF", *(f"{a}>{b}" for a, b in ways))
    order = upstream_first(line)
    assert sorted(order) == list("ABCDEF")
    place = {name: n for n, name in enumerate(order)}
    rank = downstream_rank(line)
    forward = [(a, b) for a, b in ways if place[a] < place[b]]
    assert all(rank[a] > rank[b] for a, b in forward)
    # What is left out closes a loop: there is a way back over the steps that are kept.
    kept: dict[str, set[str]] = {name: {b for a, b in forward if a == name} for name in "ABCDEF"}
    for a, b in set(ways) - set(forward):
        reached, ahead = {b}, [b]
        while ahead:
            fresh = kept[ahead.pop()] - reached
            reached |= fresh
            ahead += fresh
        assert a in reached


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
def test_loops_are_the_nodes_that_reach_each_other(ways: list[tuple[int, int]]) -> None:
    nodes = [("n", str(n)) for n in range(8)]
    steps = {node: [nodes[b] for a, b in ways if nodes[a] == node] for node in nodes}
    reach = {node: {node} for node in nodes}
    for _ in nodes:
        for node in nodes:
            reach[node] |= {one for step in steps[node] for one in reach[step]}
    expected = {frozenset(b for b in nodes if b in reach[a] and a in reach[b]) for a in nodes}
    assert {frozenset(component) for component in loops(steps)} == expected


@pytest.mark.parametrize(
    ("line", "units"),
    [
        # A source makes one, a station with one input passes on what it takes.
        (line_of("ABC", "A>B", "B>C"), {"A": 1, "B": 1, "C": 1}),
        (line_of("AB", "A>B", B={"takes": 12}), {"A": 1, "B": 1}),
        # With `gives`: what it takes over what it gives.
        (line_of("AB", "A>B", B={"takes": 12, "gives": 1}), {"A": 1, "B": 12}),
        (line_of("AB", "A>B", B={"takes": 1, "gives": 187.7}), {"A": 1, "B": 1 / 187.7}),
        (
            line_of("ABC", "A>B", "B>C", A={"product_units": 187.7}, B={"gives": 187.7}),
            {"A": 187.7, "B": 1, "C": 1},
        ),
        # A source that gives many, and an assembly, make parts of one unit.
        (line_of("A", A={"gives": 6}), {"A": 1}),
        (line_of("ABC", "A>C", "B>C", A={"product_units": 9}), {"A": 9, "B": 1, "C": 1}),
        # The file's own word goes first.
        (line_of("AB", "A>B", B={"takes": 12, "gives": 1, "product_units": 10}), {"A": 1, "B": 10}),
        # A merge takes the first source's, a loop those of what leads into it.
        (line_of("ABC", "AB>C", A={"product_units": 4}, B={"product_units": 4.01}), {"A": 4, "B": 4.01, "C": 4}),
        (line_of("ABC", "CA>B", "B>C", A={"product_units": 4}), {"A": 4, "B": 4, "C": 4}),
        (line_of("AB", "A>B", "B>A"), {"A": 1, "B": 1}),
    ],
)  # fmt: skip
def test_parts_stand_for_units_of_product(line: Line, units: dict[str, float]) -> None:
    assert product_units(line) == pytest.approx(units)


def test_units_agree_within_half_a_percent() -> None:
    assert same_units(200.0, 201.0)
    assert not same_units(200.0, 201.1)
    assert same_units(float("nan"), 7.0)


def test_a_changed_copy_of_a_line_forgets_what_was_worked_out() -> None:
    line = line_of("AB", "A>B")
    assert [buffer.id for buffer in line.inputs["B"]] == ["q0"]
    assert line.model_copy(update={"buffers": ()}).inputs["B"] == ()
    assert line.model_copy().inputs == line.inputs
