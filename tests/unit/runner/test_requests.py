"""An intent becomes the same command each time."""

import numpy as np
import pytest
from tests.support.runner_bots import running_bot
from tigerex.exchange.v1 import types_pb2

from tigerex_core.records import pack_name
from tigerex_quant import kernel as k
from tigerex_quant.translate import client_order_id, ref_of_name
from tigerex_services.runner.requests import command_of

pytestmark = pytest.mark.unit


def intent(**columns: int) -> k.Ints:
    values = np.zeros(k.INTENT_WIDTH, dtype=np.int64)
    for name, value in columns.items():
        values[getattr(k, f"I_{name.upper()}")] = value
    return values


def test_a_place_is_the_same_bytes_each_time() -> None:
    wanted = intent(
        kind=k.PLACE, ref=(77 << k.REF_BITS) | 2, epoch=4, side=2, type=1, time_in_force=1,
        price=121, quantity=3, self_trade=2,
    )  # fmt: skip
    first = command_of(running_bot(11), wanted)
    assert command_of(running_bot(11), wanted).SerializeToString() == first.SerializeToString()
    place = first.place
    assert (place.price, place.quantity, place.side) == ("12.1", "0.03", types_pb2.SIDE_SELL)
    assert (place.decided_seq, place.epoch, len(place.request_id)) == (77, 4, 16)
    assert place.client_order_id.endswith("-77-2")
    assert place.self_trade_mode == types_pb2.SELF_TRADE_MODE_EXPIRE_TAKER
    other_run = command_of(running_bot(11, start_seq=9), wanted).place
    assert other_run.request_id != place.request_id


def test_a_cancel_names_the_order_it_is_for() -> None:
    bot = running_bot(11)
    wanted = intent(kind=k.CANCEL, ref=5, target=(77 << k.REF_BITS) | 2)
    cancel = command_of(bot, wanted).cancel
    assert cancel.client_order_id == client_order_id(bot.short_id, (77 << k.REF_BITS) | 2)


@pytest.mark.parametrize("ref", [1, (1 << k.REF_BITS) | 65_535, (2**46 << k.REF_BITS) | 7])
def test_a_ref_survives_its_name(ref: int) -> None:
    name = client_order_id("0123456789ab", ref)
    assert len(name) <= 40
    assert ref_of_name(pack_name(name), "0123456789ab") == ref
    assert ref_of_name(pack_name(name), "ba9876543210") == 0


@pytest.mark.parametrize("name", ["", "mine", "0123456789ab-1", "0123456789ab-1-x", "a-b-c-d"])
def test_an_order_of_somebody_else_has_no_ref(name: str) -> None:
    assert ref_of_name(pack_name(name), "0123456789ab") == 0
