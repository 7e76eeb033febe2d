"""The bundle in the form in which calls are judged: catalog indexed, policy parsed. Built whole or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from grantline.catalog import Catalog, CatalogFile
from grantline.gateway.described import ResourceMetadata
from grantline.gateway.locate import Places
from grantline.model.bundle import BundleContent
from grantline.model.errors import InvalidConfiguration
from grantline.model.ids import ApiId, ClientId
from grantline.policy import Decider, Policies, PolicyTexts


@dataclass(frozen=True, slots=True)
class Compiled:
    """What enforcement needs of one bundle. `clients`: status by client id."""

    issuer: str
    places: Places
    decider: Decider
    clients: Mapping[ClientId, str]

    @classmethod
    def of(cls, content: BundleContent) -> "Compiled":
        """Raises `InvalidConfiguration` where catalog or policy cannot be used, or are not what their hash says."""
        try:
            file = msgspec.convert(content.catalog, CatalogFile)
        except msgspec.ValidationError as error:
            raise InvalidConfiguration(f"The catalog of the bundle cannot be read: {error}") from error
        texts = PolicyTexts(content.policy_schema, content.policy)
        if texts.hash != content.policy_hash:
            raise InvalidConfiguration("The policy of the bundle is not the one its hash names.")
        places = Places(Catalog.from_file(file))
        return cls(content.issuer, places, Decider(Policies(texts), places.data_entities()), content.clients)

    def metadata(self, api: ApiId) -> ResourceMetadata:
        """What an API that is served here says of itself."""
        return ResourceMetadata.of(self.places.catalog.file, api, self.issuer)

    def client_status(self, client: ClientId) -> str:
        """The registry's word about a client; `unknown` for one it does not list."""
        return self.clients.get(client, "unknown")
