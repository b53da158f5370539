"""The live page over http: values, streams, the past, what-if, and who may do what."""

from __future__ import annotations

import contextlib
import html
import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from page_rig import HOUR, PASSWORD, SECOND, T0, Rig, page_rig

from dashboards.live.serve import Address, check_address
from dashboards.live.users import Role, Users, hashed, save_users
from twin.errors import UsageError
from twin.live.readings import ConnectionChanged
from twin.whatif.forecast_scores import Kept

DEADLINE_S = 60.0


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with page_rig(tmp_path) as served:
        yield served


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """For tests that only ask."""
    with page_rig(tmp_path_factory.mktemp("page")) as served:
        yield served


@pytest.fixture(scope="module")
def users() -> Users:
    """One of each role; hashing takes its time on purpose."""
    return {role.name.lower(): hashed(role.name.lower(), role, PASSWORD) for role in Role}


@pytest.fixture
def guarded(tmp_path: Path, users: Users) -> Iterator[Rig]:
    save_users(tmp_path / "users.json", users)
    with page_rig(tmp_path) as served:
        yield served


def events(response: httpx.Response) -> Iterator[tuple[str, str, dict[str, object]]]:
    """The events of a stream: (id, event, data)."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        elif fields.get("event") == "pulse":
            fields = {}
        elif "data" in fields:
            yield fields["id"], fields["event"], json.loads(fields["data"])
            fields = {}


# -- live values ---------------------------------------------------------------------------------


def test_a_stream_gives_everything_and_then_what_changes(rig: Rig) -> None:
    rig.made.say("CUT01", "state_current", 6)
    with rig.client() as client:
        _until(client, lambda now: now["MADE|m/CUT01"] == "E")
    with rig.client() as client, client.stream("GET", "/api/v1/stream") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        told = events(stream)
        _, event, data = next(told)
        assert event == "all"
        assert data["MADE|m/CUT01"] == "E"
        assert data["MADE|m/CUT02"] == "?"
        rig.made.say("CUT02", "state_current", 9, T0 + SECOND)
        rig.made.say("CUT-out", "level", 3, T0 + SECOND)
        seen: dict[str, object] = {}
        for _, event, data in told:
            assert event == "changes"
            seen |= data
            if {"MADE|m/CUT02", "MADE|b/CUT-out"} <= seen.keys():
                break
        assert seen["MADE|m/CUT02"] == "F"
        assert seen["MADE|b/CUT-out"] == 3
        assert "MADE|m/CUT01" not in seen


def test_one_who_comes_back_gets_what_was_missed(rig: Rig) -> None:
    with rig.client() as client:
        with client.stream("GET", "/api/v1/stream") as stream:
            number, _, _ = next(events(stream))
        rig.made.say("CUT01", "state_current", 6)
        headers = {"Last-Event-ID": number}
        with client.stream("GET", "/api/v1/stream", headers=headers) as stream:
            _, event, data = next(events(stream))
        assert event == "changes"
        assert data["MADE|m/CUT01"] == "E"
        assert "MADE|m/CUT02" not in data
        headers = {"Last-Event-ID": "123456789"}
        with client.stream("GET", "/api/v1/stream", headers=headers) as stream:
            assert next(events(stream))[1] == "all"


def test_streams_end_with_the_page_and_nothing_is_written_about_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with contextlib.ExitStack() as stack:
        with page_rig(tmp_path) as rig:
            client = stack.enter_context(rig.client())
            told = stack.enter_context(client.stream("GET", "/api/v1/stream"))
            lines = told.iter_lines()
            while not next(lines).startswith("data: {"):
                pass
            deadline = time.monotonic() + DEADLINE_S
            while not rig.board._waiting:
                assert time.monotonic() < deadline
        # Were it cut off, reading on would raise.
        list(lines)
    assert caplog.text == ""


def test_a_lost_plc_makes_its_stations_unknown(rig: Rig) -> None:
    rig.made.say("CUT01", "state_current", 6)
    with rig.client() as client:
        _until(client, lambda now: now["MADE|m/CUT01"] == "E")
        rig.made.take(ConnectionChanged("PLC-A", False, T0 + 5 * SECOND, "no answer"))
        values = _until(client, lambda now: now["MADE|m/CUT01"] == "?")
    assert values["MADE|p/PLC-A"] == T0 + 5 * SECOND
    assert values["MADE|s/CUT"]["unknown_since_us"] == T0
    assert values["MADE|p/PLC-B"] is None
    assert "PLC-A is lost" in values["MADE|notices"][-1][1]


def _until(client: httpx.Client, holds) -> dict[str, object]:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        values = client.get("/api/v1/now").json()["values"]
        if holds(values):
            return values
        assert time.monotonic() < deadline, values


# -- the past ------------------------------------------------------------------------------------


def test_forecasts_are_shown_beside_what_came(rig: Rig) -> None:
    with rig.client() as client:
        assert client.get("/api/v1/lines/MADE/forecasts").json() == {"scores": None, "last": []}
        made = Kept(
            line="MADE", digest="d", made_at_us=T0, state_us=0, age_us=0, unknown=(),
            horizon="shift", horizon_us=8 * HOUR, made_before=0.0, target=50.0, probability=0.5,
            probability_low=0.4, probability_high=0.6, rate_times_time=40.0,
            values=tuple(float(k) for k in range(1, 20)),
        )  # fmt: skip
        rig.forecasts += [made, replace(made, outcome=10.0), replace(made, outcome=40.0)]
        found = client.get("/api/v1/lines/MADE/forecasts").json()
    assert found["scores"]["count"] == 2
    assert found["scores"]["coverage"][0] == 0.5
    newest, _, oldest = found["last"]
    assert (newest["outcome"], oldest["outcome"]) == (40.0, None)
    assert (newest["low"], newest["middle"], newest["high"]) == (1.0, 10.0, 19.0)


def test_the_past_is_read_from_the_history(rig: Rig) -> None:
    rig.made.say("CUT01", "state_current", 6, T0)
    rig.made.say("CUT01", "state_current", 9, T0 + 60 * SECOND)
    rig.made.say("CUT01", "cycle_time_s", 6.1, T0 + 30 * SECOND)
    rig.made.say("CUT01", "alarm.EQP001", 1, T0 + 60 * SECOND)
    rig.made.say("CUT01", "alarm.EQP001", 0, T0 + 90 * SECOND)
    span = f"from_us={T0}&to_us={T0 + 120 * SECOND}"
    with rig.client() as client:
        then = client.get(f"/api/v1/lines/MADE/at?at_us={T0 + 30 * SECOND}").json()
        assert then["m/CUT01"] == "E"
        at = "/api/v1/lines/MADE/stations/CUT"
        assert client.get(f"{at}/spells?{span}").json()["CUT01"] == [
            [T0, "E"],
            [T0 + 60 * SECOND, "F"],
        ]
        assert client.get(f"{at}/cycle_times?{span}").json()["operations"] == 1
        curve = client.get(f"/api/v1/lines/MADE/curve?unit=CUT01&signal=cycle_time_s&{span}").json()
        assert curve["mean"] == [6.1]
        found = client.get(f"/api/v1/lines/MADE/alarms?{span}").json()
        assert found["spells"] == [["CUT01", "EQP001", T0 + 60 * SECOND, T0 + 90 * SECOND]]
        for_one = client.get(f"/api/v1/lines/MADE/alarms?station=CUT&{span}").json()
        assert for_one == found
        assert client.get(f"/api/v1/lines/MADE/alarms?station=PACK&{span}").json()["spells"] == []


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("lines/NONE/at?at_us=0", 404, "there are: MADE"),
        ("lines/MADE/stations/NONE/spells?from_us=0&to_us=9", 404, "no station"),
        ("lines/MADE/stations/CUT/spells?from_us=9&to_us=9", 422, "must be before"),
        (f"lines/MADE/alarms?from_us=0&to_us={40 * 24 * HOUR}", 422, "at most 31 days"),
        ("lines/MADE/alarms?station=NONE&from_us=0&to_us=9", 404, "no station"),
        ("lines/MADE/at?at_us=never", 422, "integer"),
        ("lines/MADE/curve?unit=..&signal=x&from_us=0&to_us=9", 422, "pattern"),
        ("whatif/none", 404, "no what-if"),
        ("whatif/none/report", 404, "no answer"),
    ],
)
def test_what_is_not_there_is_said(shared: Rig, path: str, status: int, says: str) -> None:
    with shared.client() as client:
        answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == status
    assert says in answer.text


# -- alarms --------------------------------------------------------------------------------------


def test_an_alarm_is_acknowledged_by_name_and_once(guarded: Rig) -> None:
    seen = {"unit": "CUT01", "alarm": "EQP001", "since_us": T0, "comment": "on my way"}
    path = "/api/v1/lines/MADE/alarms/acknowledge"
    with guarded.logged_in("operate") as client:
        assert client.post(path, json=seen).status_code == 200
        again = client.post(path, json=seen | {"comment": "too late"})
        assert again.status_code == 200
        unknown = client.post(path, json=seen | {"alarm": "EQP999"})
        assert unknown.status_code == 404
        found = client.get(f"/api/v1/lines/MADE/alarms?from_us={T0}&to_us={T0 + HOUR}").json()
        assert [row[4:] for row in found["acknowledged"]] == [["operate", "on my way"]]
    with guarded.logged_in("view") as client:
        refused = client.post(path, json=seen)
        assert refused.status_code == 403
        assert "takes the role operate, yours is view" in refused.text
    with guarded.logged_in("admin") as client:
        actions = [(e["who"], e["action"]) for e in client.get("/api/v1/audit").json()]
        assert ("operate", "acknowledge") in actions


# -- what-if -------------------------------------------------------------------------------------


def _answer(client: httpx.Client, answer_id: str) -> dict[str, object]:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        one = client.get(f"/api/v1/whatif/{answer_id}").json()
        if one["state"] in ("done", "failed"):
            return one
        assert time.monotonic() < deadline, one


def test_a_question_gets_its_answer_a_report_and_an_address_that_lasts(tmp_path: Path) -> None:
    question = {
        "line": "MADE",
        "title": "a faster fold",
        "changes": ["stations.FOLD.cycle_time=-20%"],
        "span_h": 8,
        "start": "empty",
        "precision": 0.02,
    }
    with page_rig(tmp_path) as rig, rig.client() as client:
        client.headers["X-CSRF-Token"] = client.get("/api/v1/me").json()["csrf"]
        asked = client.post("/api/v1/whatif", json=question)
        assert asked.status_code == 202, asked.text
        answer_id = asked.json()["id"]
        done = _answer(client, answer_id)
        assert done["state"] == "done", done
        base, variant = done["variants"]
        assert variant["differences"] == ["FOLD cycle time: 3 s -> 2.4 s"]
        assert base["mean"] > 0
        report = client.get(f"/api/v1/whatif/{answer_id}/report")
        assert "a faster fold" in report.text
        assert "attachment" in report.headers["content-disposition"]
        assert "script-src" not in report.headers["content-security-policy"]
    with page_rig(tmp_path) as rig, rig.client() as client:
        again = client.get(f"/api/v1/whatif/{answer_id}").json()
        assert again["variants"] == done["variants"]
        assert client.get("/api/v1/whatif").json()[0]["title"] == "a faster fold"


def test_a_question_from_the_present_state_begins_with_what_is_in_the_line(rig: Rig) -> None:
    for unit in ("CUT01", "CUT02", "FOLD01", "PACK01"):
        rig.made.say(unit, "state_current", 6)
    rig.made.say("FOLD-out", "level", 10)
    question = {"line": "MADE", "span_h": 1 / 60, "precision": 0.05}
    with rig.client() as client:
        client.headers["X-CSRF-Token"] = client.get("/api/v1/me").json()["csrf"]
        _until(client, lambda now: now["MADE|b/FOLD-out"] == 10)
        means = {}
        for start in ("present", "empty"):
            asked = client.post("/api/v1/whatif", json=question | {"start": start})
            assert asked.status_code == 202, asked.text
            done = _answer(client, asked.json()["id"])
            assert done["state"] == "done", done
            means[start] = done["variants"][0]["mean"]
            report = client.get(f"/api/v1/whatif/{done['id']}/report").text
            assert ("the plant's state at 2026-01-05" in html.unescape(report)) == (
                start == "present"
            )
    # Of a minute, an empty line takes 12 s until its first part.
    assert means["present"] > means["empty"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("stations.NONE.machines=3", "must be the id of a station"),
        ("stations.CUT.machines=0", "must be at least 1, got 0"),
        ("nonsense", "PATH=VALUE"),
        ("stations.CUT.machines=2", "must change something"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_every_fault(
    shared: Rig, change: str, says: str
) -> None:
    with shared.client() as client:
        client.headers["X-CSRF-Token"] = client.get("/api/v1/me").json()["csrf"]
        answer = client.post("/api/v1/whatif", json={"line": "MADE", "changes": [change]})
    assert answer.status_code == 422
    assert says in answer.text, answer.text


# -- who may do what -----------------------------------------------------------------------------


def test_without_users_only_this_machine_may_look_and_no_other_name_leads_here(shared: Rig) -> None:
    with shared.client() as client:
        assert client.get("/api/v1/me").json()["role"] == "operate"
        assert client.get("/api/v1/lines").status_code == 200
        elsewhere = client.get("/api/v1/lines", headers={"Host": "evil.example"})
        assert elsewhere.status_code == 421


def test_with_users_nothing_is_shown_before_a_login(guarded: Rig) -> None:
    with guarded.client() as client:
        assert client.get("/").status_code == 200
        assert client.get("/api/v1/me").json()["user"] is None
        for path in ("lines", "now", "stream", "lines/MADE/shift", "whatif", "audit"):
            assert client.get(f"/api/v1/{path}").status_code == 401, path
        wrong = client.post("/api/v1/login", json={"name": "view", "password": "wrong password"})
        nobody = client.post("/api/v1/login", json={"name": "eve", "password": "wrong password"})
        assert wrong.status_code == nobody.status_code == 401
        assert wrong.json() == nobody.json()
    with guarded.logged_in("view") as client:
        assert client.get("/api/v1/lines").status_code == 200
        assert client.get("/api/v1/audit").status_code == 403
        assert client.post("/api/v1/logout").status_code == 200
        assert client.get("/api/v1/lines").status_code == 401


def test_a_password_can_be_tried_five_times_a_minute(guarded: Rig) -> None:
    with guarded.client() as client:
        told = [
            client.post("/api/v1/login", json={"name": "admin", "password": "wrong password"})
            for _ in range(6)
        ]
        assert [answer.status_code for answer in told] == [401] * 5 + [429]
        assert int(told[-1].headers["retry-after"]) > 0
        right = client.post("/api/v1/login", json={"name": "admin", "password": PASSWORD})
        assert right.status_code == 429


def test_a_request_that_changes_something_has_to_come_from_the_page(guarded: Rig) -> None:
    seen = {"unit": "CUT01", "alarm": "EQP001", "since_us": T0, "comment": ""}
    with guarded.logged_in("operate") as client:
        for token in ("", "made up"):
            client.headers["X-CSRF-Token"] = token
            answer = client.post("/api/v1/lines/MADE/alarms/acknowledge", json=seen)
            assert answer.status_code == 403


def test_the_cookie_and_every_answer_are_as_strict_as_they_can_be(guarded: Rig) -> None:
    with guarded.client() as client:
        answer = client.post("/api/v1/login", json={"name": "view", "password": PASSWORD})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        for path in ("/", "/static/main.js", "/api/v1/lines", "/nothing"):
            headers = client.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"


def test_a_user_who_is_removed_is_out_at_once(guarded: Rig) -> None:
    with guarded.logged_in("view") as client:
        assert client.get("/api/v1/lines").status_code == 200
        remove = [sys.executable, "-m", "twin", "users", "remove", "view"]
        done = subprocess.run(
            [*remove, "--data", str(guarded.directory)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert client.get("/api/v1/lines").status_code == 401


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (Address("0.0.0.0"), ["takes https", "takes users"]),  # noqa: S104 - it is refused
        (Address("192.0.2.7", behind_proxy=True), ["takes users"]),
        (
            Address(behind_proxy=True),
            ["--behind-proxy shows the page to others, which takes users"],
        ),
        (Address(certificate=Path("nowhere.pem")), ["go together", "must be a PEM file"]),
    ],
)
def test_others_are_not_let_see_it_unprotected(
    tmp_path: Path, address: Address, says: list[str]
) -> None:
    with pytest.raises(UsageError) as refused:
        check_address(address, tmp_path / "users.json")
    for part in says:
        assert part in str(refused.value)


def test_a_port_that_is_taken_is_said_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(UsageError, match="--page-port names another"),
            page_rig(tmp_path, Address(port=port)),
        ):
            pass


def test_with_a_certificate_it_speaks_https_and_its_cookie_is_secure(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path)
    save_users(tmp_path / "users.json", {"view": hashed("view", Role.VIEW, PASSWORD)})
    address = Address(port=0, certificate=certificate, key=key)
    trust = ssl.create_default_context(cafile=str(certificate))
    with (
        page_rig(tmp_path, address) as rig,
        httpx.Client(base_url=rig.url.replace("127.0.0.1", "localhost"), verify=trust) as client,
    ):
        answer = client.post("/api/v1/login", json={"name": "view", "password": PASSWORD})
        assert answer.status_code == 200
        assert "secure" in answer.headers["set-cookie"].lower()
        assert "max-age" in answer.headers["strict-transport-security"]


def _certificate(directory: Path) -> tuple[Path, Path]:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = directory / "page.pem", directory / "page.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_file, key_file


def test_a_body_that_is_too_long_is_refused(shared: Rig) -> None:
    with shared.client() as client:
        assert client.post("/api/v1/login", content=b"x" * 100_000).status_code == 413


def test_a_store_that_is_away_is_said_and_comes_back(rig: Rig) -> None:
    from twin.errors import NotConnected

    def away(*_: object) -> None:
        raise NotConnected("the database is away")

    store = rig.made.store
    last = store.last
    store.last = away  # type: ignore[method-assign]
    with rig.client() as client:
        answer = client.get(f"/api/v1/lines/MADE/at?at_us={T0}")
        assert answer.status_code == 503
        assert "database is away" in answer.text
        store.last = last  # type: ignore[method-assign]
        assert client.get(f"/api/v1/lines/MADE/at?at_us={T0}").status_code == 200
