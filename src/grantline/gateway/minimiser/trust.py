"""The hop believes what upstreams believe: the signed context, for this very call and not after its end."""

from grantline.gateway.minimiser.server import Verify
from grantline.model.ids import EvaluationId
from grantline.sdk.resource_server import ContextRefused, ContextVerifier


def verify_with(verifier: ContextVerifier) -> Verify:
    """A `Verify` for the hop. `verifier` holds this gateway's own public key and the API's resource identifier."""

    def verify(token: str, method: str, target: str) -> EvaluationId | None:
        try:
            return EvaluationId(verifier.verify([token], method, target).ev)
        except ContextRefused:
            return None

    return verify
