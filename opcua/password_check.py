"""Passwords are hashed beside the event loop, so that a PLC goes on scanning while many log on.

asyncua asks whose a password is in the midst of a call that can't wait. So it is asked twice: the
first time ends with `Unchecked`, then a thread hashes, and the second time finds the answer. All
that comes before the password (channel, signature, trust) is looked at before anything is hashed.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

from asyncua import ua

from opcua.users import Account

__all__ = ["PasswordChecks", "Unchecked", "is_right"]

_LOGS_ON = ua.NodeId(ua.ObjectIds.ActivateSessionRequest_Encoding_DefaultBinary)
_ANSWER: ContextVar[tuple[Account, str, bool] | None] = ContextVar("answer", default=None)


class Unchecked(Exception):
    """Whether a password is an account's is not known yet.

    Args:
        account: whose it is said to be.
        password: what was sent.
    """

    def __init__(self, account: Account, password: str) -> None:
        super().__init__(account.name)
        self.account = account
        self.password = password


def is_right(account: Account, password: str) -> bool:
    """Tell whether a password is an account's.

    Args:
        account: whose it is said to be.
        password: what was sent.

    Raises:
        Unchecked: it has to be hashed first.
    """
    answer = _ANSWER.get()
    if answer is None or answer[0] != account or answer[1] != password:
        raise Unchecked(account, password)
    return answer[2]


class PasswordChecks:
    """Hashes the passwords that come to a server, one at a time: a core is left for the scan."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "passwords")

    def watch(self, processor: Any) -> None:
        """Hash what comes on a connection, asyncua's `UaProcessor`."""
        process = processor._process_message  # noqa: SLF001 -- asyncua has no other way to it

        async def processed(kind: ua.NodeId, header: Any, sequence: Any, body: Any) -> Any:
            if kind != _LOGS_ON:
                return await process(kind, header, sequence, body)
            again = body.copy()
            try:
                return await process(kind, header, sequence, body)
            except Unchecked as asked:
                account, password = asked.account, asked.password
            loop = asyncio.get_running_loop()
            right = await loop.run_in_executor(self._thread, account.knows, password)
            token = _ANSWER.set((account, password, right))
            try:
                return await process(kind, header, sequence, again)
            finally:
                _ANSWER.reset(token)

        processor._process_message = processed  # noqa: SLF001

    def close(self) -> None:
        """Hash no more; what nobody has begun with is left."""
        self._thread.shutdown(wait=False, cancel_futures=True)
