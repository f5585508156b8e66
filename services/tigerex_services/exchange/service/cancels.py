"""Cancels more orders than one command may: part after part, until none is left."""

from collections.abc import Callable

from tigerex_core.records import Event, EventKind
from tigerex_platform.ids import derive_request_id
from tigerex_services.exchange.service.executor import Executor

PARTS_MAX = 400  # of 256 orders each


async def cancel_in_parts(
    executor: Executor, request_id: bytes, row_of: Callable[[bytes], bytes]
) -> tuple[list[int], int, int]:
    """The ids of the canceled orders, how many open ones are left, and the seq of the last part.

    `row_of` makes the CANCEL_ALL command of a request id. The ids of further parts derive from the
    first: whoever repeats the request gets the same answers, and goes on where it was cut off.
    """
    order_ids: list[int] = []
    remaining = seq = 0
    for part in range(PARTS_MAX):
        part_id = derive_request_id("cancel-all", request_id, part) if part else request_id
        answer = await executor.execute(row_of(part_id), begun=part > 0)
        seq = answer.seq
        for row in answer.events:
            if not (row[Event.REQUEST_HI] or row[Event.REQUEST_LO]):
                continue  # fell due around the command
            if row[Event.KIND] == EventKind.ORDER_CANCELED:
                order_ids.append(row[Event.ORDER_ID])
            elif row[Event.KIND] == EventKind.ORDERS_CANCELED:
                remaining = row[Event.REMAINING]
        if not remaining:
            break
    return order_ids, remaining, seq
