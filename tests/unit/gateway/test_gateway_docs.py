"""The signing example of docs/api.md is run as it is printed."""

import asyncio
import json
import os
import re
from pathlib import Path

import pytest
from tests.support.gateway_client import SECRET, make_app
from tests.support.gateway_server import listening
from tests.support.gateway_upstreams import serving

pytestmark = pytest.mark.unit

PAGE = Path(__file__).parents[3] / "docs" / "api.md"


async def test_the_printed_example_signs_and_is_answered() -> None:
    (script,) = re.findall(
        r"<!-- A test runs this block. -->\n```bash\n(.*?)```", PAGE.read_text(), re.S
    )
    async with serving() as (upstreams, channel), listening(make_app(channel)) as address:
        process = await asyncio.create_subprocess_exec(
            "bash",
            "-euc",
            script,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ
            | {
                "TIGEREX_URL": f"http://{address}",
                "TIGEREX_API_KEY": "ann-key",
                "TIGEREX_API_SECRET": SECRET,
            },
        )
        output, _ = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 0
        decoder, text, answers = json.JSONDecoder(), output.decode(), []
        while text:
            answer, end = decoder.raw_decode(text)
            answers.append(answer)
            text = text[end:]
        accounts, placed, listed = answers
        assert accounts["accounts"][0]["name"] == "main"
        assert placed["order"]["order_id"] == listed["orders"][0]["order_id"] == 7
        assert upstreams.called("PlaceOrder")[0].request.price == "50000.00"
