"""`twin grafana build` and `push` as processes; push against a server that answers as Grafana does.

No Grafana can be installed from where this project takes its packages, so the server here is a
stand-in. It keeps what it is sent and answers by Grafana's published HTTP API: folders, boards,
annotations, who may, and what is provisioned.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from real_servers import free_port
from test_main_job import twin

TOKEN = "of-a-service-account"  # noqa: S105


class Grafana(ThreadingHTTPServer):
    """Boards, folders and annotations of a Grafana, in memory."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.folders: dict[str, str] = {}
        self.boards: dict[str, dict[str, Any]] = {}
        self.annotations: list[dict[str, Any]] = []
        self.provisioned: set[str] = set()
        self.failing = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: Grafana

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self._let_in():
            parts = urlsplit(self.path)
            if parts.path.startswith("/api/folders/"):
                uid = parts.path.rsplit("/", 1)[1]
                found = self.server.folders.get(uid)
                self._say(
                    200 if found else 404, {"uid": uid, "title": found, "message": "not found"}
                )
            elif parts.path == "/api/annotations":
                asked = parse_qs(parts.query)
                first, last = int(asked["from"][0]), int(asked["to"][0])
                found = [
                    item
                    for item in self.server.annotations
                    if first <= item["time"] <= last and set(asked["tags"]) <= set(item["tags"])
                ]
                self._say(200, found[: int(asked["limit"][0])])
            else:
                self._say(404, {"message": "Not found"})

    def do_POST(self) -> None:
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._let_in():
            return
        if self.path == "/api/folders":
            self.server.folders[order["uid"]] = order["title"]
            self._say(200, order)
        elif self.path == "/api/dashboards/db":
            uid = order["dashboard"]["uid"]
            if uid in self.server.provisioned:
                self._say(400, {"message": "Cannot save provisioned dashboard"})
            elif order["folderUid"] not in self.server.folders:
                self._say(400, {"message": "folder not found"})
            elif uid in self.server.boards and not order["overwrite"]:
                self._say(412, {"message": "A dashboard with the same name exists"})
            else:
                self.server.boards[uid] = order["dashboard"]
                self._say(200, {"uid": uid, "status": "success", "version": 1})
        elif self.path == "/api/annotations":
            self.server.annotations.append(order)
            self._say(200, {"id": len(self.server.annotations), "message": "Annotation added"})
        else:
            self._say(404, {"message": "Not found"})

    def _let_in(self) -> bool:
        if self.server.failing:
            self._say(self.server.failing, {"message": "database is locked"})
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._say(401, {"message": "Invalid API key"})
        else:
            return True
        return False

    def _say(self, status: int, answer: object) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with Grafana() as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        yield server
        server.shutdown()
        serving.join()


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


async def done(*args: str | Path) -> tuple[int, str, str]:
    async with twin(*args) as job:
        code = await job.ended(60)
    return code, "\n".join(job.out), "\n".join(job.err)


async def test_build_writes_what_grafana_provisions_and_check_tells_what_differs(tmp_path) -> None:
    out = tmp_path / "grafana"
    code, said, err = await done("grafana", "build", "tube_line", "--out", out)
    assert (code, err) == (0, "")
    assert f"{out}/boards/site.json: written" in said
    board = json.loads((out / "boards" / "station.json").read_text(encoding="utf-8"))
    assert "TUBE1 WND" in json.dumps(board)
    assert "LDES1" not in json.dumps(board)
    code, said, _ = await done("grafana", "build", "tube_line", "--out", out, "--check")
    assert (code, said) == (0, f"{out}: as it would be written")
    (out / "boards" / "site.json").write_text("{}")
    code, said, err = await done("grafana", "build", "tube_line", "--out", out, "--check", "--json")
    assert code == 1
    assert json.loads(said)["changed"] == ["boards/site.json"]
    assert "1 file of" in err
    assert "twin grafana build" in err
    assert (out / "boards" / "site.json").read_text() == "{}", "a check writes nothing"


async def test_push_sends_boards_folder_and_marks_and_again_nothing_new(grafana, token) -> None:
    to = ("grafana", "push", "tube_line", "--grafana", grafana.url, "--grafana-token-file", token)
    code, out, err = await done(*to, "--shifts", "2 d")
    assert code == 0, err
    assert f"{grafana.url}/d/linetwin-site" in out
    assert grafana.folders == {"linetwin": "linetwin"}
    assert len(grafana.boards) == 7
    shifts = [item for item in grafana.annotations if "shift" in item["tags"]]
    assert 11 <= len(shifts) <= 13, "three a day, of four days"
    assert all(item["text"].startswith("TUBE1: shift ") for item in shifts)
    code, out, err = await done(*to, "--shifts", "2 d", "--json")
    assert code == 0, err
    again = json.loads(out)
    assert again["known"] >= 11
    assert len(grafana.annotations) == again["known"] + again["marks"]
    assert again["marks"] <= 1, "a shift may have begun meanwhile"


async def test_a_whatif_run_is_marked_when_it_was_made(grafana, token, tmp_path) -> None:
    result = tmp_path / "result.json"
    code, _, err = await done(
        *("whatif", "five_stations", "--span", "1 h", "--warmup", "0 s", "--replications", "3"),
        *("--out", result),
    )
    assert code == 0, err
    code, _, err = await done(
        *("grafana", "push", "five_stations", "--grafana", grafana.url),
        *("--grafana-token-file", token, "--whatif", result),
    )
    assert code == 0, err
    (mark,) = grafana.annotations
    assert mark["tags"] == ["linetwin", "what-if", "FIVE"]
    assert mark["text"].startswith("FIVE: what-if on ")


async def test_what_grafana_refuses_is_said_with_a_remedy(grafana, token, tmp_path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    to = ("grafana", "push", "tube_line", "--grafana", grafana.url, "--grafana-token-file")
    code, out, err = await done(*to, wrong)
    assert (code, out) == (1, "")
    assert "must be of a service account that may edit boards" in err
    assert "answers 401 (Invalid API key)" in err
    assert "wrong" not in err.replace(str(wrong), "")
    grafana.provisioned = {"linetwin-site"}
    code, _, err = await done(*to, token)
    assert code == 1
    assert "has these boards from files already" in err
    assert "twin grafana build" in err
    grafana.failing = 503
    code, _, err = await done(*to, token)
    assert code == 1
    assert "answers 503 (database is locked)" in err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "--grafana must be given"),
        (("--grafana", "grafana.plant"), "must be an address as http://"),
        (("--grafana", "http://me:secret@h"), "without a password or token"),
        (("--grafana", "http://h:3000"), "a token must be given, in GRAFANA_TOKEN"),
    ],
)
async def test_a_wrong_call_is_said(args, said, monkeypatch) -> None:
    monkeypatch.delenv("GRAFANA_TOKEN", raising=False)
    monkeypatch.delenv("GRAFANA_TOKEN_FILE", raising=False)
    code, out, err = await done("grafana", "push", *args)
    assert (code, out) == (2, "")
    assert said in err
    assert "secret" not in err


async def test_nobody_there_is_said_in_a_line(token) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    code, _, err = await done(
        "grafana", "push", "tube_line", "--grafana", url, "--grafana-token-file", token
    )
    assert code == 1
    assert err.startswith(f"twin: {url}: no whole answer")
    assert len(err.splitlines()) == 1
