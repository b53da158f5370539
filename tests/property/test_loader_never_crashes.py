"""Whatever a file holds: a line, or faults that all have a place in it."""

from __future__ import annotations

import random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lines import load_text
from lines.loader import packaged
from lines.yaml_tree import Unreadable, decode
from twin.errors import Fault, LineFileError
from twin.model import Line
from twin.model.checks import check_line
from twin.model.product import product_units
from twin.model.topology import downstream_rank

RICH = """\
linetwin: 1
id: L
name: {en: Line, zh: 线}
time_zone: Asia/Shanghai
target: 200 /h
warm_up: 1 d
yield_from: B
calendar: K
shifts: {start: 8 h, length: 12 h}
calendars: [{id: K, stops: [{every: 1 d, at: 8 h, lasts: 30 min}]}]
crews: [{id: CREW, size: 2}]
materials: [{id: GLUE, unit: kg, stock: 5, delivery: {every: 1 d, amount: 5}}]
defects: [{id: D1}, {id: D2}]
plcs: [{id: P1, port: 4840}, {id: P2}]
utilities: [{id: DRY, per_product: 1.5 kWh}]
sources: {PAPER: {kind: cited, title: A paper}}
facts: {capacity: {value: 2000000, source: seed}}
stations:
  - id: A
    cycle_time: {value: 75.5 s, source: PAPER, note: table 3}
    machines: 4
    lanes: 2
    plc: P1
    failures:
      - {id: F, mtbf: {distribution: exponential, mean: 3 h}, mttr: 5 min, crew: CREW}
    changeovers: [{id: C, every: 4 h, lasts: 10 min}]
    maintenance: [{every: 1 week, lasts: 2 h, crew: CREW}]
    uses: [{material: GLUE, amount: 0.1}]
    energy: {per_product: 20 Wh, execute: 22 kW}
  - id: B
    cycle_time: {distribution: mix, parts: [{weight: 1, duration: 1 s}, {weight: 3, duration: 2 s}]}
    takes: 12
    gives: 1
    scrap: 0.45 %
    defects: {D1: 1 %}
    inspection: {detects: {D1: 0.99, D2: 0.5}, false_reject: 30 ppm}
  - id: C
    cycle_time: {distribution: triangular, low: 1 s, mode: 2 s, high: 4 s}
    rework: {rate: 1 %, to: C}
    variables: [{id: V, unit: degC, nominal: 60, low: 0, high: 100, alarm_high: 80}]
    alarms: [{id: X1, category: PRC, severity: 500, when: V}]
buffers:
  - {id: AB, from: A, to: B, capacity: 20, lanes: 2}
  - {id: BC, from: [B], to: C}
"""

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 200),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ["A", "B", "AB", "3 s", "-3 s", "1e999999 h", "5 %", "2 kW", "seed", "gamma", "work", "~"]
    ),
)
FIELDS = """linetwin id name stations buffers from to capacity lanes share takes gives cycle_time
    distribution mean cv sigma values parts weight duration failures mtbf mttr depends_on stops
    maintenance every lasts first rework rate inspection detects rejects_to sources source note
    value facts provenance calendars crews materials uses machines places variables alarms when
    product_units time_zone << en zh [key]"""
KEYS = st.text(max_size=8) | st.sampled_from(FIELDS.split())
TREES = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)
LINES = RICH.splitlines(keepends=True)
WORDS = sorted({word for word in RICH.replace("{", " ").replace(",", " ").split() if word})
MARKS = """{ } [ ] : ? - ' " &x *x !!str | > % @ # --- ... << ~"""
SCRAPS = st.sampled_from(
    [*MARKS.split(), ": ", "- ", "\t", "\n", "\n  ", "\ufeff", "\x00", "\x85", "\u2028", "\ud800"]
)
TOP_FIELDS = """id stations buffers calendars crews materials defects plcs utilities sources facts
    shifts product time_zone calendar yield_from target"""
TOPS = st.sampled_from(TOP_FIELDS.split())
LAW = settings(deadline=None)
MUCH = settings(deadline=None, max_examples=200)


