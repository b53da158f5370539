"""Job orders and responses as the standard's structures (OPC 10031-4, 6.3), in and out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from asyncua import ua

from opcua.jobs.book import MOST_ORDERS, Job, JobRefused, JobState, Order, Return
from opcua.jobs.offer import Offer
from opcua.standards import JOB_CONTROL
from opcua.structure_codec import decoded, structure
from opcua.structures import instant
from opcua.units import UNITS_URI, common_code, unit_number
from opcua.wire_values import Ref, Structure

__all__ = ["JOB_ORDER", "job_and_state", "job_response", "read_order", "state_asked", "work_master"]

JOB_ORDER = Ref(JOB_CONTROL, 3008)
_JOB_AND_STATE, _RESPONSE = Ref(JOB_CONTROL, 3015), Ref(JOB_CONTROL, 3013)
_STATE, _WORK_MASTER = Ref(JOB_CONTROL, 3006), Ref(JOB_CONTROL, 3007)

_PRODUCED = "Material Produced"
"""How a material is used that an order wants made (ISA-95 part 2)."""
_NEVER = datetime(1601, 1, 1, tzinfo=UTC)


def read_order(body: bytes, offer: Offer) -> Order:
    """Read an order, and check that the PLC has what it asks for.

    Args:
        body: an ISA95JobOrderDataType in OPC UA binary.
        offer: what the PLC has.

    Raises:
        JobRefused: it can't be read, or asks for what the PLC hasn't.
    """
    try:
        said = decoded(JOB_ORDER, body)
    except ValueError as error:
        raise JobRefused(Return.INVALID_REQUEST) from error
    asked = (
        ("WorkMasterID", {offer.work_master}),
        ("EquipmentRequirements", {*offer.stations, *offer.machines}),
        ("PhysicalAssetRequirements", set(offer.machines)),
    )
    for field, known in asked:
        if any(each["ID"] not in known for each in said.get(field, ())):
            raise JobRefused(Return.UNABLE_TO_ACCEPT)
    if said.get("PersonnelRequirements"):
        raise JobRefused(Return.UNABLE_TO_ACCEPT)
    # The first instant that OPC UA knows means that there is none.
    start = (said.get("StartTime") or _NEVER).replace(tzinfo=UTC)
    return Order(
        str(said.get("JobOrderID") or ""),
        body,
        _quantity(said.get("MaterialRequirements", ()), offer),
        round(start.timestamp() * 1e6) if start > _NEVER else None,
        said.get("Priority", 0),
    )


def _quantity(materials: Any, offer: Offer) -> int | None:
    """Find how many good parts are wanted; None: no number is said."""
    wanted: int | None = None
    for material in materials:
        use = (material.get("MaterialUse") or "").casefold()
        if use not in (_PRODUCED.casefold(), "produced"):
            continue
        if (material.get("MaterialDefinitionID") or offer.product) != offer.product:
            raise JobRefused(Return.UNABLE_TO_ACCEPT)
        try:
            number = Decimal(material.get("Quantity") or "")
        except InvalidOperation as error:
            raise JobRefused(Return.UNABLE_TO_ACCEPT) from error
        if wanted is not None or number < 1 or number != int(number):
            raise JobRefused(Return.UNABLE_TO_ACCEPT)
        wanted = int(number)
    return wanted


def state_asked(values: Any) -> JobState:
    """Read the state of job orders that somebody asks for, given as an array of ISA95StateDataType.

    Raises:
        JobRefused: there is none, or no state has its number.
    """
    try:
        first = decoded(_STATE, bytes(values[0].Body))
        return JobState(first["StateNumber"])
    except (ValueError, AttributeError) as error:
        raise JobRefused(Return.INVALID_STATUS) from error
    except (IndexError, TypeError) as error:
        raise JobRefused(Return.INVALID_REQUEST) from error


def _state(job: Job) -> list[Mapping[str, Any]]:
    # A state of the outermost machine has no browse path.
    text = ua.LocalizedText(job.state.shown, "en")
    return [{"StateText": text, "StateNumber": int(job.state)}]


@lru_cache(MOST_ORDERS * 10)
def job_and_state(job: Job) -> Structure:
    """Make an ISA95JobOrderAndStateDataType: the order as it came, and where it stands."""
    return structure(_JOB_AND_STATE, {"JobOrder": job.order.body, "State": _state(job)})


@lru_cache(MOST_ORDERS * 10)
def job_response(job: Job | None, offer: Offer) -> Structure:
    """Make an ISA95JobResponseDataType: what has become of an order; None: an empty one."""
    if job is None:
        return structure(_RESPONSE, {})
    times = {
        name: instant(at_us)
        for name, at_us in (("StartTime", job.started_us), ("EndTime", job.ended_us))
        if at_us is not None
    }
    said = ua.LocalizedText(f"{job.produced} produced, {job.scrapped} scrapped", "en")
    return structure(
        _RESPONSE,
        {
            "JobResponseID": f"{job.order.id}-response",
            "Description": said,
            "JobOrderID": job.order.id,
            **times,
            "JobState": _state(job),
            "JobResponseData": list(_data(job)),
            "EquipmentActuals": [{"ID": station} for station in offer.stations],
            "MaterialActuals": [
                {
                    "MaterialDefinitionID": offer.product,
                    "MaterialUse": _PRODUCED,
                    "Quantity": str(job.produced),
                    "EngineeringUnits": _unit(offer.unit),
                }
            ],
        },
    )


def _data(job: Job) -> Iterator[Mapping[str, Any]]:
    numbers = {"Produced": job.produced, "Scrapped": job.scrapped, "Wanted": job.order.quantity}
    texts = {
        "Produced": ("good parts", "合格数"),
        "Scrapped": ("parts scrapped", "报废数"),
        "Wanted": ("good parts ordered", "订单数量"),
    }
    for name, number in numbers.items():
        if number is not None:
            en, zh = texts[name]
            yield {
                "ID": name,
                "Value": ua.Variant(number, ua.VariantType.Int64),
                "Description": [ua.LocalizedText(en, "en"), ua.LocalizedText(zh, "zh")],
            }


def _unit(unit: str) -> ua.EUInformation:
    shown = ua.LocalizedText(unit)
    return ua.EUInformation(
        UNITS_URI if common_code(unit) else None, unit_number(unit), shown, shown
    )


def work_master(offer: Offer) -> Structure:
    """Make the ISA95WorkMasterDataType of the way in which the product is made."""
    text = ua.LocalizedText(offer.name.en, "en")
    return structure(_WORK_MASTER, {"ID": offer.work_master, "Description": text})
