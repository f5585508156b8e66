"""Who may touch what, decided in one place."""

import pytest

from tigerex_core.records import WORLD_ACCOUNT, AccountKind
from tigerex_platform.auth import Principal
from tigerex_platform.errors import InvalidField, NotFound, PermissionDenied
from tigerex_platform.ids import derive_request_id
from tigerex_services.directory import AccountInfo, Directory
from tigerex_services.exchange.service.ownership import (
    author_of,
    own_request_id,
    own_user,
    refuse_for_users,
)
from tigerex_services.ownership import own_account

pytestmark = pytest.mark.unit

EXTERNAL = Principal("external", "key-1", "ada", 7, frozenset({"trade"}))
GATEWAY = Principal("internal", "gateway", "ada")
RUNNER = Principal("internal", "runner")
REQUEST = derive_request_id("x")


@pytest.fixture
def directory() -> Directory:
    directory = Directory()
    for user_id, name in ((7, "ada"), (8, "bob")):
        directory.put_user(user_id, name)
        directory.put_account(AccountInfo(user_id + 10, user_id, name, "main", AccountKind.MAIN))
    return directory


@pytest.mark.parametrize("principal", [EXTERNAL, GATEWAY], ids=["external", "gateway"])
def test_limited_callers_have_their_own_only(principal: Principal, directory: Directory) -> None:
    assert own_account(principal, 17, directory).user == "ada"
    for foreign in (18, WORLD_ACCOUNT, 999):  # another's, the system's, nobody's
        with pytest.raises(PermissionDenied):
            own_account(principal, foreign, directory)
    assert own_user(principal, "", directory) == (7, "ada")
    with pytest.raises(PermissionDenied):
        own_user(principal, "bob", directory)
    with pytest.raises(PermissionDenied):
        refuse_for_users(principal, "this")


def test_servers_reach_everyone(directory: Directory) -> None:
    assert own_account(RUNNER, 18, directory).user == "bob"
    assert own_user(RUNNER, "bob", directory) == (8, "bob")
    refuse_for_users(RUNNER, "this")
    with pytest.raises(NotFound):
        own_account(RUNNER, 999, directory)
    with pytest.raises(InvalidField):
        own_user(RUNNER, "", directory)


def test_users_cannot_use_up_each_others_request_ids() -> None:
    bob = Principal("external", "key-2", "bob", 8)
    assert own_request_id(RUNNER, REQUEST) == REQUEST
    assert own_request_id(EXTERNAL, REQUEST) == own_request_id(GATEWAY, REQUEST)
    ids = {own_request_id(caller, REQUEST) for caller in (RUNNER, EXTERNAL, bob)}
    assert len(ids) == 3


@pytest.mark.parametrize("request_id", [b"", b"short", bytes(16), bytes(17)])
def test_request_ids_are_sixteen_bytes(request_id: bytes) -> None:
    with pytest.raises(InvalidField, match="16 bytes"):
        own_request_id(RUNNER, request_id)


def test_authors() -> None:
    assert author_of(RUNNER) == "internal:runner"
    assert author_of(GATEWAY) == "internal:gateway for ada"
