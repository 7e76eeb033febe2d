"""Everything of one person ends, because somebody who watches over accounts says so (Global Token Revocation, -06).

The hammer for a stolen account. What the person agreed to stands: it is theirs to withdraw.
"""

import msgspec

from grantline.authorization.endpoints.paths import GLOBAL_REVOCATION
from grantline.authorization.everything import end_everything
from grantline.authorization.http import JSON, Request, Response, json_response
from grantline.authorization.server import Server
from grantline.authorization.steps.revoker import authenticate_revoker, use_up
from grantline.authorization.store import Transaction
from grantline.authorization.subject_ids import SubjectIdentifier, find_person
from grantline.authorization.units import write
from grantline.model.errors import InsufficientScope, InvalidRequest, InvalidToken
from grantline.model.reading import decoder


class Body(msgspec.Struct, frozen=True):
    """What the caller sends."""

    sub_id: SubjectIdentifier


_decode = decoder(Body)


async def global_revocation(server: Server, request: Request) -> Response:
    """204 when it is done; 400, 401, 403, and 404 for nobody whom this caller may speak of."""
    try:
        revoker = await authenticate_revoker(server, request, server.issuer + GLOBAL_REVOCATION)
        named = _read(request)

        async def unit(tx: Transaction) -> bool:
            await use_up(tx, revoker)
            person = await find_person(tx, revoker.issuer, named)
            if person is not None:
                await end_everything(server, tx, person.id, revoker.issuer.issuer)
            return person is not None

        # It ends something: never refused for want of room or record (AUDIT §5.2).
        found = await write(server.work, unit, essential=True)
    except (InvalidToken, InsufficientScope) as error:
        challenge = (b"www-authenticate", f'Bearer error="{error.code}"'.encode())
        return json_response({"error": error.code, "error_description": error.message}, error.status, challenge)
    return Response(204, b"", JSON[1:]) if found else json_response({"error": "not_found"}, 404)


def _read(request: Request) -> SubjectIdentifier:
    kind = (request.only("content-type") or "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidRequest("Send sub_id as application/json.")
    try:
        return _decode(request.body).sub_id
    except msgspec.MsgspecError as error:
        raise InvalidRequest(
            "sub_id must be a subject identifier in the format iss_sub, opaque or email.", detail=str(error)
        ) from error
