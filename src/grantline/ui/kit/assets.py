"""Style, type and the two scripts, read once; their path names their bytes, so that they may be kept for ever."""

import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

STATIC = Path(__file__).parent / "static"
STYLE = "kit.css"
PASSKEY_SCRIPT = "js/passkey.js"
ONWARD_SCRIPT = "js/onward.js"
FRAMES_SCRIPT = "js/frames.js"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
}
FOR_EVER = "public, max-age=31536000, immutable"


class Assets:
    """All bundled files in memory: style sheets joined in the order of their names, the rest as it is."""

    def __init__(self, static: Path = STATIC) -> None:
        sheets = sorted((static / "css").glob("*.css"))
        self._files = {STYLE: "\n".join(sheet.read_text("utf-8") for sheet in sheets).encode()}
        for file in sorted(static.rglob("*")):
            if file.is_file() and file.suffix in TYPES and file.suffix != ".css":
                self._files[file.relative_to(static).as_posix()] = file.read_bytes()
        self.digest = self._hash()

    def url(self, name: str) -> str:
        """Where a bundled file is served; KeyError when it is not bundled."""
        self._files[name]
        return f"/static/{self.digest}/{name}"

    def route(self) -> Route:
        """The route that serves every bundled file."""
        return Route("/static/{digest}/{name:path}", self._serve, methods=["GET"])

    async def _serve(self, request: Request) -> Response:
        name = request.path_params["name"]
        if request.path_params["digest"] != self.digest or name not in self._files:
            return PlainTextResponse("There is no such file.", 404)
        media = TYPES[Path(name).suffix]
        return Response(self._files[name], media_type=media, headers={"cache-control": FOR_EVER})

    def _hash(self) -> str:
        digest = hashlib.sha256()
        for name, body in sorted(self._files.items()):
            digest.update(f"{name}\0{len(body)}\0".encode() + body)
        return digest.hexdigest()[:16]
