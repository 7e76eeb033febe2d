"""Why the call is made: the token's only purpose, or the one declared in the request."""

from grantline.gateway.refusal import Refusal
from grantline.model.decision import Call
from grantline.model.ids import PurposeId
from grantline.model.reasons import Reason

HEADER = "grantline-purpose"


def purpose_of(call: Call, granted: tuple[str, ...]) -> PurposeId:
    """The purpose of this call. `granted`: those of the token. Raises `Refusal` (purpose_missing, _mismatch).

    A declared purpose always counts, so a caller that says another one than its only one is refused.
    """
    declared = call.headers.get(HEADER, ())
    if len(declared) > 1:
        raise Refusal(Reason.REQUEST_INVALID, "more than one purpose declared")
    if declared:
        if declared[0] not in granted:
            raise Refusal(Reason.PURPOSE_MISMATCH, f"declared {declared[0]!r}, granted {granted}")
        return PurposeId(declared[0])
    if len(granted) != 1:
        raise Refusal(Reason.PURPOSE_MISSING, f"{len(granted)} purposes are granted and none is declared")
    return PurposeId(granted[0])
