# ruff: noqa: E501  (faults are quoted whole)

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from marked_text import faults_of, marks_in, unmarked

import lines
from lines.loader import packaged
from lines.provenance import strip
from lines.yaml_tree import MAX_BYTES, plain, read_tree
from twin.errors import Fault, LineFileError
from twin.model.durations import Constant, Lognormal
from twin.model.line import Line, Provenance

GOOD = """\
linetwin: 1
id: L
sources:
  PAPER: {kind: cited, title: A paper, url: "https://example.org"}
stations:
  - id: A
    cycle_time: {value: 75.5 s, source: PAPER, note: table 3}
  - id: B
    source: seed + PAPER
    name: {en: Second, zh: 第二}
    cycle_time: {distribution: lognormal, mean: 75.5 s, cv: {value: 0.03, source: assumption}}
    takes: {value: 2, source: assumption}
buffers:
  - {id: AB, from: A, to: B, capacity: 4}
facts:
  capacity: {value: 2000000, source: seed}
  shift_leader: no
"""


def test_a_good_file_becomes_a_line() -> None:
    line = lines.load_text(GOOD)
    assert line.stations[0].cycle_time == Constant(mean="75.5 s")
    assert line.stations[1].cycle_time == Lognormal(
        distribution="lognormal", mean="75.5 s", cv=0.03
    )
    assert line.stations[1].takes_from("AB") == 2000
    assert line.stations[1].name.zh == "第二"
    assert line.facts == {"capacity": 2_000_000, "shift_leader": "no"}


def test_sources_and_notes_are_kept_by_path() -> None:
    assert lines.load_text(GOOD).provenance == {
        "stations[0].cycle_time": Provenance(source="PAPER", note="table 3"),
        "stations[1]": Provenance(source="seed + PAPER"),
        "stations[1].cycle_time.cv": Provenance(source="assumption"),
        "stations[1].takes": Provenance(source="assumption"),
        "facts.capacity": Provenance(source="seed"),
    }


def test_a_source_holds_for_whatever_has_none_of_its_own() -> None:
    line = lines.load_text(GOOD)
    assert line.source_of("stations[1].cycle_time.mean") == Provenance(source="seed + PAPER")
    assert line.source_of("stations[1].takes") == Provenance(source="assumption")
    assert line.source_of("stations[0].machines") is None
    whole = lines.load_text("source: seed\n" + GOOD)
    assert whole.source_of("stations[0].machines") == Provenance(source="seed")


def test_a_note_may_stand_without_a_source() -> None:
    text = GOOD.replace("source: PAPER, note", "note")
    kept = lines.load_text(text).provenance["stations[0].cycle_time"]
    assert kept == Provenance(source="", note="table 3")


def test_the_list_of_sources_keeps_its_own_keys() -> None:
    tree, _ = read_tree("sources: {note: {kind: cited, title: x}}")
    assert plain(strip(tree).tree) == {"sources": {"note": {"kind": "cited", "title": "x"}}}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("source: §PAPR", "must be seed, assumption, history, or a key of sources, got PAPR; did you mean 'PAPER'?"),
        ("source: §seed + X1", "must be seed, assumption, history, or a key of sources, got X1; known: seed, assumption, history, PAPER"),
        ("source: §seed+PAPER", "must be seed, assumption, history, or a key of sources, got seed+PAPER; did you mean 'PAPER'?"),
        ("source: §3", "must be a text, got 3"),
        ('source: §""', "must be a text"),
        ("source: §[seed]", "must be a text, got a list or mapping"),
    ],
)  # fmt: skip
def test_a_wrong_source_is_a_fault(wrong: str, said: str) -> None:
    text = GOOD.replace("source: PAPER", wrong)
    (fault,) = faults_of(text)
    assert str(fault).partition(": stations[0].cycle_time.source: ")[2] == said
    assert [(fault.line, fault.column)] == marks_in(text)


def with_station(fields: str) -> str:
    """Return a line of one station with some fields, and marks where they have them."""
    return f"id: L\nstations:\n  - id: A\n    {fields}\n"


