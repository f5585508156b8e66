"""Who follows which account."""

from tigerex_platform.errors import RateLimited
from tigerex_platform.telemetry import metrics
from tigerex_services.subscriber import Subscriber

QUEUE_EVENTS_MAX = 4_096
FOLLOWERS_MAX = 5_000


class Hub:
    """Followers by account; contains the accounts that have one: nothing is told to nobody."""

    def __init__(self) -> None:
        self._followers: dict[int, set[Subscriber]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, account: object) -> bool:
        return account in self._followers

    def publish(self, account: int, event: bytes) -> None:
        followers = self._followers.get(account, ())
        for follower in followers:
            follower.put(event)
        metrics.HISTORY_UPDATES.add(len(followers))

    def add(self, account: int) -> Subscriber:
        """A new follower. Raises RateLimited when there are too many."""
        if self._count >= FOLLOWERS_MAX:
            raise RateLimited(
                f"there are {FOLLOWERS_MAX} followers already; try again later",
                code="TOO_MANY_SUBSCRIBERS",
            )
        follower = Subscriber(QUEUE_EVENTS_MAX, metrics.HISTORY_DROPPED)
        self._followers.setdefault(account, set()).add(follower)
        self._count += 1
        metrics.HISTORY_FOLLOWERS.add(1)
        return follower

    def remove(self, account: int, follower: Subscriber) -> None:
        followers = self._followers.get(account, set())
        if follower not in followers:
            return
        followers.remove(follower)
        self._count -= 1
        metrics.HISTORY_FOLLOWERS.add(-1)
        if not followers:
            del self._followers[account]

    def close(self) -> None:
        """End every stream."""
        for followers in self._followers.values():
            for follower in followers:
                follower.close()
