"""How the authority meets clients that no operator declared: their documents, their key sets, their registration."""

import secrets
from typing import TypedDict

from grantline.app.state import RecordedWork
from grantline.authorization import Documents, Remote
from grantline.fetching import Fetcher
from grantline.model.clock import Clock
from grantline.parties import Registrar, RegistrationSettings
from grantline.settings import Settings


class Outward(TypedDict):
    """Fields of `Server`."""

    fetch: Remote
    documents: Documents | None
    registration: RegistrationSettings


def outward(settings: Settings, work: RecordedWork, fetcher: Fetcher, clock: Clock) -> Outward:
    """What the server needs to let such clients in, as far as the settings do."""
    registration = settings.registration
    registrar = Registrar(clock, secrets.token_bytes, registration.most_clients)
    documents = Documents(work, fetcher, registrar, registration, private_hosts=settings.fetching.private_hosts)
    return Outward(
        fetch=Remote(fetcher, clock), documents=documents if registration.documents else None, registration=registration
    )
