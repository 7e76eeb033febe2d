"""Calls that a consent allows in all: asked for by gateways in portions, handed out by the authority."""

import msgspec

from grantline.model.ids import ApiId, ConsentId, PurposeId


class CallsWanted(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway has no call left under this part of a consent: which kind of data, by which action, for what."""

    consent: ConsentId
    api: ApiId
    datatype: str
    action: str
    purpose: PurposeId


class CallsGiven(msgspec.Struct, frozen=True):
    """How many more this gateway may admit; 0: the limit is reached."""

    calls: int
