"""Apache with mod_auth_openidc as an operator sets it up: an app that signs people in, and an API that takes tokens.

Programs and modules come from Debian's `apache2` and `libapache2-mod-auth-openidc`; nothing of it runs as a service,
and everything it writes stays in one folder.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.conformance.clients.served import Served

MODULES = "/usr/lib/apache2/modules"
LOADED = (
    "mpm_event",
    "authn_core",
    "authz_core",
    "authz_user",
    "headers",
    "dir",
    "ssl",
    "socache_shmcb",
    "proxy",
    "proxy_http",
    "auth_openidc",
)


def _config(authority: Served, folder: Path) -> str:
    port = urlsplit(authority.apache).port
    modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED)
    user = pwd.getpwuid(os.getuid()).pw_name if os.getuid() else "www-data"
    return f"""
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/pid
ErrorLog {folder}/error.log
LogLevel warn auth_openidc:debug
DefaultRuntimeDir {folder}
{modules}
ServerLimit 1
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 8
User {user}
DocumentRoot {folder}/pages
SSLEngine on
SSLCertificateFile {authority.tls.certificate}
SSLCertificateKeyFile {authority.tls.key}

OIDCProviderMetadataURL {authority.issuer}/.well-known/openid-configuration
OIDCClientID apache-app
OIDCClientSecret {authority.secret}
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCRedirectURI {authority.apache}/app/back
OIDCCryptoPassphrase {authority.secret}
OIDCScope "openid profile calendar.events"
OIDCPKCEMethod S256
OIDCProviderBackChannelLogoutSupported On
OIDCDefaultLoggedOutURL {authority.apache}/bye
# More than a token lives: each request renews it.
OIDCRefreshAccessTokenBeforeExpiry 3600
OIDCCacheShmMax 64
OIDCHTTPTimeoutLong 20

# It asks by https alone, so the way to the authority leads through itself.
ProxyPass /authority/introspect {authority.issuer}/introspect
OIDCCABundlePath {authority.tls.trusted}
OIDCOAuthIntrospectionEndpoint {authority.apache}/authority/introspect
OIDCOAuthIntrospectionEndpointAuth client_secret_basic
OIDCOAuthClientID mcp-api
OIDCOAuthClientSecret {authority.secret}
# Every request asks; nothing is kept.
OIDCOAuthTokenIntrospectionInterval -1

<Location /app>
  AuthType openid-connect
  Require valid-user
  Header always set X-Name "expr=%{{env:OIDC_CLAIM_name}}"
  Header always set X-Subject "expr=%{{env:REMOTE_USER}}"
  Header always set X-Token "expr=%{{env:OIDC_access_token}}"
</Location>
<Location /api>
  AuthType oauth20
  Require claim aud:{authority.mcp}
  Header always set X-Client "expr=%{{env:OIDC_CLAIM_client_id}}"
</Location>
"""


@contextmanager
def running(authority: Served) -> Iterator[Path]:
    """Apache, from when it answers until the block ends; the file of its log."""
    program = shutil.which("apache2", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    assert program, "apache2 is missing: install apache2 and libapache2-mod-auth-openidc of the system"
    # Its workers are another user, who has no way into the folders of the tests.
    folder = Path(tempfile.mkdtemp(prefix="apache-"))
    folder.chmod(0o755)
    for page in ("app", "api"):
        (folder / "pages" / page).mkdir(parents=True)
        (folder / "pages" / page / "index.html").write_text(f"<!doctype html><title>{page}</title>")
    (folder / "pages" / "bye").write_text("signed out")
    (folder / "apache.conf").write_text(_config(authority, folder))
    command = [program, "-d", str(folder), "-f", str(folder / "apache.conf"), "-D", "FOREGROUND"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    log = folder / "error.log"
    try:
        deadline = time.monotonic() + 30
        while not log.exists() or "resuming normal operations" not in log.read_text():
            assert process.poll() is None, process.stdout.read() if process.stdout else ""
            assert time.monotonic() < deadline, log.read_text() if log.exists() else "no log"
            time.sleep(0.05)
        yield log
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder)
