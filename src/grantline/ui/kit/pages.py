"""Templates to answers. Everything is escaped, nothing may be undefined, and only the kit's files can be named."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from grantline.ui.kit.assets import PASSKEY_SCRIPT, STYLE, Assets
from grantline.ui.kit.headers import content_security_policy

KIT = Path(__file__).parent / "templates"


class Pages:
    """Renders pages of one surface. `brand`: whose pages these are, named in the bar."""

    def __init__(self, assets: Assets, brand: str, *templates: Path) -> None:
        self._environment = Environment(
            loader=FileSystemLoader([KIT, *templates]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(style=assets.url(STYLE), icon_file=assets.url("logo.svg"), brand=brand)
        self._script = assets.url(PASSKEY_SCRIPT)

    def text(self, template: str, **values: object) -> str:
        """The page as text."""
        return self._environment.get_template(template).render(**values)

    def answer(
        self,
        template: str,
        *,
        status: int = 200,
        form_target: str | None = None,
        passkeys: bool = False,
        **values: object,
    ) -> HTMLResponse:
        """The page as an answer. `form_target`, `passkeys` (as `script`): see `content_security_policy`."""
        headers = {"content-security-policy": content_security_policy(form_target, script=passkeys)}
        script = self._script if passkeys else None
        return HTMLResponse(self.text(template, script=script, **values), status, headers)
