"""Who is present: sign-in, session, enrolment. Knows no client and no consent."""

from typing import TYPE_CHECKING

from grantline.model.door import opens_on_use

if TYPE_CHECKING:
    from grantline.identity import throttle
    from grantline.identity.admission import Admission, NeedsSecond, TooMany, Visit, Wrong
    from grantline.identity.enrolment import Enrolment
    from grantline.identity.fetching import Fetch, GuardedFetch, LoopbackFetch, Unreachable
    from grantline.identity.levels import MET_BY, MFA, SUPPORTED, needs_more_than_one_factor, satisfies, told
    from grantline.identity.locking import lock, unlock
    from grantline.identity.methods.passkey import Place
    from grantline.identity.methods.password import Hashing
    from grantline.identity.methods.store import LinkRow, PasskeyRow
    from grantline.identity.methods.upstream import on_this_machine
    from grantline.identity.own_methods import Methods, OwnMethods, TotpOffer, forget_second_factors, methods_of
    from grantline.identity.passkeys import Asked, Passkeys
    from grantline.identity.passwords import AlsoEnds
    from grantline.identity.people import PersonDeclaration, declare
    from grantline.identity.provider import Provider
    from grantline.identity.secrets_at_rest import SecretsAtRest
    from grantline.identity.session import OpenSession, Session, Sessions
    from grantline.identity.settings import SessionSettings, UpstreamSettings
    from grantline.identity.sign_in import SecondStep, SignIn
    from grantline.identity.store import PersonRow, Transaction
    from grantline.identity.upstream_sign_in import Linked, Returned, Stranger, UpstreamSignIn
else:
    __getattr__ = opens_on_use(__name__)

__all__ = [
    "MET_BY",
    "MFA",
    "SUPPORTED",
    "Admission",
    "AlsoEnds",
    "Asked",
    "Enrolment",
    "Fetch",
    "GuardedFetch",
    "Hashing",
    "LinkRow",
    "Linked",
    "LoopbackFetch",
    "Methods",
    "NeedsSecond",
    "OpenSession",
    "OwnMethods",
    "PasskeyRow",
    "Passkeys",
    "PersonDeclaration",
    "PersonRow",
    "Place",
    "Provider",
    "Returned",
    "SecondStep",
    "SecretsAtRest",
    "Session",
    "SessionSettings",
    "Sessions",
    "SignIn",
    "Stranger",
    "TooMany",
    "TotpOffer",
    "Transaction",
    "Unreachable",
    "UpstreamSettings",
    "UpstreamSignIn",
    "Visit",
    "Wrong",
    "declare",
    "forget_second_factors",
    "lock",
    "methods_of",
    "needs_more_than_one_factor",
    "on_this_machine",
    "satisfies",
    "throttle",
    "told",
    "unlock",
]
