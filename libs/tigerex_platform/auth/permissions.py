"""Which caller may call which method: the type of the one table, and the decision it stands for."""

from collections.abc import Mapping
from dataclasses import dataclass

from tigerex_platform.auth.principal import Principal
from tigerex_platform.errors import PermissionDenied

PERMISSIONS = frozenset({"read", "trade", "transfer", "bots"})
"""What an API key can be given."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may call a method: internal roles, and external callers with `permission` (None: no
    external caller).

    Roles in `roles` call in their own name; roles in `for_user` only for a user that they name.
    """

    roles: frozenset[str]
    permission: str | None = None
    for_user: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.permission is not None and self.permission not in PERMISSIONS:
            raise ValueError(
                f"permission is {self.permission!r}; allowed: {sorted(PERMISSIONS)} or None"
            )


Table = Mapping[str, Rule]
"""Rules by full method name, "/package.Service/Method"."""


def authorize(table: Table, method: str, principal: Principal) -> None:
    """Return when the table lets the caller call the method. Raises PermissionDenied; no rule means
    nobody may.
    """
    rule = table.get(method)
    if rule is None:
        raise PermissionDenied(f"{method} has no permission rule", code="NO_RULE")
    if principal.kind == "external":
        _authorize_external(rule, method, principal)
    elif principal.user:
        if principal.name not in rule.for_user:
            raise PermissionDenied(f"role {principal.name!r} may not call {method} for a user")
    elif principal.name not in rule.roles:
        hint = " without naming a user in x-tigerex-user" if principal.name in rule.for_user else ""
        raise PermissionDenied(f"role {principal.name!r} may not call {method}{hint}")


def _authorize_external(rule: Rule, method: str, principal: Principal) -> None:
    if rule.permission is None:
        raise PermissionDenied(f"{method} is not for API keys")
    if rule.permission not in principal.permissions:
        raise PermissionDenied(
            f"API key {principal.name} lacks permission {rule.permission!r}, needed by {method}",
            code="MISSING_PERMISSION",
        )
