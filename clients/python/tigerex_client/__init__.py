"""Client of TigerEx exchanges: REST and streams, sync and async, typed, exact.

`Client` and `AsyncClient` have the calls of `tigerex_client.calls` as methods; `Stream` and
`SyncStream` follow what happens. Money is Decimal both ways, times are nanoseconds.
"""

from tigerex_client.async_client import AsyncClient
from tigerex_client.client import Client
from tigerex_client.errors import (
    Conflict,
    ConsumerTooSlow,
    Gap,
    GapTooLarge,
    InvalidAnswer,
    InvalidRequest,
    MissingCredentials,
    NoAnswer,
    NotFound,
    PermissionDenied,
    RateLimited,
    Refused,
    TigerExError,
    TooManySubscriptions,
    Unauthenticated,
    Unavailable,
)
from tigerex_client.local_book import LocalBook
from tigerex_client.models.accounts import (
    Account,
    Balance,
    CanceledOrder,
    Fill,
    Order,
    Orders,
    PastFill,
    PlacedOrder,
)
from tigerex_client.models.bots import (
    Bot,
    BotChanged,
    BotConfig,
    BotEvent,
    BotRemoved,
    Bots,
    BotTrade,
    BotTraded,
    BotType,
    DcaConfig,
    Performance,
    SpotGridConfig,
)
from tigerex_client.models.market import (
    Book,
    BookChanges,
    Candle,
    Level,
    Market,
    ServerTime,
    Statistics,
    TopOfBook,
    Trade,
)
from tigerex_client.signing import Credentials
from tigerex_client.stream.stream import Reconnect, Stream
from tigerex_client.stream.subscription import Subscription
from tigerex_client.stream.sync import SyncStream, SyncSubscription

__all__ = [
    "Account",
    "AsyncClient",
    "Balance",
    "Book",
    "BookChanges",
    "Bot",
    "BotChanged",
    "BotConfig",
    "BotEvent",
    "BotRemoved",
    "BotTrade",
    "BotTraded",
    "BotType",
    "Bots",
    "CanceledOrder",
    "Candle",
    "Client",
    "Conflict",
    "ConsumerTooSlow",
    "Credentials",
    "DcaConfig",
    "Fill",
    "Gap",
    "GapTooLarge",
    "InvalidAnswer",
    "InvalidRequest",
    "Level",
    "LocalBook",
    "Market",
    "MissingCredentials",
    "NoAnswer",
    "NotFound",
    "Order",
    "Orders",
    "PastFill",
    "Performance",
    "PermissionDenied",
    "PlacedOrder",
    "RateLimited",
    "Reconnect",
    "Refused",
    "ServerTime",
    "SpotGridConfig",
    "Statistics",
    "Stream",
    "Subscription",
    "SyncStream",
    "SyncSubscription",
    "TigerExError",
    "TooManySubscriptions",
    "TopOfBook",
    "Trade",
    "Unauthenticated",
    "Unavailable",
]
