"""Every query of every panel, variable and alert rule, asked of a real InfluxDB after a run."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from real_servers import Influxd

from dashboards.grafana.alerts import RULES
from dashboards.grafana.boards import all_boards
from lines.loader import load, plants
from twin.historian.influx import InfluxDoor
from twin.historian.influx_setup import set_up

BOARDS = all_boards([load(name) for name in plants()])
DATABASE = "grafana-boards"
WATCHED_FOR = "45 s"
SPEED = 60
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Written:
    """What a run of the twin has left in a database, and when that was."""

    door: InfluxDoor
    from_ms: int
    to_ms: int

    def rows(self, query: str, *, rolled: bool = False) -> list[dict[str, Any]]:
        """Ask as Grafana does, with its macros and variables put in."""
        address = self.door.address
        database = address.rollup_database if rolled else address.database
        text = query.replace("$timeFilter", f"time >= {self.from_ms}ms AND time <= {self.to_ms}ms")
        text = text.replace("$__interval", "1m" if rolled else "10s")
        text = re.sub(r"/\^\$\w+\$/", "/^(.*)$/", text)
        assert "$" not in text.replace("$/", ""), text
        (answer,) = self.door.ask([text], database)
        return answer


@pytest.fixture(scope="module")
def written(influxd: Influxd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    """Both plants, run and watched for three quarters of a minute at sixty times life's speed."""
    address = influxd.address(DATABASE)
    with closing(InfluxDoor(address)) as door:
        set_up(door)
        data = tmp_path_factory.mktemp("data")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "twin", "run", "--plain", f"--speed={SPEED}"),
                *("--for", WATCHED_FOR, "--ports-from", "0", f"--data={data}"),
                *("--influx", influxd.url, "--influx-database", DATABASE),
            ],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        (answer,) = door.ask(['SELECT first("level") FROM "buffer"'], DATABASE)
        began_ms = answer[0]["values"][0][0] // 1000
        (answer,) = door.ask(['SELECT first("spool_points") FROM "twin"'], DATABASE)
        began_ms = min(began_ms, answer[0]["values"][0][0] // 1000) - 60_000
        yield Written(door, began_ms, began_ms + 2 * HOUR_MS)


def known(answer: list[dict[str, Any]]) -> int:
    """How many rows have a value beside their time."""
    return sum(
        any(value is not None for value in row[1:]) for series in answer for row in series["values"]
    )


def questions() -> Iterator[tuple[str, str, str, bool]]:
    for name, board in BOARDS.items():
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                rolled = target["datasource"]["uid"] == "linetwin-1m"
                yield name, panel["title"], target["query"], rolled


ALL = list(questions())


def test_there_are_boards_to_ask_about() -> None:
    assert {name for name, *_ in ALL} == set(BOARDS)
    assert len(ALL) > 80


@pytest.mark.parametrize("name", BOARDS)
def test_every_query_of_a_board_returns_rows(name: str, written: Written) -> None:
    silent = [
        f"{title}: {query}"
        for board, title, query, rolled in ALL
        if board == name and not known(written.rows(query, rolled=rolled))
    ]
    assert silent == []


@pytest.mark.parametrize("name", BOARDS)
def test_every_variable_has_values(name: str, written: Written) -> None:
    for variable in BOARDS[name]["templating"]["list"]:
        answer = written.rows(variable["query"])
        values = {row[1] for series in answer for row in series["values"]}
        assert len(values) > 1, variable["query"]
    if name == "line":
        (lines,) = [v for v in BOARDS[name]["templating"]["list"] if v["name"] == "line"]
        answer = written.rows(lines["query"])
        assert {row[1] for series in answer for row in series["values"]} == {"LDES1", "TUBE1"}


@pytest.mark.parametrize("rule", RULES, ids=[rule.uid for rule in RULES])
def test_every_alert_rule_has_a_value_for_each_of_its_alerts(rule, written: Written) -> None:
    answer = written.rows(rule.query)
    assert answer
    for series in answer:
        labels = set(re.findall(r"\$labels\.(\w+)", rule.summary))
        assert labels <= set(series["tags"])
        assert all(series["tags"][label] for label in labels)
        assert known([series])


def test_a_query_of_a_name_that_nobody_writes_returns_none(written: Written) -> None:
    query = next(query for _, _, query, _ in ALL).replace('("output_share")', '("output_shared")')
    assert known(written.rows(query)) == 0


def test_what_the_boards_show_is_what_the_plants_did(written: Written) -> None:
    """Sums over the boards' counters are those of the plant's own, within a step of the clock."""
    query = next(
        q for name, title, q, _ in ALL if name == "quality" and title.startswith("Defects found")
    )
    found = sum(series["values"][0][1] for series in written.rows(query))
    asked = 'SELECT spread("defective") FROM "machine" WHERE "station" = \'AVI\' GROUP BY "machine"'
    rejected = sum(series["values"][0][1] for series in written.rows(asked))
    asked = 'SELECT spread("value") FROM "defect" WHERE "defect" = \'FalseRejects\' GROUP BY *'
    wrong = sum(series["values"][0][1] for series in written.rows(asked))
    assert found + wrong == pytest.approx(rejected, rel=0.2)
