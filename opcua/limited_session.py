"""A client's session on a server that has limits."""

from __future__ import annotations

from typing import Any

from asyncua import ua
from asyncua.server.internal_session import InternalSession

from opcua.callers import Caller, calling
from opcua.limits import NO_LIMITS, Limits, at_most
from opcua.logins import role_of
from opcua.roles import WRITE, Role, may, may_call, shown_to

__all__ = ["LimitedSession"]

_OF_USER = {
    ua.AttributeIds.UserAccessLevel,
    ua.AttributeIds.UserExecutable,
    ua.AttributeIds.UserRolePermissions,
}


class LimitedSession(InternalSession):  # type: ignore[misc]  # no types
    """Does what asyncua's does, unless a client asks for too much at once."""

    limits: Limits = NO_LIMITS

    def activate_session(
        self, params: ua.ActivateSessionParameters, peer_certificate: bytes | None
    ) -> Any:
        """Log somebody on."""
        self.iserver.user_manager.present(params, peer_certificate)
        return super().activate_session(params, peer_certificate)

    async def read(self, params: ua.ReadParameters) -> Any:
        """Read attributes, and of those that are another for each user this user's."""
        at_most(self.limits.nodes_a_read, len(params.NodesToRead))
        results = await super().read(params)
        for place, one in enumerate(params.NodesToRead):
            if self.external and one.AttributeId in _OF_USER:
                own = shown_to(self.aspace, one.NodeId, one.AttributeId, role_of(self.user))
                results[place] = own or results[place]
        return results

    async def write(self, params: ua.WriteParameters) -> Any:
        """Write what the user may write."""
        at_most(self.limits.nodes_a_write, len(params.NodesToWrite))
        role = role_of(self.user)
        if not self.external:
            return await super().write(params)

        async def write(one: ua.WriteValue) -> ua.StatusCode:
            # A node that may not be written at all says so in asyncua's way.
            allowed = may(self.aspace, one.NodeId, Role.ENGINEER, WRITE)
            if allowed and not may(self.aspace, one.NodeId, role, WRITE):
                return ua.StatusCode(ua.StatusCodes.BadUserAccessDenied)
            (code,) = await super(LimitedSession, self).write(ua.WriteParameters([one]))
            return code

        return [await write(one) for one in params.NodesToWrite]

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
        role, results = role_of(self.user), []
        with calling(Caller(self.user.name or "", self.session_id)):
            for one in params:
                node = self.aspace.get(one.MethodId)
                acts = node is not None and node.call is not None
                if self.external and acts and not may_call(self.aspace, one.MethodId, role):
                    code = ua.StatusCode(ua.StatusCodes.BadUserAccessDenied)
                    results.append(ua.CallMethodResult(code))
                else:
                    results += await super().call([one])
        return results

    async def create_monitored_items(self, params: ua.CreateMonitoredItemsParameters) -> Any:
        """Make monitored items."""
        at_most(self.limits.items_a_call, len(params.ItemsToCreate))
        return await super().create_monitored_items(params)

    async def modify_monitored_items(self, params: ua.ModifyMonitoredItemsParameters) -> Any:
        """Change monitored items."""
        at_most(self.limits.items_a_call, len(params.ItemsToModify))
        return await super().modify_monitored_items(params)
