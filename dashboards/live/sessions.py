"""Who is logged in, and how often somebody may try: no input or output, time is an argument."""

from __future__ import annotations

import hashlib
import secrets
from collections import deque
from dataclasses import dataclass, field

from dashboards.live.users import Role

__all__ = ["Limiter", "Session", "Sessions"]

LASTS_S = 12 * 3600.0
IDLE_S = 2 * 3600.0
MOST = 1_000


@dataclass(slots=True)
class Session:
    """Somebody who is logged in.

    Args:
        user: their name.
        role: what they may do.
        csrf: what every request that changes something has to say.
        began_s, seen_s: on a monotonic clock.
    """

    user: str
    role: Role
    csrf: str
    began_s: float
    seen_s: float


@dataclass(slots=True)
class Sessions:
    """All who are logged in, by the hash of what their cookie says."""

    _by_hash: dict[str, Session] = field(default_factory=dict)

    def begin(self, user: str, role: Role, now_s: float) -> tuple[str, Session]:
        """Log somebody in; returns what the cookie is to say, and the session."""
        self._forget(now_s)
        token = secrets.token_urlsafe(32)
        session = Session(user, role, secrets.token_urlsafe(32), now_s, now_s)
        self._by_hash[_hash(token)] = session
        return token, session

    def of(self, token: str | None, now_s: float) -> Session | None:
        """The session that a cookie stands for; None if there is none, or it has ended."""
        if not token:
            return None
        session = self._by_hash.get(_hash(token))
        if session is None or _ended(session, now_s):
            return None
        session.seen_s = now_s
        return session

    def end(self, token: str | None) -> None:
        """Log somebody out."""
        if token:
            self._by_hash.pop(_hash(token), None)

    def _forget(self, now_s: float) -> None:
        kept = [(k, s) for k, s in self._by_hash.items() if not _ended(s, now_s)]
        kept.sort(key=lambda row: row[1].seen_s)
        self._by_hash = dict(kept[-(MOST - 1) :])


def _ended(session: Session, now_s: float) -> bool:
    return now_s - session.began_s > LASTS_S or now_s - session.seen_s > IDLE_S


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(slots=True)
class Limiter:
    """So many of something in so long a time, for each of those who do it.

    Args:
        most: how many.
        seconds: in which time.

    >>> limiter = Limiter(most=2, seconds=60)
    >>> [limiter.wait_s("eve", now) for now in (0.0, 1.0, 2.0, 61.0)]
    [0.0, 0.0, 58.0, 0.0]
    """

    most: int
    seconds: float
    _times: dict[str, deque[float]] = field(default_factory=dict)

    def wait_s(self, who: str, now_s: float) -> float:
        """Note that somebody does it; or say how long they have to wait, and note nothing."""
        if len(self._times) > MOST:
            self._times = {k: t for k, t in self._times.items() if t[-1] > now_s - self.seconds}
        times = self._times.setdefault(who, deque())
        while times and times[0] <= now_s - self.seconds:
            times.popleft()
        if len(times) >= self.most:
            return times[0] + self.seconds - now_s
        times.append(now_s)
        return 0.0
