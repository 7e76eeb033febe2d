"""Who takes part: clients, people declared by operators, gateways. Registration data, no sessions."""

from typing import TYPE_CHECKING

from grantline.model.door import opens_on_use

if TYPE_CHECKING:
    from grantline.parties.clients import AuthMethod, Client, Kind, Profile, Standing, Tier, read_client
    from grantline.parties.pairwise import Pairwise
    from grantline.parties.redirects import find_redirect_uri, is_trustworthy_redirect
    from grantline.parties.registry import Change, metadata_hash, upsert
else:
    __getattr__ = opens_on_use(__name__)

__all__ = [
    "AuthMethod",
    "Change",
    "Client",
    "Kind",
    "Pairwise",
    "Profile",
    "Standing",
    "Tier",
    "find_redirect_uri",
    "is_trustworthy_redirect",
    "metadata_hash",
    "read_client",
    "upsert",
]
