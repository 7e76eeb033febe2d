"""What an API says of itself at its own host, and where it says so (RFC 9728 §3 and §5.1)."""

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from grantline.catalog import CatalogFile, metadata_path, metadata_url, resource_metadata
from grantline.gateway.rendered import Rendered
from grantline.model.ids import ApiId

HEADERS = (
    ("content-type", "application/json"),
    ("cache-control", "max-age=300"),
    ("access-control-allow-origin", "*"),
    ("x-content-type-options", "nosniff"),
)
"""Nothing here depends on who asks, and scripts of any origin have to find their way (RFC 9728 §3)."""


@dataclass(frozen=True, slots=True)
class ResourceMetadata:
    """The document of one API. `path`: where it stands at the API's host."""

    resource: str
    path: str
    body: bytes

    @classmethod
    def of(cls, file: CatalogFile, api: ApiId, issuer: str) -> "ResourceMetadata":
        """From the catalog of this gateway."""
        document = resource_metadata(file, api, issuer)
        return cls(document["resource"], metadata_path(document["resource"]), orjson.dumps(document))

    def url(self, base: str) -> str:
        """Its address for clients that reach the API at `base`."""
        return metadata_url(base, self.resource)

    def told(self) -> Rendered:
        """The answer to everybody."""
        return Rendered(200, HEADERS, self.body)

    def answers(self, method: str, path: str) -> bool:
        """True for a question that this document answers, whoever asks."""
        return method in {"GET", "HEAD"} and path == self.path


def describing(find: Callable[[ApiId], ResourceMetadata | None], api: ApiId) -> Callable[[str, str], Rendered | None]:
    """Answers a question (method, path) for the metadata of this API, and no other."""

    def answer(method: str, path: str) -> Rendered | None:
        described = find(api)
        return described.told() if described is not None and described.answers(method, path) else None

    return answer