FIELD = [
    # what a file says, what it is told
    ("cycle_time: §-3 s", "stations[0].cycle_time: must be greater than 0, got -3 s"),
    ("cycle_time: §75", "stations[0].cycle_time: must be a time with its unit, as '75.5 s' (units: us, ms, s, min, h, d, week), got 75"),
    ("§cycle_time:", "stations[0].cycle_time: must be a time with its unit, as '75.5 s' (units: us, ms, s, min, h, d, week), got nothing"),
    ("cycle_time: §[1 s]", "stations[0].cycle_time: must be a time with its unit, as '75.5 s' (units: us, ms, s, min, h, d, week), got a list of 1"),
    ("cycle_time: {mean: §x}", "stations[0].cycle_time.mean: must be a time with its unit, as '75.5 s' (units: us, ms, s, min, h, d, week), got x"),
    ("cycle_time: {distribution: §lognromal, mean: 1 s}", "stations[0].cycle_time.distribution: must be one of constant, exponential, erlang, gamma, lognormal, normal, weibull, triangular, empirical, mix, got lognromal; did you mean 'lognormal'?"),
    ("cycle_time: {distribution: §3}", "stations[0].cycle_time.distribution: must be one of constant, exponential, erlang, gamma, lognormal, normal, weibull, triangular, empirical, mix, got 3"),
    ("cycle_time: §{distributoin: gamma, mean: 1 s, cv: 1}", "stations[0].cycle_time: must have distribution; did you mean it by 'distributoin'?"),
    ("cycle_time: §{mean: 1 s, cv: 1}", "stations[0].cycle_time: must have distribution; or be a plain time, as '75.5 s'"),
    ("cycle_time: §{distribution: lognormal, mean: 1 s}", "stations[0].cycle_time: must have either cv or sigma"),
    ("cycle_time: §{distribution: erlang, mean: 1 s}", "stations[0].cycle_time: must have stages (a whole number)"),
    ("cycle_time: {distribution: erlang, mean: 1 s, stages: §2.5}", "stations[0].cycle_time.stages: must be a whole number, got 2.5"),
    ("cycle_time: {distribution: erlang, mean: 1 s, stages: 2, §cv: 1}", "stations[0].cycle_time.cv: must be a known key; known: distribution, mean, stages"),
    ("cycle_time: {distribution: normal, mean: 1 s, cv: §0.5}", "stations[0].cycle_time.cv: must be at most 0.33, got 0.5"),
    ("cycle_time: {distribution: gamma, mean: 1 s, cv: §0}", "stations[0].cycle_time.cv: must be greater than 0.001, got 0"),
    ("cycle_time: {distribution: gamma, mean: 1 s, cv: §.nan}", "stations[0].cycle_time.cv: must be a finite number, got .nan"),
    ("cycle_time: §{distribution: triangular, low: 3 s, mode: 2 s, high: 4 s}", "stations[0].cycle_time: must have low <= mode <= high and low < high"),
    ("cycle_time: {distribution: empirical, values: §[1 s]}", "stations[0].cycle_time.values: must have at least 2 entries, got a list of 1"),
    ("cycle_time: {distribution: mix, parts: [{weight: 1, duration: 1 s}, {weight: 1, duration: {distribution: gamma, mean: 1 s, cv: §11}}]}", "stations[0].cycle_time.parts[1].duration.cv: must be at most 10, got 11"),
    ("cycle_time: 1 s\n    §machinse: 2", "stations[0].machinse: must be a known key; did you mean 'machines'?"),
    ("cycle_time: 1 s\n    §takes_milli: 2", "stations[0].takes_milli: must be a known key; did you mean 'takes'?"),
    ("cycle_time: 1 s\n    machines: §0", "stations[0].machines: must be at least 1, got 0"),
    ("cycle_time: 1 s\n    machines: §20000", "stations[0].machines: must be at most 10,000, got 20000"),
    ("cycle_time: 1 s\n    machines: §'3'", "stations[0].machines: must be a whole number, got the text '3'"),
    ("cycle_time: 1 s\n    machines: §true", "stations[0].machines: must be a whole number, got true"),
    ("cycle_time: 1 s\n    kind: §unti", "stations[0].kind: must be work cell, unit, storage unit or production unit, got unti; did you mean 'unit'?"),
    ("cycle_time: 1 s\n    takes: §0.5", "stations[0].takes: must be from 1 to 1,000,000 parts, got 0.5"),
    ("cycle_time: 1 s\n    scrap: §120 %", "stations[0].scrap: must be from 0 to 1 (0 % to 100 %), got 120 %"),
    ("cycle_time: 1 s\n    area: §3", "stations[0].area: must be a name: letters, digits, '-' and '_', at most 32, a letter first, got 3"),
    ("cycle_time: 1 s\n    area: §über", "stations[0].area: must be a name: letters, digits, '-' and '_', at most 32, a letter first, got über"),
    ("cycle_time: 1 s\n    name: {en: §'', zh: x}", "stations[0].name.en: must not be empty, got the text ''"),
    ("cycle_time: 1 s\n    name: §{zh: x}", "stations[0].name: must have en (a text)"),
    ("cycle_time: 1 s\n    name: §[x]", "stations[0].name: must be a text, or its English and Chinese as {en: ..., zh: ...}, got a list of 1"),
    ("cycle_time: 1 s\n    defects: {§1x: 0.1}", "stations[0].defects.1x: must be a name: letters, digits, '-' and '_', at most 32, a letter first, got 1x"),
    ("cycle_time: 1 s\n    defects: §[x]", "stations[0].defects: must be a mapping, got a list of 1"),
    ("cycle_time: 1 s\n    failures: §{id: F}", "stations[0].failures: must be a list, got a mapping"),
    ("cycle_time: 1 s\n    failures: [§F]", "stations[0].failures[0]: must be a mapping, got F"),
    ("cycle_time: 1 s\n    failures: [§{id: F, mtbf: 1 h}]", "stations[0].failures[0]: must have mttr (a time, as '75.5 s', or a distribution)"),
    ("cycle_time: 1 s\n    inspection: {detects: §{}}", "stations[0].inspection.detects: must not be empty, got a mapping"),
    ("cycle_time: 1 s\n    energy: {execute: §3}", "stations[0].energy.execute: must be a power, as '22 kW' (units: W, kW, MW), got 3"),
    ("cycle_time: 1 s\n    maintenance: [{every: 1 h, lasts: 1 s, together: §yes}]", "stations[0].maintenance[0].together: must be true or false, got yes"),
    ("cycle_time: 1 s\n    variables: [{id: V, unit: m, nominal: 1, low: 0, high: 3, when_idle: §hodl}]", "stations[0].variables[0].when_idle: must be hold, zero or a number, got hodl; did you mean 'hold'?"),
    ("cycle_time: 1 s\n    variables: [{id: V, unit: §3, nominal: 1, low: 0, high: 3}]", "stations[0].variables[0].unit: must be a text, got 3; put it in quotes"),
    ("cycle_time: 1 s\n    variables: [§{id: V, unit: m, nominal: 5, low: 0, high: 3}]", "stations[0].variables[0]: must have its nominal value between low and high"),
    ("cycle_time: 1 s\n    product_units: §.inf", "stations[0].product_units: must be a finite number, got .inf"),
    ("cycle_time: 1 s\nproduct: §3", "product: must be a mapping, got 3"),
    ("cycle_time: 1 s\nwarm_up: §1 month", "warm_up: must be a time with its unit, as '75.5 s' (units: us, ms, s, min, h, d, week), got 1 month"),
    ("cycle_time: 1 s\nlinetwin: §2", "linetwin: must be 1, got 2"),
    ("cycle_time: 1 s\nfacts: {x: §[1]}", "facts.x: must be a text, a number or true or false, got a list of 1"),
    ("cycle_time: 1 s\nfacts: {x: §.nan}", "facts.x: must be a finite number, got .nan"),
    ("cycle_time: 1 s\n§provenance: {}", "provenance: must be a known key; a source stands beside the value it is for"),
    ("cycle_time: 1 s\nbuffers: [{id: q, from: §3, to: A}]", "buffers[0].from: must be the id of a station, or a list of ids, got 3"),
    ("cycle_time: 1 s\nbuffers: [{id: q, from: A, to: §[]}]", "buffers[0].to: must not be empty, got a list of 0"),
    ("cycle_time: 1 s\nbuffers: [{id: q, from: [A, §3], to: A}]", "buffers[0].from[1]: must be a name: letters, digits, '-' and '_', at most 32, a letter first, got 3"),
    ("cycle_time: 1 s\n§buffers:", "buffers: must be a list, got nothing"),
    (f"cycle_time: 1 s\nmaterials: [{{id: M, unit: kg, stock: §1{'0' * 99}}}]", f"materials[0].stock: must be at most 1,000,000,000, got 1{'0' * 56}..."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), FIELD)
