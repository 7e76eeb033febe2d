"""What kinds of documents are fetched: how large each may be, and what it has to call itself."""

import re
from dataclasses import dataclass

_KB = 1_024
_JSON = r"application/(?:json|[a-z0-9.+-]+\+json)"


@dataclass(frozen=True, slots=True)
class Shape:
    """`most`: bytes. `kinds`: pattern of the media types that are read, parameters left out."""

    name: str
    most: int
    kinds: str

    def reads(self, content_type: str) -> bool:
        """True if this media type is one of them."""
        return re.fullmatch(self.kinds, content_type.partition(";")[0].strip().lower()) is not None


METADATA = Shape("client metadata document", 5 * _KB, _JSON)
JWKS = Shape("key set", 64 * _KB, _JSON)
SECTOR = Shape("list of redirect addresses", 64 * _KB, _JSON)
REQUEST_OBJECT = Shape("request object", 64 * _KB, r"application/(?:oauth-authz-req\+jwt|jwt)")
PROVIDER = Shape("answer of an OpenID provider", 64 * _KB, _JSON)
LOGO = Shape("picture", 64 * _KB, r"image/(?:png|jpeg|webp|gif)")
"""Pictures without a language of their own: SVG is a program (check 46)."""
