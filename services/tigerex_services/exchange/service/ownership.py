"""Whose things a caller may touch.

External callers, and servers acting for a user, touch only what is that user's.
"""

from tigerex_platform.auth import Principal
from tigerex_platform.errors import InvalidField, PermissionDenied
from tigerex_platform.ids import derive_request_id
from tigerex_services.directory import Directory
from tigerex_services.exchange.service import checks


def own_user(principal: Principal, name: str, directory: Directory) -> tuple[int, str]:
    """Id and name of the user that a request is about; an empty name means the caller's own."""
    if principal.limited_to_user:
        if name and name != principal.user:
            raise PermissionDenied(f"user {name!r} is not the caller's own")
        name = principal.user
    if not name:
        raise InvalidField("user", name, "the name of a user")
    return directory.user(name), name


def own_request_id(principal: Principal, request_id: bytes) -> bytes:
    """The id under which the core knows the caller's request.

    Ids of callers that are limited to a user are kept apart for each user, so nobody can use up an
    id that another user, or the exchange itself, is going to derive.
    """
    checks.request_id(request_id)
    if not principal.limited_to_user:
        return request_id
    return derive_request_id("user", principal.user, request_id)


def refuse_for_users(principal: Principal, what: str) -> None:
    """Raise PermissionDenied for a caller that is limited to a user."""
    if principal.limited_to_user:
        raise PermissionDenied(f"{what} is for the exchange's own services")


def author_of(principal: Principal) -> str:
    """How the audit record calls the caller."""
    if principal.user:
        return f"{principal.kind}:{principal.name} for {principal.user}"
    return f"{principal.kind}:{principal.name}"
