"""`twin influx setup`, `twin run --influx` and `twin history --influx` as processes."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from real_servers import Influxd, free_port
from test_main_job import MINI, Job, twin

from twin.historian.influx_store import InfluxHistorian
from twin.historian.port import Query
from twin.historian.refused_lines import RefusedLine
from twin.historian.spool import Spool

LINE = "MINI"


@pytest.fixture
def mini(tmp_path: Path) -> Path:
    path = tmp_path / "mini.yaml"
    path.write_text(MINI, encoding="utf-8")
    return path


async def done(*args: str | Path) -> tuple[int, str, str]:
    async with twin(*args) as job:
        code = await job.ended(60)
    return code, "\n".join(job.out), "\n".join(job.err)


def options(server: Influxd, database: str) -> tuple[str, ...]:
    return "--influx", server.url, "--influx-database", database


def stored(server: Influxd, database: str) -> set[tuple[object, ...]]:
    """What an InfluxDB has of the plant; what the twin says of itself is not in it."""
    with closing(InfluxHistorian(server.address(database))) as store:
        found = store.read(Query(line=LINE))
    return {
        (found.series[index], at_us)
        for index, at_us in zip(found.series_index.tolist(), found.at_us.tolist(), strict=True)
        if found.series[index].unit
    }


async def test_setup_is_said_and_may_be_given_again(influxd) -> None:
    database = f"cli-{uuid4().hex}"
    code, out, err = await done("influx", "setup", *options(influxd, database))
    assert (code, err) == (0, "")
    assert re.search(rf"^{re.escape(influxd.url)}: InfluxDB \d+\.\d+$", out, re.MULTILINE)
    assert f"{database}: kept for 30 days, made" in out
    assert f"{database}-1m: kept for 730 days, made" in out
    code, out, _ = await done("influx", "setup", *options(influxd, database), "--json")
    assert code == 0
    assert {one["done"] for one in json.loads(out)["databases"]} == {"as it was"}


async def test_run_writes_history_reads_and_what_it_is_away_waits(
    mini, tmp_path, own_influxd
) -> None:
    database, data = "plant", tmp_path / "data"
    to = options(own_influxd, database)
    assert (await done("influx", "setup", *to))[0] == 0
    async with twin("run", mini, "--plain", "--data", data, *to) as job:
        await job.until(lambda: job.said("PLC-M connected"))
        await job.until(lambda: job.out)
        before = len(stored(own_influxd, database))
        assert before > 30
        own_influxd.kill()
        await job.until(lambda: job.said("the database is not written to, the spool fills"))
        await job.until(lambda: any("THE DATABASE IS NOT WRITTEN TO" in line for line in job.out))
        own_influxd.start()
        await job.until(lambda: job.said("the database is written to again"))
        job.process.send_signal(signal.SIGINT)
        assert await job.ended(30) == 0
    (told,) = job.said("points stored in")
    assert f"points stored in {own_influxd.url}, database {database}" in told
    assert "lost" not in told
    assert "refused" not in told
    assert f"twin history --influx {own_influxd.url}" in told
    assert not job.said("Traceback")
    with closing(Spool(data / "spool.sqlite")) as spool:
        assert spool.points == 0
    points = stored(own_influxd, database)
    assert len(points) > before
    with closing(InfluxHistorian(own_influxd.address(database))) as store:
        itself = store.read(Query(line=LINE, unit="", signal="spool_points"))
        assert max(itself.value) > 0, "the outage shows in the twin's own signals"

    code, out, _ = await done("history", *to, "--signal", "state_current")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert {row["unit"] for row in rows} == {"MAKE01", "MAKE02", "PACK01"}
    code, _, err = await done(
        "history", *to, "--unit", "MADE", "--last", "1 h", "--out", tmp_path / "made.parquet"
    )
    assert code == 0, err
    assert re.search(r"[1-9]\d* points written to", err)


async def test_killed_while_the_database_is_away_it_goes_on_where_it_was(
    mini, tmp_path, own_influxd
) -> None:
    database, data = "plant", tmp_path / "data"
    to = options(own_influxd, database)
    assert (await done("influx", "setup", *to))[0] == 0
    own_influxd.kill()
    async with twin("run", mini, "--plain", "--data", data, *to) as job:
        await job.until(lambda: job.said("PLC-M connected"))
        await job.until(lambda: any("THE DATABASE IS NOT WRITTEN TO" in line for line in job.out))
        job.process.kill()
        assert await job.ended() == -signal.SIGKILL
    with closing(Spool(data / "spool.sqlite")) as spool:
        waiting = {
            line
            for parcel in spool.oldest(10**9)
            for line in parcel.text.split("\n")
            if not line.startswith(("twin,", "alarm,alarm=spool"))
        }
    assert len(waiting) > 30
    own_influxd.start()
    async with twin("run", mini, "--plain", "--data", data, *to) as job:
        await job.until(lambda: job.out, 120)
        await ended(job)
    stamps = {int(line.rpartition(" ")[2]) // 1000 for line in waiting}
    assert stamps <= {at_us for _, at_us in stored(own_influxd, database)}


async def test_what_was_refused_is_shown_with_its_reason(tmp_path) -> None:
    code, _, err = await done("influx", "refused", "--data", tmp_path)
    assert code == 1
    assert "there is no spool; 'twin run --influx' makes it" in err
    line, reason = "machine,line=MINI state_current=6.5 1000", "field type conflict: float, integer"
    with closing(Spool(tmp_path / "spool.sqlite")) as spool:
        spool.refuse([RefusedLine(line, reason)])
        code, _, err = await done("influx", "refused", "--data", tmp_path)
        assert code == 1
        assert "another twin has this spool" in err
    code, out, err = await done("influx", "refused", "--data", tmp_path)
    assert (code, out.strip(), err.strip()) == (0, f"{line}    {reason}", "1 points refused")
    code, out, _ = await done("influx", "refused", "--data", tmp_path, "--json")
    assert json.loads(out) == [{"line": line, "reason": reason}]


async def ended(job: Job) -> None:
    job.process.send_signal(signal.SIGINT)
    assert await job.ended(30) == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--influx", "influx.plant:8086"), "--influx must be an address as http://"),
        (("--influx", "http://me:secret@h:1"), "without a password or token"),
        (("--influx", "http://h:1", "--influx-database", "a_b"), "letters, digits and '-'"),
        (("--influx", "http://h:1", "--influx-token-file", "none"), "none: No such file"),
        ((), "--influx must be given"),
    ],
)
async def test_a_wrong_call_is_said(args, said) -> None:
    code, out, err = await done("influx", "setup", *args)
    assert (code, out) == (2, "")
    assert said in err
    assert "secret" not in err


@pytest.mark.parametrize(("content", "found"), [("", "nothing"), ("a\nb\n", "several lines")])
async def test_a_token_file_must_hold_one_line(tmp_path, content, found) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    where = ("--influx", "http://127.0.0.1:1", "--influx-token-file", path)
    code, _, err = await done("influx", "setup", *where)
    assert code == 2
    assert f"{path} has {found}" in err


async def test_a_token_comes_from_a_file_or_the_environment(tmp_path, monkeypatch) -> None:
    from twin.cli.stores import influx_address

    path = tmp_path / "token"
    path.write_text("of-the-file\n")
    url = "https://influx.plant:8086/"
    monkeypatch.delenv("INFLUX_TOKEN", raising=False)
    monkeypatch.delenv("INFLUX_TOKEN_FILE", raising=False)
    assert influx_address(url, "plant", "o", None).token == ""
    monkeypatch.setenv("INFLUX_TOKEN", "of-the-environment")
    assert influx_address(url, "plant", "o", None).token == "of-the-environment"  # noqa: S105
    monkeypatch.setenv("INFLUX_TOKEN_FILE", str(path))
    assert influx_address(url, "plant", "o", None).token == "of-the-file"  # noqa: S105
    path.write_text("another")
    address = influx_address(url, "plant", "o", path)
    assert (address.token, address.url) == ("another", "https://influx.plant:8086")
    assert "another" not in repr(address)


async def test_nobody_there_is_an_error_with_the_reason() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    code, out, err = await done("influx", "setup", "--influx", url)
    assert (code, out) == (1, "")
    assert err.startswith(f"twin: {url}: no whole answer")
    assert len(err.splitlines()) == 1


async def test_help_has_an_example_and_names_where_a_token_belongs() -> None:
    code, out, _ = await done("influx", "setup", "--help")
    assert code == 0
    assert "Examples:" in out
    assert "INFLUX_TOKEN" in out
    assert "--influx-token-file" in out
