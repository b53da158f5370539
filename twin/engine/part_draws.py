"""The draws of one station, by part: how long an operation takes and what becomes of a part.

Draws are made in blocks of consecutive part numbers: NumPy draws thousands in the time in which
Python draws one. Almost every part of a block has nothing special about it; which ones have is
one byte of the block, so the common case costs one look-up.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from statistics import NormalDist

import numpy as np

from twin.engine.draws import Key, Purpose, draw_index, key_for, threshold, word, words
from twin.engine.quantiles import QuantileTable, quantile_table, variate, variates
from twin.errors import EngineError
from twin.model.line import Line
from twin.model.station import Station

__all__ = ["PASS", "REJECT", "REWORK", "SCRAP", "PartDraws"]

BLOCK_BITS = 11
BLOCK = 1 << BLOCK_BITS
KEPT_BLOCKS = 64

PASS, SCRAP, REWORK, REJECT = 0, 1, 2, 3
"""What becomes of a part: it goes on, is scrapped, is reworked, or goes where rejects go."""


def shifted(probability: float, sigmas: float) -> float:
    """The probability of a rejection once the threshold has moved: the binormal model of detection
    (Green and Swets, Signal Detection Theory and Psychophysics, 1966).

    >>> shifted(0.0, -1.0), round(shifted(0.5, 1.0), 4), shifted(1.0, 1.0)
    (0.0, 0.1587, 1.0)
    """
    if probability in {0.0, 1.0} or not sigmas:
        return probability
    normal = NormalDist()
    return normal.cdf(normal.inv_cdf(probability) - sigmas)


@dataclass(slots=True)
class _Blocks:
    """Blocks of draws by number, the latest used kept."""

    kept: OrderedDict[int, list[int]] = field(default_factory=OrderedDict)

    def get(self, block: int) -> list[int] | None:
        return self.kept.get(block)

    def put(self, block: int, values: list[int]) -> list[int]:
        self.kept[block] = values
        if len(self.kept) > KEPT_BLOCKS:
            self.kept.popitem(last=False)
        return values


@dataclass(frozen=True, slots=True)
class _Detection:
    bit: int
    key: Key
    below: int


class PartDraws:
    """The draws of one station in one run.

    Args:
        line: the line; its defect classes give the bits of a part's defects, in their order.
        station: one of its stations.
        seed, replication: of the run.
    """

    def __init__(self, line: Line, station: Station, seed: int, replication: int) -> None:
        def key(purpose: Purpose, detail: str = "") -> Key:
            return key_for(seed, replication, purpose, station.id, detail=detail)

        self.table: QuantileTable = quantile_table(station.cycle_time, 1 / station.effectiveness)
        self.constant_us = self.table.constant_us
        self._service_key = key(Purpose.SERVICE)
        self._service = _Blocks()

        bit_of = {defect.id: 1 << i for i, defect in enumerate(line.defects)}
        self._arise_key = key(Purpose.ARISE)
        self._arise: list[tuple[int, int]] = []
        total = 0.0
        for defect, probability in station.defects.items():
            total += probability
            self._arise.append((threshold(min(total, 1.0)), bit_of[defect]))
        self._arise_below = self._arise[-1][0] if self._arise else 0

        self._station_id = station.id
        self._inspection = inspection = station.inspection
        self._detections = tuple(
            _Detection(bit_of[defect], key(Purpose.DETECT, defect), threshold(probability))
            for defect, probability in (inspection.detects.items() if inspection else ())
        )
        self._false_key = key(Purpose.FALSE_REJECT)
        self._false_below = threshold(inspection.false_reject) if inspection else 0
        self._rejected = REJECT if inspection and inspection.rejects_to else SCRAP

        self._outcome_key = key(Purpose.OUTCOME)
        rework = station.rework.rate if station.rework else 0.0
        self._scrap_below = threshold(station.scrap)
        self._outcome_below = threshold(min(station.scrap + rework, 1.0))
        self._flags = _Blocks()
        self.plain = not (self._arise_below or inspection or self._outcome_below)

    def shift_threshold(self, sigmas: float) -> None:
        """Judge more leniently from now on (rule S34).

        Args:
            sigmas: how far the threshold lies above the line file's, in standard deviations of
                the measurement; negative: stricter.
        """
        inspection = self._inspection
        if inspection is None:
            raise EngineError(f"{self._station_id} inspects nothing: it has no threshold")
        self._detections = tuple(
            replace(found, below=threshold(shifted(probability, sigmas)))
            for found, probability in zip(
                self._detections, inspection.detects.values(), strict=True
            )
        )
        self._false_below = threshold(shifted(inspection.false_reject, sigmas))
        self._flags = _Blocks()

    def service_us(self, number: int, rework_pass: int) -> int:
        """How long an operation takes whose first part is this one; microseconds."""
        if self.constant_us:
            return self.constant_us
        if rework_pass:
            return variate(self.table, word(self._service_key, draw_index(number, rework_pass)))
        block = number >> BLOCK_BITS
        times = self._service.get(block)
        if times is None:
            drawn = words(self._service_key, block << BLOCK_BITS, BLOCK)
            times = self._service.put(block, variates(self.table, drawn).tolist())
        return times[number & (BLOCK - 1)]

    def verdict(self, number: int, rework_pass: int, defects: int) -> tuple[int, int]:
        """What becomes of a part after the operation (rules S14 and S15).

        Args:
            number, rework_pass: the part.
            defects: the defects it came with, as bits.

        Returns:
            One of PASS, SCRAP, REWORK, REJECT, and the defects it has now.
        """
        if not rework_pass and not defects:
            block = number >> BLOCK_BITS
            flags = self._flags.get(block)
            if flags is None:
                flags = self._flags.put(block, self._special(block))
            if not flags[number & (BLOCK - 1)]:
                return PASS, 0
        return self._judge(draw_index(number, rework_pass), defects)

    def findings(self, number: int, rework_pass: int, verdict: int, defects: int) -> list[int]:
        """Which of an inspection's counts a verdict adds to; for a station that inspects.

        Args:
            number, rework_pass: the part.
            verdict, defects: what `verdict` said of it.

        Returns:
            Places in `MachineStatus.findings`.
        """
        kinds = len(self._detections)
        if verdict == self._rejected and not defects:
            drawn = word(self._false_key, draw_index(number, rework_pass)) >> 1
            return [kinds] if drawn < self._false_below else []
        carried = [i for i, found in enumerate(self._detections) if defects & found.bit]
        if verdict == self._rejected:
            index = draw_index(number, rework_pass)
            return [
                i
                for i in carried
                if word(self._detections[i].key, index) >> 1 < self._detections[i].below
            ]
        return [kinds + 1] if carried else []

    @property
    def kinds(self) -> int:
        """How many kinds of defects it looks for; 0 where it inspects nothing."""
        return len(self._detections)

    def _special(self, block: int) -> list[int]:
        start = block << BLOCK_BITS
        special = np.zeros(BLOCK, dtype=bool)
        for key, below in (
            (self._arise_key, self._arise_below),
            (self._false_key, self._false_below),
            (self._outcome_key, self._outcome_below),
        ):
            if below:
                special |= (words(key, start, BLOCK) >> np.uint64(1)) < np.uint64(below)
        flags: list[int] = special.tolist()
        return flags

    def _judge(self, index: int, defects: int) -> tuple[int, int]:
        if self._arise_below:
            drawn = word(self._arise_key, index) >> 1
            for below, bit in self._arise:
                if drawn < below:
                    defects |= bit
                    break
        if self._detections:
            if defects:
                for detection in self._detections:
                    if defects & detection.bit and (
                        word(detection.key, index) >> 1 < detection.below
                    ):
                        return self._rejected, defects
            elif self._false_below and word(self._false_key, index) >> 1 < self._false_below:
                return self._rejected, defects
        if self._outcome_below:
            drawn = word(self._outcome_key, index) >> 1
            if drawn < self._scrap_below:
                return SCRAP, defects
            if drawn < self._outcome_below:
                return REWORK, defects
        return PASS, defects
