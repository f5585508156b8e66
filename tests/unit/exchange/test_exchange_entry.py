"""The journal's entries form one chain, and any change of it shows."""

from dataclasses import replace

import pytest

from tigerex_services.exchange.entry import (
    BrokenChainError,
    Head,
    JournalEntry,
    check_link,
    head_of,
    seal,
)

pytestmark = pytest.mark.unit


def chain(length: int) -> list[JournalEntry]:
    head, entries = Head(), []
    for number in range(length):
        entry = seal(head, 1, 1_000 + number, bytes([number]), bytes([number + 1]))
        entries.append(entry)
        head = head_of(entry)
    return entries


def test_a_sealed_chain_links() -> None:
    head = Head()
    for entry in chain(5):
        head = check_link(head, entry)
    assert head.seq == 5


def test_the_format_is_fixed() -> None:
    """Changing what is hashed would orphan every journal there is."""
    entry = seal(Head(), 3, 7, b"commands", b"events")
    assert entry.hash.hex() == ("eb15afacfad22c040fdf72eba1e7ad8709f12541d0e33ac017b354f152598265")


@pytest.mark.parametrize(
    "change",
    [
        {"commands": b"x"},
        {"events": b"x"},
        {"kernel_version": 2},
        {"time_ns": 5_000},
        {"hash": bytes(32)},
        {"prev_hash": bytes(32)},
        {"seq": 9},
        {"format_version": 2},
        {"time_ns": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_entry_is_found(change: dict[str, object]) -> None:
    first, second = chain(2)
    with pytest.raises(BrokenChainError):
        check_link(head_of(first), replace(second, **change))


def test_bytes_cannot_move_between_commands_and_events() -> None:
    one = seal(Head(), 1, 1, b"ab", b"c")
    other = seal(Head(), 1, 1, b"a", b"bc")
    assert one.hash != other.hash


def test_a_missing_entry_is_found() -> None:
    first, _, third = chain(3)
    with pytest.raises(BrokenChainError, match="entry 3 follows entry 1"):
        check_link(head_of(first), third)
