"""What an API says of itself to clients that do not know it yet: who gives tokens for it, and for what (RFC 9728)."""

from typing import Any
from urllib.parse import urlsplit

from grantline.catalog.entries import CatalogFile
from grantline.crypto.dpop import ALGORITHMS
from grantline.model.ids import ApiId

WELL_KNOWN = "/.well-known/oauth-protected-resource"


def metadata_path(resource: str) -> str:
    """Where the document of a resource stands at its host: the well-known part before its own path (§3)."""
    path = urlsplit(resource).path
    return WELL_KNOWN if path == "/" else WELL_KNOWN + path


def metadata_url(base: str, resource: str) -> str:
    """The same as an address, at the host where the API is reached."""
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}{metadata_path(resource)}"


def resource_metadata(file: CatalogFile, api: ApiId, issuer: str) -> dict[str, Any]:
    """The members of RFC 9728 §2 for one API of the catalog."""
    entry = file.apis[api]
    return {
        "resource": entry.resource,
        "resource_name": entry.label,
        "authorization_servers": [issuer],
        "scopes_supported": [name for name, scope in file.scopes.items() if scope.api == api],
        # Tokens in addresses end up in logs; in forms, in what an API parses (check 121).
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        # Whether a client's tokens are bound to a key is a matter of its registration.
        "dpop_bound_access_tokens_required": False,
        "authorization_details_types_supported": [entry.type],
    }
