"""Rows as the checks read them: lists of Python's ints, which never wrap."""

import numpy as np

from tigerex_core.records import Rows

Row = list[int]


class Table:
    """Rows of a table, each made when it is first looked at: most are free, and nobody does."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._made: dict[int, Row] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, at: int) -> Row:
        row = self._made.get(at)
        if row is None:
            row = self._made[at] = self._rows[at].tolist()
        return row


def used(column: Rows) -> Rows:
    """Where the column is not zero."""
    return np.nonzero(column)[0].astype(np.int64)
