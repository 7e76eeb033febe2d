"""What a person agreed to. Owns asking, recording, narrowing, withdrawing. Knows nothing of tokens or HTTP."""

from grantline.consent.answer import narrow, summarise
from grantline.consent.ask import apis_to_ask, make_offer
from grantline.consent.narrowing import effective
from grantline.consent.offer import (
    Agreed,
    Approval,
    ClientCard,
    ClientProfile,
    Offer,
    Picks,
    ResourceChoice,
    Summary,
)
from grantline.consent.record import Amended, Consents, Ending
from grantline.consent.settings import Settings

__all__ = [
    "Agreed",
    "Amended",
    "Approval",
    "ClientCard",
    "ClientProfile",
    "Consents",
    "Ending",
    "Offer",
    "Picks",
    "ResourceChoice",
    "Settings",
    "Summary",
    "apis_to_ask",
    "effective",
    "make_offer",
    "narrow",
    "summarise",
]
