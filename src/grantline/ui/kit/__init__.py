"""Tokens, components and layouts of every page, and how a page is sent. Knows nothing of consents."""

from grantline.ui.kit.assets import Assets
from grantline.ui.kit.cookies import Cookies
from grantline.ui.kit.format import Formats, When, count, duration, entry_number, length
from grantline.ui.kit.forms import BadForm, Form, form_token, read_form, require_token
from grantline.ui.kit.headers import SecurityHeaders, completed, content_security_policy, redirect_source
from grantline.ui.kit.pages import Pages

__all__ = [
    "Assets",
    "BadForm",
    "Cookies",
    "Form",
    "Formats",
    "Pages",
    "SecurityHeaders",
    "When",
    "completed",
    "content_security_policy",
    "count",
    "duration",
    "entry_number",
    "form_token",
    "length",
    "read_form",
    "redirect_source",
    "require_token",
]
