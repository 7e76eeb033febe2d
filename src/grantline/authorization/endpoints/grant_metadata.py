"""What the metadata says about managing grants (Grant Management §7.1)."""

from typing import Any

from grantline.authorization.endpoints import paths
from grantline.authorization.server import Server
from grantline.authorization.steps.grant_action import Action


def about_grants(server: Server) -> dict[str, Any]:
    """Each action from what does it."""
    return {
        "grant_management_endpoint": server.issuer + paths.GRANTS,
        "grant_management_actions_supported": ["query", "revoke", *Action],
        "grant_management_action_required": server.settings.grant_management_action_required,
    }
