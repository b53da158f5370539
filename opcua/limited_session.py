"""A client's session on a server that has limits."""

from __future__ import annotations

from typing import Any

from asyncua import ua
from asyncua.server.internal_session import InternalSession

from opcua.callers import Caller, calling
from opcua.limits import NO_LIMITS, Limits, at_most

__all__ = ["LimitedSession"]


class LimitedSession(InternalSession):  # type: ignore[misc]  # no types
    """Does what asyncua's does, unless a client asks for too much at once."""

    limits: Limits = NO_LIMITS

    async def read(self, params: ua.ReadParameters) -> Any:
        """Read attributes."""
        at_most(self.limits.nodes_a_read, len(params.NodesToRead))
        return await super().read(params)

    async def write(self, params: ua.WriteParameters) -> Any:
        """Write attributes."""
        at_most(self.limits.nodes_a_write, len(params.NodesToWrite))
        return await super().write(params)

    async def browse(self, params: ua.BrowseParameters) -> Any:
        """List references."""
        at_most(self.limits.nodes_a_browse, len(params.NodesToBrowse))
        return await super().browse(params)

    async def translate_browsepaths_to_nodeids(self, params: list[Any]) -> Any:
        """Find nodes by their browse paths."""
        at_most(self.limits.paths_a_translate, len(params))
        return await super().translate_browsepaths_to_nodeids(params)

    async def call(self, params: list[Any]) -> Any:
        """Call methods."""
        at_most(self.limits.nodes_a_call, len(params))
        with calling(Caller(self.user.name or "", self.session_id)):
            return await super().call(params)

    async def create_monitored_items(self, params: ua.CreateMonitoredItemsParameters) -> Any:
        """Make monitored items."""
        at_most(self.limits.items_a_call, len(params.ItemsToCreate))
        return await super().create_monitored_items(params)

    async def modify_monitored_items(self, params: ua.ModifyMonitoredItemsParameters) -> Any:
        """Change monitored items."""
        at_most(self.limits.items_a_call, len(params.ItemsToModify))
        return await super().modify_monitored_items(params)
