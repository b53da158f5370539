"""What comes in on a connection is looked at before asyncua keeps it: is it OPC UA, and of a size.

asyncua waits for as many bytes as a message's first eight say, up to 4 GB, keeps a connection that
sends what it can't read, and writes a stack trace for each such message.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable
from typing import Any

from asyncua import ua

__all__ = ["Framing", "GuardedTransports"]

_log = logging.getLogger(__name__)
_HEADER = struct.Struct("<3scI")
_TYPES = {b"HEL", b"OPN", b"MSG", b"CLO"}
_CHUNKS = {b"F", b"C", b"A"}
_CODES = ua.StatusCodes


class Framing:
    """Follows the messages of a connection (OPC 10000-6, 7.1.2).

    Args:
        most: bytes of a chunk, its header included.

    >>> Framing(100).look(b"GET / HTTP/1.1") == ua.StatusCodes.BadTcpMessageTypeInvalid
    True
    >>> Framing(100).look(struct.pack("<3scI", b"HEL", b"F", 101) + b"x")
    2155872256
    >>> Framing(100).look(struct.pack("<3scI", b"HEL", b"F", 12) + b"1234HEL")
    0
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._head = b""
        self._left = 0

    def look(self, data: bytes) -> int:
        """Look at what came: 0, or the status code of what is wrong with it."""
        at = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            step = min(_HEADER.size - len(self._head), len(data) - at)
            self._head += data[at : at + step]
            at += step
            # A letter is enough to know who does not speak it.
            if not any(known.startswith(self._head[:3]) for known in _TYPES):
                return int(_CODES.BadTcpMessageTypeInvalid)
            if len(self._head) < _HEADER.size:
                continue
            kind, chunk, size = _HEADER.unpack(self._head)
            self._head = b""
            if kind not in _TYPES or chunk not in _CHUNKS:
                return int(_CODES.BadTcpMessageTypeInvalid)
            if not _HEADER.size < size <= self._most:
                return int(_CODES.BadTcpMessageTooLarge)
            self._left = size - _HEADER.size
        return 0


class GuardedTransports(list[Any]):
    """asyncua's list of connections: each is guarded as it comes.

    Args:
        most: bytes of a chunk.
        watch: is told of the processor of each connection.
    """

    def __init__(self, most: int, watch: Callable[[Any], None]) -> None:
        super().__init__()
        self._most = most
        self._watch = watch

    def append(self, transport: Any) -> None:
        """Guard a connection that has been made."""
        super().append(transport)
        protocol = transport.get_protocol()
        framing, receive = Framing(self._most), protocol.data_received
        process = protocol._process_one_msg  # noqa: SLF001 -- asyncua has no other way to it

        def looked_at(data: bytes) -> None:
            if transport.is_closing():
                return
            wrong = framing.look(data)
            if wrong:
                _end(transport, wrong)
            else:
                receive(data)

        async def processed(header: Any, body: Any) -> bool:
            try:
                return bool(await process(header, body))
            except Exception as error:  # noqa: BLE001 -- what can't be read may fail in any way
                _log.debug("%s: unreadable: %r", transport.get_extra_info("peername"), error)
                # Before a channel is open, it is for want of the right certificate, or of ours.
                opens = header.MessageType == ua.MessageType.SecureOpen
                code = _CODES.BadSecurityChecksFailed if opens else _CODES.BadTcpInternalError
                _end(transport, int(code))
                return False

        protocol.data_received = looked_at
        protocol._process_one_msg = processed  # noqa: SLF001
        self._watch(protocol.processor)


def _end(transport: Any, code: int) -> None:
    """Say why, and end a connection (OPC 10000-6, 7.1.5)."""
    reason = ua.StatusCode(code).name.encode()
    body = struct.pack("<Ii", code, len(reason)) + reason
    transport.write(_HEADER.pack(b"ERR", b"F", _HEADER.size + len(body)) + body)
    transport.close()
