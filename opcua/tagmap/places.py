"""Node ids, browse paths and picks, as a tag map's file writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from opcua.tag_map import Address
from opcua.wire_values import BASE, QName
from twin.errors import QuantityError
from twin.model.nearest import did_you_mean

__all__ = ["address", "picked"]

_FULL = re.compile(r"nsu=([^;]+);([sigb]=.*)", re.DOTALL)
_SHORT = re.compile(r"[igb]=.*|s=.*", re.DOTALL)
_INDEX = re.compile(r"ns=\d+;")
_STEP = re.compile(r"\.?([A-Za-z_]\w*)|\[(\d+)\]")
_SLASH = "\0"


def address(node: str, path: str, uri: str, namespaces: Mapping[str, str]) -> Address:
    """Read a node id or a browse path.

    Args:
        node: a node id; empty: there is a path.
        path: browse names from the Objects folder on.
        uri: the namespace of what names none.
        namespaces: URIs by the short names that a path may use.

    Raises:
        QuantityError: it is neither.

    >>> address('"DB1"."State"', "", "http://vendor/", {})
    Address(uri='http://vendor/', node='s="DB1"."State"', path=())
    >>> address("nsu=http://other/;i=7", "", "http://vendor/", {}).uri
    'http://other/'
    >>> print(address("", "di:DeviceSet/PLC/a&/b", "http://vendor/", {"di": "http://di/"}))
    DeviceSet/PLC/a/b
    """
    if node:
        return _of_node(node, uri)
    names = path.replace("&/", _SLASH).split("/")
    if not all(names):
        raise QuantityError("must be browse names with a single / between them")
    return Address(uri, "", tuple(_name(one, uri, namespaces) for one in names))


def _of_node(node: str, uri: str) -> Address:
    if _INDEX.match(node):
        raise QuantityError(
            "must name its namespace by URI, as nsu=http://vendor/;s=State: an index changes"
        )
    full = _FULL.fullmatch(node)
    if full:
        uri, node = full[1], full[2]
    elif not _SHORT.fullmatch(node):
        node = f"s={node}"
    if node.startswith("i=") and not node[2:].isdecimal():
        raise QuantityError("must have a number after i=")
    return Address(uri, node)


def _name(text: str, uri: str, namespaces: Mapping[str, str]) -> QName:
    key, colon, name = text.partition(":")
    name = name.replace(_SLASH, "/")
    if not colon:
        return QName(uri, key.replace(_SLASH, "/"))
    if key == "0":
        return QName(BASE, name)
    if key not in namespaces:
        raise QuantityError(
            f"must have known namespaces, got {key}; "
            f"{did_you_mean(key, namespaces, 'name it under namespaces')}"
        )
    return QName(namespaces[key], name)


def picked(text: str) -> tuple[str | int, ...]:
    """Read what of a structure or array is meant.

    Raises:
        QuantityError: it is no such text.

    >>> picked("Axes[3].Position")
    ('Axes', 3, 'Position')
    """
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            raise QuantityError("must be members and elements, as Axes[3].Position")
        steps.append(step[1] or int(step[2]))
        at = step.end()
    return tuple(steps)
