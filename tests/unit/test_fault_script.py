"""Scripts of faults: read whole or refused with every fault, and the page about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from opcua.faults.kinds import KINDS
from opcua.faults.page import fault_page
from opcua.faults.script import fault_script, fault_script_from_text
from opcua.faults.stand import Condition
from twin.errors import LineFileError

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"


def test_the_page_is_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == fault_page()
    assert all(kind.advice and kind.seen and kind.does for kind in KINDS.values())


def test_a_script_is_read_with_its_times_names_and_settings(tmp_path) -> None:
    path = tmp_path / "bad_day.yaml"
    path.write_text(
        "faults:\n"
        "- {fault: slow_network, delay_s: 0.5, after: 1 h, for: 90 s, plcs: PLC1}\n"
        "- fault: bad_quality\n"
        "  units: [FNS0*, STK01]\n"
        "  when: FNS03.state_current == 9\n",
        encoding="utf-8",
    )
    slow, bad = fault_script(path)
    assert (slow.kind, slow.after_s, slow.lasts_s, slow.plcs) == (
        "slow_network",
        3600,
        90,
        ("PLC1",),
    )
    assert slow.settings == {"delay_s": 0.5, "jitter_s": 0.1, "bytes_per_s": 0.0}
    assert bad.units == ("FNS0*", "STK01")
    assert bad.when == Condition(("FNS03", "state_current"), "==", 9.0)


def test_every_fault_of_a_script_is_told_with_its_place() -> None:
    text = (
        "faults:\n"
        "- {fault: nonsense}\n"
        "- {fault: cable_cut, how: axe, after: 10, when: soon}\n"
        "- 7\n"
        "- {fault: spikes, share: 2, colour: red, units: {a: 1}}\n"
        "more: 1\n"
    )
    with pytest.raises(LineFileError) as refused:
        fault_script_from_text(text, "f.yaml")
    said = str(refused.value)
    for part in (
        "f.yaml:2:3: faults[0]: fault: must be one of power_off",
        "f.yaml:3:3: faults[1]: after: ",
        "f.yaml:3:3: faults[1]: when: must be UNIT.signal",
        "f.yaml:3:3: faults[1]: cable_cut.how: must be of reset, black_hole, got 'axe'",
        "f.yaml:4:3: faults[2]: must be a mapping",
        "f.yaml:5:3: faults[3]: units: must be a name or a list of names",
        "f.yaml:5:3: faults[3]: spikes.share: must be a number from 0 to 1, got 2",
        "f.yaml:5:3: faults[3]: spikes: can be told share, size, got colour",
        "f.yaml:6:1: more: must be 'faults'",
    ):
        assert part in said


@pytest.mark.parametrize("text", ["", "- 1", "faults: 3", "faults: [", "\x00"])
def test_what_is_no_script_is_refused(text) -> None:
    with pytest.raises(LineFileError):
        fault_script_from_text(text)


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(LineFileError, match="must be a file of faults"):
        fault_script(tmp_path / "none.yaml")
