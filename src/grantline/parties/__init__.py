"""Who takes part: clients, people declared by operators, gateways. Registration data, no sessions."""

from grantline.parties.clients import Client, read_client
from grantline.parties.pairwise import Pairwise
from grantline.parties.registry import Change, metadata_hash, upsert

__all__ = ["Change", "Client", "Pairwise", "metadata_hash", "read_client", "upsert"]
