"""How a make of PLC writes the identifiers of its nodes. A plan names its nodes by their paths.

generic     L1/CUT/CUT01/Status/StateCurrent
Siemens     "CUT"."CUT01"."Status"."StateCurrent"
TwinCAT     MAIN.CUT.CUT01.Status.StateCurrent
CODESYS     |var|CODESYS Control Win V3 x64.Application.PLC_PRG.CUT.CUT01.Status.StateCurrent
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from asyncua import ua

__all__ = ["AS_IT_IS", "PATHS", "Naming", "Syntax"]

AS_IT_IS = "vendor:"
"""A path that begins so is an identifier already."""
_NO_IEC_NAME = re.compile(r"\W", re.ASCII)


@dataclass(frozen=True, slots=True)
class Syntax:
    """How paths become identifiers; by default they are ones.

    Args:
        separator: between the parts of an identifier.
        prefix: what every identifier begins with.
        quote: what each part is put into.
        iec_names: whether a part is a name of IEC 61131-3: letters, digits and underscores.
    """

    separator: str = "/"
    prefix: str = ""
    quote: str = ""
    iec_names: bool = False

    def ident(self, path: str) -> str:
        """Write the identifier of a node.

        Args:
            path: from the line on, as `L1/CUT/CUT01`; what is above a line, and what a PLC says of
                itself, begins with a word and a colon. PLCs don't name the line.

        >>> Syntax(".", quote='"').ident("L1/CUT/CUT01/Status")
        '"CUT"."CUT01"."Status"'
        >>> Syntax(".", prefix="MAIN.", iec_names=True).ident("L1/CUT/CUT-out/Level")
        'MAIN.CUT.CUT_out.Level'
        >>> Syntax().ident("L1/CUT/CUT01")
        'L1/CUT/CUT01'
        """
        if path.startswith(AS_IT_IS):
            return path.removeprefix(AS_IT_IS)
        if self == PATHS:
            return path
        first, *rest = path.split("/")
        parts = [first, *rest] if ":" in first else rest
        return self.prefix + self.separator.join(self._part(part) for part in parts)

    def below(self, ident: str, name: str) -> str:
        """Write the identifier of what is below a node.

        >>> Syntax(".", quote='"').below('"CUT"."CUT01"', "Commands")
        '"CUT"."CUT01"."Commands"'
        """
        return f"{ident}{self.separator}{self._part(name)}"

    def _part(self, name: str) -> str:
        if self.iec_names:
            return _NO_IEC_NAME.sub("_", name)
        return f"{self.quote}{name}{self.quote}"


PATHS = Syntax()
"""Paths as they are."""


@dataclass(frozen=True, slots=True)
class Naming:
    """How the nodes of one server are named.

    Args:
        index: of the namespace that they are in.
        syntax: of their identifiers.
    """

    index: int
    syntax: Syntax = PATHS

    def node_id(self, path: str) -> ua.NodeId:
        """Name a node of a plan."""
        return ua.NodeId(self.syntax.ident(path), self.index)

    def below(self, above: ua.NodeId, name: str) -> ua.NodeId:
        """Name a node below another."""
        return ua.NodeId(self.syntax.below(above.Identifier, name), self.index)
