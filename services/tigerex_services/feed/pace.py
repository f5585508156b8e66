"""When the messages of a capture are due: its own times, at a speed, from where the pace began."""

LAG_S_MAX = 2.0  # further behind than this, the pace begins anew instead of rushing after it


class Pace:
    """Due times on a monotonic clock, in seconds."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._begun: tuple[int, float] | None = None

    def wait_s(self, time_ns: int, now_s: float) -> float:
        """Seconds until a message of that capture time is due; 0 when it is."""
        if self._begun is None:
            self._begun = (time_ns, now_s)
        first_ns, first_s = self._begun
        wait_s = first_s + (time_ns - first_ns) / 1e9 / self._speed - now_s
        if wait_s < -LAG_S_MAX:
            self._begun = (time_ns, now_s)
        return max(wait_s, 0.0)

    def restart(self) -> None:
        """Begin at the next message, whatever time has passed."""
        self._begun = None
