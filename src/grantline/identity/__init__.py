"""Who is present: sign-in, session, enrolment. Knows no client and no consent."""

from typing import TYPE_CHECKING

from grantline.model.door import opens_on_use

if TYPE_CHECKING:
    from grantline.identity.enrolment import Enrolment
    from grantline.identity.methods.password import Hashing, PasswordSignIn, TooMany, Wrong
    from grantline.identity.people import PersonDeclaration, declare
    from grantline.identity.session import Session, Sessions
    from grantline.identity.settings import SessionSettings
    from grantline.identity.store import PersonRow, Transaction
else:
    __getattr__ = opens_on_use(__name__)

__all__ = [
    "Enrolment",
    "Hashing",
    "PasswordSignIn",
    "PersonDeclaration",
    "PersonRow",
    "Session",
    "SessionSettings",
    "Sessions",
    "TooMany",
    "Transaction",
    "Wrong",
    "declare",
]
