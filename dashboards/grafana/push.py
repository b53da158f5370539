"""Boards, their folder and marks, sent to a Grafana that runs. The only home of grafana-api.

A data source and alert rules are not sent: grafana-api knows no alert rules, and a source has a
secret. Grafana provisions both from the files that `twin grafana build` makes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from grafana_api.grafana_api import GrafanaClientError, GrafanaException, GrafanaServerError
from grafana_api.grafana_face import GrafanaFace
from requests.exceptions import RequestException

from dashboards.grafana.annotations import Mark
from dashboards.grafana.panels import TAG
from twin.errors import LinetwinError, NotConnected

__all__ = ["GrafanaAddress", "Pushed", "push"]

_MOST = 5_000


@dataclass(frozen=True, slots=True)
class GrafanaAddress:
    """Where a Grafana is, and what opens it.

    Args:
        url: `http://host:3000`, with a path if it is served below one.
        token: of a service account with the role Editor, or `user:password`.
        timeout_s: how long a request may take.
    """

    url: str
    token: str = field(repr=False)
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was sent: boards by uid, marks that were new, marks that were there."""

    boards: tuple[str, ...]
    marks: int
    known_marks: int


def push(
    address: GrafanaAddress, boards: Mapping[str, dict[str, Any]], marks: Iterable[Mark]
) -> Pushed:
    """Send boards into their folder, and marks; what is there already is not doubled.

    Args:
        address: where to.
        boards: by name.
        marks: annotations.

    Raises:
        NotConnected: nobody answers, or with an error of its own.
        LinetwinError: the token is refused, or a board is.
    """
    parts = urlsplit(address.url)
    user, colon, password = address.token.partition(":")
    grafana = GrafanaFace(
        (user, password) if colon else address.token,
        host=parts.hostname or "",
        port=parts.port,
        url_path_prefix=f"{parts.path.strip('/')}/" if parts.path.strip("/") else "",
        protocol=parts.scheme,
        timeout=address.timeout_s,
    )
    try:
        _folder(grafana)
        sent = tuple(_board(grafana, board) for board in boards.values())
        new, known = _marks(grafana, tuple(marks))
    except GrafanaServerError as error:
        raise NotConnected(f"{address.url}: {_said(error)}") from None
    except GrafanaException as error:
        raise LinetwinError(_explained(address, error)) from None
    except RequestException as error:
        raise NotConnected(f"{address.url}: no whole answer ({error})") from None
    return Pushed(sent, new, known)


def _folder(grafana: GrafanaFace) -> None:
    try:
        grafana.folder.get_folder(TAG)
    except GrafanaClientError as error:
        if error.status_code != 404:
            raise
        grafana.folder.create_folder(TAG, uid=TAG)


def _board(grafana: GrafanaFace, board: dict[str, Any]) -> str:
    order = {
        "dashboard": board,
        "folderUid": TAG,
        "overwrite": True,
        "message": "twin grafana push",
    }
    answer = grafana.dashboard.update_dashboard(order)
    return str(answer["uid"])


def _marks(grafana: GrafanaFace, marks: tuple[Mark, ...]) -> tuple[int, int]:
    if not marks:
        return 0, 0
    first, last = min(mark.at_ms for mark in marks), max(mark.at_ms for mark in marks)
    found = grafana.annotations.get_annotation(
        time_from=first, time_to=last + 1, tags=[TAG], limit=_MOST
    )
    there = {(item["time"], item["text"]) for item in found}
    new = [mark for mark in marks if (mark.at_ms, mark.text) not in there]
    for mark in new:
        grafana.annotations.add_annotation(
            time_from=mark.at_ms, tags=list(mark.tags), text=mark.text
        )
    return len(new), len(marks) - len(new)


def _said(error: GrafanaException) -> str:
    answer = error.response
    said = answer.get("message", answer) if isinstance(answer, dict) else answer
    return f"answers {error.status_code} ({' '.join(str(said).split())[:300]})"


def _explained(address: GrafanaAddress, error: GrafanaException) -> str:
    if error.status_code in {401, 403}:
        return (
            f"{address.url}: the token must be of a service account that may edit boards, Grafana "
            f"{_said(error)}; put the right one in GRAFANA_TOKEN, or in a file that "
            "--grafana-token-file names"
        )
    if "provisioned" in _said(error):
        return (
            f"{address.url}: has these boards from files already, Grafana {_said(error)}; renew "
            "the files with: twin grafana build"
        )
    return f"{address.url}: {_said(error)}"
