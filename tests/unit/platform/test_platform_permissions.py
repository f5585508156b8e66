"""The permission table against the contracts, and the decisions it stands for."""

import importlib
import pkgutil

import pytest
import tigerex.bots.v1
import tigerex.exchange.v1
import tigerex.history.v1
import tigerex.marketdata.v1
from google.protobuf import descriptor_pool

from tigerex_platform.auth import Principal, Rule
from tigerex_platform.auth.permissions import authorize
from tigerex_platform.errors import PermissionDenied
from tigerex_services.permissions import TABLE

pytestmark = pytest.mark.contract

ROLES = {
    *("operator", "exchange", "bots", "runner", "marketdata", "history", "gateway", "feed"),
    "verify",
}
PLACE = "/tigerex.exchange.v1.TradingService/PlaceOrder"
DEPOSIT = "/tigerex.exchange.v1.AdminService/Deposit"


def methods_of_the_contracts() -> set[str]:
    found = set()
    packages = (tigerex.bots.v1, tigerex.exchange.v1, tigerex.history.v1, tigerex.marketdata.v1)
    for package in packages:
        for module in pkgutil.iter_modules(package.__path__):
            if module.name.endswith("_pb2"):
                name = f"{package.__name__}.{module.name}"
                descriptor = importlib.import_module(name).DESCRIPTOR
                for service in descriptor.services_by_name.values():
                    found |= {f"/{service.full_name}/{method.name}" for method in service.methods}
    return found


def test_every_method_has_a_rule_and_every_rule_a_method() -> None:
    assert set(TABLE) == methods_of_the_contracts()
    assert len(TABLE) > 40


def test_roles_are_known() -> None:
    for method, rule in TABLE.items():
        assert rule.roles <= ROLES, method
        assert rule.for_user <= {"gateway"}, method


def test_the_gateway_reaches_users_things_only_for_a_user() -> None:
    """In its own name it gets public data, the journal and what checking a signature needs."""
    own = {method.rpartition("/")[2] for method, rule in TABLE.items() if "gateway" in rule.roles}
    assert own == {
        *("ListAssets", "ListMarkets", "GetMarket", "GetBook", "ListBotTypes"),
        *("ListTrades", "ListAggregateTrades", "ListCandles", "ListStatistics", "Subscribe"),
        *("GetTopOfBook", "ListTopsOfBook", "GetDepth"),
        *("ReadJournal", "LookupApiKey"),
    }


def test_what_moves_other_peoples_money_is_closed_to_api_keys_and_to_the_gateway() -> None:
    for method, rule in TABLE.items():
        if "AdminService" in method or "JournalService" in method or "RunnerService" in method:
            assert rule.permission is None, method
            assert not rule.for_user, method


def test_only_the_operator_credits_from_the_outside_world() -> None:
    assert TABLE[DEPOSIT].roles == {"operator"}


def test_reading_methods_need_no_more_than_read() -> None:
    pool = descriptor_pool.Default()
    for method, rule in TABLE.items():
        service, _, name = method[1:].rpartition("/")
        pool.FindServiceByName(service)
        if rule.permission is not None and name.startswith(("Get", "List", "Subscribe", "Follow")):
            assert rule.permission == "read", method


EXTERNAL = Principal(
    kind="external", name="k", user="ann", user_id=1, permissions=frozenset({"read"})
)


@pytest.mark.parametrize(
    ("principal", "code"),
    [
        (EXTERNAL, "MISSING_PERMISSION"),
        (Principal(kind="internal", name="marketdata"), "PERMISSION_DENIED"),
        (Principal(kind="internal", name="gateway"), "PERMISSION_DENIED"),
        (Principal(kind="internal", name="runner", user="ann"), "PERMISSION_DENIED"),
        (Principal(kind="internal", name=""), "PERMISSION_DENIED"),
    ],
)
def test_refusals(principal: Principal, code: str) -> None:
    with pytest.raises(PermissionDenied) as refusal:
        authorize(TABLE, PLACE, principal)
    assert refusal.value.code == code
    assert PLACE in refusal.value.message


@pytest.mark.parametrize(
    "principal",
    [
        Principal(kind="external", name="k", user="ann", permissions=frozenset({"trade"})),
        Principal(kind="internal", name="gateway", user="ann"),
        Principal(kind="internal", name="runner"),
    ],
)
def test_admissions(principal: Principal) -> None:
    authorize(TABLE, PLACE, principal)


def test_a_method_without_a_rule_is_for_nobody() -> None:
    with pytest.raises(PermissionDenied) as refusal:
        authorize({}, PLACE, Principal(kind="internal", name="operator"))
    assert refusal.value.code == "NO_RULE"


def test_a_rule_with_an_unknown_permission_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="withdraw"):
        Rule(frozenset(), "withdraw")
