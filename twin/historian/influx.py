"""The door to InfluxDB: requests, and what their answers mean. The only home of influxdb-client.

One door serves InfluxDB 1.x, 2.x and 3 Core. Lines go to `/api/v2/write`, or to `/write` of a
server from before 1.8, which has no other; questions go to `/query`, in InfluxQL, that all share.
influxdb-client's batching is left alone, since it loses points in an outage: a request here is one
call that says what came of it.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from influxdb_client import InfluxDBClient, WriteService
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from twin.errors import LinetwinError, NotConnected
from twin.historian.influxql import answered

_Answer = TypeVar("_Answer")

__all__ = ["InfluxAddress", "InfluxDoor", "LinesRefused"]

GZIP_LEVEL: Final = 1
_V2_WRITES: Final = (1, 8)
_UNSAID: Final = "1.8"
"""What others that take InfluxDB's writes stand for, who answer a ping with nothing at all."""
_DROPPED: Final = re.compile(r"dropped=(\d+)")


class LinesRefused(LinetwinError):
    """The database refuses lines of a request; others of it may have been stored.

    Args:
        message: its words.
        dropped: how many lines it says that it dropped; 0 where it doesn't say.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        found = _DROPPED.search(message)
        self.dropped = int(found[1]) if found else 0


@dataclass(frozen=True, slots=True)
class InfluxAddress:
    """Where an InfluxDB is, and what opens it.

    Args:
        url: `http://host:8086` or `https://...`.
        database: the database (1.x, 3) or bucket (2.x) for points as they come.
        org: the organisation (2.x only).
        token: what the database gave out, or `user:password` for 1.x; empty where it asks for none.
        timeout_s: how long a request may take, in seconds, greater than 0.
    """

    url: str
    database: str = "linetwin"
    org: str = "linetwin"
    token: str = field(default="", repr=False)
    timeout_s: float = 10.0

    @property
    def rollup_database(self) -> str:
        """The database or bucket for what is rolled up to a minute."""
        return f"{self.database}-1m"


class InfluxDoor:
    """Requests to one InfluxDB. Calls may come from any thread.

    Args:
        address: where it is.
    """

    def __init__(self, address: InfluxAddress) -> None:
        self.address = address
        self._client = InfluxDBClient(
            address.url,
            address.token or None,
            org=address.org,
            timeout=round(address.timeout_s * 1e3),
            auth_basic=":" in address.token,
        )
        self._writes = WriteService(self._client.api_client)
        self._version: tuple[int, int] | None = None

    def version(self) -> tuple[int, int]:
        """Ask for the server's version, once.

        Raises:
            NotConnected: it is away.
            LinetwinError: it is no InfluxDB, or lets us not in.
        """
        if self._version is None:
            body, headers = self._call("/ping", "GET")
            said = headers.get("x-influxdb-version", "" if body else _UNSAID)
            found = re.match(r"v?(\d+)\.(\d+)", said)
            if not found:
                raise LinetwinError(
                    f"{self.address.url}: must be an InfluxDB, but what answers there doesn't say "
                    "its version as one does; choose another --influx"
                )
            self._version = int(found[1]), int(found[2])
        return self._version

    def write(self, text: bytes, database: str) -> None:
        """Write lines; return once the database has them all.

        Args:
            text: line protocol with timestamps in nanoseconds.
            database: which database or bucket.

        Raises:
            NotConnected: it is away or busy; write the same again later.
            LinesRefused: it refuses some of the lines, or all.
            LinetwinError: it lets us not in, or has no such database.
        """
        modern = self.version() >= _V2_WRITES
        body = gzip.compress(text, GZIP_LEVEL, mtime=0)
        if modern:
            self._told(
                lambda: self._writes.post_write(
                    self.address.org, database, body, precision="ns", content_encoding="gzip"
                ),
                f"write to {database!r}",
            )
            return
        self._call(
            "/write",
            "POST",
            [("db", database), ("precision", "ns")],
            {"Content-Encoding": "gzip", "Content-Type": "text/plain"},
            body,
            what=f"write to {database!r}",
        )

    def ask(self, statements: list[str], database: str) -> list[list[dict[str, Any]]]:
        """Ask statements of InfluxQL that only read.

        Args:
            statements: one or more.
            database: which database or bucket.

        Returns:
            For each statement its series, as `/query` gives them; times in microseconds.

        Raises:
            NotConnected: it is away, or its answer breaks off.
            LinetwinError: it lets us not in, has no such database, or refuses a statement.
        """
        asked = [("db", database), ("epoch", "u"), ("q", "; ".join(statements))]
        what = f"read {database!r}"
        body, _ = self._call("/query", "GET", asked, {"Accept": "application/json"}, what=what)
        try:
            return answered(body, len(statements))
        except (ValueError, KeyError, TypeError) as error:
            raise NotConnected(f"{self.address.url}: its answer breaks off ({error})") from error
        except LinetwinError as error:
            if str(error) == "not executed" and len(statements) > 1:
                # Version 1 says that of all where the first fails; alone it tells the reason.
                self.ask(statements[:1], database)
            if "not found" in str(error):
                raise self._no_such(what, str(error)) from None
            raise LinetwinError(f"{self.address.url}: {error}") from None

    def manage(self, path: str, method: str, body: Any = None, *, what: str) -> Any:
        """Ask a server of version 2 or 3 to show or change how it is set up; returns its JSON."""
        data, _ = self._call(
            path, method, headers={"Accept": "application/json"}, body=body, what=what
        )
        try:
            return json.loads(data or b"null")
        except ValueError as error:
            raise NotConnected(f"{self.address.url}: its answer breaks off ({error})") from error

    def order(self, statement: str) -> None:
        """Carry out a statement of InfluxQL that changes something, on a server of version 1."""
        data, _ = self._call("/query", "POST", [("q", statement)], what="change databases")
        answered(data, 1)

    def close(self) -> None:
        """Let go of the connections; calling it twice is harmless."""
        self._client.close()

    def _call(
        self,
        path: str,
        method: str,
        query: list[tuple[str, str]] | None = None,
        headers: dict[str, str] | None = None,
        body: Any = None,
        what: str = "talk to it",
    ) -> tuple[bytes, dict[str, str]]:
        """Send one request; return its answer's body, and its headers by lower-case name."""
        api = self._client.api_client

        def send() -> tuple[bytes, dict[str, str]]:
            api.call_api(
                path,
                method,
                query_params=query or [],
                header_params=dict(headers or {}),
                body=body,
                _preload_content=True,
            )
            answer = api.last_response
            named = {name.lower(): value for name, value in answer.getheaders().items()}
            return answer.data.encode(), named

        return self._told(send, what)

    def _told(self, send: Callable[[], _Answer], what: str) -> _Answer:
        """Send a request and say in our words what went wrong with it."""
        try:
            return send()
        except ApiException as error:
            raise self._explained(error, what) from None
        except (HTTPError, OSError, UnicodeDecodeError, zlib.error) as error:
            self._version = None  # whoever answers next may be another
            cause = str(error.__cause__ or error) or type(error).__name__
            raise NotConnected(f"{self.address.url}: no whole answer ({cause})") from error

    def _explained(self, error: ApiException, what: str) -> LinetwinError:
        """Turn an answer that is no success into what the caller can do about it."""
        url, status = self.address.url, error.status or 0
        said = _words(error)
        if status in {400, 413, 422}:
            return LinesRefused(f"{url}: refuses to {what}: {said}")
        if status in {401, 403}:
            given = "the token given" if self.address.token else "no token at all"
            return LinetwinError(
                f"{url}: {given} must be allowed to {what}, got {status} ({said}); put the right "
                "one in INFLUX_TOKEN, or in a file that --influx-token-file names"
            )
        if status == 404:
            return self._no_such(what, said)
        if status in {408, 429} or status >= 500:
            headers = error.headers or {}
            after = headers.get("Retry-After") if status in {429, 503} else None
            wait = f", asks to be left alone for {after} s" if after else ""
            return NotConnected(f"{url}: answers {status}{wait} ({said})", _seconds(after))
        if status == 0:  # a certificate that is not to be trusted, for one
            return LinetwinError(f"{url}: {error.reason}")
        return LinetwinError(f"{url}: answers {status} to a request to {what} ({said})")

    def _no_such(self, what: str, said: str) -> LinetwinError:
        return LinetwinError(
            f"{self.address.url}: can't {what} ({said}); make the databases with: "
            f"twin influx setup --influx {self.address.url}"
        )


def _words(error: ApiException) -> str:
    """Return what a server says of a failure, in one line."""
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else error.body
    try:
        answer = json.loads(body or "")
        said = str(answer.get("message") or answer.get("error") or answer)
    except (ValueError, AttributeError):
        said = body or error.reason or "no reason given"
    return " ".join(said.split())[:500]


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:  # a date: the usual wait will do
        return None
