"""Rules by which values move: functions of time, the same from the same seed, or refused."""

from __future__ import annotations

from itertools import pairwise

import duckdb
import pytest

from opcua.own_plc import LoadNodes, load_nodes
from opcua.rules import moving, read_rules, rules_from_text
from twin.errors import LineFileError, UsageError

S = 1_000_000


def followed(words: str, seconds: list[float], seed: int = 1, node: str = "n") -> list[float]:
    (rule,) = rules_from_text(f"rules: [{{node: n, {words}}}]")
    follow = moving(rule, node, seed)
    return [follow(round(at * S)) for at in seconds]


def test_each_rule_gives_what_its_name_says() -> None:
    assert followed("rule: constant, value: 7.5", [0, 9]) == [7.5, 7.5]
    assert followed("rule: ramp, low: 10, high: 20, period: 10 s", [0, 5, 9, 10]) == [
        10,
        15,
        19,
        10,
    ]
    sine = followed("rule: sine, low: -1, high: 3, period: 4 s", [0, 1, 2, 3])
    assert sine == pytest.approx([1, 3, 1, -1])
    assert followed("rule: square, low: 2, high: 5, period: 2 s", [0, 1, 2]) == [5, 2, 5]
    assert followed("rule: counter, every: 2 s, step: 3, wraps_at: 8", [0, 2, 4, 6]) == [0, 3, 6, 1]


def test_a_value_stands_between_two_times_at_which_it_is_made() -> None:
    ramp = "rule: ramp, period: 10 s, every: 2 s"
    assert followed(ramp, [0, 1.9, 2, 3.9]) == [0, 0, 20, 20]


def test_a_random_walk_stays_within_its_limits_and_is_the_same_again() -> None:
    walk = "rule: random_walk, low: 0, high: 10, step: 2"
    times = [float(at) for at in range(500)]
    first = followed(walk, times)
    assert first == followed(walk, times)
    assert first != followed(walk, times, seed=2)
    assert first != followed(walk, times, node="m")
    assert (min(first), max(first)) == (0, 10)
    assert max(abs(a - b) for a, b in pairwise(first)) <= 2
    # Looked at less often it goes the same way.
    assert followed(walk, times[::7]) == first[::7]


def test_a_file_is_replayed_over_and_over(tmp_path) -> None:
    (tmp_path / "speed.csv").write_text("at,speed\n0,1.5\n1,2.5\n2,4\n", encoding="utf-8")
    path = tmp_path / "rules.yaml"
    path.write_text(
        "rules:\n- {node: n, rule: replay, file: speed.csv, column: speed, every: 1 s}\n",
        encoding="utf-8",
    )
    (rule,) = read_rules(path)
    follow = moving(rule, "n", 1)
    assert [follow(at * S) for at in range(5)] == [1.5, 2.5, 4.0, 1.5, 2.5]
    for text, says in (
        ("file: none.csv, column: speed", "none.csv: must be a file, there is none"),
        ("file: speed.csv, column: pace", "must be one of at, speed, got 'pace'"),
    ):
        path.write_text(f"rules: [{{node: n, rule: replay, {text}}}]", encoding="utf-8")
        with pytest.raises(LineFileError, match=says):
            read_rules(path)


def test_a_column_of_parquet_is_replayed_as_one_of_csv(tmp_path) -> None:
    parquet = tmp_path / "speed.parquet"
    duckdb.sql("SELECT * FROM (VALUES (1.5), (2.5)) AS t(speed)").write_parquet(str(parquet))
    text = "rules: [{node: n, rule: replay, file: speed.parquet, column: speed}]"
    (rule,) = rules_from_text(text, beside=tmp_path)
    assert [moving(rule, "n", 1)(at * S) for at in range(3)] == [1.5, 2.5, 1.5]


def test_words_and_numbers_come_one_after_the_other() -> None:
    assert followed("rule: sequence, values: [IDLE, RUN]", [0, 1, 2]) == ["IDLE", "RUN", "IDLE"]
    assert followed("rule: sequence, values: [3, 1], every: 2 s", [0, 1, 2]) == [3, 3, 1]
    for words, says in (
        ("rule: sequence", "must be a list of words, or of numbers"),
        ("rule: sequence, values: [1, RUN]", "must be all words or all numbers"),
        ("rule: station", "station.line: must be a line file"),
        ("rule: station, line: tube_line, unit: X", "station.unit: must be one of"),
        ("rule: station, line: tube_line, unit: FNS03", "station.signal: must be one of"),
    ):
        with pytest.raises(LineFileError, match=says):
            rules_from_text(f"rules: [{{node: n, {words}}}]")


def test_every_fault_of_the_rules_is_told_with_its_place() -> None:
    text = (
        "rules:\n"
        "- {node: n, rule: waltz}\n"
        "- {rule: sine, low: warm, period: 0 s, colour: red}\n"
        "- 3\n"
        "- {node: n, rule: counter, every: 5}\n"
    )
    with pytest.raises(LineFileError) as refused:
        rules_from_text(text, "r.yaml")
    said = str(refused.value)
    for part in (
        "r.yaml:2:3: rules[0]: rule: must be one of constant, ramp",
        "r.yaml:3:3: rules[1]: node: must be a node id",
        "r.yaml:3:3: rules[1]: sine.low: must be a number, got 'warm'",
        "r.yaml:3:3: rules[1]: period: must be greater than 0",
        "r.yaml:3:3: rules[1]: sine: takes low, high, period, every, got colour",
        "r.yaml:4:3: rules[2]: must be a mapping",
        "r.yaml:5:3: rules[3]: every: ",
    ):
        assert part in said


def test_nodes_for_load_are_read_or_refused() -> None:
    assert load_nodes("slow", "5000@10s") == LoadNodes("slow", 5000, 10 * S)
    for wrong in ("1000", "x@1s", "0@1s", "10@", "10@0ms", "10@1 parsec"):
        with pytest.raises(UsageError, match="--fast: must be"):
            load_nodes("fast", wrong)
