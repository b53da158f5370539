"""Panels, rows, variables and boards as Grafana's own JSON; core panels only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from dashboards.grafana.queries import Question, source, targets
from dashboards.grafana.shown import BLUE, PURPLE, defaults
from twin.signals import Signal

__all__ = [
    "Panel",
    "Row",
    "alert_list",
    "bars",
    "board",
    "board_link",
    "chart",
    "gauge_bars",
    "histogram",
    "pie",
    "rows_of",
    "stat",
    "table",
    "text",
    "timeline",
    "variable",
]

TAG: Final = "linetwin"
COLUMNS: Final = 24
SCHEMA: Final = 41
GRAFANA: Final = {"type": "grafana", "uid": "-- Grafana --"}
_LEGEND: Final = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
_LAST: Final = {"values": False, "calcs": ["lastNotNull"], "fields": ""}
_TOOLTIP: Final = {"mode": "multi", "sort": "desc"}


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel that has no place yet.

    Args:
        kind: Grafana's id of it.
        title: above it.
        questions: what it asks.
        width, height: in Grafana's grid, of 24 columns.
        shown: what holds for all its fields.
        custom: what is its kind's own of that.
        options: its kind's own.
        overrides: what holds for some fields.
        links: from its values to other boards.
        transformations: what is done to the answers first.
        repeat: a variable, for each of whose values there is one.
        text: what it means, behind its title.
    """

    kind: str
    title: str
    questions: tuple[Question, ...]
    width: int
    height: int
    shown: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    overrides: tuple[dict[str, Any], ...] = ()
    links: tuple[dict[str, Any], ...] = ()
    transformations: tuple[dict[str, Any], ...] = ()
    repeat: str = ""
    text: str = ""

    def json(self, number: int, x: int, y: int) -> dict[str, Any]:
        """Write it as Grafana does.

        Args:
            number: of its board's panels.
            x, y: where it is.
        """
        shown = dict(self.shown)
        if self.custom:
            shown["custom"] = self.custom
        if self.links:
            shown["links"] = list(self.links)
        panel: dict[str, Any] = {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": shown, "overrides": list(self.overrides)},
            "options": self.options,
        }
        if self.questions:
            panel["datasource"] = source(self.questions[0])
            panel["targets"] = list(targets(self.questions))
        if self.transformations:
            panel["transformations"] = list(self.transformations)
        if self.repeat:
            panel |= {"repeat": self.repeat, "repeatDirection": "h", "maxPerRow": 2}
        if self.text:
            panel["description"] = self.text
        return panel


@dataclass(frozen=True, slots=True)
class Row:
    """Panels below one heading."""

    title: str
    panels: tuple[Panel, ...]


def _of(kind: str, signal: Signal, title: str, questions: Sequence[Question], **more: Any) -> Panel:
    text = "" if signal.member == "any" else signal.text.en
    made = Panel(kind, title, tuple(questions), 12, 8, defaults(signal), text=text)
    return replace(made, **more)


def chart(title: str, signal: Signal, *questions: Question, **more: Any) -> Panel:
    """Lines over time; limits are drawn where the signal has any."""
    limited = signal.alarm_low is not None or signal.alarm_high is not None
    custom = {"lineWidth": 1, "fillOpacity": 5, "spanNulls": True, "showPoints": "never"}
    if limited:
        custom["thresholdsStyle"] = {"mode": "dashed"}
    options = {"legend": _LEGEND, "tooltip": _TOOLTIP}
    more = {"custom": custom, "options": options} | more
    return _of("timeseries", signal, title, questions, **more)


def stat(title: str, signal: Signal, *questions: Question, **more: Any) -> Panel:
    """Big numbers, the last ones."""
    options = {
        "reduceOptions": _LAST,
        "colorMode": "value"
        if signal.alarm_low is None and signal.alarm_high is None
        else "background",
        "graphMode": "area",
        "textMode": "value_and_name",
        "justifyMode": "auto",
        "orientation": "auto",
    }
    return _of(
        "stat", signal, title, questions, **({"width": 6, "height": 5, "options": options} | more)
    )


def timeline(title: str, signal: Signal, *questions: Question, **more: Any) -> Panel:
    """States over time, a line each."""
    options = {
        "legend": _LEGEND,
        "tooltip": {"mode": "single", "sort": "none"},
        "mergeValues": True,
        "showValue": "never",
        "rowHeight": 0.85,
        "alignValue": "left",
    }
    custom = {"lineWidth": 0, "fillOpacity": 85}
    more = {"width": COLUMNS, "custom": custom, "options": options} | more
    return _of("state-timeline", signal, title, questions, **more)


def gauge_bars(title: str, signal: Signal, *questions: Question, **more: Any) -> Panel:
    """A bar for each series, of its last value."""
    options = {
        "reduceOptions": _LAST,
        "displayMode": "basic",
        "orientation": "horizontal",
        "showUnfilled": True,
        "valueMode": "color",
        "namePlacement": "left",
        "sizing": "auto",
        "minVizHeight": 10,
        "minVizWidth": 0,
        "maxVizHeight": 300,
    }
    return _of("bargauge", signal, title, questions, **({"options": options} | more))


