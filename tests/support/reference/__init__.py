"""The exchange written a second time, slowly and plainly: what the compiled core is checked
against.

Dictionaries, lists and unbounded ints; the best order is found by looking at all of them. It shares
with the core the record of commands and events, the sizes of its tables, and nothing else. Every
command is a function that raises `Refused` before it changes anything.
"""

from tests.support.reference.exchange import Reference
from tests.support.reference.sound import assert_sound
from tests.support.reference.state import Order

__all__ = ["Order", "Reference", "assert_sound"]
