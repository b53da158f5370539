"""A number is changed where it stands; all around it stays to the letter."""

from __future__ import annotations

import difflib

import pytest

from lines.edits import edited, shown, unit_at
from lines.loader import load_text, packaged
from lines.spans import spans
from twin.model import durations as d

TEXT = """\
# A comment at the head.
id: L
defects: [{id: D}]
sources: {PAPER: {kind: cited, title: Paper}}
stations:
  - {id: A, cycle_time: &pace {distribution: normal, mean: 10 s, cv: 0.05, source: PAPER}}  # A
  - id: B
    cycle_time: *pace   # as A
    scrap: {value: 0.4 %, note: counted, source: PAPER}
    failures:
      - {id: jam, mtbf: 90 min, mttr: {distribution: lognormal,   mean: 2 min, sigma: 0.7}}
      - id: slip
        mtbf:
          distribution: exponential
          mean: 2 h        # by the shift book
        mttr: {value: 5 min, source: PAPER, note: by feel}
    inspection:
      detects: {D: 90 %}
  - id: C
    cycle_time: {value: {distribution: gamma, mean: 3 s, cv: 0.2}, source: PAPER}
buffers: [{id: AB, from: A, to: B, capacity: 9}, {id: BC, from: B, to: C, capacity: 9}]
"""
A, B, C = (("stations", index) for index in range(3))
REST = "mttr: {distribution: lognormal,   mean: "
JAM, SLIP = (*B, "failures", 0), (*B, "failures", 1)


def lines_changed(changes: dict) -> list[str]:
    new, stuck = edited(TEXT, changes)
    assert stuck == []
    line = load_text(new)
    for path, value in changes.items():
        assert found(line, path) == value
        assert line.source_of(written(path)).source == "history"
    diff = difflib.ndiff(TEXT.splitlines(), new.splitlines())
    return [one[2:].strip() for one in diff if one.startswith("+ ")]


def found(line, path):
    value = line
    for item in path:
        keyed = isinstance(item, int) or isinstance(value, dict)
        value = value[item] if keyed else getattr(value, item)
    return value


def written(path) -> str:
    text = "".join(f"[{item}]" if isinstance(item, int) else f".{item}" for item in path)
    return text.removeprefix(".")


LOGNORMAL = d.Lognormal(distribution="lognormal", mean="3 min", sigma=0.61)


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (
            (*JAM, "mtbf"),
            d.Exponential(distribution="exponential", mean="2 h"),
            "- {id: jam, mtbf: {distribution: exponential, mean: 120 min, source: history}, " + REST
            + "2 min, sigma: 0.7}}",
        ),
        (
            (*JAM, "mttr"),
            LOGNORMAL,
            "- {id: jam, mtbf: 90 min, " + REST + "3 min, sigma: 0.61, source: history}}",
        ),
        ((*SLIP, "mttr"), d.Constant(mean="6 min"),
         "mttr: {value: 6 min, source: history, note: by feel}"),
        ((*SLIP, "mttr"), LOGNORMAL,
         REST.replace("   ", " ") + "3 min, sigma: 0.61, source: history, note: by feel}"),
        ((*B, "scrap"), 0.0051, "scrap: {value: 0.51 %, note: counted, source: history}"),
        ((*B, "inspection", "detects", "D"), 0.925,
         "detects: {D: {value: 92.5 %, source: history}}"),
        ((*B, "cycle_time"), d.Constant(mean="9 s"),
         "cycle_time: {value: 9 s, source: history}   # as A"),
        ((*C, "cycle_time"), d.Gamma(distribution="gamma", mean="4 s", cv=0.3),
         "cycle_time: {distribution: gamma, mean: 4 s, cv: 0.3, source: history}"),
    ],
)  # fmt: skip
def test_one_line_changes(path, value, line: str) -> None:
    assert lines_changed({path: value}) == [line]


def test_a_block_gets_its_source_as_a_line_of_its_own() -> None:
    new = lines_changed({(*SLIP, "mtbf"): d.Exponential(distribution="exponential", mean="1.5 h")})
    assert new == ["mean: 1.5 h        # by the shift book", "source: history"]


def test_what_has_not_been_there_is_put_before_what_has() -> None:
    assert lines_changed({(*A, "scrap"): 0.01})[0].startswith(
        "- {id: A, scrap: {value: 1 %, source: history}, cycle_time: &pace {"
    )
    new = lines_changed({(*B, "inspection", "false_reject"): 0.002, (*C, "scrap"): 0.01})
    assert new == [
        "false_reject: {value: 0.2 %, source: history}",
        "scrap: {value: 1 %, source: history}",
    ]


def test_what_an_alias_repeats_stays_when_its_anchor_changes() -> None:
    new = lines_changed({(*A, "cycle_time"): d.Constant(mean="9 s")})
    assert new == [
        "- {id: A, cycle_time: {value: 9 s, source: history}}  # A",
        "cycle_time: {distribution: normal, mean: 10 s, cv: 0.05, source: PAPER}   # as A",
    ]


def test_what_is_said_together_with_others_is_left_alone() -> None:
    text = (
        "id: L\nstations:\n  - {id: A, cycle_time: 1 s, failures: &f [{id: jam, mtbf: 1 h, "
        "mttr: 1 min}]}\n  - {id: B, cycle_time: 1 s, failures: *f}\n"
    )
    path = ("stations", 1, "failures", 0, "mtbf")
    assert edited(text, {path: d.Constant(mean="2 h")}) == (text, [path])


def test_all_numbers_of_the_packaged_lines_can_be_changed() -> None:
    for name, file in packaged().items():
        text = file.read_text(encoding="utf-8")
        line = load_text(text)
        changes = {}
        for index, station in enumerate(line.stations):
            where = ("stations", index)
            changes[*where, "cycle_time"] = d.Gamma(distribution="gamma", mean="7 s", cv=0.2)
            changes[*where, "scrap"] = 0.0123
            for mode in range(len(station.failures)):
                changes[*where, "failures", mode, "mtbf"] = d.Constant(mean="7 h")
                changes[*where, "failures", mode, "mttr"] = LOGNORMAL
        new, stuck = edited(text, changes)
        assert stuck == [], name
        line = load_text(new)
        assert all(found(line, path) == value for path, value in changes.items())
        assert new.count("#") == text.count("#")


def test_a_time_keeps_its_unit() -> None:
    root = spans(TEXT)
    second = d.Constant(mean="1 s")
    paths = ((*JAM, "mtbf"), (*SLIP, "mtbf"), (*SLIP, "mttr"), (*A, "cycle_time"))
    assert [unit_at(root, path, second) for path in paths] == ["min", "h", "min", "s"]
    assert shown(d.Constant(mean="90 min"), "min") == "90 min"
