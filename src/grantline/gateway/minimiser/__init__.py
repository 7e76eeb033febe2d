"""Cuts an upstream's answer to what was agreed. Owns filtering and the hop that filtered calls take.

Knows a decision only by its `FieldFilter`; nothing of consents, tokens or feeds.
"""

from typing import TYPE_CHECKING

from grantline.model.door import opens_on_use

if TYPE_CHECKING:
    from grantline.gateway.minimiser.asgi import filtered
    from grantline.gateway.minimiser.cut import Cutter
    from grantline.gateway.minimiser.errors import Unfilterable
    from grantline.gateway.minimiser.listen import serve, tcp_socket, unix_socket
    from grantline.gateway.minimiser.pending import Pending, PendingFull
    from grantline.gateway.minimiser.server import Hop, Outcome, Report, Verify
    from grantline.gateway.minimiser.settings import Settings
    from grantline.gateway.minimiser.upstream import Address, Upstream
else:
    __getattr__ = opens_on_use(__name__)

__all__ = [
    "Address",
    "Cutter",
    "Hop",
    "Outcome",
    "Pending",
    "PendingFull",
    "Report",
    "Settings",
    "Unfilterable",
    "Upstream",
    "Verify",
    "filtered",
    "serve",
    "tcp_socket",
    "unix_socket",
]