def is_line_or_has_places(text: str) -> None:
    """The law: a line that passes the checks, or faults with positions inside the text."""
    line, faults = loaded(text)
    if line is not None:
        assert check_line(line) == []
        assert set(product_units(line)) == set(downstream_rank(line)) == set(line.station_by_id)
        return
    assert faults
    # The parser takes more than "\n" for a line's end, but no more than these.
    last = len(text.splitlines()) + 1
    for fault in faults:
        assert fault.file == "t.yaml"
        assert 1 <= fault.line <= last
        assert fault.column >= 1
        assert fault.must.startswith("must")
        assert "well formed" not in fault.must
    places = [(fault.line, fault.column) for fault in faults]
    assert places == sorted(places)
    assert len(set(faults)) == len(faults)


def loaded(text: str) -> tuple[Line | None, tuple[Fault, ...]]:
    """Return the line, or the faults for which it is refused."""
    try:
        return load_text(text, file="t.yaml"), ()
    except LineFileError as error:
        return None, error.faults


def written(tree: object) -> str:
    """Write plain data as YAML's flow style."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{written(k)}: {written(v)}" for k, v in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(written, tree)) + "]"
    if tree is None or isinstance(tree, bool):
        return str(tree).lower().replace("none", "~")
    if isinstance(tree, float):
        return repr(tree).replace("inf", ".inf").replace("nan", ".nan")
    if isinstance(tree, str) and tree.isidentifier():
        return tree
    return "'" + str(tree).replace("'", "''") + "'" if isinstance(tree, str) else str(tree)


def test_the_file_that_is_mutated_here_is_a_good_one() -> None:
    assert load_text(RICH).id == "L"


@LAW
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    is_line_or_has_places(text)


@LAW
@given(st.lists(st.sampled_from(WORDS) | SCRAPS | st.text(max_size=5), max_size=40).map("".join))
@example('id: "\\UFFFFFFFF"')
@example("%YAML 1.99999999999999999999\n--- a")
@example("a: !<")
@example("? ? ? a")
def test_any_pieces_of_yaml(text: str) -> None:
    is_line_or_has_places(text)


@LAW
@given(TREES)
@example({"[key]": None})
@example({"stations": {"value": [{"value": {"source": 3}}]}})
@example({"id": "L", "stations": [{"id": "A", "cycle_time": "1 s"}], "buffers": [{"from": "A"}]})
def test_any_data(tree: object) -> None:
    is_line_or_has_places(written(tree))


@LAW
@given(st.dictionaries(TOPS, TREES, max_size=6))
@example({"calendars": None})
def test_any_data_under_known_keys(tree: dict[str, object]) -> None:
    is_line_or_has_places(written(tree))


@MUCH
@given(st.integers(0, 2**32), st.integers(1, 3), st.data())
def test_a_good_file_with_a_few_changes(seed: int, changes: int, data: st.DataObject) -> None:
    choose = random.Random(seed)
    text = RICH
    for _ in range(changes):
        at = choose.randrange(len(text))
        end = at + choose.choice([0, 0, 1, 1, 2, 5, 30])
        new = data.draw(SCRAPS | st.sampled_from(WORDS) | st.just("") | st.sampled_from(LINES))
        text = text[:at] + new + text[end:]
    is_line_or_has_places(text)


@MUCH
@given(st.sampled_from(WORDS), st.sampled_from(WORDS))
def test_a_good_file_with_one_word_for_another(old: str, new: str) -> None:
    is_line_or_has_places(RICH.replace(old, new))


@LAW
@given(st.binary(max_size=100))
def test_any_bytes(data: bytes) -> None:
    try:
        text = decode(data)
    except Unreadable as error:
        faults = error.faults
    else:
        faults = []
        is_line_or_has_places(text)
    assert all(fault.line and fault.column for fault in faults)


def test_packaged_lines_hold_the_law() -> None:
    is_line_or_has_places(packaged()["five_stations"].read_text(encoding="utf-8"))
