"""The one table of permissions: for every method of our contracts, who may call it.

`roles` call in their own name, the gateway only for a user it names (`for_user`), API keys with the
permission. Each role has what its work needs and nothing else; a test holds the table to the
contracts, so that a new method is refused until someone decides here.
"""

from tigerex_platform.auth import Rule, Table

OPERATOR = "operator"
EXCHANGE = "exchange"
BOTS = "bots"
RUNNER = "runner"
MARKETDATA = "marketdata"
HISTORY = "history"
GATEWAY = "gateway"
FEED = "feed"
VERIFY = "verify"  # the maintenance Job that proves the books

_ACCOUNTS = "/tigerex.exchange.v1.AccountService"
_ADMIN = "/tigerex.exchange.v1.AdminService"
_JOURNAL = "/tigerex.exchange.v1.JournalService"
_MARKETS = "/tigerex.exchange.v1.MarketService"
_TRADING = "/tigerex.exchange.v1.TradingService"
_BOTS = "/tigerex.bots.v1.BotService"
_RUNNERS = "/tigerex.bots.v1.RunnerService"
_MARKETDATA = "/tigerex.marketdata.v1.MarketDataService"
_HISTORY = "/tigerex.history.v1.HistoryService"

_EVERY_ROLE = (OPERATOR, EXCHANGE, BOTS, RUNNER, MARKETDATA, HISTORY, GATEWAY, FEED, VERIFY)


def _user(permission: str, *roles: str) -> Rule:
    """A user's own things: API keys, the gateway for a user, and servers that manage them."""
    return Rule(frozenset(roles), permission, for_user=frozenset({GATEWAY}))


def _internal(*roles: str) -> Rule:
    """Between the exchange's own servers only."""
    return Rule(frozenset(roles))


def _public(*roles: str) -> Rule:
    """The same for everybody: API keys that may read, and the gateway with or without a user."""
    return Rule(frozenset({GATEWAY, *roles}), "read", for_user=frozenset({GATEWAY}))


