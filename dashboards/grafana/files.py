"""The files that Grafana provisions: boards, data sources, alert rules."""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from dashboards.grafana.alerts import rule_groups
from dashboards.grafana.boards import all_boards
from twin.errors import LinetwinError
from twin.model.line import Line

__all__ = ["COMMITTED", "differences", "files", "write_files"]

COMMITTED = Path(__file__).parent / "provisioned"
"""Those of the packaged lines."""

TOKEN_FILE = "/run/secrets/influx_token"  # noqa: S105 - where it is, not what it is
"""Where Grafana finds the token that reads both databases."""

_HEAD = "# Written by 'twin grafana build'; what is changed here is lost at the next one.\n"


def files(lines: Sequence[Line]) -> dict[str, str]:
    """Make every file.

    Args:
        lines: the lines of the plant.

    Returns:
        The text by the file's path, below whichever directory they are put into.
    """
    boards = {
        f"boards/{name}.json": json.dumps(board, indent=1, ensure_ascii=False) + "\n"
        for name, board in all_boards(lines).items()
    }
    return boards | {
        "provisioning/datasources/linetwin.yaml": _yaml(_sources()),
        "provisioning/dashboards/linetwin.yaml": _yaml(_provider()),
        "provisioning/alerting/linetwin.yaml": _yaml(rule_groups()),
    }


def write_files(lines: Sequence[Line], directory: Path) -> list[str]:
    """Write every file; return the paths of those that were new or have changed.

    Raises:
        LinetwinError: the directory can't be written to.
    """
    changed = differences(lines, directory)
    made = files(lines)
    try:
        for path in changed:
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(made[path], encoding="utf-8")
    except OSError as error:
        raise LinetwinError(f"{directory}: can't be written to: {error.strerror}") from error
    return changed


def differences(lines: Sequence[Line], directory: Path) -> list[str]:
    """The paths of the files that are not there, or not as they would be made."""
    return [path for path, text in files(lines).items() if _read(directory / path) != text]


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _sources() -> dict[str, Any]:
    """Both databases, asked in InfluxQL; the address is Grafana's `INFLUX_URL`."""

    def one(uid: str, database: str) -> dict[str, Any]:
        return {
            "name": uid,
            "uid": uid,
            "type": "influxdb",
            "access": "proxy",
            "url": "$INFLUX_URL",
            "isDefault": uid == "linetwin",
            "editable": False,
            "jsonData": {
                "version": "InfluxQL",
                "dbName": database,
                "httpMode": "POST",
                "httpHeaderName1": "Authorization",
                "timeInterval": "5s" if uid == "linetwin" else "1m",
            },
            "secureJsonData": {"httpHeaderValue1": f"Token $__file{{{TOKEN_FILE}}}"},
        }

    return {
        "apiVersion": 1,
        "datasources": [one("linetwin", "linetwin"), one("linetwin-1m", "linetwin-1m")],
    }


def _provider() -> dict[str, Any]:
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "linetwin",
                "orgId": 1,
                "type": "file",
                "folder": "linetwin",
                "folderUid": "linetwin",
                "disableDeletion": True,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 30,
                "options": {"path": "/etc/linetwin/boards"},
            }
        ],
    }


def _yaml(content: dict[str, Any]) -> str:
    text, yaml = StringIO(), YAML()
    yaml.default_flow_style = False
    yaml.width = 4_096
    yaml.dump(content, text)
    return _HEAD + text.getvalue()
