"""What a person agreed to. Owns asking, recording, narrowing, withdrawing. Knows nothing of tokens or HTTP.

`calls`, `read`, `receipt`, `enforced` and `words` are namespaces of the front door:
`from grantline.consent import words`.
"""

from typing import TYPE_CHECKING

from grantline.model.door import opens_on_use

if TYPE_CHECKING:
    from grantline.consent import calls, enforced, read, receipt, words
    from grantline.consent.answer import narrow, summarise
    from grantline.consent.ask import apis_to_ask, make_offer
    from grantline.consent.attenuation import Ceiling, Held, Wish, attenuate
    from grantline.consent.changing import Change, Manner, change
    from grantline.consent.descent import Part
    from grantline.consent.epochs import raise_epoch
    from grantline.consent.lines import offer_lines
    from grantline.consent.narrowing import all_covered, effective
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
    from grantline.consent.phrase import may
    from grantline.consent.record import Amended, Consents, Ending
    from grantline.consent.sealing import SCHEMA, from_bytes, seal, to_bytes
    from grantline.consent.settings import Settings
    from grantline.consent.versions import NARROWER_TEMPLATE, Agreement, compose
else:
    __getattr__ = opens_on_use(__name__)

__all__ = [
    "NARROWER_TEMPLATE",
    "SCHEMA",
    "Agreed",
    "Agreement",
    "Amended",
    "Approval",
    "Ceiling",
    "Change",
    "ClientCard",
    "ClientProfile",
    "Consents",
    "Ending",
    "Held",
    "Manner",
    "Offer",
    "Part",
    "Picks",
    "ResourceChoice",
    "Settings",
    "Summary",
    "Wish",
    "all_covered",
    "apis_to_ask",
    "attenuate",
    "calls",
    "change",
    "compose",
    "effective",
    "enforced",
    "from_bytes",
    "make_offer",
    "may",
    "narrow",
    "offer_lines",
    "raise_epoch",
    "read",
    "receipt",
    "seal",
    "summarise",
    "to_bytes",
    "words",
]
