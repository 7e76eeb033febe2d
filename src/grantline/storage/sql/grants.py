"""What was passed on from which consent, and whose assertions are believed."""

import msgspec
from sqlalchemy import bindparam, select

from grantline.authorization import TrustedIssuer
from grantline.consent.store import Descent
from grantline.model.ids import ClientId, ConsentId
from grantline.storage.schema.grants import DESCENTS, TRUSTED_ISSUERS
from grantline.storage.sql.cursor import Cursor
from grantline.storage.statements import Statement, insert

_NAMES = Descent.__struct_fields__
_DESCENT = select(*(DESCENTS.c[name] for name in _NAMES))
_ADD = Statement(insert(DESCENTS).values({name: bindparam(name) for name in _NAMES}))
_OF = Statement(
    _DESCENT.where(
        DESCENTS.c.parent == bindparam("from_parent"),
        DESCENTS.c.client == bindparam("to_client"),
        DESCENTS.c.epoch == bindparam("at_epoch"),
    ).order_by(DESCENTS.c.consent)
)
_CHILDREN = Statement(_DESCENT.where(DESCENTS.c.parent == bindparam("from_parent")).order_by(DESCENTS.c.consent))

_ISSUER = Statement(select(TRUSTED_ISSUERS.c.body).where(TRUSTED_ISSUERS.c.issuer == bindparam("name")))
_new = insert(TRUSTED_ISSUERS).values(issuer=bindparam("name"), body=bindparam("body"), changed_at=bindparam("at"))
_PUT_ISSUER = Statement(
    _new.on_conflict_do_update(
        index_elements=[TRUSTED_ISSUERS.c.issuer],
        set_={"body": _new.excluded.body, "changed_at": _new.excluded.changed_at},
    )
)


class SqlDescents:
    """Implements `DescentRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def add(self, descent: Descent) -> None:
        """Keep a new one."""
        await self._cursor.run(_ADD, **msgspec.structs.asdict(descent))

    async def of(self, parent: ConsentId, epoch: int, client: ClientId) -> tuple[Descent, ...]:
        """What this client was passed on at this epoch of the parent."""
        rows = await self._cursor.all(_OF, from_parent=parent, to_client=client, at_epoch=epoch)
        return tuple(Descent(**dict(row)) for row in rows)

    async def children(self, parent: ConsentId) -> tuple[Descent, ...]:
        """Everything that was ever passed on from it."""
        return tuple(Descent(**dict(row)) for row in await self._cursor.all(_CHILDREN, from_parent=parent))


class SqlTrustedIssuers:
    """Implements `TrustedIssuerRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def get(self, issuer: str) -> TrustedIssuer | None:
        """The declaration of this issuer, or None."""
        row = await self._cursor.one(_ISSUER, name=issuer)
        return None if row is None else msgspec.json.decode(row["body"], type=TrustedIssuer)

    async def put(self, issuer: TrustedIssuer, at: int) -> None:
        """Keep the declaration in place of an earlier one."""
        await self._cursor.run(_PUT_ISSUER, name=issuer.issuer, body=msgspec.json.encode(issuer), at=at)
