"""`make picture`: the README's picture of the page, of a real exchange with a simulated market.

A chart of seconds has enough candles after two minutes of trading.
"""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from playwright.async_api import ViewportSize, expect
from tests.support.browser import visiting
from tests.support.exchange_stack import ExchangeStack, exchange_stack
from tests.support.gateway_client import Client
from tests.support.postgres import fresh_database, postgres_server
from tests.support.redis import redis_server_running

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "deploy" / "samples"
PICTURE = ROOT / "docs" / "trade-page.png"
TRADING_S = 150.0
REST_AWAY = (40, 90, 150)  # of the user's own orders from the last price, in quote asset
VIEWPORT = ViewportSize(width=1280, height=860)
WAIT_MS_MAX = 15_000


def sample(name: str) -> Any:
    """The spec of a sample resource."""
    return yaml.safe_load((SAMPLES / name).read_text())["spec"]


async def main() -> None:
    tenant, market = sample("00-tenant.yaml"), sample("10-market.yaml")
    branding = {"name": tenant["displayName"], **tenant["branding"]}
    feed = {"symbol": "btc-usdt", **market["feed"]}
    feed["simulated"] |= {"levels": 20}
    with (
        tempfile.TemporaryDirectory() as temporary,
        postgres_server() as postgres,
        redis_server_running() as redis,
        fresh_database(postgres, Path(temporary) / "database") as database,
        exchange_stack(Path(temporary), database, redis, branding=json.dumps(branding)) as stack,
    ):
        stack.start("feed", TIGEREX_FEED=json.dumps(feed))
        await asyncio.sleep(TRADING_S)
        async with resting_orders(stack):
            await take(stack, Path(temporary) / "profile")


@asynccontextmanager
async def resting_orders(stack: ExchangeStack) -> AsyncIterator[None]:
    """Orders of the user's own on both sides of the price."""
    async with httpx.AsyncClient(base_url=stack.url) as http:
        client = Client(http, stack.keys["ann"].key, stack.keys["ann"].secret)
        market = (await http.get("/api/v1/markets/btc-usdt")).json()
        last = int(float(market["last_price"]))
        for away in REST_AWAY:
            for side, sign in (("buy", -1), ("sell", 1)):
                body = {"market": "btc-usdt", "side": side, "quantity": f"0.{away}"}
                await client.request(
                    "POST", "/api/v1/orders", json=body | {"price": f"{last + sign * away}.00"}
                )
        yield


async def take(stack: ExchangeStack, profile: Path) -> None:
    async with visiting(profile, viewport=VIEWPORT) as visit:
        page = visit.page
        await page.goto(stack.url)
        await page.locator("#intervals label", has_text="1s").click()
        await page.click("#open-key")
        await page.fill("#key-form [name=key]", stack.keys["ann"].key)
        await page.fill("#key-form [name=secret]", stack.keys["ann"].secret)
        await page.click("#use-key")
        await expect(page.locator("#balances tr")).to_have_count(2, timeout=WAIT_MS_MAX)
        await page.locator("#bids tr").nth(4).click()
        await page.fill("#order [name=quantity]", "0.25")
        await asyncio.sleep(5)  # some more trades
        await page.screenshot(path=PICTURE)
        assert visit.complaints == []
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size >> 10} KiB")


if __name__ == "__main__":
    asyncio.run(main())
