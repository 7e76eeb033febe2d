"""What the client is told in place of an answer that may not pass (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus

import orjson

from grantline.model.ids import EvaluationId
from grantline.model.reasons import ANSWERS, Reason

_WITHHELD = "The API answered with this status. Its own words are withheld: they cannot be cut to what was agreed."


def refusal(reason: Reason, evaluation: EvaluationId | None) -> tuple[int, bytes]:
    """Status and problem document of a reason code."""
    answer = ANSWERS[reason]
    told = {
        "type": f"urn:grantline:reason:{reason}",
        "title": answer.title,
        "status": answer.status,
        "reason": str(reason),
        "evaluation_id": evaluation,
    }
    return answer.status, _document(told)


def withheld(status: int, evaluation: EvaluationId | None) -> bytes:
    """Problem document for an upstream's own error: its status, and nothing that it said."""
    return plain(status, _WITHHELD, evaluation)


def plain(status: int, detail: str, evaluation: EvaluationId | None) -> bytes:
    """Problem document of a bare HTTP status (RFC 9457 §4.2.1)."""
    told = {"type": "about:blank", "title": _phrase(status), "status": status, "detail": detail}
    return _document({**told, "evaluation_id": evaluation})


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _document(told: Mapping[str, object]) -> bytes:
    return orjson.dumps({name: value for name, value in told.items() if value is not None})
