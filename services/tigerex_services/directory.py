"""What the ids in the core's rows stand for: a fold of the events that name things.

The exchange host and every follower of its event stream keep one `Directory`. Whoever reads the
stream from seq 1 fills it with `apply` alone; whoever starts in the middle first loads what
MarketService and AccountService list.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from tigerex.exchange.v1 import types_pb2 as pb

from tigerex_core.records import (
    CLEARING_ACCOUNT,
    FEES_ACCOUNT,
    WORLD_ACCOUNT,
    AccountKind,
    Event,
    EventKind,
    MarketLimit,
    MarketState,
    Reason,
    Rows,
    unpack_name,
)
from tigerex_platform.errors import InvalidField, NotFound
from tigerex_services.instruments import AssetInfo, MarketInfo
from tigerex_services.market_limits import asked_limits, with_limits

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """One sub-account and its user; user id 0 owns the system's accounts."""

    account_id: int
    user_id: int
    user: str
    name: str
    kind: AccountKind
    fee_tier: int = 0
    epoch: int = 0
    frozen: bool = False
    pays_discounted_fees: bool = False


@dataclass(frozen=True, slots=True)
class FeeDiscount:
    """The asset (0: none) in which fees can be paid, and the parts per million then let off."""

    asset_id: int = 0
    discount_ppm: int = 0


NO_DISCOUNT = FeeDiscount()


SYSTEM_ACCOUNTS = tuple(
    AccountInfo(account_id, 0, "", name, AccountKind.SYSTEM)
    for account_id, name in (
        (WORLD_ACCOUNT, "world"),
        (FEES_ACCOUNT, "fees"),
        (CLEARING_ACCOUNT, "clearing"),
    )
)


class Directory:
    """Ids ↔ names of assets, markets, users and accounts, as of the last batch that was applied."""

    def __init__(self) -> None:
        self._assets: dict[int, AssetInfo] = {}
        self._markets: dict[int, MarketInfo] = {}
        self._accounts: dict[int, AccountInfo] = {}
        self._users: dict[int, str] = {}
        self._asset_ids: dict[str, int] = {}
        self._market_ids: dict[str, int] = {}
        self._user_ids: dict[str, int] = {}
        self._account_ids: dict[tuple[int, str], int] = {}
        self._accounts_of: dict[int, list[int]] = {}
        self.fee_discount = NO_DISCOUNT
        for account in SYSTEM_ACCOUNTS:
            self.put_account(account)

    # Reading

    def assets(self) -> list[AssetInfo]:
        return list(self._assets.values())

    def markets(self) -> list[MarketInfo]:
        return list(self._markets.values())

    def accounts(self, user_id: int) -> list[AccountInfo]:
        """The accounts of one user, in the order they were made."""
        return [self._accounts[i] for i in self._accounts_of.get(user_id, ())]

    def all_accounts(self) -> list[AccountInfo]:
        """Every account, the system's included."""
        return list(self._accounts.values())

    def asset_by_id(self, asset_id: int) -> AssetInfo:
        return self._assets[asset_id]

    def market_by_id(self, market_id: int) -> MarketInfo:
        return self._markets[market_id]

    def find_asset(self, code: str) -> AssetInfo | None:
        return self._assets.get(self._asset_ids.get(code, 0))

    def find_market(self, symbol: str) -> MarketInfo | None:
        return self._markets.get(self._market_ids.get(symbol, 0))

    def find_market_by_id(self, market_id: int) -> MarketInfo | None:
        return self._markets.get(market_id)

    def find_account(self, account_id: int) -> AccountInfo | None:
        return self._accounts.get(account_id)

    def find_account_by_name(self, user_id: int, name: str) -> AccountInfo | None:
        return self._accounts.get(self._account_ids.get((user_id, name), 0))

    def find_user(self, name: str) -> int | None:
        """The id of the user, or None."""
        return self._user_ids.get(name)

    def asset(self, code: str) -> AssetInfo:
        """As find_asset; raises NotFound."""
        return _found(self.find_asset(code), "asset", code)

    def market(self, symbol: str) -> MarketInfo:
        """As find_market; raises NotFound."""
        return _found(self.find_market(symbol), "market", symbol)

    def account(self, account_id: int) -> AccountInfo:
        """As find_account; raises NotFound."""
        return _found(self.find_account(account_id), "account", str(account_id))

    def user(self, name: str) -> int:
        """As find_user; raises NotFound."""
        return _found(self.find_user(name), "user", name)

    # Writing

    def apply(self, events: Rows) -> None:
        """Fold the events of one committed batch; other kinds of event pass by."""
        kinds = events[:, Event.KIND]
        named = (kinds >= EventKind.ASSET_CREATED) & (kinds <= EventKind.EPOCH_ADVANCED)
        for row in events[named | (kinds >= EventKind.MARKET_LIMIT_SET)]:
            if row[Event.KIND] <= EventKind.EPOCH_ADVANCED:
                self._apply_one(row)
            else:
                self._apply_setting(row)

    def put_asset(self, asset: AssetInfo) -> None:
        self._assets[asset.asset_id] = asset
        self._asset_ids[asset.code] = asset.asset_id

    def put_market(self, market: MarketInfo) -> None:
        self._markets[market.market_id] = market
        self._market_ids[market.symbol] = market.market_id

    def put_user(self, user_id: int, name: str) -> None:
        self._users[user_id] = name
        self._user_ids[name] = user_id

    def put_account(self, account: AccountInfo) -> None:
        if account.account_id not in self._accounts:
            self._accounts_of.setdefault(account.user_id, []).append(account.account_id)
        self._accounts[account.account_id] = account
        self._account_ids[account.user_id, account.name] = account.account_id

    def load(
        self,
        assets: Iterable[pb.Asset] = (),
        markets: Iterable[pb.Market] = (),
        accounts: Iterable[pb.Account] = (),
    ) -> None:
        """Add what ListAssets, ListMarkets and ListAccounts of the exchange answered."""
        for asset in assets:
            self.put_asset(AssetInfo(asset.asset_id, asset.code, asset.scale))
        for market in markets:
            base, quote = self.asset(market.base_asset), self.asset(market.quote_asset)
            self.put_market(market_from_proto(market, base, quote))
        for account in accounts:
            if account.user_id:
                self.put_user(account.user_id, account.user)
            self.put_account(account_from_proto(account))

    def _apply_one(self, row: Rows) -> None:
        kind, value, aux = (int(row[c]) for c in (Event.KIND, Event.VALUE, Event.AUX))
        account_id, market_id = int(row[Event.ACCOUNT]), int(row[Event.MARKET])
        match kind:
            case EventKind.ASSET_CREATED:
                self.put_asset(AssetInfo(int(row[Event.ASSET]), _name(row), value))
            case EventKind.MARKET_CREATED:
                self.put_market(self._created_market(row))
            case EventKind.MARKET_STATE_SET:
                market, reason = self._markets[market_id], int(row[Event.REASON])
                self.put_market(replace(market, state=MarketState(value), halt_reason=reason))
            case EventKind.USER_CREATED:
                self.put_user(value, _name(row))
            case EventKind.ACCOUNT_CREATED:
                # Whoever started in the middle without accounts needs no changes of them.
                if user := self._users.get(value):
                    kind_of = AccountKind(aux)
                    self.put_account(AccountInfo(account_id, value, user, _name(row), kind_of))
            case EventKind.ACCOUNT_SET:
                if account := self._accounts.get(account_id):
                    self.put_account(replace(account, fee_tier=value, frozen=bool(aux)))
            case EventKind.EPOCH_ADVANCED:
                if account := self._accounts.get(account_id):
                    self.put_account(replace(account, epoch=value))
            case _:
                pass  # fee tiers have no name

    def _apply_setting(self, row: Rows) -> None:
        value, amount = int(row[Event.VALUE]), int(row[Event.AMOUNT])
        match int(row[Event.KIND]):
            case EventKind.MARKET_LIMIT_SET:
                market = self._markets[int(row[Event.MARKET])]
                self.put_market(with_limits(market, {MarketLimit(value): amount}))
            case EventKind.FEE_DISCOUNT_SET:
                self.fee_discount = FeeDiscount(int(row[Event.ASSET]), amount)
            case EventKind.FEE_PAYMENT_SET:
                if account := self._accounts.get(int(row[Event.ACCOUNT])):
                    self.put_account(replace(account, pays_discounted_fees=bool(value)))
            case _:
                pass

    def _created_market(self, row: Rows) -> MarketInfo:
        return MarketInfo(
            market_id=int(row[Event.MARKET]),
            symbol=_name(row),
            base=self._assets[int(row[Event.ASSET])],
            quote=self._assets[int(row[Event.AUX])],
            tick=int(row[Event.VALUE]),
            lot=int(row[Event.ORDER_ID]),
            max_price=int(row[Event.PRICE]),
            max_quantity=int(row[Event.QUANTITY]),
            min_notional=int(row[Event.AMOUNT]),
            state=MarketState.OPEN,
        )


