"""Where an instance keeps its things below the data directory."""

from dataclasses import dataclass
from pathlib import Path

from grantline.model.ids import ApiId, GatewayId


@dataclass(frozen=True, slots=True)
class Places:
    """One data directory. The ledger and the signer name their own places (`grantline.ledger`)."""

    data: Path

    @property
    def state(self) -> Path:
        """The authority's database."""
        return self.data / "authority" / "state.db"

    @property
    def leader_lock(self) -> Path:
        """Held by the one authority process that keeps the feed, where the state is in this directory."""
        return self.data / "authority" / "leader.lock"

    @property
    def catalog(self) -> Path:
        """The catalog in force, as `grantline apply` put it."""
        return self.data / "authority" / "catalog.toml"

    @property
    def policy(self) -> Path:
        """The organisation's own policies, which may only forbid; absent where there are none."""
        return self.data / "authority" / "policy.cedar"

    @property
    def token_key(self) -> Path:
        """What signed in earlier releases, in clear; taken over by the first start."""
        return self.data / "authority" / "keys" / "token.pem"

    @property
    def root_key(self) -> Path:
        """Seals the authority's other secrets."""
        return self.data / "authority" / "keys" / "root.key"

    @property
    def signing_keys(self) -> Path:
        """Private halves that sign tokens, versions and receipts, each sealed."""
        return self.data / "authority" / "keys" / "signing"

    @property
    def pairwise_key(self) -> Path:
        """32 bytes from which pairwise subjects are made."""
        return self.data / "authority" / "keys" / "pairwise.key"

    @property
    def identity_key(self) -> Path:
        """32 bytes that seal what people sign in with, as far as it is secret."""
        return self.data / "authority" / "keys" / "identity.key"

    @property
    def producer_key(self) -> Path:
        """By which the authority proves itself to the ledger."""
        return self.data / "authority" / "keys" / "producer.pem"

    @property
    def set_aside(self) -> Path:
        """Events of the authority that the ledger would not take."""
        return self.data / "authority" / "set-aside.jsonl"

    @property
    def enrolment_link(self) -> Path:
        """The first operator's link, while it is unused."""
        return self.data / "run" / "enrolment-link"

    def gateway(self, gateway: GatewayId) -> Path:
        """Everything of one gateway."""
        return self.data / "gateways" / gateway

    def decision_socket(self, api: ApiId) -> Path:
        """Where Envoy asks for decisions on calls to this API."""
        return self.data / "run" / f"decide-{api}.sock"

    def minimiser_socket(self, api: ApiId) -> Path:
        """Where Envoy sends filtered calls to this API."""
        return self.data / "run" / f"minimise-{api}.sock"

    def gateway_token(self, gateway: GatewayId) -> Path:
        """A one-time enrolment token that waits for a gateway of this machine."""
        return self.gateway(gateway) / "enrolment-token"