def test_a_fault_in_a_field_is_told_in_words_at_its_place(text: str, said: str) -> None:
    found = faults_of(with_station(text))
    assert [str(fault).partition(" ")[2] for fault in found] == [said]
    assert [(fault.line, fault.column) for fault in found] == marks_in(with_station(text))


SYNTAX = [
    ("", 1, 1, "file: must be a mapping, from 'linetwin: 1' on, got an empty file"),
    ("# nothing\n", 1, 1, "file: must be a mapping, from 'linetwin: 1' on, got an empty file"),
    ("~", 1, 1, "file: must be a mapping, from 'linetwin: 1' on, got an empty file"),
    ("3", 1, 1, "file: must be a mapping, from 'linetwin: 1' on, got a single value"),
    ("\n- id: L", 2, 1, "file: must be a mapping, from 'linetwin: 1' on, got a list"),
    ("id: L\n---\nid: M", 2, 1, "file: must be one document, got a second one"),
    ("id: L\n\tname: x", 2, 1, "file: must be indented with spaces, not tabs"),
    ("id: L\nname: a: b", 2, 8, "file: must have no ':' here; put the text in quotes, or mend the indentation"),
    ("id: L\nname: @x", 2, 7, "file: must have no text that starts with '@'; put it in quotes"),
    ("id: [1, 2", 1, 10, "file: must go on with ',' or end the list with ']'"),
    ("id: {a: 1", 1, 10, "file: must go on with ',' or end the mapping with '}'"),
    ("id: 'x", 1, 7, "file: must be closed with a quote"),
    ("id: L\n- x", 2, 1, "file: must be indented like its neighbours, and all be keys or all be list entries"),
    ("id: L\nname: *x", 2, 7, "name: must repeat a value that has an anchor, got *x"),
    ("id: &x [*x]", 1, 9, "id[0]: must not contain itself, got *x"),
    ("id: \x00", 1, 5, "file: must have no control characters, got U+0000"),
    ("id: \"\\UFFFFFFFF\"", 1, 1, "file: must be well-formed YAML"),
    ("id: " + "[" * 60, 1, 54, "id" + "[0]" * 49 + ": must be nested at most 50 deep"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "said"), SYNTAX)