def _name(row: Rows) -> str:
    return unpack_name(row[Event.NAME :])


def _found(value: Found | None, kind: str, name: str) -> Found:
    if value is None:
        raise NotFound(kind, name)
    return value


def market_from_proto(market: pb.Market, base: AssetInfo, quote: AssetInfo) -> MarketInfo:
    """The market that a message describes; raises InvalidField naming the field of the message."""
    tick = quote.to_units(market.tick_size, "market.tick_size")
    lot = base.to_units(market.lot_size, "market.lot_size")
    for field, text, step in (
        ("market.tick_size", market.tick_size, tick),
        ("market.lot_size", market.lot_size, lot),
    ):
        if step == 0:
            raise InvalidField(field, text, "greater than zero")
    unlimited = MarketInfo(
        market.market_id, market.symbol, base, quote, tick, lot, 0, 0, 0, MarketState.OPEN
    )
    limited = replace(
        unlimited,
        max_price=unlimited.price_to_ticks(market.max_price, "market.max_price"),
        max_quantity=unlimited.quantity_to_lots(market.max_quantity, "market.max_quantity"),
        min_notional=quote.to_units(market.min_notional, "market.min_notional"),
        state=_state(market.state),
        halt_reason=Reason.__members__.get(market.halt_reason, Reason.NONE),
    )
    return with_limits(limited, asked_limits(limited, market.limits, "market.limits"))


def _state(number: int) -> MarketState:
    if number not in (0, *MarketState):
        raise InvalidField("market.state", number, "a state of a market")
    return MarketState(number or MarketState.OPEN)


def account_from_proto(account: pb.Account) -> AccountInfo:
    """The account that a message of the exchange describes."""
    return AccountInfo(
        account.account_id,
        account.user_id,
        account.user,
        account.name,
        AccountKind(account.kind),
        account.fee_tier,
        account.epoch,
        account.frozen,
        account.pays_discounted_fees,
    )
