"""Who asks on the consent screen: the name it has, who checked it, and a warning where nobody can say (C1)."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from grantline.consent.offer import Offer
from grantline.parties import is_mixed
from grantline.ui.kit.cookies import LOOPBACK
from grantline.ui.portal.views.words import Who, plain, who


@dataclass(frozen=True, slots=True)
class ClientView:
    """Who asks: `checked` is what we say of it; `warning` a heading, a sentence and its last word."""

    who: Who
    checked: str
    tone: str
    icon: str
    warning: tuple[str, str, str] | None
    host: str
    redirect_host: str
    publisher: str


def client_view(offer: Offer) -> ClientView:
    """Who asks, who says so, and a warning where nobody can say (C1)."""
    card, shown = offer.client, who(offer.client)
    if not shown.known:
        checked, tone, icon = f"Not checked by {offer.operator}", "warn", "warn"
    elif card.verified_by:
        checked, tone, icon = f"Verified by {card.verified_by}", "good", "shield"
    else:
        checked, tone, icon = f"Registered with {offer.operator}", "", "info"
    return ClientView(
        shown,
        checked,
        tone,
        icon,
        _warning(offer),
        card.host,
        card.redirect_host,
        plain(card.publisher or "Not stated"),
    )


def _warning(offer: Offer) -> tuple[str, str, str] | None:
    card = offer.client
    local = urlsplit(f"//{card.redirect_host}").hostname in LOOPBACK
    if is_mixed(card.name):
        return (
            "This name could pass for another",
            "It mixes letters of several alphabets that look alike. Go by the address, not by the name:",
            card.host,
        )
    if not who(card).known:
        chose = "It registered itself and chose its own name."
        if local:
            chose += " It answers on this computer, where any program could take the answer."
        return "We do not know who runs this app", f"{chose} Go on only if you started at", card.host
    if local:
        return (
            "It answers on this computer",
            "Any program here could use its name. Go on only if you started it at",
            offer.client.redirect_host,
        )
    return None
