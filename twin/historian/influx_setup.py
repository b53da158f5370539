"""What a database must have before the twin writes to it: made once, left alone where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from twin.errors import LinetwinError
from twin.historian.influx import InfluxDoor

__all__ = ["RAW_DAYS", "ROLLUP_DAYS", "Made", "set_up"]

RAW_DAYS: Final = 30
"""For so many days points are kept as they came."""

ROLLUP_DAYS: Final = 730
"""For so many days they are kept rolled up to a minute."""

_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Made:
    """A database or bucket, and what was done to it: `made`, `changed` or `as it was`."""

    name: str
    days: int
    done: str


def set_up(door: InfluxDoor, *, keep_for_ever: bool = False) -> list[Made]:
    """Make both databases with their retention, and what InfluxQL needs to find them.

    Args:
        door: to the server; its token must be allowed to make databases.
        keep_for_ever: without any retention.

    Returns:
        What was found or made. A second call changes nothing.

    Raises:
        NotConnected: the server is away; call again, what is made stays.
        LinetwinError: the token does not allow it.
    """
    address = door.address
    wanted = {address.database: RAW_DAYS, address.rollup_database: ROLLUP_DAYS}
    if keep_for_ever:
        wanted = dict.fromkeys(wanted, 0)
    major, _ = door.version()
    make = _database if major < 2 else _bucket if major == 2 else _database_of_3
    return [Made(name, days, make(door, name, days)) for name, days in wanted.items()]


def _database(door: InfluxDoor, name: str, days: int) -> str:
    """Version 1: a database whose own policy, `autogen`, has the retention."""
    policy = f'"autogen" ON "{name}"'
    duration = f"DURATION {days}d" if days else "DURATION INF"
    (found,) = door.ask(["SHOW DATABASES"], "_internal")
    names = [row[0] for series in found for row in series.get("values", [])]
    if name not in names:
        door.order(f'CREATE DATABASE "{name}" WITH {duration} REPLICATION 1 NAME "autogen"')
        return "made"
    (found,) = door.ask([f'SHOW RETENTION POLICIES ON "{name}"'], name)
    rows = [dict(zip(s["columns"], row, strict=True)) for s in found for row in s["values"]]
    autogen = [row for row in rows if row["name"] == "autogen"]
    wanted = f"{days * 24}h0m0s" if days else "0s"
    if not autogen:
        door.order(f"CREATE RETENTION POLICY {policy} {duration} REPLICATION 1 DEFAULT")
        return "changed"
    if autogen[0]["duration"] != wanted or not autogen[0]["default"]:
        door.order(f"ALTER RETENTION POLICY {policy} {duration} DEFAULT")
        return "changed"
    return "as it was"


def _bucket(door: InfluxDoor, name: str, days: int) -> str:
    """Version 2: a bucket with its retention, and the name by which InfluxQL finds it."""
    org_id = _organisation(door)
    rules = [{"type": "expire", "everySeconds": days * _DAY_S}] if days else []
    buckets = door.manage(
        f"/api/v2/buckets?orgID={org_id}&name={name}", "GET", what="list buckets"
    )["buckets"]
    done = "as it was"
    if not buckets:
        order = {"orgID": org_id, "name": name, "retentionRules": rules}
        bucket = door.manage("/api/v2/buckets", "POST", order, what="make buckets")
        done = "made"
    else:
        bucket = buckets[0]
        kept = [rule.get("everySeconds", 0) for rule in bucket.get("retentionRules", [])]
        if [seconds for seconds in kept if seconds] != [rule["everySeconds"] for rule in rules]:
            path = f"/api/v2/buckets/{bucket['id']}"
            door.manage(path, "PATCH", {"retentionRules": rules}, what="change buckets")
            done = "changed"
    if _map_for_influxql(door, org_id, name, bucket["id"]) and done == "as it was":
        done = "changed"
    return done


def _organisation(door: InfluxDoor) -> str:
    name = door.address.org
    found = door.manage(f"/api/v2/orgs?org={name}", "GET", what="list organisations")["orgs"]
    if not found:
        raise LinetwinError(
            f"{door.address.url}: must have an organisation {name!r}, and the token must be of it; "
            "choose another --influx-org"
        )
    return str(found[0]["id"])


def _map_for_influxql(door: InfluxDoor, org_id: str, name: str, bucket_id: str) -> bool:
    """Map a database's name to its bucket; say whether that had to be done.

    A server maps a bucket by itself under its own name, virtually; then nothing has to be done.
    """
    path = f"/api/v2/dbrps?orgID={org_id}&db={name}"
    found: list[dict[str, Any]] = door.manage(path, "GET", what="list mappings")["content"] or []
    if any(item["bucketID"] == bucket_id and item["default"] for item in found):
        return False
    order = {
        "orgID": org_id,
        "bucketID": bucket_id,
        "database": name,
        "retention_policy": "autogen",
        "default": True,
    }
    door.manage("/api/v2/dbrps", "POST", order, what="map buckets for InfluxQL")
    return True


def _database_of_3(door: InfluxDoor, name: str, days: int) -> str:
    """Version 3: a database; its retention can't be changed once it is made."""
    path = "/api/v3/configure/database"
    listed = door.manage(f"{path}?format=json", "GET", what="list databases") or []
    if name in {item.get("iox::database") for item in listed}:
        return "as it was"
    order = {"db": name} | ({"retention_period": f"{days}d"} if days else {})
    door.manage(path, "POST", order, what="make databases")
    return "made"
