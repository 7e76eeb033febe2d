"""Templates to answers. Everything is escaped, nothing may be undefined, and only the kit's files can be named."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from grantline.ui.kit.assets import FRAMES_SCRIPT, ONWARD_SCRIPT, PASSKEY_SCRIPT, STYLE, Assets
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
        self._passkeys, self._onward = assets.url(PASSKEY_SCRIPT), assets.url(ONWARD_SCRIPT)
        self._frames = assets.url(FRAMES_SCRIPT)

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
        posts: bool = False,
        frames: tuple[str, ...] = (),
        **values: object,
    ) -> HTMLResponse:
        """The page as an answer. `form_target`, `passkeys` (as `script`): see `content_security_policy`.

        `posts`: its form sends itself, and goes to `form_target` alone. `frames`: addresses that it loads.
        """
        policy = content_security_policy(form_target, script=passkeys, posts=posts, frames=frames)
        script = self._onward if posts else self._passkeys if passkeys else self._frames if frames else None
        headers = {"content-security-policy": policy}
        return HTMLResponse(self.text(template, script=script, frames=frames, **values), status, headers)
