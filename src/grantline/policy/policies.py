"""A policy set: parsed once, checked strictly against its schema, every policy known by its own name."""

import json
from collections.abc import Sequence
from typing import Any

import cedarpy
import orjson

from grantline.model.errors import InvalidConfiguration
from grantline.policy.texts import PolicyTexts


class Verdict(tuple[bool, tuple[str, ...], tuple[str, ...]]):
    """What Cedar said: (allowed, names of the policies that determined it, errors)."""

    __slots__ = ()

    @property
    def allowed(self) -> bool:
        """True only if some permit holds and no forbid does."""
        return self[0]

    @property
    def policies(self) -> tuple[str, ...]:
        """The permits that allowed, or the forbids that refused; empty when nothing permitted."""
        return self[1]

    @property
    def errors(self) -> tuple[str, ...]:
        """Policies that failed to evaluate. Any at all means the verdict must not be used."""
        return self[2]


class Policies:
    """A policy set ready to decide. Immutable; a change is a new one."""

    def __init__(self, texts: PolicyTexts) -> None:
        """Parse and validate; raises `InvalidConfiguration` naming the policy that is wrong."""
        self.texts = texts
        self.hash = texts.hash
        self._schema = _schema(texts.schema)
        _require_valid(texts.policies, self._schema)
        self._set = cedarpy.PolicySet.from_json_str(_named(texts.policies))

    def entities(self, entities: Sequence[dict[str, Any]]) -> cedarpy.Entities:
        """Entities in Cedar's JSON form, parsed and validated against the schema once for many decisions."""
        return cedarpy.Entities.from_json_str(orjson.dumps(entities).decode(), schema=self._schema)

    def evaluate(self, request: dict[str, Any], entities: cedarpy.Entities, *, strict: bool = False) -> Verdict:
        """Ask Cedar. `strict` also checks the request against the schema (tests do; our requests have one shape)."""
        result = cedarpy.is_authorized(request, self._set, entities, self._schema if strict else None)
        found = result.diagnostics
        return Verdict((result.allowed, tuple(sorted(found.reasons)), tuple(map(str, found.errors))))


def _schema(text: str) -> cedarpy.Schema:
    try:
        return cedarpy.Schema.from_str(text)
    except ValueError as error:
        raise InvalidConfiguration(f"The policy schema cannot be read: {error}") from error


def _static(text: str) -> list[dict[str, Any]]:
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        raise InvalidConfiguration(f"The policies cannot be read: {error}") from error
    if parsed.get("templates"):
        raise InvalidConfiguration("Policy templates are not used here: consent is data.")
    return list(parsed["staticPolicies"].values())


def require_only_forbids(text: str) -> None:
    """Raises `InvalidConfiguration` when one of the policies permits."""
    for policy in _static(text):
        if policy["effect"] != "forbid":
            raise InvalidConfiguration(f"Policy {policy['annotations'].get('id')!r} may only forbid: consent permits.")


def _require_valid(text: str, schema: cedarpy.Schema) -> None:
    result = cedarpy.validate_policies(text, schema)
    if not result.validation_passed:
        raise InvalidConfiguration(f"The policies do not fit their schema: {'; '.join(map(str, result.errors))}")


def _named(text: str) -> str:
    """JSON form with each policy under its `@id`, so that diagnostics speak our names instead of `policy7`."""
    named: dict[str, dict[str, Any]] = {}
    for policy in _static(text):
        name = policy.get("annotations", {}).get("id")
        if not name or name in named:
            raise InvalidConfiguration(f"Every policy needs its own @id; {name!r} is missing or there twice.")
        named[name] = policy
    return json.dumps({"staticPolicies": named, "templates": {}, "templateLinks": []})
