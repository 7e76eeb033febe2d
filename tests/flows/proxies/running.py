"""Real proxies that end TLS before the authority's door: Envoy, nginx and Traefik, each as little set up as can be."""

import asyncio
import json
import os
import shutil
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from grantline.gateway.adapters.envoy_config import asking_for_certificates


@dataclass(frozen=True)
class Place:
    """What a proxy needs to know. `door`: the authority's, `host:port`, or the path of its socket."""

    folder: Path
    port: int
    door: str
    certificate: Path
    key: Path


def binary(name: str) -> str:
    """The program, from the test environment or the system."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}{os.pathsep}/usr/sbin"
    found = shutil.which(name, path=path)
    assert found, f"{name} is missing: install the test extra, and nginx-light of the system"
    return found


def envoy(place: Place) -> list[str]:
    """As `docs/operate.md` says: whoever made the certificate, it is passed on in Envoy's own words."""
    api = "type.googleapis.com/envoy.extensions"
    host, _, port = place.door.rpartition(":")
    address = {"socket_address": {"address": host, "port_value": int(port)}}
    manager = {
        "@type": f"{api}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "door",
        "forward_client_cert_details": "SANITIZE_SET",
        "set_current_client_cert_details": {"cert": True, "chain": True},
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "door",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "authority"}}],
                }
            ]
        },
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{api}.filters.http.router.v3.Router"}}
        ],
    }
    chain = {
        "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}],
        **asking_for_certificates(place.certificate, place.key),
    }
    listening = {"socket_address": {"address": "127.0.0.1", "port_value": place.port}}
    config = {
        "static_resources": {
            "listeners": [{"name": "door", "address": listening, "filter_chains": [chain]}],
            "clusters": [
                {
                    "name": "authority",
                    "type": "STATIC",
                    "load_assignment": {
                        "cluster_name": "authority",
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
                    },
                }
            ],
        }
    }
    path = place.folder / "envoy.json"
    path.write_text(json.dumps(config))
    return [binary("envoy"), "-c", str(path), "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "error"]


def nginx(place: Place) -> list[str]:
    """As `docs/operate.md` says: the header is always set, so a client's own copy never passes."""
    upstream = f"http://unix:{place.door}:" if place.door.startswith("/") else f"http://{place.door}"
    path = place.folder / "nginx.conf"
    path.write_text(f"""
daemon off; pid {place.folder}/nginx.pid; error_log {place.folder}/nginx.log; worker_processes 1; user root;
events {{}}
http {{
  access_log off;
  client_body_temp_path {place.folder}/body; proxy_temp_path {place.folder}/proxy; fastcgi_temp_path {place.folder}/f;
  uwsgi_temp_path {place.folder}/u; scgi_temp_path {place.folder}/s;
  server {{
    listen 127.0.0.1:{place.port} ssl;
    ssl_certificate {place.certificate}; ssl_certificate_key {place.key};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_verify_client optional_no_ca;
    location / {{
      proxy_pass {upstream};
      proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
    }}
  }}
}}
""")
    return [binary("nginx"), "-c", str(path), "-p", str(place.folder)]


def traefik(place: Place) -> list[str]:
    """As `docs/operate.md` says: any certificate is asked for, and passed on in full."""
    dynamic = place.folder / "dynamic.yaml"
    dynamic.write_text(
        json.dumps(
            {
                "http": {
                    "routers": {
                        "door": {
                            "rule": "PathPrefix(`/`)", "service": "authority", "middlewares": ["shown"], "tls": {},
                            "entryPoints": ["door"],
                        }
                    },
                    "middlewares": {"shown": {"passTLSClientCert": {"pem": True}}},
                    "services": {"authority": {"loadBalancer": {"servers": [{"url": f"http://{place.door}"}]}}},
                },
                "tls": {
                    "stores": {
                        "default": {
                            "defaultCertificate": {"certFile": str(place.certificate), "keyFile": str(place.key)}
                        }
                    },
                    "options": {
                        "default": {
                            "minVersion": "VersionTLS12", "clientAuth": {"clientAuthType": "RequestClientCert"},
                        }
                    },
                },
            }
        )
    )  # fmt: skip
    static = place.folder / "traefik.yaml"
    static.write_text(
        json.dumps(
            {
                "entryPoints": {"door": {"address": f"127.0.0.1:{place.port}"}},
                "providers": {"file": {"filename": str(dynamic)}},
                "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
                "log": {"level": "ERROR"},
            }
        )
    )
    return [binary("traefik"), f"--configFile={static}"]


PROXIES: dict[str, Callable[[Place], list[str]]] = {"envoy": envoy, "nginx": nginx, "traefik": traefik}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _anybody() -> ssl.SSLContext:
    """Traefik listens, with a certificate of its own making, before it has its configuration."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@asynccontextmanager
async def running(name: str, place: Place) -> AsyncIterator[None]:
    """The proxy, from when it takes connections until the block ends."""
    log = (place.folder / f"{name}.out").open("wb")
    process = await asyncio.create_subprocess_exec(*PROXIES[name](place), stdout=log, stderr=log)
    try:
        async with asyncio.timeout(30):
            while True:
                assert process.returncode is None, (place.folder / f"{name}.out").read_text()
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", place.port, ssl=_anybody())
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
                writer.close()
                if ssl.DER_cert_to_PEM_cert(shown) in place.certificate.read_text():
                    break
                await asyncio.sleep(0.05)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        log.close()
