"""What a gateway needs besides consents: keys, its part of the catalog, policy, the standing of clients."""

from typing import Any

import msgspec

from grantline.model.feed import Marks
from grantline.model.ids import ClientId


class BundleContent(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of BUNDLE_PATH. `catalog`: JSON form of the catalog file, cut to the APIs of the asking gateway.

    `jwks`: RFC 7517 set of the keys that sign tokens and versions. `clients`: client id → status.
    `catalog_hash` and `policy_hash` are those of the whole catalog and policy, as the feed announces them.
    """

    issuer: str
    jwks: dict[str, Any]
    catalog: dict[str, Any]
    catalog_hash: str
    policy: str
    policy_schema: str
    policy_hash: str
    clients: dict[ClientId, str]

    @property
    def marks(self) -> Marks:
        """The hashes, to compare with what the feed announced."""
        return Marks(self.policy_hash, self.catalog_hash)
