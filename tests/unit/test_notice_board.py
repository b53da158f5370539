"""Five PLCs of one process that die are one notice."""

from __future__ import annotations

import logging

from twin.cli.notice_board import NoticeBoard
from twin.live.changes import Notice
from twin.live.readings import ConnectionChanged, TagMissing

S = 1_000_000


def change(board: NoticeBoard, plc: str, at_us: int, *, connected: bool) -> None:
    message = ConnectionChanged(plc, connected, at_us, "" if connected else "no answer")
    board.take(message, [Notice(at_us, plc, (f"S-{plc}",), f"{plc} changed")])


def test_what_goes_together_is_one_notice_and_comes_back_as_one(caplog) -> None:
    board = NoticeBoard("L1")
    with caplog.at_level(logging.INFO):
        for number, plc in enumerate("ABCDE"):
            change(board, plc, number * S // 5, connected=False)
        for plc in "ABCDE":
            change(board, plc, 10 * S, connected=True)
    gone, back = board.latest
    assert gone.text == (
        "5 PLCs are lost: A, B, C, D, E; unknown: S-A, S-B, S-C, S-D, S-E; no answer"
    )
    assert (gone.plc, gone.stations) == ("A, B, C, D, E", ("S-A", "S-B", "S-C", "S-D", "S-E"))
    assert back.text.startswith("5 PLCs are connected: A, B, C, D, E")


async def test_the_log_says_it_once_when_it_is_whole(caplog) -> None:
    import asyncio

    board = NoticeBoard("L1")
    with caplog.at_level(logging.INFO):
        for plc in "ABC":
            change(board, plc, 0, connected=False)
        assert caplog.messages == []
        loop = asyncio.get_running_loop()
        said = loop.create_future()
        loop.call_later(1.7, said.set_result, None)
        await said
    assert caplog.messages == ["L1: 3 PLCs are lost: A, B, C; unknown: S-A, S-B, S-C; no answer"]


def test_what_is_apart_in_time_or_kind_stays_apart() -> None:
    board = NoticeBoard("L1")
    change(board, "A", 0, connected=False)
    change(board, "B", 5 * S, connected=False)
    board.take(TagMissing("C", (), 5 * S), [Notice(5 * S, "C", (), "C lacks a tag")])
    change(board, "D", 5 * S, connected=False)
    change(board, "D", 5 * S + 1, connected=True)
    assert [notice.text for notice in board.latest] == [
        "A changed", "B changed", "C lacks a tag", "D changed", "D changed",
    ]  # fmt: skip
