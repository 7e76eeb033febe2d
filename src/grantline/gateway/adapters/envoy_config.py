"""Writes the Envoy bootstrap for one API: every call is decided first, and filtered ones pass the minimiser."""

import json
from dataclasses import dataclass
from pathlib import Path

from grantline.catalog import WELL_KNOWN
from grantline.crypto.forwarded.envoy import PROXY
from grantline.gateway.adapters.envoy_replies import Node, local_replies

_TYPE = "type.googleapis.com/envoy.extensions"
_FILTER = "x-grantline-filter"
_EVALUATION = "x-grantline-evaluation"
_CONTEXT = "grantline-context"
# What the decision needs to see; everything else stays out of its sight.
_TO_DECISION = ("authorization", "dpop", "grantline-purpose", "traceparent", "x-request-id", "x-forwarded-proto")
_FROM_DECISION = (_CONTEXT, _FILTER, _EVALUATION)
_TO_CLIENT_ON_DENIAL = (
    "www-authenticate", "content-type", "cache-control", "dpop-nonce", "retry-after", _EVALUATION,
)  # fmt: skip
_CIPHERS = tuple(
    f"ECDHE-{signs}-{cipher}" for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384") for signs in ("ECDSA", "RSA")
)
# Some frameworks believe these: another method or path would be served than the one that was decided.
_DISGUISES = ("x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url")


@dataclass(frozen=True, slots=True)
class EnvoySettings:
    """One listener before one upstream. Times in seconds; sockets and files are paths that Envoy can reach.

    `admin_socket`: where Envoy's own administration listens (None: nowhere).
    `call_timeout` bounds a whole call, so that a gateway that went silent can be counted as drained after it.
    `idle_timeout` is for connections to the upstream: shorter than its own keep-alive. `connections`: most clients'.
    `certificate`, `key`: PEM with which Envoy ends TLS; it then asks clients for theirs, whoever made them, and tells
    the decision.
    """

    port: int
    upstream_host: str
    upstream_port: int
    decision_socket: Path
    minimiser_socket: Path
    access_log: Path
    host: str = "127.0.0.1"
    admin_socket: Path | None = None
    decision_timeout: float = 2.0
    call_timeout: float = 30.0
    idle_timeout: float = 4.0
    connections: int = 10_000
    certificate: Path | None = None
    key: Path | None = None


def bootstrap(settings: EnvoySettings) -> Node:
    """The static configuration, as Envoy's v3 API names it."""
    upstream = {"socket_address": {"address": settings.upstream_host, "port_value": settings.upstream_port}}
    told: Node = {
        "static_resources": {
            "listeners": [_listener(settings)],
            "clusters": [
                _cluster("upstream", upstream, settings.idle_timeout),
                _cluster("decision", {"pipe": {"path": str(settings.decision_socket)}}, 60.0),
                _cluster("minimiser", {"pipe": {"path": str(settings.minimiser_socket)}}, 60.0),
                # Where a call goes that was allowed without the headers of an allow: nowhere.
                {"name": "nowhere", "type": "STATIC", "connect_timeout": "1s"},
            ],
        },
    }
    told["overload_manager"] = {"resource_monitors": [_connections(settings.connections)]}
    if settings.admin_socket is not None:
        told["admin"] = {"address": {"pipe": {"path": str(settings.admin_socket)}}}
    return told


def write_bootstrap(settings: EnvoySettings, path: Path) -> None:
    """Put the configuration at `path` as JSON, for `envoy --config-path`."""
    path.write_text(json.dumps(bootstrap(settings), indent=2) + "\n")


def _connections(most: int) -> Node:
    config = f"{_TYPE}.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    return _named(
        "envoy.resource_monitors.global_downstream_max_connections",
        {"@type": config, "max_active_downstream_connections": most},
    )


def _listener(settings: EnvoySettings) -> Node:
    return {
        "name": "calls",
        "address": {"socket_address": {"address": settings.host, "port_value": settings.port}},
        "per_connection_buffer_limit_bytes": 1_048_576,
        "filter_chains": [
            {
                "filters": [_named("envoy.filters.network.http_connection_manager", _manager(settings))],
                **asking_for_certificates(settings.certificate, settings.key),
            }
        ],
    }


def asking_for_certificates(certificate: Path | None, key: Path | None) -> Node:
    """TLS with this identity that asks clients for theirs and lets any pass: whose one is, the decision knows."""
    if certificate is None or key is None:
        return {}
    identity = {"certificate_chain": {"filename": str(certificate)}, "private_key": {"filename": str(key)}}
    context = {
        "@type": f"{_TYPE}.transport_sockets.tls.v3.DownstreamTlsContext",
        "require_client_certificate": False,
        "common_tls_context": {
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "cipher_suites": list(_CIPHERS)},
            "tls_certificates": [identity],
            "validation_context": {"trust_chain_verification": "ACCEPT_UNTRUSTED"},
            "alpn_protocols": ["h2", "http/1.1"],
        },
    }
    return {"transport_socket": _named("envoy.transport_sockets.tls", context)}