def bars(
    title: str, signal: Signal, *questions: Question, stacked: bool = False, **more: Any
) -> Panel:
    """Bars of one value for each series, the highest first: a Pareto."""
    options = {
        "orientation": "horizontal",
        "xTickLabelRotation": 0,
        "xTickLabelSpacing": 0,
        "showValue": "auto",
        "stacking": "normal" if stacked else "none",
        "groupWidth": 0.7,
        "barWidth": 0.9,
        "barRadius": 0,
        "fullHighlight": False,
        "legend": _LEGEND,
        "tooltip": {"mode": "single", "sort": "none"},
        "xField": "Field",
    }
    reduced = (
        {"id": "reduce", "options": {"reducers": ["lastNotNull"]}},
        {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": "Last *", "desc": True}]}},
    )
    custom = {"lineWidth": 1, "fillOpacity": 80}
    more = {"options": options, "transformations": reduced, "custom": custom} | more
    return _of("barchart", signal, title, questions, **more)


def pie(title: str, signal: Signal, *questions: Question, **more: Any) -> Panel:
    """Shares of a whole."""
    options = {
        "reduceOptions": _LAST,
        "pieType": "donut",
        "displayLabels": ["percent"],
        "legend": {**_LEGEND, "placement": "right", "values": ["value", "percent"]},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return _of("piechart", signal, title, questions, **({"options": options} | more))


def histogram(title: str, signal: Signal, *questions: Question, **more: Any) -> Panel:
    """How often which value comes."""
    options = {"combine": False, "legend": _LEGEND, "tooltip": {"mode": "single", "sort": "none"}}
    custom = {"lineWidth": 1, "fillOpacity": 60}
    more = {"custom": custom, "options": options} | more
    return _of("histogram", signal, title, questions, **more)


def table(
    title: str, columns: Sequence[tuple[str, Signal]], question: Question, **more: Any
) -> Panel:
    """Rows of the last values, a column for each signal.

    Args:
        title: above it.
        columns: for each column of the answer its name there and its signal.
        question: asked as a table.
        more: of the panel.
    """
    overrides = tuple(
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [
                {"id": "unit", "value": defaults(signal)["unit"]},
                {"id": "displayName", "value": signal.name},
                {"id": "thresholds", "value": defaults(signal)["thresholds"]},
            ],
        }
        for name, signal in columns
    )
    hidden = {
        "id": "organize",
        "options": {"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": {}},
    }
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": [], "countRows": False},
    }
    made = Panel(
        "table",
        title,
        (replace(question, table=True),),
        COLUMNS,
        8,
        options=options,
        overrides=overrides,
        transformations=(hidden,),
    )
    return replace(made, **more)


def text(title: str, markdown: str, height: int = 6) -> Panel:
    """A text."""
    options = {
        "mode": "markdown",
        "content": markdown,
        "code": {"language": "plaintext", "showLineNumbers": False, "showMiniMap": False},
    }
    return Panel("text", title, (), COLUMNS, height, options=options)


def alert_list(title: str, **more: Any) -> Panel:
    """The alert rules that fire now."""
    options = {
        "viewMode": "list",
        "groupMode": "default",
        "groupBy": [],
        "maxItems": 20,
        "sortOrder": 1,
        "dashboardAlerts": False,
        "alertName": "",
        "alertInstanceLabelFilter": "",
        "folder": {"uid": TAG, "title": TAG},
        "stateFilter": {
            "firing": True,
            "pending": True,
            "noData": True,
            "normal": False,
            "error": True,
        },
    }
    return replace(Panel("alertlist", title, (), 12, 8, options=options), **more)


def variable(name: str, query: str, *, several: bool, label: str = "") -> dict[str, Any]:
    """A variable whose values the database knows."""
    made: dict[str, Any] = {
        "type": "query",
        "name": name,
        "label": label or name.title(),
        "datasource": {"type": "influxdb", "uid": "linetwin"},
        "query": query,
        "refresh": 2,
        "sort": 1,
        "multi": several,
        "includeAll": several,
        "current": {"text": ["All"], "value": ["$__all"], "selected": True} if several else {},
        "hide": 0,
        "regex": "",
        "skipUrlSync": False,
        "options": [],
    }
    return made


def board_link(name: str, title: str, *labels: str) -> dict[str, Any]:
    """A link from a value to another board, which then shows the value's own line and station."""
    given = "".join(f"&var-{label}=${{__field.labels.{label}}}" for label in labels)
    return {"title": title, "url": f"/d/linetwin-{name}?${{__url_time_range}}{given}"}


def rows_of(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Lay rows out from the top to the bottom, the panels of each from left to right."""
    found: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        heading = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
        found.append(
            {
                "id": len(found) + 1,
                "type": "row",
                "title": row.title,
                "gridPos": heading,
                "collapsed": False,
                "panels": [],
            }
        )
        y += 1
        x = high = 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y, high = 0, y + high, 0
            found.append(panel.json(len(found) + 1, x, y))
            x, high = x + panel.width, max(high, panel.height)
        y += high
    return found


def board(
    name: str,
    title: str,
    variables: Sequence[dict[str, Any]],
    rows: Sequence[Row],
    *,
    since: str = "now-1h",
) -> dict[str, Any]:
    """Put a board together.

    Args:
        name: its uid is `linetwin-NAME`.
        title: in the list of boards.
        variables: what one chooses at its top.
        rows: its panels.
        since: the time that it shows at first.
    """
    others = {
        "type": "dashboards",
        "title": "linetwin",
        "tags": [TAG],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    }
    return {
        "uid": f"linetwin-{name}",
        "title": title,
        "tags": [TAG],
        "schemaVersion": SCHEMA,
        "timezone": "browser",
        "editable": False,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": since, "to": "now"},
        "links": [others],
        "annotations": {
            "list": [_marks("Shifts", "shift", BLUE), _marks("What-if runs", "what-if", PURPLE)]
        },
        "templating": {"list": list(variables)},
        "panels": rows_of(rows),
    }


def _marks(name: str, tag: str, colour: str) -> dict[str, Any]:
    """Marks that `twin grafana push` has sent."""
    return {
        "name": name,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "datasource": GRAFANA,
        "target": {"type": "tags", "tags": [TAG, tag], "matchAny": False, "limit": 200},
    }
