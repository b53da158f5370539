"""The one table of faults: what each does, what it can be told, what a client sees and should do.

The checks of scripts and the reference page (`docs/reference/faults.md`) are made from this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["KINDS", "FaultKind", "Param", "Setting"]

Setting = str | float | int


@dataclass(frozen=True, slots=True)
class Param:
    """What a fault can be told.

    Args:
        default: what it is if nobody says; its type is the parameter's.
        text: what it means, with its unit.
        choices: the texts that it takes; empty: any.
        low, high: the numbers that it takes.
    """

    default: Setting
    text: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1e12


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One way in which a plant misbehaves.

    Args:
        name: as in a script.
        acts_on: `values`, `wire` or `server`.
        does: what happens.
        seen: what a client sees of it.
        advice: what a client should do about it.
        params: what it can be told.
        numbers_only: of `values`: it leaves booleans alone.
        restless: of `values`: it shows something at every scan, changed or not.
    """

    name: str
    acts_on: str
    does: str
    seen: str
    advice: str
    params: Mapping[str, Param] = field(default_factory=lambda: MappingProxyType({}))
    numbers_only: bool = False
    restless: bool = False


_SHIFT = Param(1, "by how much the namespace's index grows, 0 for not at all", low=0, high=20)

_ALL = (
    FaultKind(
        "power_off",
        "server",
        "The PLC loses its power, and starts again when the fault ends. Cold: commands and "
        "setpoints are forgotten and its counters begin at 0 again. Warm: they are kept. The plant "
        "runs on.",
        "Every connection ends; then nothing listens. After it new sessions only.",
        "Reconnect with growing pauses; make session and subscriptions anew; read every value "
        "afresh; take a counter that is smaller than before for a restart and not for negative "
        "production.",
        {"start": Param("warm", "how it starts again", ("warm", "cold"))},
    ),
    FaultKind(
        "cable_cut",
        "wire",
        "The cable is cut. With `reset` connections are reset and new ones too; with `black_hole` "
        "they stay open and nothing passes, and what was on its way arrives when the fault ends.",
        "`reset`: connection errors at once. `black_hole`: silence, and requests that time out.",
        "Have a deadline on every request and a watchdog on keep-alives; after it, reconnect and "
        "read afresh. Never take silence for values that did not change.",
        {"how": Param("reset", "what becomes of connections", ("reset", "black_hole"))},
    ),
    FaultKind(
        "slow_network",
        "wire",
        "Every message takes longer, by a delay and a random part, through a narrow line.",
        "Late answers and late notifications, in order.",
        "Keep several publish requests ahead; set timeouts above the worst delay; judge the age of "
        "a value by its source timestamp.",
        {
            "delay_s": Param(0.3, "delay of each message, seconds", high=60),
            "jitter_s": Param(0.1, "most that is added at random, seconds", high=60),
            "bytes_per_s": Param(0.0, "width of the line, 0 for no limit"),
        },
    ),
    FaultKind(
        "no_answer",
        "wire",
        "The server takes connections and requests, and never answers one.",
        "A connection that opens and a handshake or a request that times out.",
        "Have a deadline on the handshake (Hello, OpenSecureChannel, CreateSession) too, not on "
        "requests alone; when it has passed, close the connection before trying again, with "
        "growing pauses: a client that opens one more at each try uses up what the server "
        "allows.",
    ),
    FaultKind(
        "session_dropped",
        "server",
        "The server forgets its sessions; connections stay open.",
        "BadSessionIdInvalid on the next request, BadSessionClosed on publish requests.",
        "Don't close the connection: make a new session on it, subscribe again, and read every "
        "value afresh. Subscriptions went with the session; a write that was under way may or "
        "may not have been done, so read it back.",
    ),
    FaultKind(
        "service_level",
        "server",
        "The server says by its ServiceLevel that it does not serve well; it goes on all the same.",
        "A ServiceLevel below 200: degraded; 1: it has no data; 0: maintenance.",
        "Of a redundant pair change over to the server whose level is in a better range.",
        {"level": Param(100, "what the level is, 255 is the best", low=0, high=255)},
    ),
    FaultKind(
        "subscription_dropped",
        "server",
        "The server deletes its subscriptions; sessions stay.",
        "BadNoSubscription on publish requests.",
        "Take BadNoSubscription for the end of all that was subscribed: subscribe again and "
        "read every value afresh, in the same session. Mark what history has of the time "
        "between as unknown.",
    ),
    FaultKind(
        "subscription_dead",
        "server",
        "Subscriptions are there and say nothing any more, not even keep-alives.",
        "Silence; reads go on working.",
        "Know the longest time without a notification (publishing interval times keep-alive "
        "count); after three of them without any delete the subscription, subscribe again and "
        "read afresh. That reads still work proves nothing.",
    ),
    FaultKind(
        "certificate_expired",
        "server",
        "The PLC starts again with a certificate that is out of date.",
        "A certificate that the client must refuse.",
        "Refuse it, say whose certificate is out of date since when, and go on trying slowly: "
        "it comes back by itself once it is renewed. Warn some weeks before a certificate ends; "
        "check the client's own clock first.",
    ),
    FaultKind(
        "certificate_changed",
        "server",
        "The PLC starts again with another certificate and key.",
        "A certificate that nobody has trusted yet.",
        "Refuse it, keep it aside, and ask a person, with the old and the new thumbprint; never "
        "trust what has changed by itself. A renewed certificate and somebody in between look "
        "alike.",
    ),
    FaultKind(
        "clock_drift",
        "values",
        "The PLC's clock runs fast or slow.",
        "Source timestamps that move away from the client's time.",
        "Compare source timestamps with the time of arrival, and warn; order by source time within "
        "one PLC only.",
        {"s_per_h": Param(10.0, "seconds that it gains an hour", low=-3600, high=3600)},
    ),
    FaultKind(
        "clock_jump",
        "values",
        "The PLC's clock is set.",
        "Source timestamps that jump, perhaps back.",
        "Don't drop what seems old and don't compute rates across the jump; keep the time of "
        "arrival beside the source timestamp, so that order can be restored, and say that the "
        "clock was set.",
        {"by_s": Param(3600.0, "by how many seconds", low=-1e9, high=1e9)},
    ),
    FaultKind(
        "frozen_value",
        "values",
        "A sensor stays at what it showed last, in good quality.",
        "A value that does not change while those beside it do.",
        "Good quality says nothing here: have a longest time without change for each signal "
        "that the process keeps moving, and compare with those that move with it (a count with "
        "its machine's state). Read once more before you alarm: a subscription may be what is "
        "silent.",
    ),
    FaultKind(
        "bad_quality",
        "values",
        "A sensor fails.",
        "A bad status code, and no value.",
        "Keep the last good value, marked as old with its time; never store null as 0, nor a "
        "bad value's number. Which status it is decides who is called: the sensor's, the "
        "device's or the network's people.",
        {
            "status": Param(
                "BadSensorFailure",
                "status code",
                (
                    "BadSensorFailure",
                    "BadDeviceFailure",
                    "BadCommunicationError",
                    "BadOutOfService",
                ),
            )
        },
        restless=True,
    ),
    FaultKind(
        "uncertain_quality",
        "values",
        "A sensor is out of its calibrated range or its value is old.",
        "An uncertain status code with a value.",
        "Use the value with care: show it marked, keep it out of control and of reports that must "
        "hold, and store its quality with it. The Severity bits count, not the code by name.",
        {
            "status": Param(
                "UncertainSensorNotAccurate",
                "status code",
                (
                    "UncertainSensorNotAccurate",
                    "UncertainLastUsableValue",
                    "UncertainEngineeringUnitsExceeded",
                ),
            )
        },
        restless=True,
    ),
    FaultKind(
        "spikes",
        "values",
        "Now and then a value is far too high for one scan.",
        "Single outliers in good quality.",
        "Check against what is physically possible and against the steepest change that is; "
        "alarm after several samples, not one; keep the raw value in history, marked, instead "
        "of throwing it away.",
        {
            "share": Param(0.1, "share of scans with a spike", high=1),
            "size": Param(10.0, "times the value, at least 1", low=1),
        },
        numbers_only=True,
        restless=True,
    ),
    FaultKind(
        "dips",
        "values",
        "Now and then a value falls to 0 for one scan.",
        "Single zeros in good quality.",
        "Wait for the next scan before you believe a zero: a counter that is back where it was "
        "has dipped, one that goes on from 0 was reset. Never book the difference of a dip as "
        "production, down or up.",
        {"share": Param(0.1, "share of scans with a dip", high=1)},
        numbers_only=True,
        restless=True,
    ),
    FaultKind(
        "drift",
        "values",
        "A sensor drifts.",
        "A value that moves slowly away from those that belong to it.",
        "No single value shows it: compare with redundant sensors or a model over hours, follow "
        "the difference with a slow chart (EWMA or CUSUM), and ask for a calibration before "
        "limits are reached.",
        {"share_per_h": Param(0.5, "share of the value that is added an hour", low=-100, high=100)},
        numbers_only=True,
        restless=True,
    ),
    FaultKind(
        "noise",
        "values",
        "A sensor is noisy.",
        "A value that jitters at every scan.",
        "Ask for a deadband of some standard deviations in the subscription, where the server "
        "has one, or set it in the client; filter before you alarm or compute rates; don't "
        "store every sample.",
        {"share": Param(0.05, "standard deviation as a share of the value", high=100)},
        numbers_only=True,
        restless=True,
    ),
    FaultKind(
        "stuck_bit",
        "values",
        "One bit of a whole number or a boolean is stuck.",
        "Values that can't be (a state that there is not), or a flag that never changes.",
        "Check enumerations against what they allow and say so once; keep the last valid state "
        "marked as old instead of mapping an unknown one to another. A flag that never changes "
        "shows only beside signals that must change it.",
        {
            "bit": Param(0, "which, from the lowest", high=62),
            "at": Param(1, "what it is stuck at", high=1),
        },
        restless=True,
    ),
    FaultKind(
        "counter_reset",
        "values",
        "A counter begins at 0 again.",
        "A counter smaller than before, that grows on.",
        "Take a counter that is smaller than before for a restart: add what it shows now to "
        "what was before, never the negative difference. What was made between the last value "
        "seen and the reset is not known; say so.",
        numbers_only=True,
        restless=True,
    ),
    FaultKind(
        "counter_wrap",
        "values",
        "A counter has few bits and wraps.",
        "A counter that falls to 0 again and again.",
        "Know the width and count differences modulo it; look often enough that it can't wrap "
        "twice between two looks. A fall from near the top is a wrap, one from anywhere else a "
        "reset.",
        {"bits": Param(8, "width", low=1, high=62)},
        numbers_only=True,
        restless=True,
    ),
    FaultKind(
        "duplicates",
        "server",
        "Every notification of a value comes twice.",
        "The same value with the same source timestamp twice.",
        "A point's identity is its node and source timestamp: store it once.",
    ),
    FaultKind(
        "notifications_lost",
        "server",
        "Some notifications are made and numbered, and never sent. With `kept` no they can't be "
        "had again either.",
        "Sequence numbers with gaps; the next keep-alive shows the last one.",
        "Compare sequence numbers; ask for what is missing with Republish, and read every value "
        "afresh where it is gone.",
        {
            "share": Param(0.05, "share of the notifications that are lost", high=1),
            "kept": Param("yes", "whether the server keeps them to be asked for", ("yes", "no")),
        },
    ),
    FaultKind(
        "late",
        "values",
        "Values are published late, with the source timestamps that they should have had.",
        "Source timestamps older than those that have come from other nodes.",
        "Order by source timestamp and put late values where they belong in history; close a "
        "report's interval only after the longest delay that you expect, or correct it "
        "afterwards. Server timestamps don't show it.",
        {"by_s": Param(5.0, "plant seconds", high=1e6)},
    ),
    FaultKind(
        "wrong_type",
        "values",
        "After a firmware update values have another type.",
        "A Variant of another type in good quality; the DataType attribute says so too.",
        "Look at the type of each value, not of the node once; convert what can be converted "
        "without loss, report the rest once with node, old and new type, and go on with all "
        "other nodes. Before a write read the type anew.",
        {"to": Param("String", "the new type", ("String", "Float", "Int16"))},
        restless=True,
    ),
    FaultKind(
        "nodes_vanish",
        "server",
        "Nodes are gone. When the fault ends the PLC starts again with them, in a namespace of "
        "another index.",
        "BadNodeIdUnknown; then a reconnect, and the old node ids are unknown still.",
        "Look the namespace's index up by its URI at every connect; go on with the nodes that are "
        "there.",
        {"shift": _SHIFT},
    ),
    FaultKind(
        "overload",
        "server",
        "Scans take too long.",
        "A heartbeat that slows, ScanOverruns that grow, values in lumps.",
        "Watch the heartbeat against the plant's time; when it slows, ask for less (longer "
        "intervals, fewer items) and wait longer: more retries make it slower still. Values in "
        "one lump have source timestamps of their own; use those.",
        {"takes_s": Param(2.0, "seconds that each scan takes longer", high=3600)},
    ),
    FaultKind(
        "alarm_flood",
        "values",
        "Alarms come and go at random.",
        "Many alarm changes at every scan.",
        "Show the first of a burst and group the rest by machine: more than ten in ten minutes "
        "are a flood (ISA-18.2). Keep all of it in history. Size the item's queue, and after an "
        "event of type EventQueueOverflowEventType ask for ConditionRefresh.",
        {"share": Param(0.5, "share of the alarms that stand at each scan", high=1)},
        restless=True,
    ),
    FaultKind(
        "chaos",
        "server",
        "Faults of all kinds one after the other, at random, from the seed.",
        "All of the above.",
        "All of the above, at once: after anything that looks wrong, go back to a state that "
        "is known (new connection, new session, new subscription, every value read afresh), "
        "write what was not acknowledged again only where twice does no harm, and log which "
        "fault was taken for which.",
        {
            "every_s": Param(30.0, "plant seconds from one to the next, in the mean", low=0.1),
            "each_s": Param(10.0, "plant seconds that each lasts, in the mean", low=0.1),
        },
    ),
)

KINDS: Mapping[str, FaultKind] = MappingProxyType({kind.name: kind for kind in _ALL})
"""Every fault by its name."""