def test_what_is_no_yaml_is_told_in_words_at_its_place(
    text: str, line: int, column: int, said: str
) -> None:
    (fault,) = faults_of(text)
    assert str(fault).startswith(f"t.yaml:{line}:{column}: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cycle_time: 1 s\n    §cycle_time: 2 s", "stations[0].cycle_time: must be given once; line 4 has it already"),
        ("cycle_time: §!seconds 1 s", "stations[0].cycle_time: must have no YAML tag, got !seconds; a text goes in quotes"),
        ("§<<: {machines: 2}\n    cycle_time: 1 s", "stations[0]: must not merge mappings, got <<; write the keys out"),
        ("§[a]: 1\n    cycle_time: 1 s", "stations[0]: must have a plain text as its key, got a list or mapping"),
    ],
)  # fmt: skip
def test_yaml_that_is_not_allowed_is_told_together_with_the_rest(text: str, said: str) -> None:
    marked = with_station(text) + "§nmae: x\n"
    found = faults_of(marked)
    assert [str(fault).partition(" ")[2] for fault in found] == [
        said,
        "nmae: must be a known key; did you mean 'name'?",
    ]
    assert [(fault.line, fault.column) for fault in found] == marks_in(marked)


def test_aliases_repeat_a_value() -> None:
    line = lines.load("five_stations")
    assert {station.cycle_time for station in line.stations} == {line.stations[0].cycle_time}


def test_aliases_cannot_blow_a_file_up() -> None:
    names = "abcdefghij"
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in pairwise(names)
    )
    (fault,) = faults_of(bomb)
    assert fault.must == "must have at most 1,000,000 values, aliases written out"
    assert fault.line == 7


def test_aliases_cannot_nest_without_end() -> None:
    chain = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 99))
    (fault,) = faults_of(chain)
    assert fault.must == "must be nested at most 50 deep"
    assert fault.line == 49


