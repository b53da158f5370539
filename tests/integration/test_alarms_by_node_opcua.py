"""node-opcua's client, which nobody here wrote, works the alarms of an emulated PLC."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from test_alarms import LINE, rig

FOLDER = Path(__file__).parents[1] / "interop"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None or not (FOLDER / "node_modules" / "node-opcua-client").is_dir(),
    reason="node-opcua's client is not installed: make tests/interop/node_modules, where npm is",
)
CONDITION = "L1/A/A01/Conditions/EQP1"


async def test_node_opcua_acknowledges_shelves_refreshes_and_confirms(tmp_path) -> None:
    async with rig(tmp_path / "pki") as here:
        client = await asyncio.create_subprocess_exec(
            NODE, "alarms.mjs", here.url, str(tmp_path / "pki"), LINE.id, "A", "A01", "EQP1",
            cwd=FOLDER, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(90):
                assert (await client.stdout.readline()).decode().strip() == "ready"
                await here.command("A01", "ABORT")
                assert (await client.stdout.readline()).decode().strip() == "acknowledged"
                await here.command("A01", "CLEAR")
                out, err = await client.communicate()
        finally:
            if client.returncode is None:
                client.kill()
                await client.wait()
        assert client.returncode == 0, err.decode()
        seen = json.loads(out)
        condition = (await here.node("A/A01/Conditions/EQP1")).nodeid
    assert seen["type"] == "ns=0;i=10637"
    assert (seen["severity"], seen["message"]) == (700, "drive tripped")
    assert [seen[what] for what in ("acknowledged", "shelved", "unshelved", "confirmed")] == [
        "Good"
    ] * 4
    assert seen["again"] == "BadConditionBranchAlreadyAcked"
    assert (seen["comment"], seen["user"]) == ("seen", "twin")
    assert f"ns={condition.NamespaceIndex};s={CONDITION}" in seen["refreshed"]
    # active, acknowledged, confirmed, shelved, retained
    assert seen["events"] == [
        [True, False, True, False, True],
        [True, True, False, False, True],
        [True, True, False, True, True],
        [True, True, False, False, True],
        [False, True, False, False, True],
        [False, True, True, False, False],
    ]


def test_the_librarys_own_notes_do_not_fall_between_two_answers() -> None:
    script = (
        'import { answer } from "./answers.mjs";'
        'import channel from "node-opcua-secure-channel/dist/source/verify_pcks1.js";'
        "await channel.testRSAPKCS1V15_EncryptDecrypt();"
        'console.log("a note"); answer("an answer");'
    )
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", script],
        cwd=FOLDER, capture_output=True, text=True, check=True, timeout=90,
    )  # fmt: skip
    assert done.stdout == "an answer\n"
    assert "a note" in done.stderr
