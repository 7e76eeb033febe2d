"""What must hold before an act on a consent writes anything."""

from grantline.catalog import Catalog
from grantline.consent import words
from grantline.consent.ask import DAY
from grantline.consent.narrowing import all_covered, effective
from grantline.consent.offer import Approval
from grantline.consent.scopes import granted_scope
from grantline.consent.store import Transaction
from grantline.consent.versions import Agreement
from grantline.model.consent import Item, State, Version
from grantline.model.errors import Conflict, InvalidRequest, NotFound
from grantline.model.ids import ConsentId, PersonId


async def known(tx: Transaction, consent: ConsentId) -> State:
    """The state; raises `NotFound`."""
    state = await tx.consents.get(consent)
    if state is None:
        raise NotFound("There is no such consent.")
    return state


async def owned(tx: Transaction, consent: ConsentId, person: PersonId) -> State:
    """The state, if it is this person's; another's is as unknown as none."""
    state = await known(tx, consent)
    if state.person != person:
        raise NotFound("There is no such consent.", detail=f"{consent} is another person's")
    return state


def given(state: State) -> None:
    """Raises `NotFound` for a question that never became a consent."""
    if state.version == 0:
        raise NotFound("There is no such consent.", detail=f"{state.consent_id} was never given")


async def current(tx: Transaction, state: State, now: int) -> Version:
    """The version that holds; raises `Conflict` when its end has passed, though no sweep has told so yet."""
    version = await tx.consents.version(state.consent_id, state.version)
    if version is None or version.expires_at <= now:
        raise Conflict("This consent has ended.", detail=f"{state.consent_id} has no version that holds now")
    return version


def in_time(state: State, now: int, answer_within: int) -> None:
    """Raises `Conflict` when the question has waited too long for its answer."""
    if now > state.created_at + answer_within:
        raise Conflict("This question has waited too long. Start again at the app.", detail="lapsed")


def no_wider(last: Version, granted: tuple[Item, ...], expires_at: int, now: int) -> None:
    """Raises `InvalidRequest` unless every item is covered by what holds, and the end is not later (I7)."""
    if not granted:
        raise InvalidRequest("Nothing would be left. Stop the connection instead.")
    if not all_covered(granted, last.granted, open_resources=False):
        raise InvalidRequest("This would allow more than now. The app has to ask for it.")
    if not now < expires_at <= last.expires_at:
        raise InvalidRequest("This would last longer than now. The app has to ask for it.")


def agreement(catalog: Catalog, state: State, approval: Approval, now: int) -> Agreement:
    """What may be recorded: effective = asked ∩ ceiling ∩ what the purposes permit ∩ picks, checked once more (I1)."""
    if approval.client.card.id != state.client:
        raise InvalidRequest("The answer does not fit the question.", detail="another client")
    offered = effective(catalog, approval.asked, approval.client.ceiling)
    items = approval.agreed.items
    complete = all(one.resources or not catalog.needs_resources(one.api, one.datatype) for one in items)
    within = all_covered(items, (one.item for one in offered), open_resources=True)
    if bool(items) != bool(offered) or not complete or not within:
        raise InvalidRequest("The answer does not fit the question.", detail="wider than the effective request")
    if any(words.special(catalog, one.api, one.datatype) and not one.explicit for one in items):
        raise InvalidRequest("This data needs an explicit yes.", detail="special data without an act of its own")
    lengths = [catalog.purpose_entry(item.purpose).max_days for item in items] or catalog.file.durations_days
    longest = (min(lengths) if items else max(lengths)) * DAY
    if not now < approval.agreed.expires_at <= now + longest:
        raise InvalidRequest("This end is not among those offered.", detail=f"{approval.agreed.expires_at}")
    return Agreement(
        approval=approval,
        offered=offered,
        scope=granted_scope(catalog, approval.scope, items),
        shown=words.notice_lines(approval.agreed.offer),
    )
