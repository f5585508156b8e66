"""Feeds one strategy: which events it is given, what it answers, and what a checkpoint keeps."""

import numpy as np

from tigerex_quant import kernel as k
from tigerex_quant.kernel import KERNEL_VERSION, Ints
from tigerex_quant.registry import Strategy


class Fold:
    """One run of a strategy: its state after the events it was given so far.

    Time and trades reach a strategy only while it asks for them, so an event costs nothing to the
    many who do not wait for it. The rule is applied here, for live runs and for tests alike.
    """

    def __init__(self, strategy: Strategy, config: Ints, state: Ints | None = None) -> None:
        self.strategy = strategy
        self.config = np.ascontiguousarray(config, dtype=np.int64)
        self.state = strategy.new_state(self.config) if state is None else state
        self._intents = np.zeros((k.MAX_INTENTS, k.INTENT_WIDTH), dtype=np.int64)

    @classmethod
    def resume(cls, strategy: Strategy, config: Ints, state: bytes, version: int) -> "Fold":
        """The fold that `checkpoint` wrote; raises ValueError when it is of another layout."""
        words = np.frombuffer(state, dtype="<i8").astype(np.int64)
        width = strategy.state_width(config)
        if version != KERNEL_VERSION or len(words) != width:
            raise ValueError(
                f"the checkpoint is of kernel version {version} with {len(words)} columns; "
                f"version {KERNEL_VERSION} with {width} is needed"
            )
        return cls(strategy, config, words)

    def checkpoint(self) -> bytes:
        """The whole state, little endian."""
        return self.state.astype("<i8").tobytes()

    def give(self, event: Ints) -> Ints:
        """Deliver an event; returns the intents it causes, one a row, in a fresh array."""
        kind = event[k.E_KIND]
        if kind == k.TICK and not self.waits_for(int(event[k.E_TIME_NS])):
            return self._intents[:0]
        if kind == k.TRADE and not self.watches_trades:
            return self._intents[:0]
        count = self.strategy.step(self.state, event, self.config, self._intents)
        return self._intents[:count].copy()

    def waits_for(self, time_ns: int) -> bool:
        """Whether a tick of that time is to be delivered."""
        return 0 < self.wake_ns <= time_ns

    @property
    def wake_ns(self) -> int:
        """Ticks are delivered from this time on; 0: none."""
        return int(self.state[k.H_WAKE_NS])

    @property
    def watches_trades(self) -> bool:
        return bool(self.state[k.H_WATCH])

    @property
    def status(self) -> int:
        return int(self.state[k.H_STATUS])

    @property
    def reason(self) -> int:
        """Why it failed; NOTHING_WRONG otherwise."""
        return int(self.state[k.H_REASON])

    @property
    def epoch(self) -> int:
        """The account's epoch as of the last signal."""
        return int(self.state[k.H_EPOCH])
