"""The boards: known to Grafana's published models, with links that lead somewhere, and current."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.alerting import RuleGroup
from grafana_foundation_sdk.models.dashboard import Dashboard
from ruamel.yaml import YAML

from dashboards.grafana.alerts import RULES
from dashboards.grafana.boards import all_boards
from dashboards.grafana.files import COMMITTED, differences, files
from lines.loader import load, plants
from twin.measurements import fields
from twin.signals import Family, variable_signals

register_default_plugins()

LINES = [load(name) for name in plants()]
BOARDS = all_boards(LINES)
CORE = {
    *("timeseries", "stat", "table", "state-timeline", "bargauge", "barchart", "piechart"),
    *("histogram", "text", "alertlist", "row"),
}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def lost(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """What was given and has not come back, or came back otherwise."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key not in theirs:
                if value not in ("", [], {}, None, False):
                    yield f"{path}.{key}"
            else:
                yield from lost(value, theirs[key], f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield path
        for place, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            yield from lost(one, other, f"{path}[{place}]")
    elif ours != theirs:
        yield path


def test_the_committed_files_are_current() -> None:
    assert differences(LINES, COMMITTED) == [], "write them anew with: twin grafana build"
    there = {str(p.relative_to(COMMITTED)) for p in COMMITTED.rglob("*") if p.is_file()}
    assert there == set(files(LINES))


@pytest.mark.parametrize("name", BOARDS)
def test_grafanas_published_models_know_all_of_a_board(name: str) -> None:
    board = json.loads(json.dumps(BOARDS[name]))
    read = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
    assert list(lost(board, read)) == []


def test_the_models_would_tell_what_they_do_not_know() -> None:
    board = json.loads(json.dumps(BOARDS["site"]))
    board["panels"][1]["fieldConfig"]["defaults"]["colour"] = "mauve"
    board["panels"][1]["options"]["graphModus"] = "area"
    board["refreshing"] = "1s"
    read = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
    assert list(lost(board, read)) == [
        ".panels[1].fieldConfig.defaults.colour",
        ".panels[1].options.graphModus",
        ".refreshing",
    ]


def test_grafanas_published_models_know_all_of_the_alert_rules() -> None:
    provisioned = YAML(typ="safe").load(files(LINES)["provisioning/alerting/linetwin.yaml"])
    (group,) = provisioned["groups"]
    for rule in group["rules"]:
        known = {"uid", "title", "condition", "data", "noDataState", "execErrState", "for"}
        assert set(rule) == known | {"annotations", "labels", "isPaused"}
    ours = {
        "title": group["name"],
        "folderUid": "linetwin",
        "interval": 30,
        "rules": group["rules"],
    }
    read = json.loads(json.dumps(RuleGroup.from_json(ours), cls=JSONEncoder))
    assert list(lost(ours, read)) == []


@pytest.mark.parametrize("name", BOARDS)
def test_panels_are_core_ones_each_in_a_place_of_its_own(name: str) -> None:
    board = BOARDS[name]
    assert {panel["type"] for panel in board["panels"]} <= CORE
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("name", BOARDS)
def test_queries_use_variables_of_their_board_and_names_that_they_group_by(name: str) -> None:
    board = BOARDS[name]
    known = {variable["name"] for variable in board["templating"]["list"]}
    asked = [target for panel in panels(board) for target in panel.get("targets", ())]
    assert asked
    for target in asked:
        used = set(re.findall(r"/\^\$(\w+)\$/", target["query"]))
        assert used <= known, target["query"]
        assert "$timeFilter" in target["query"]
        _, _, groups = target["query"].rpartition(" GROUP BY ")
        for tag in re.findall(r"\$tag_(\w+)", target.get("alias", "")):
            assert f'"{tag}"' in groups, target
    for variable in board["templating"]["list"]:
        assert set(re.findall(r"/\^\$(\w+)\$/", variable["query"])) <= known


def test_links_lead_to_boards_that_have_their_variables() -> None:
    by_uid = {board["uid"]: board for board in BOARDS.values()}
    led: set[str] = set()
    for board in BOARDS.values():
        assert board["links"][0]["tags"] == board["tags"], "each board lists the others"
        for panel in panels(board):
            for link in panel["fieldConfig"]["defaults"].get("links", ()):
                uid = link["url"].split("/")[2].split("?")[0]
                there = {variable["name"] for variable in by_uid[uid]["templating"]["list"]}
                given = re.findall(r"var-(\w+)=", link["url"])
                assert set(given) <= there, link
                led.add(uid)
                for label in re.findall(r"__field\.labels\.(\w+)", link["url"]):
                    for target in panel["targets"]:
                        _, _, groups = target["query"].rpartition(" GROUP BY ")
                        assert f'"{label}"' in groups, (panel["title"], label)
    assert {"linetwin-line", "linetwin-station", "linetwin-quality", "linetwin-energy"} <= led


def test_units_and_limits_are_those_of_the_table_and_the_lines() -> None:
    (panel,) = [p for p in panels(BOARDS["station"]) if p["title"] == "$variable"]
    signals = {
        (line.id, station.id, signal.member): signal
        for line in LINES
        for station in line.stations
        for signal in variable_signals(station)
    }
    assert len(panel["fieldConfig"]["overrides"]) == len(signals) > 50
    for override in panel["fieldConfig"]["overrides"]:
        series = re.compile(override["matcher"]["options"].strip("/"))
        (key,) = [k for k in signals if series.match(" ".join((*k, "X01")))]
        said = {item["id"]: item["value"] for item in override["properties"]}
        limits = [step["value"] for step in said.get("thresholds", {}).get("steps", ())]
        signal = signals[key]
        given = [limit for limit in (signal.alarm_low, signal.alarm_high) if limit is not None]
        assert limits[1:] == given
    silent = next(s for s in fields(Family.PLC) if s.name == "silent_s")
    (chart,) = [p for p in panels(BOARDS["twin"]) if "heard" in p["title"]]
    assert chart["fieldConfig"]["defaults"]["unit"] == "s"
    assert chart["fieldConfig"]["defaults"]["thresholds"]["steps"][-1]["value"] == silent.alarm_high


def test_an_alert_rule_leads_to_a_panel_that_is_there() -> None:
    for rule in RULES:
        assert rule.board in BOARDS
        assert any(panel["id"] == 2 for panel in panels(BOARDS[rule.board]))
        for label in re.findall(r"\$labels\.(\w+)", rule.summary):
            assert f'"{label}"' in rule.query


def test_no_secret_is_in_a_file() -> None:
    sources = YAML(typ="safe").load(files(LINES)["provisioning/datasources/linetwin.yaml"])
    for source in sources["datasources"]:
        assert source["secureJsonData"] == {
            "httpHeaderValue1": "Token $__file{/run/secrets/influx_token}"
        }
        assert source["url"] == "$INFLUX_URL"
