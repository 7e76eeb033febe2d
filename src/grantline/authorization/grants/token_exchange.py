"""One token is traded for another, never a wider one; its consent is part of what the first stood on (RFC 8693)."""

from typing import Annotated, Any

import msgspec

from grantline.authorization.grants import Authorized, ClientAuth, Delegated, Grant, Redeeming
from grantline.authorization.parameters import read_json
from grantline.authorization.profiles import profile_of
from grantline.authorization.service_grants import is_own
from grantline.authorization.standing import Stands
from grantline.authorization.steps.holder import require_holder
from grantline.authorization.steps.policy import require_mintable
from grantline.authorization.steps.subject import ACCESS_TOKEN, Actor, Subject, acting, presented
from grantline.consent import Ceiling, Held, Part, Wish, attenuate
from grantline.model.errors import InvalidDpopProof, InvalidRequest, InvalidTarget
from grantline.model.events import EventType
from grantline.model.ids import SubjectId
from grantline.parties import Exchange

Token = Annotated[str, msgspec.Meta(max_length=8_192)]


class Parameters(msgspec.Struct, frozen=True):
    """What the client sends (RFC 8693 §2.1). Types are needed and have to be known; nothing sent is ignored."""

    subject_token: Token
    subject_token_type: str
    actor_token: Token | None = None
    actor_token_type: str | None = None
    requested_token_type: str = ACCESS_TOKEN
    scope: str | None = None
    authorization_details: str | None = None
    resource: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()


async def authorize(redeeming: Redeeming, parameters: Parameters) -> Authorized:
    """Who is it about, who acts, what part of it: then the part is a consent of its own, and a token stands on it."""
    if parameters.requested_token_type != ACCESS_TOKEN:
        raise InvalidRequest("Only access tokens are given; leave requested_token_type out.")
    subject = await presented(redeeming, parameters.subject_token, parameters.subject_token_type)
    await require_holder(redeeming, parameters.subject_token, subject.bound)
    _require_binding(redeeming, subject)
    actor = await acting(redeeming, subject, parameters.actor_token, parameters.actor_token_type)
    part = _part(redeeming, subject, actor, parameters)
    catalog, parent = redeeming.server.catalog(), subject.stands
    stands = Stands(
        *await redeeming.server.consents.pass_on(
            redeeming.tx, catalog=catalog, held=(parent.state, parent.version), part=part[0]
        )
    )
    require_mintable(redeeming.server, stands, part[1])
    return Authorized(
        event=EventType.TOKEN_EXCHANGED,
        stands=stands,
        scope=stands.version.scope,
        resources=part[1],
        cnf=redeeming.cnf,
        delegated=Delegated(
            act=actor.chain,
            not_after=subject.expires_at,
            family=subject.family,
            issued_token_type=ACCESS_TOKEN,
            made_from=subject.token,
            detail={"of": subject.name, "subject_client": subject.client, "actor": actor.name},
            acr=subject.acr,
            auth_time=subject.auth_time,
        ),
    )


def _require_binding(redeeming: Redeeming, subject: Subject) -> None:
    """What was bound to a key stays bound to one: an exchange must not make a bearer token of it."""
    if subject.bound is not None and redeeming.cnf is None:
        raise InvalidDpopProof("A bound token is exchanged for a bound one only; send a DPoP proof of your own key.")


def _part(redeeming: Redeeming, subject: Subject, actor: Actor, parameters: Parameters) -> tuple[Part, tuple[str, ...]]:
    """What is passed on, and the audiences: the wish, within the token at hand and what this client may ever have."""
    server, client, parent = redeeming.server, redeeming.client, subject.stands
    catalog, version = server.catalog(), parent.version
    receiver = profile_of(client, catalog, client.web)
    own = subject.client == client.id
    exchange = client.exchange or Exchange()
    # Names for data alone: who may ask us about the person is not passed on.
    named = " ".join(scope for scope in subject.scope.split() if scope in catalog.file.scopes)
    held = Held(items=version.granted, scope=named, resources=subject.resources)
    ceiling = None if own else Ceiling(scopes=client.scopes, items=receiver.ceiling)
    less = attenuate(catalog, held, _wish(redeeming, parameters), ceiling)
    longest = exchange.longest
    part = Part(
        receiver=receiver,
        subject=_name(redeeming, parent, own=own),
        items=less.items,
        scope=less.scope,
        expires_at=version.expires_at if longest is None else min(version.expires_at, redeeming.now + longest),
        channel="token exchange",
        agent=actor.name if actor.chain is not None else None,
        depth=exchange.depth,
    )
    return part, less.resources


def _wish(redeeming: Redeeming, parameters: Parameters) -> Wish:
    catalog = redeeming.server.catalog()
    resources = list(parameters.resource)
    for name in parameters.audience:
        api = next((api for api, entry in catalog.file.apis.items() if name in (api, entry.resource)), None)
        if api is None:
            raise InvalidTarget("The audience is unknown here.")
        resources.append(catalog.api(api).resource)
    raw: Any = None
    if parameters.authorization_details is not None:
        raw = read_json(parameters.authorization_details, Any, "authorization_details")
    return Wish(
        scopes=tuple(dict.fromkeys((parameters.scope or "").split())),
        details=() if raw is None else catalog.asked_by_details(raw),
        resources=tuple(dict.fromkeys(resources)),
    )


def _name(redeeming: Redeeming, parent: Stands, *, own: bool) -> SubjectId:
    """What the receiver calls the person: its own name for them (I13); a service that acts for itself has but one."""
    if own or is_own(parent.state):
        return parent.state.subject
    return redeeming.server.keys.pairwise.towards(redeeming.client, parent.state.person)


GRANT = Grant(
    name="urn:ietf:params:oauth:grant-type:token-exchange",
    spec="RFC 8693",
    client_auth=ClientAuth.REQUIRED,
    parameters=Parameters,
    authorize=authorize,
)
