"""What the authority alone may order: forget somebody, put on hold, purge, answer an investigator."""

from collections.abc import Awaitable, Callable

import msgspec

from grantline.ledger.erasure import Eraser, Order
from grantline.ledger.inquiry.answers import Inquiries
from grantline.ledger.inquiry.questions import Inquiry
from grantline.ledger.retention.holds import HoldOrder, LiftOrder
from grantline.ledger.retention.service import Retention
from grantline.ledger.rotation import RotateOrder, Rotation
from grantline.model.errors import NotFound
from grantline.model.reading import decoder

_order, _inquiry, _hold, _lift = decoder(Order), decoder(Inquiry), decoder(HoldOrder), decoder(LiftOrder)
_rotate = decoder(RotateOrder)


class Orders:
    """By path below the ledger's socket; JSON in, JSON out."""

    def __init__(self, eraser: Eraser, inquiries: Inquiries, retention: Retention, rotation: Rotation) -> None:
        self._known: dict[str, Callable[[bytes], Awaitable[object]]] = {
            "/erase": lambda body: eraser.erase(_order(body)),
            "/inquire": lambda body: inquiries.answer(_inquiry(body).question),
            "/hold": lambda body: retention.hold(_hold(body)),
            "/lift": lambda body: retention.lift(_lift(body)),
            "/holds": lambda _: retention.holds(),
            "/rotate": lambda body: rotation.rotate(_rotate(body)),
            "/purge": lambda _: retention.purge(),
        }

    def __contains__(self, path: str) -> bool:
        return path in self._known

    async def obey(self, path: str, body: bytes) -> bytes:
        """The JSON answer. Raises `NotFound` for an unknown order, `msgspec.DecodeError` for one in no known form."""
        if path not in self._known:
            raise NotFound("There is nothing here.")
        return msgspec.json.encode(await self._known[path](body))
