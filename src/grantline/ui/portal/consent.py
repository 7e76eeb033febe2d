"""The question and its answer. A form can only narrow what the server holds; Enter never approves (C13, C15)."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from grantline.authorization import Answered, Deliver, Delivery, Question, SignIn
from grantline.consent.offer import Offer, Picks
from grantline.identity import Session
from grantline.model.errors import Conflict, InvalidRequest, LoginRequired, NotFound
from grantline.ui.kit import BadForm, Form, form_token, read_form, redirect_source, require_token
from grantline.ui.portal.question import QuestionText, first_text, question_text
from grantline.ui.portal.site import Site, for_person, onward, sign_in_first
from grantline.ui.portal.views.consent import first_picks
from grantline.ui.portal.views.words import plain

RESOURCE = "resource:"


def read_picks(form: Form, offer: Offer) -> Picks:
    """The picks of a form. Raises `BadForm` on anything that was not offered, so that widening fails loudly."""
    groups = {group.api: group for group in offer.resources}
    form.only("csrf", "offer", "do", "line", "explicit", "days", *(f"{RESOURCE}{api}" for api in groups))
    lines = frozenset(form.all("line"))
    if lines - {line.key for line in offer.lines if not line.required}:
        raise BadForm("form_changed", "a line that was not offered")
    explicit = frozenset(form.all("explicit"))
    if explicit - {choice.key for choice in offer.explicit}:
        raise BadForm("form_changed", "a yes to something that was not offered")
    resources = {}
    for api, group in groups.items():
        picked = tuple(dict.fromkeys(form.all(f"{RESOURCE}{api}")))
        if set(picked) - {choice.id for choice in group.choices if choice.available}:
            raise BadForm("form_changed", "a thing that was not offered")
        if picked:
            resources[api] = picked
    lengths = {str(choice.days): choice.days for choice in offer.durations}
    if (days := form.one("days", str(offer.default_days))) not in lengths:
        raise BadForm("form_changed", "a length that was not offered")
    return Picks(lines=lines, resources=resources, days=lengths[days], explicit=explicit)


@for_person
async def show_consent(site: Site, request: Request, session: Session) -> Response:
    """`GET /consent/{handle}`: nothing optional is ticked."""
    handle = request.path_params["handle"]
    try:
        match await site.services.interaction.arrive(handle, session):
            case SignIn(acr=acr):
                return sign_in_first(request.url.path, acr)
            case Deliver(answer=answer):
                return onward(site, answer)
            case Answered() as answered:
                return _answered_page(site, answered)
            case Question() as question:
                return _page(site, handle, session, question, first_text(site, question))
    except LoginRequired:
        return sign_in_first(request.url.path)
    except NotFound as error:
        return site.error("request_gone", detail=error.detail)


@for_person
async def answer_consent(site: Site, request: Request, session: Session) -> Response:
    """`POST /consent/{handle}`: update, refuse or approve; anything else is an update."""
    handle = request.path_params["handle"]
    form = await read_form(request)
    require_token(form, session.csrf, f"consent:{handle}")
    try:
        if form.one("do") == "refuse":
            return onward(site, await site.services.interaction.refuse(handle, session))
        if form.one("do") == "approve" and (back := await _at_once(site, handle, session, form)) is not None:
            return onward(site, back)
        asked = await site.services.interaction.question(handle, session)
        if isinstance(asked, Answered):
            return _answered_page(site, asked)
        return await _answer(site, handle, session, asked, form)
    except LoginRequired:
        return sign_in_first(request.url.path)
    except (NotFound, Conflict) as error:
        return site.error("request_gone", detail=error.detail)


async def _at_once(site: Site, handle: str, session: Session, form: Form) -> Delivery | None:
    """What takes back a yes to which nothing is to be said; None where the question has to be looked at for that."""
    read = partial(read_picks, form)
    try:
        return await site.services.interaction.approve(handle, read, session, digest=form.one("offer"))
    except (BadForm, InvalidRequest, NotFound, Conflict):
        return None


async def _answer(site: Site, handle: str, session: Session, question: Question, form: Form) -> Response:
    offer = question.offer
    if form.one("offer") != offer.digest:
        # The question itself changed in between: it is asked anew, with nothing of the old answer kept.
        anew = question_text(site, question, first_picks(offer), updated=True)
        return _page(site, handle, session, question, anew, updated=True, status=409)
    picks = read_picks(form, offer)
    if form.one("do") != "approve":
        text = question_text(site, question, picks, updated=True)
        return _page(site, handle, session, question, text, updated=True)
    if question.summary(picks).problems:
        text = question_text(site, question, picks, updated=True, refused=True)
        return _page(site, handle, session, question, text, updated=True, status=422)
    try:
        return onward(site, await site.services.interaction.approve(handle, picks, session, digest=offer.digest))
    except InvalidRequest as error:
        raise BadForm("form_changed", error.detail or error.message) from error


def _page(
    site: Site,
    handle: str,
    session: Session,
    question: Question,
    text: QuestionText,
    *,
    updated: bool = False,
    status: int = 200,
) -> Response:
    return site.pages.answer(
        "portal/consent.html",
        status=status,
        form_target=redirect_source(question.redirect_uri),
        heading=text.heading,
        question=text.form,
        action=f"/consent/{handle}",
        other_person=f"/sign-in?next=/consent/{handle}",
        token=form_token(session.csrf, f"consent:{handle}"),
        signed_in_as=plain(session.name),
        updated=updated,
    )


def _answered_page(site: Site, answered: Answered) -> Response:
    allowed = answered.what == "allowed" and answered.consent is not None
    return site.pages.answer(
        "portal/answered.html",
        status=409,
        allowed=answered.what == "allowed",
        name=plain(answered.client.name),
        at=site.formats().moment(answered.at * 1_000_000),
        onward=f"/connections/{answered.consent}" if allowed else "/connections",
    )
