"""The texts that are published to gateways: our own policies and schema, and what an organisation adds."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources

_NAMESPACE = "Grantline"


@dataclass(frozen=True, slots=True)
class PolicyTexts:
    """What is published to gateways: schema and policies as Cedar text. `hash` names exactly these bytes."""

    schema: str
    policies: str

    @property
    def hash(self) -> str:
        """SHA-256 over both texts, lower-case hex."""
        return hashlib.sha256(f"{self.schema}\0{self.policies}".encode()).hexdigest()


def core_texts(actions: Iterable[str], overlays: Iterable[str] = ()) -> PolicyTexts:
    """The texts to publish for a catalog's `actions`, with the organisation's own policies, which may only forbid."""
    names = ", ".join(json.dumps(action) for action in sorted(actions))
    applies = f"principal: [{_NAMESPACE}::Client], resource: [{_NAMESPACE}::Data], context: {_NAMESPACE}::Call"
    schema = f"{_packaged('schema.cedar')}\naction {names} appliesTo {{ {applies} }};\n"
    return PolicyTexts(schema, "\n".join([_packaged("core.cedar"), *map(_only_forbidding, overlays)]))


def _packaged(name: str) -> str:
    return resources.files("grantline.policy").joinpath(name).read_text(encoding="utf-8")


def _only_forbidding(overlay: str) -> str:
    # Publishing our own texts needs no Cedar; who only does that is not to carry it.
    from grantline.policy.policies import require_only_forbids

    require_only_forbids(overlay)
    return overlay