TABLE: Table = {
    # Bots fund and empty their sub-accounts; feeds look after house accounts.
    f"{_ACCOUNTS}/ListAccounts": _user("read", BOTS, FEED),
    f"{_ACCOUNTS}/GetBalances": _user("read", BOTS, FEED),
    f"{_ACCOUNTS}/GetFees": _user("read"),
    f"{_ACCOUNTS}/EnsureAccount": _user("transfer", BOTS, FEED),
    f"{_ACCOUNTS}/Transfer": _user("transfer", BOTS),
    # Two-phase transfers are for services that settle outside of the core. Bots is the only one
    # that moves users' money today.
    f"{_ACCOUNTS}/ReserveTransfer": _internal(BOTS),
    f"{_ACCOUNTS}/PostTransfer": _internal(BOTS),
    f"{_ACCOUNTS}/VoidTransfer": _internal(BOTS),
    f"{_ACCOUNTS}/AdvanceEpoch": _internal(BOTS, FEED),
    f"{_ACCOUNTS}/SetFeePayment": _user("trade"),
    # Bots cancel what a stopped bot left; runners and feeds trade.
    f"{_TRADING}/PlaceOrder": _user("trade", RUNNER, FEED),
    f"{_TRADING}/PlaceOco": _user("trade", RUNNER, FEED),
    f"{_TRADING}/CancelOrder": _user("trade", RUNNER, FEED, BOTS),
    f"{_TRADING}/AmendOrder": _user("trade", RUNNER, FEED),
    f"{_TRADING}/CancelAll": _user("trade", RUNNER, FEED, BOTS),
    f"{_TRADING}/SubmitBatch": _user("trade", RUNNER, FEED, BOTS),
    f"{_TRADING}/SubmitStream": _user("trade", RUNNER, FEED),
    f"{_TRADING}/GetOrder": _user("read", RUNNER, FEED, BOTS),
    f"{_TRADING}/GetOrderList": _user("read", RUNNER, FEED, BOTS),
    f"{_TRADING}/ListOpenOrders": _user("read", RUNNER, FEED, BOTS),
    f"{_MARKETS}/ListAssets": _public(*_EVERY_ROLE),
    f"{_MARKETS}/ListMarkets": _public(*_EVERY_ROLE),
    f"{_MARKETS}/GetMarket": _public(*_EVERY_ROLE),
    f"{_MARKETS}/GetBook": _public(MARKETDATA, RUNNER, FEED),
    # Operations by people arrive through the operator. A feed makes its house user, and halts its
    # market at the end of a replay.
    f"{_ADMIN}/EnsureAsset": _internal(OPERATOR),
    f"{_ADMIN}/EnsureMarket": _internal(OPERATOR),
    f"{_ADMIN}/SetMarketState": _internal(OPERATOR, FEED),
    f"{_ADMIN}/SetMarketLimits": _internal(OPERATOR),
    f"{_ADMIN}/CancelMarketOrders": _internal(OPERATOR),
    f"{_ADMIN}/SetFeeTier": _internal(OPERATOR),
    f"{_ADMIN}/SetFeeDiscount": _internal(OPERATOR),
    f"{_ADMIN}/SetAccountFeePayment": _internal(OPERATOR),
    f"{_ADMIN}/SetAccount": _internal(OPERATOR),
    f"{_ADMIN}/EnsureUser": _internal(OPERATOR, FEED),
    f"{_ADMIN}/Deposit": _internal(OPERATOR),
    f"{_ADMIN}/CreateApiKey": _internal(OPERATOR),
    f"{_ADMIN}/RevokeApiKey": _internal(OPERATOR),
    f"{_ADMIN}/LookupApiKey": _internal(BOTS, MARKETDATA, HISTORY, GATEWAY),
    f"{_ADMIN}/ListAuditRecords": _internal(OPERATOR),
    f"{_JOURNAL}/ReadJournal": _internal(BOTS, RUNNER, MARKETDATA, HISTORY, GATEWAY),
    f"{_JOURNAL}/Verify": _internal(VERIFY, OPERATOR, EXCHANGE),
    f"{_BOTS}/ListBotTypes": _public(OPERATOR),
    f"{_BOTS}/CreateBot": _user("bots"),
    f"{_BOTS}/GetBot": _user("read", OPERATOR),
    f"{_BOTS}/ListBots": _user("read", OPERATOR),
    f"{_BOTS}/UpdateBot": _user("bots"),
    f"{_BOTS}/DeleteBot": _user("bots", OPERATOR),
    f"{_BOTS}/SetDesiredState": _user("bots"),
    f"{_BOTS}/ListBotTrades": _user("read", OPERATOR),
    f"{_BOTS}/ListBotPerformance": _user("read", OPERATOR),
    f"{_BOTS}/ApplyBot": _internal(OPERATOR),
    f"{_RUNNERS}/Heartbeat": _internal(RUNNER),
    f"{_RUNNERS}/SaveCheckpoints": _internal(RUNNER),
    f"{_RUNNERS}/ReportTrades": _internal(RUNNER),
    f"{_RUNNERS}/Release": _internal(RUNNER),
    f"{_MARKETDATA}/ListTrades": _public(),
    f"{_MARKETDATA}/ListAggregateTrades": _public(),
    f"{_MARKETDATA}/ListCandles": _public(),
    f"{_MARKETDATA}/ListStatistics": _public(),
    f"{_MARKETDATA}/GetTopOfBook": _public(),
    f"{_MARKETDATA}/ListTopsOfBook": _public(),
    f"{_MARKETDATA}/GetDepth": _public(),
    f"{_MARKETDATA}/Subscribe": _public(),
    f"{_HISTORY}/ListOrders": _user("read"),
    f"{_HISTORY}/ListFills": _user("read"),
    f"{_HISTORY}/ListOrderLists": _user("read"),
    f"{_HISTORY}/Follow": _user("read"),
}
