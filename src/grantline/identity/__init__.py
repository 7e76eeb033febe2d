"""Who is present: sign-in, session, enrolment. Knows no client and no consent."""

from grantline.identity.enrolment import Enrolment
from grantline.identity.methods.password import Hashing, PasswordSignIn, TooMany, Wrong
from grantline.identity.people import PersonDeclaration, declare
from grantline.identity.session import Session, Sessions, SessionSettings
from grantline.identity.store import PersonRow, Transaction

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
