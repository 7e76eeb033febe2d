"""What a person agreed to. Owns asking, recording, narrowing, withdrawing. Knows nothing of tokens or HTTP.

`read`, `receipt`, `enforced` and `words` are namespaces of the front door: `from grantline.consent import words`.
"""

from grantline.consent import enforced, read, receipt, words
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
    "enforced",
    "make_offer",
    "narrow",
    "read",
    "receipt",
    "summarise",
    "words",
]
