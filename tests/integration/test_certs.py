"""`twin certs`: keys are made, shown, renewed and never overwritten; users are added."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from opcua_line import serve
from typer.testing import CliRunner

from opcua.clock import ManualClock
from opcua.connect import AccessRefused, close, connect
from opcua.faults.certificates import expired
from opcua.security import client_security, make_pki, server_security
from twin.cli.app import app
from twin.errors import UsageError


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


def certs(*words: str, cwd: Path) -> Ran:
    given = words if "--data" in words else (*words, "--data", str(cwd / "linetwin-data"))
    ran = CliRunner().invoke(app, ["certs", *given])
    if isinstance(ran.exception, UsageError):
        return Ran(2, ran.stdout, str(ran.exception))
    return Ran(ran.exit_code, ran.stdout, ran.stderr)


def test_made_once_shown_and_never_overwritten(tmp_path) -> None:
    made = certs("make", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    pki = tmp_path / "linetwin-data" / "pki"
    before = {path: path.read_bytes() for path in pki.rglob("*") if path.is_file()}
    again = certs("make", cwd=tmp_path)
    assert again.returncode == 2
    assert "holds keys already; nothing was changed" in again.stderr
    assert {path: path.read_bytes() for path in pki.rglob("*") if path.is_file()} == before
    shown = json.loads(certs("show", "--json", cwd=tmp_path).stdout)
    assert [one["file"] for one in shown["certificates"]] == [
        "client.cert.der", "server.cert.der", "trusted_clients/twin.der",
    ]  # fmt: skip
    assert all(3640 < one["days_left"] <= 3650 for one in shown["certificates"])
    assert shown["certificates"][1]["uri"] == "urn:linetwin:plc"
    assert all(one["key_bits"] == 2048 for one in shown["certificates"])


def test_what_is_no_directory_of_keys_is_said(tmp_path) -> None:
    assert certs("show", cwd=tmp_path).returncode == 2
    assert "twin certs make" in certs("show", cwd=tmp_path).stderr
    make_pki(tmp_path / "linetwin-data" / "pki")
    stray = tmp_path / "linetwin-data" / "pki" / "trusted_clients" / "stray.der"
    stray.write_bytes(b"none")
    refused = certs("show", cwd=tmp_path)
    assert refused.returncode == 2
    assert "stray.der: must be a certificate (DER)" in refused.stderr
    stray.unlink()
    for words, why in (
        (("renew", "both"), "must be server or client, got 'both'"),
        (("user", "eve", "--role", "king"), "must be one of observe, operate, engineer"),
        (("user", "a/b"), "must be 1 to 64 letters"),
        (("user", "eve", "--certificate", "none.der"), "must be a certificate (DER)"),
    ):
        refused = certs(*words, cwd=tmp_path)
        assert refused.returncode == 2
        assert why in refused.stderr


def test_what_has_ended_is_shown_and_fails(tmp_path) -> None:
    pki = tmp_path / "linetwin-data" / "pki"
    old = expired(server_security(pki))
    (pki / "server.cert.der").write_bytes(old.certificate)
    shown = certs("show", cwd=tmp_path)
    assert shown.returncode == 1
    assert "ENDED" in shown.stdout


@pytest.mark.parametrize("side", ["server", "client"])
async def test_a_renewed_certificate_works_and_the_old_one_does_not(tmp_path, side) -> None:
    data, pki = tmp_path / "linetwin-data", tmp_path / "linetwin-data" / "pki"
    make_pki(pki)
    old = client_security(pki)
    renewed = certs("renew", side, "--data", str(data), cwd=tmp_path)
    assert renewed.returncode == 0, renewed.stderr
    new = client_security(pki)
    assert (new.certificate != old.certificate) == (side == "client")
    assert (new.server_certificate != old.server_certificate) == (side == "server")
    (kept,) = pki.glob(f"{side}.key.pem.2*")
    assert kept.stat().st_mode & 0o077 == 0
    async with serve(pki, ManualClock(), plcs=("PLC1",)) as served:
        url = served.endpoints["PLC1"]
        await close(await connect(url, new), polite=True)
        if side == "client":
            with pytest.raises(AccessRefused, match="not trusted"):
                await connect(url, old)


async def test_an_added_user_logs_on_at_once(tmp_path) -> None:
    data, pki = tmp_path / "linetwin-data", tmp_path / "linetwin-data" / "pki"
    async with serve(pki, ManualClock(), plcs=("PLC1",)) as served:
        added = certs("user", "oscar", "--role", "operate", "--data", str(data), cwd=tmp_path)
        assert added.returncode == 0, added.stderr
        oscar = replace(client_security(pki), user="oscar", password=added.stdout.strip())
        await close(await connect(served.endpoints["PLC1"], oscar), polite=True)
    twice = certs("user", "oscar", "--data", str(data), cwd=tmp_path)
    assert twice.returncode == 2
    shown = json.loads(certs("show", "--json", "--data", str(data), cwd=tmp_path).stdout)
    assert shown["users"] == [{"name": "oscar", "role": "operate"}]
    assert added.stdout.strip() not in json.dumps(shown)
    assert datetime.fromisoformat(shown["certificates"][0]["until"]) > datetime.now(UTC)