def _manager(settings: EnvoySettings) -> Node:
    return {
        "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "calls",
        "codec_type": "AUTO",
        "use_remote_address": True,
        # The catalog, the decision and the upstream must all read one path. Dot segments are resolved before any
        # of them; double slashes stay (no route has them), and what only some would unescape is refused.
        "normalize_path": True,
        "merge_slashes": False,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "request_headers_timeout": "10s",
        "stream_idle_timeout": _seconds(settings.call_timeout),
        "generate_request_id": True,
        "always_set_request_id_in_response": True,
        "server_name": "gateway",
        # Envoy's own word about the client's certificate, in place of whatever a client wrote there.
        "forward_client_cert_details": "SANITIZE" if settings.certificate is None else "SANITIZE_SET",
        "set_current_client_cert_details": {"cert": settings.certificate is not None},
        "common_http_protocol_options": {
            "max_headers_count": 100,
            # An upstream that maps "_" to "-" would read them as headers that were stripped here.
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        "early_header_mutation_extensions": [_without_spoofed_headers()],
        "access_log": [_access_log(settings.access_log)],
        "local_reply_config": local_replies(),
        "route_config": {"virtual_hosts": [{"name": "api", "domains": ["*"], "routes": _routes(settings)}]},
        "http_filters": [
            _named("envoy.filters.http.ext_authz", _decision(settings)),
            _named(
                "envoy.filters.http.router",
                {"@type": f"{_TYPE}.filters.http.router.v3.Router", "suppress_envoy_headers": True},
            ),
        ],
    }


def _without_spoofed_headers() -> Node:
    exact = [{"remove": name} for name in (_CONTEXT, *_DISGUISES)]
    ours = {"remove_on_match": {"key_matcher": {"prefix": "x-grantline-", "ignore_case": True}}}
    return _named(
        "envoy.http.early_header_mutation.header_mutation",
        {
            "@type": f"{_TYPE}.http.early_header_mutation.header_mutation.v3.HeaderMutation",
            "mutations": [*exact, ours],
        },
    )


def _decision(settings: EnvoySettings) -> Node:
    return {
        "@type": f"{_TYPE}.filters.http.ext_authz.v3.ExtAuthz",
        "transport_api_version": "V3",
        "failure_mode_allow": False,
        "status_on_error": {"code": "ServiceUnavailable"},
        # The route is chosen again after the decision, which may have asked for the minimiser.
        "clear_route_cache": True,
        "allowed_headers": _exactly(_TO_DECISION if settings.certificate is None else (*_TO_DECISION, PROXY.header)),
        "http_service": {
            "server_uri": {
                "uri": "http://decision",
                "cluster": "decision",
                "timeout": _seconds(settings.decision_timeout),
            },
            "authorization_response": {
                "allowed_upstream_headers": _exactly(_FROM_DECISION),
                "allowed_client_headers": _exactly(_TO_CLIENT_ON_DENIAL),
                "allowed_client_headers_on_success": _exactly(("dpop-nonce",)),
            },
        },
    }


def _routes(settings: EnvoySettings) -> list[Node]:
    return [
        _described(settings),
        _route("filtered", "minimiser", settings, {"exact": "1"}),
        _route("open", "upstream", settings, {"exact": ""}),
        _route("undecided", "nowhere", settings, None),
    ]


def _route(name: str, cluster: str, settings: EnvoySettings, asked: Node | None) -> Node:
    match: Node = {"prefix": "/"}
    if asked is not None:
        decided = {"name": _CONTEXT, "present_match": True}
        match["headers"] = [{"name": _FILTER, "string_match": asked}, decided]
    return {
        "name": name,
        "match": match,
        # No retry policy: a call that was begun must never be begun again.
        "route": {"cluster": cluster, "timeout": _seconds(settings.call_timeout)},
        # The token is for the gateway; the upstream believes the signed context alone.
        "request_headers_to_remove": ["authorization", "dpop", _FILTER, PROXY.header],
    }


def _described(settings: EnvoySettings) -> Node:
    """The API's metadata (RFC 9728) is for everybody: the minimiser's process answers, and nothing is decided."""
    return {
        "name": "described",
        "match": {"path_separated_prefix": WELL_KNOWN},
        "route": {"cluster": "minimiser", "timeout": _seconds(settings.call_timeout)},
        "request_headers_to_remove": ["authorization", "dpop", "cookie", _FILTER],
        "typed_per_filter_config": {
            "envoy.filters.http.ext_authz": {
                "@type": f"{_TYPE}.filters.http.ext_authz.v3.ExtAuthzPerRoute", "disabled": True,
            }
        },
    }  # fmt: skip


def _cluster(name: str, address: Node, idle: float) -> Node:
    endpoint = {"endpoint": {"address": address}}
    protocol = f"{_TYPE}.upstreams.http.v3.HttpProtocolOptions"
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "per_connection_buffer_limit_bytes": 1_048_576,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": protocol,
                # Shorter than the server's own keep-alive, or a call meets a connection that is being closed.
                "common_http_protocol_options": {"idle_timeout": _seconds(idle)},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
    }


def _access_log(path: Path) -> Node:
    """One JSON line per call; no path, query or header of the caller. `start_us`: unix time in microseconds."""
    line = {
        "start_us": "%START_TIME(%s%6f)%",
        "to_upstream_us": "%COMMON_DURATION(DS_RX_BEG:US_TX_BEG:us)%",
        "duration_ms": "%DURATION%",
        "method": "%REQ(:METHOD)%",
        "status": "%RESPONSE_CODE%",
        "flags": "%RESPONSE_FLAGS%",
        "route": "%ROUTE_NAME%",
        "bytes": "%BYTES_SENT%",
        "evaluation": "%REQ(X-GRANTLINE-EVALUATION)%",
        "denied_evaluation": "%RESP(X-GRANTLINE-EVALUATION)%",
        "request_id": "%REQ(X-REQUEST-ID)%",
    }
    return _named(
        "envoy.access_loggers.file",
        {
            "@type": f"{_TYPE}.access_loggers.file.v3.FileAccessLog",
            "path": str(path),
            "log_format": {"json_format": line},
        },
    )


def _named(name: str, config: Node) -> Node:
    return {"name": name, "typed_config": config}


def _exactly(names: tuple[str, ...]) -> Node:
    return {"patterns": [{"exact": name, "ignore_case": True} for name in names]}


def _seconds(value: float) -> str:
    return f"{value:g}s"
