"""How large the state's tables are.

Fixed for the life of a journal: a full table is a refusal, which a replay must repeat.
"""

from dataclasses import dataclass, fields

ROWS_MAX = 1 << 28  # an index keeps row numbers in 32 bits


@dataclass(frozen=True, slots=True)
class Capacity:
    """The most rows of each kind; the defaults suit a tenant with thousands of users and bots.

    Raises ValueError for a size outside 1 to 2^28. System accounts count as accounts.
    """

    assets: int = 256
    markets: int = 256
    users: int = 16_384
    accounts: int = 32_768
    balances: int = 65_536
    orders: int = 131_072  # open at the same time
    transfers: int = 8_192  # reserved at the same time
    window: int = 1 << 20  # request ids remembered

    def __post_init__(self) -> None:
        for field in fields(self):
            rows = getattr(self, field.name)
            if not 1 <= rows <= ROWS_MAX:
                raise ValueError(
                    f"capacity {field.name} is {rows}; from 1 to {ROWS_MAX} is allowed"
                )

    @classmethod
    def small(cls) -> "Capacity":
        """For tests: made in under a millisecond, yet no test fills it by accident."""
        return cls(
            assets=16,
            markets=16,
            users=256,
            accounts=512,
            balances=2_048,
            orders=4_096,
            transfers=256,
            window=8_192,
        )
