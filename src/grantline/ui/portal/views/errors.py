"""What an error page says: fixed words per code, never made from what was asked."""

from dataclasses import dataclass

CANNOT_GO_ON = "This request cannot go on"
NOT_NOW = "Not possible right now"
START_AGAIN = (
    "Go back to the app and start again. If it happens twice, tell the app’s support. Give them the lines below."
)
TRY_AGAIN = "Try again in a moment. If it lasts, tell us the lines below."
SEE_LIST = "Go to your connections to see what stands."


@dataclass(frozen=True, slots=True)
class ErrorText:
    """`happened` and `advice` in plain words; `changed` what it means for the reader."""

    status: int
    title: str
    happened: str
    advice: str
    changed: str = "Nothing was shared and nothing changed."


ERRORS: dict[str, ErrorText] = {
    "invalid_request": ErrorText(400, CANNOT_GO_ON, "The app’s request has a mistake.", START_AGAIN),
    "invalid_request: redirect_uri": ErrorText(
        400,
        CANNOT_GO_ON,
        "The app asked to send you to an address it has not registered. We do not send you there.",
        START_AGAIN,
    ),
    "invalid_request: post_logout_redirect_uri": ErrorText(
        400,
        CANNOT_GO_ON,
        "The app asked to send you on to an address it has not registered. We do not send you there.",
        "To sign out here, open your connections and choose “Sign out”.",
        "You were not signed out.",
    ),
    "invalid_client": ErrorText(400, CANNOT_GO_ON, "We do not know the app that sent you.", START_AGAIN),
    "unauthorized_client": ErrorText(400, CANNOT_GO_ON, "This app may not ask for that.", START_AGAIN),
    "invalid_scope": ErrorText(
        400,
        CANNOT_GO_ON,
        "What the app asks for is not offered here any more.",
        START_AGAIN,
    ),
    "invalid_request_object": ErrorText(
        400, CANNOT_GO_ON, "The app’s request is not signed as it has to be, or it is too old.", START_AGAIN
    ),
    "invalid_request_uri": ErrorText(
        400, CANNOT_GO_ON, "The app’s request could not be read where the app keeps it.", START_AGAIN
    ),
    "request_uri_not_supported": ErrorText(
        400, CANNOT_GO_ON, "The app’s request is kept at an address that it has not registered.", START_AGAIN
    ),
    "request_gone": ErrorText(
        404,
        "This request is over",
        "It was answered already, or it waited too long.",
        START_AGAIN,
    ),
    "form_expired": ErrorText(
        403,
        "Please open the page again",
        "This form was not made for this session.",
        "Open the page again and answer there.",
    ),
    "form_changed": ErrorText(
        400,
        "This answer does not fit the question",
        "The form held something that was not offered.",
        START_AGAIN,
    ),
    "sign_in_over": ErrorText(
        400,
        "This sign-in is over",
        "It was not begun in this browser, it was used already, or it took too long.",
        "Go to the sign-in and start again.",
        "Nobody was signed in.",
    ),
    "linked_already": ErrorText(
        409,
        "This sign-in is linked already",
        "What you used there, or something else there, lets somebody in here already.",
        "Go to Sign-in and sessions to see what is linked.",
        "Nothing was linked.",
    ),
    "link_over": ErrorText(
        404,
        "This link does not work",
        "It was used already, or it is too old.",
        "Ask the person who sent it for a new one.",
    ),
    "not_found": ErrorText(404, "There is no such page", "The address does not name anything you can see.", SEE_LIST),
    "not_allowed_here": ErrorText(
        405,
        "This page cannot do that",
        "The page does not take this kind of call.",
        SEE_LIST,
    ),
    "audit_unavailable": ErrorText(503, NOT_NOW, "We could not record this, so we did not do it.", TRY_AGAIN),
    "temporarily_unavailable": ErrorText(503, NOT_NOW, "Something we need did not answer.", TRY_AGAIN),
    "too_many_requests": ErrorText(
        429, NOT_NOW, "Too many requests came from your network at once.", "Try again in a minute."
    ),
    "server_error": ErrorText(
        500,
        "Something here failed",
        "This is our mistake, not yours.",
        TRY_AGAIN,
        "It may not have been done. Your connections show what stands.",
    ),
}


def error_text(code: str) -> tuple[str, ErrorText]:
    """The words for a code; a code without words reads as our own failure."""
    return (code, ERRORS[code]) if code in ERRORS else ("server_error", ERRORS["server_error"])
