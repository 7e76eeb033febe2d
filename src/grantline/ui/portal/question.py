"""The question as it stands on its page. What many are asked is rendered once; what is one person's, each time."""

from dataclasses import dataclass

from grantline.authorization import Question
from grantline.consent.offer import Picks
from grantline.model.remembered import Remembered
from grantline.ui.portal.site import Site
from grantline.ui.portal.views.consent import consent_view, first_picks
from grantline.ui.portal.views.elsewhere import asked_view


@dataclass(frozen=True, slots=True)
class QuestionText:
    """`heading`: plain text. `form`: HTML, escaped: the form's fields and buttons, but for whose form it is."""

    heading: str
    form: str


_MANY = Remembered[QuestionText](most=64)
"""By the offer: it is the same one for all who are asked the same within a second."""


def first_text(site: Site, question: Question) -> QuestionText:
    """The question as it is put first: nothing optional ticked, nothing picked that is not shared already."""
    offer = question.offer
    if question.elsewhere is not None or offer.resources or offer.changing is not None:
        return question_text(site, question, first_picks(offer))
    return _MANY.of(site, offer, make=lambda: question_text(site, question, first_picks(offer)))


def question_text(
    site: Site, question: Question, picks: Picks, *, updated: bool = False, refused: bool = False
) -> QuestionText:
    """With these picks. `updated`: they are the person's. `refused`: a yes was tried with them, and something lacks."""
    formats = site.formats()
    view = consent_view(question.offer, picks, question.summary(picks), formats, refused=refused)
    form = site.pages.text(
        "portal/question.html",
        v=view,
        asked=asked_view(question.elsewhere, question.asked_at, formats),
        updated=updated,
    )
    return QuestionText(view.heading, form)