BROKEN = """\
linetwin: 1
id: TUBE
time_zone: §Asia/Shanhai
target: §200
sources:
  PAPER: {kind: cited, title: A paper}
materials:
  - {id: PAPER, unit: kg, delivery: §{every: 1 d, amount: 5}}
stations:
  - id: CUT
    cycle_time: §-3 s
    §machinse: 2
  - id: DRY
    places: 40
    cycle_time: {distribution: §lognromal, mean: 75.5 s, cv: 0.03}
  - id: §CUT
    cycle_time: {value: 75.5 s, source: §PAPR}
  - id: GLUE
    cycle_time: 2 s
    plc: §PLC9
    rework: {rate: 0.1, to: §GLEU}
  - id: PAL
    cycle_time: 2 s
    takes: 12
    maintenance: [{every: 1 h, lasts: §90 min}]
  - §id: ALONE
buffers:
  - {id: q0, from: CUT, to: DRY, capacity: §-1}
  - {id: q1, from: DRY, to: §GLUEE}
  - {id: q2, from: GLUE, to: PAL, capacity: §10}
"""


def test_fifteen_faults_of_all_kinds_are_reported_in_one_go() -> None:
    found = faults_of(BROKEN)
    assert [(fault.line, fault.column) for fault in found] == marks_in(BROKEN)
    assert (
        "\n".join(map(str, found))
        == """\
t.yaml:3:12: time_zone: must be a time zone of the IANA database, as Asia/Shanghai, got Asia/Shanhai; did you mean 'Asia/Shanghai'?
t.yaml:4:9: target: must be a rate, as '200 /h' (units: /h, /d, /min, /s), got 200
t.yaml:8:37: materials[0].delivery: must go with a stock: without one the store never runs out; say how much is there at the start, as stock: 0
t.yaml:11:17: stations[0].cycle_time: must be greater than 0, got -3 s
t.yaml:12:5: stations[0].machinse: must be a known key; did you mean 'machines'?
t.yaml:15:32: stations[1].cycle_time.distribution: must be one of constant, exponential, erlang, gamma, lognormal, normal, weibull, triangular, empirical, mix, got lognromal; did you mean 'lognormal'?
t.yaml:16:9: stations[2].id: must be unique, got CUT; stations[0].id has it already
t.yaml:17:41: stations[2].cycle_time.source: must be seed, assumption, history, or a key of sources, got PAPR; did you mean 'PAPER'?
t.yaml:20:10: stations[3].plc: must be the id of a PLC, got PLC9; the file has none; declare it at the top level: plcs: [{id: PLC9}]
t.yaml:21:29: stations[3].rework.to: must be the id of a station, got GLEU; did you mean 'GLUE'?
t.yaml:25:39: stations[4].maintenance[0].lasts: must be shorter than every, 1 h, got 90 min
t.yaml:26:5: stations[5]: must have cycle_time (a time, as '75.5 s', or a distribution)
t.yaml:28:44: buffers[0].capacity: must be at least 0, got -1
t.yaml:29:29: buffers[1].to: must be the id of a station, got GLUEE; did you mean 'GLUE'?
t.yaml:30:45: buffers[2].capacity: must be at least 12, got 10; PAL takes up to 12 parts at once"""
    )


