"""What Envoy itself answers when a call ends in it: a problem document (RFC 9457), never a bare status.

Denials are local replies too, with words of their own; they are told apart by their response flag and left as they are.
"""

from http import HTTPStatus
from typing import Any

from grantline.model.reasons import ANSWERS, Reason

Node = dict[str, Any]

UNAVAILABLE = 480
"""Stands for 503 between decision and Envoy; no registered status (RFC 9110 §16.2)."""
RETRY_SECONDS = 1

_REFUSED_HERE = {"response_flag_filter": {"flags": ["UAEX"]}}
# Only the cluster without endpoints has nobody to ask: the decision did not say how the call may go on.
_LEADS_NOWHERE = {"response_flag_filter": {"flags": ["UH"]}}

_NO_DECISION = "The decision process did not answer. Nothing was decided or recorded, so there is no evaluation."
_NO_WAY = "The decision did not say how the call may go on."
_UNCLEAR = "The call was refused before it was decided, so there is no evaluation."
_UPSTREAM = {
    502: "The API's answer cannot be passed on.",
    503: "The API cannot be reached.",
    504: "The API did not answer in time.",
}


def local_replies() -> Node:
    """`local_reply_config`: the first that matches a reply counts."""
    answered = {"and_filter": {"filters": [_REFUSED_HERE, _status("LE", 499)]}}
    return {
        "mappers": [
            # Envoy drops the body of a decision with a 5xx: ours come with another status, which becomes 503 here.
            {"filter": _status("EQ", UNAVAILABLE), "status_code": 503},
            {"filter": answered},
            _told(_REFUSED_HERE, _reason(Reason.POLICY_ERROR, _NO_DECISION), retry=True),
            _told(_LEADS_NOWHERE, _reason(Reason.POLICY_ERROR, _NO_WAY), retry=True),
            *(
                _told(_status("EQ", status), _plain(status, detail), retry=status == 503)
                for status, detail in _UPSTREAM.items()
            ),
            _told(_status("EQ", 400), _reason(Reason.REQUEST_INVALID, _UNCLEAR)),
            *(_told(_status("EQ", status), _plain(status, _UNCLEAR)) for status in (403, 408, 413, 431)),
        ]
    }


def _told(when: Node, problem: Node, *, retry: bool = False) -> Node:
    """Replace the reply's body; its status is in the document as Envoy sends it."""
    headers = [_header("cache-control", "no-store")]
    if retry:
        headers.append(_header("retry-after", str(RETRY_SECONDS)))
    return {
        "filter": when,
        "headers_to_add": headers,
        "body_format_override": {
            "content_type": "application/problem+json",
            "omit_empty_values": True,
            "json_format": {
                **problem,
                "status": "%RESPONSE_CODE%",
                # Only a decision puts it into a request: what a client sends under this name is removed first.
                "evaluation_id": "%REQ(X-GRANTLINE-EVALUATION)%",
            },
        },
    }


def _reason(reason: Reason, detail: str) -> Node:
    title = ANSWERS[reason].title
    return {"type": f"urn:grantline:reason:{reason}", "title": title, "reason": reason.value, "detail": detail}


def _plain(status: int, detail: str) -> Node:
    """The problem of a bare status, as the minimiser tells it (RFC 9457 §4.2.1)."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "detail": detail}


def _status(how: str, status: int) -> Node:
    told = {"default_value": status, "runtime_key": f"grantline.reply.{how.lower()}.{status}"}
    return {"status_code_filter": {"comparison": {"op": how, "value": told}}}


def _header(name: str, value: str) -> Node:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