@pytest.mark.parametrize(
    "text",
    [
        # Whoever names a broken element is not told that it does not exist.
        "id: L\nstations:\n  - {id: A, cycle_time: §1}\n  - {id: B, cycle_time: 1 s}\nbuffers:\n  - {id: q, from: A, to: B}\n",
        "id: L\nplcs: [{id: P, port: §-1}]\nstations:\n  - {id: A, cycle_time: 1 s, plc: P}\n",
        # Nor if the broken element's id can't be read, or its whole list.
        "id: L\nstations:\n  - §{cycle_time: 1 s}\n  - {id: B, cycle_time: 1 s}\nbuffers:\n  - {id: q, from: A, to: B}\n",
        "id: L\nplcs: §P\nstations:\n  - {id: A, cycle_time: 1 s, plc: P}\n",
        "id: L\n§stations:\nbuffers:\n  - {id: q, from: A, to: B}\n",
        # A broken buffer still joins its stations, and may join any if its ends can't be read.
        "id: L\nstations:\n  - {id: A, cycle_time: 1 s}\n  - {id: B, cycle_time: 1 s}\nbuffers:\n  - {id: q, from: A, to: B, lanes: §0}\n",
        "id: L\nstations:\n  - {id: A, cycle_time: 1 s}\n  - {id: B, cycle_time: 1 s, takes: 2}\nbuffers:\n  - §{id: q, from: A}\n",
        "id: L\nstations:\n  - {id: A, cycle_time: 1 s}\n  - {id: B, cycle_time: 1 s, takes: {q: 2}}\nbuffers:\n  - {id: q, from: A, to: [B, §3]}\n",
        # A wrong end of a buffer is not told a second time as a missing input.
        "id: L\nstations:\n  - {id: A, cycle_time: 1 s}\n  - {id: B, cycle_time: 1 s, takes: 2, rework: {rate: 0.1, to: B}}\nbuffers:\n  - {id: q, from: A, to: §BB}\n",
        # What a broken station's parts stand for is unknown.
        "id: L\nstations:\n  - {id: A, cycle_time: 1 s}\n  - {id: B, cycle_time: 1 s, takes: 2, gives: §x}\n  - {id: C, cycle_time: 1 s}\nbuffers:\n  - {id: q, from: A, to: B}\n  - {id: r, from: [A, B], to: C}\n",
        # A broken share is not missing.
        "id: L\nstations:\n  - {id: A, cycle_time: 1 s}\n  - {id: B, cycle_time: 1 s}\nbuffers:\n  - {id: q, from: A, to: B, share: §x}\n  - {id: r, from: A, to: B, share: 0.5}\n",
        # A list is not called empty because all its entries are broken.
        "id: L\nstations:\n  - {id: A, cycle_time: §1}\n",
    ],
)  # fmt: skip
def test_a_consequence_of_another_fault_is_not_told(text: str) -> None:
    assert [(fault.line, fault.column) for fault in faults_of(text)] == marks_in(text)


def test_no_more_than_a_hundred_faults_are_shown() -> None:
    stations = "".join(f"  - {{id: A{n:03}, cycle_time: {n}}}\n" for n in range(300))
    with pytest.raises(LineFileError) as refused:
        lines.load_text(f"id: L\nstations:\n{stations}")
    assert len(refused.value.faults) == 301
    shown = str(refused.value).splitlines()
    assert len(shown) == 101
    assert shown[-1] == "... and 201 more faults"


def test_load_finds_packaged_lines_by_name() -> None:
    assert lines.load("five_stations") == lines.load(packaged()["five_stations"])


@pytest.mark.parametrize("name", sorted(packaged()))
def test_every_packaged_line_is_right(name: str) -> None:
    assert isinstance(lines.load(name), Line)


def refused(path: str | Path) -> Fault:
    """Return the one fault for which a file is refused."""
    with pytest.raises(LineFileError) as error:
        lines.load(path)
    (fault,) = error.value.faults
    return fault


def test_an_unknown_name_is_told_the_nearest() -> None:
    assert str(refused("five_station")) == (
        "five_station: must be a line file, or the name of a packaged one, got no such file; "
        "did you mean 'five_stations'?"
    )


def test_a_file_is_named_as_seen_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plant" / "l.yaml"
    path.parent.mkdir()
    path.write_text("id: L\n", encoding="utf-8")
    assert refused(path).file == str(path)
    monkeypatch.chdir(tmp_path)
    assert refused(path).file == "plant/l.yaml"
    assert refused("plant/l.yaml").file == "plant/l.yaml"


def test_a_file_must_be_utf8_and_of_a_sane_size(tmp_path: Path) -> None:
    path = tmp_path / "l.yaml"
    path.write_bytes("name: é\nid: ".encode() + b"\xe9")
    assert str(refused(path)).endswith(":2:5: file: must be UTF-8, got the byte 0xe9")
    path.write_bytes(b"\xff\xfei\x00d\x00")
    assert str(refused(path)).endswith(":1:1: file: must be UTF-8, got the byte 0xff")
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    assert str(refused(path)).endswith(
        ":1:1: file: must have at most 5,000,000 bytes, got 5,000,001"
    )
    assert refused(tmp_path).found == "a folder"


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "l.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert lines.load(path) == lines.load_text(GOOD)
    path.write_bytes(unmarked("id: L\r\nstations: 3\r\n").encode())
    assert (refused(path).line, refused(path).column) == (2, 11)
