"""The page in a real browser, over a real exchange."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from tests.support.browser import CHROMIUM, MISSING, PHONE, PLAIN_HOST, WAIT_MS_MAX, Visit, visiting
from tests.support.exchange_stack import ApiKey, ExchangeStack
from tests.support.gateway_client import Client

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason=MISSING),
]

expect.set_options(timeout=WAIT_MS_MAX)

WAIT_S = WAIT_MS_MAX / 1_000
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
BRANDING = {
    "name": "Acme <b>Exchange</b>",
    "primaryColor": "#7A1FA2",
    "logo": f"data:image/svg+xml;base64,{base64.b64encode(LOGO.encode()).decode()}",
    "links": [{"title": "Fees & terms", "url": "https://acme.example/fees?a=1&b=2"}],
}
# Whether a colour of candles is on the chart.
DRAWN = """([red, green, blue]) => [...document.querySelectorAll("#chart canvas")].some((canvas) =>
{
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) return true;
  }
  return false;
})"""
UP = [46, 189, 133]
BOOK = """(side) => [...document.querySelectorAll(`#${side} tr[data-price]`)].map((row) =>
  [row.cells[0], row.cells[1]].map((cell) => cell.textContent.replaceAll(",", "")))"""

Visiting = Callable[..., AbstractAsyncContextManager[Visit]]


@pytest.fixture(scope="module")
def branding() -> str:
    return json.dumps(BRANDING)


@pytest.fixture
def browse(tmp_path: Path) -> Visiting:
    return partial(visiting, tmp_path / "profile")


@pytest.fixture
async def visit(browse: Visiting, stack: ExchangeStack) -> AsyncIterator[Visit]:
    """On the page of the market, which has traded; nothing may be complained of at the end."""
    async with browse() as visit:
        await visit.page.goto(f"{stack.url}/trade/btc-usdt")
        await expect(visit.page.locator("#connection")).to_have_text("Live")
        yield visit
        assert visit.complaints == []
        assert visit.hosts == {stack.addresses["gateway-http"]}


@pytest.fixture(autouse=True)
async def quotes(ann: Client, bob: Client) -> AsyncIterator[None]:
    """Three levels a side around 60,000, and a trade that rose."""
    await trade(ann, bob, "59990")
    await trade(ann, bob, "60000")
    placed = [
        await place(ann, side, str(60_000 + sign * away), "0.2")
        for side, sign in (("buy", -1), ("sell", 1))
        for away in (10, 20, 30)
    ]
    yield
    for order_id in placed:
        await ann.request("DELETE", f"/api/v1/orders/{order_id}")


async def place(client: Client, side: str, price: str, quantity: str) -> int:
    body = {"market": "btc-usdt", "side": side, "price": price, "quantity": quantity}
    answer = await client.request("POST", "/api/v1/orders", json=body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["order"]["order_id"])


async def trade(maker: Client, taker: Client, price: str) -> None:
    await place(maker, "sell", price, "0.01")
    await place(taker, "buy", price, "0.01")


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await condition():  # noqa: ASYNC110 - asks over the network
            await asyncio.sleep(0.05)


async def book(client: Client, side: str) -> list[list[str]]:
    """Price and quantity of each level with the market's places, asks highest first."""
    levels = (await client.http.get("/api/v1/markets/btc-usdt/book?levels=20")).json()[side]
    rows = [[f"{float(row['price']):.2f}", f"{float(row['quantity']):.5f}"] for row in levels]
    return rows if side == "bids" else rows[::-1]


async def use_key(page: Page, key: ApiKey, secret: str = "", *, keep: bool = False) -> None:
    await page.click("#open-key")
    await page.fill("#key-form [name=key]", key.key)
    await page.fill("#key-form [name=secret]", secret or key.secret)
    if keep:
        await page.check("#key-form [name=keep]")
    await page.keyboard.press("Enter")
    # Nobody can type behind a dialog; a driver would, into whichever field has the focus.
    if not secret:
        await expect(page.locator("#key-dialog")).to_be_hidden()


async def open_orders(client: Client) -> list[dict[str, Any]]:
    answer = await client.request("GET", "/api/v1/orders?market=btc-usdt")
    orders: list[dict[str, Any]] = answer.json()["orders"]
    return orders


async def test_shows_the_market(visit: Visit, ann: Client) -> None:
    await until(lambda: visit.page.evaluate(DRAWN, UP))
    for side in ("bids", "asks"):
        await until(partial(_book_is_shown, visit.page, ann, side))
    await expect(visit.page.locator("#last")).to_have_text("60,000.00")
    await expect(visit.page.locator("#trades tr").first).to_contain_text("60,000.00")
    await expect(visit.page.locator("#high")).to_have_text("60,000.00")
    await expect(visit.page.locator("#market")).to_have_value("btc-usdt")


async def _book_is_shown(page: Page, client: Client, side: str) -> bool:
    wanted = await book(client, side)
    assert len(wanted) >= 3
    return bool(await page.evaluate(BOOK, side) == wanted)


@pytest.mark.parametrize("interval", ["1s", "5m", "1h", "1d"])
async def test_draws_every_interval(visit: Visit, ann: Client, bob: Client, interval: str) -> None:
    await visit.page.locator("#intervals label", has_text=interval).click()
    await expect(visit.page.locator("#legend")).to_contain_text("C 60,000.00")
    await until(lambda: visit.page.evaluate(DRAWN, UP))
    await trade(ann, bob, "60001")
    await expect(visit.page.locator("#legend")).to_contain_text("C 60,001.00")


async def test_a_trade_appears(visit: Visit, ann: Client, bob: Client) -> None:
    await expect(visit.page.locator("#last")).to_have_text("60,000.00")
    await trade(ann, bob, "60005")
    first = visit.page.locator("#trades tr").first
    await expect(first).to_contain_text("60,005.00")
    await expect(first).to_have_attribute("data-side", "buy")
    await expect(visit.page.locator("#last")).to_have_text("60,005.00")
    await expect(visit.page).to_have_title("60,005.00 BTC/USDT · Acme <b>Exchange</b>")


async def test_wears_the_tenants_branding(visit: Visit) -> None:
    page = visit.page
    await expect(page.locator(".brand span")).to_have_text(BRANDING["name"])
    await expect(page.locator("#open-key")).to_have_css("background-color", "rgb(122, 31, 162)")
    await expect(page.locator("#open-key")).to_have_css("color", "rgb(255, 255, 255)")
    link = page.get_by_role("link", name="Fees & terms")
    await expect(link).to_have_attribute("href", "https://acme.example/fees?a=1&b=2")
    width = "document.querySelector('.brand img').naturalWidth"
    await until(lambda: page.evaluate(f"{width} > 0"))
    await expect(page.get_by_role("link", name="tradingview.com")).to_be_visible()


async def test_places_and_cancels_an_order(visit: Visit, bob: Client, stack: ExchangeStack) -> None:
    page = visit.page
    await page.get_by_role("button", name="Add an API key to trade").click()
    await page.click("#close-key")
    await use_key(page, stack.keys["bob"])
    await expect(page.locator("#balances tr")).to_have_count(2)
    await page.fill("#order [name=price]", "50000")
    await page.fill("#order [name=quantity]", "0.5")
    await expect(page.locator("#total")).to_have_text("25,000 USDT")
    await page.keyboard.press("Enter")
    await expect(page.locator("#order-result")).to_contain_text("new")
    (order,) = await open_orders(bob)
    assert (order["side"], order["price"], order["quantity"]) == ("buy", "50000", "0.5")
    row = page.locator("#orders tr")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("50,000.00")
    await expect(page.locator("#balances tr", has_text="USDT")).to_contain_text("25,0")
    await row.get_by_role("button").click()
    await expect(row).to_have_count(0)
    assert await open_orders(bob) == []


async def test_sells_at_market_what_a_level_offers(
    visit: Visit, bob: Client, stack: ExchangeStack
) -> None:
    page = visit.page
    await use_key(page, stack.keys["bob"])
    await page.locator("#bids tr").first.click()
    await expect(page.locator("#order [name=price]")).to_have_value("59990")
    await page.locator("#order label", has_text="Sell").click()
    await page.locator("#order label", has_text="Market").click()
    await expect(page.locator("#order [name=price]")).to_be_disabled()
    await page.fill("#order [name=quantity]", "0.05")
    await page.get_by_role("button", name="Sell BTC").click()
    await expect(page.locator("#order-result")).to_contain_text("filled")
    await expect(page.locator("#trades tr").first).to_contain_text("59,990.00")
    await expect(page.locator("#trades tr").first).to_have_attribute("data-side", "sell")


async def test_says_why_a_key_or_an_order_is_refused(
    browse: Visiting, stack: ExchangeStack, bob: Client
) -> None:
    async with browse() as visit:
        page = visit.page
        await page.goto(stack.url)
        await expect(page).to_have_url(f"{stack.url}/trade/btc-usdt")
        await use_key(page, stack.keys["bob"], "not the secret")
        await expect(page.locator("#key-result")).to_contain_text("unknown API key, or")
        await expect(page.locator("#key-dialog")).to_be_visible()
        await page.click("#close-key")
        await use_key(page, stack.keys["eve"])
        await page.fill("#order [name=price]", "50000")
        await page.fill("#order [name=quantity]", "0.5")
        await page.click("#place")
        await expect(page.locator("#order-result")).to_contain_text("permission")
        await page.click("#open-key")
        await page.click("#forget-key")
        await use_key(page, stack.keys["bob"])
        await page.fill("#order [name=price]", "50000.001")
        await page.click("#place")
        await expect(page.locator("#order-result")).to_contain_text("price")
        assert await open_orders(bob) == []
        # The browser's own words for answers that are refusals, and nothing else.
        assert all("Failed to load resource" in each for each in visit.complaints)


async def test_forgets_the_key_unless_told_to_keep_it(visit: Visit, stack: ExchangeStack) -> None:
    page, shown = visit.page, visit.page.locator("#balances tr")
    await use_key(page, stack.keys["bob"])
    await expect(shown).to_have_count(2)
    await page.reload()
    await expect(page.locator("#connection")).to_have_text("Live")
    await expect(page.locator("#place")).to_have_text("Add an API key to trade")
    assert await page.evaluate("sessionStorage.length + localStorage.length") == 0
    await use_key(page, stack.keys["bob"], keep=True)
    await expect(shown).to_have_count(2)
    await page.reload()
    await expect(shown).to_have_count(2)
    await page.click("#open-key")
    await page.click("#forget-key")
    await expect(shown).to_have_count(0)
    assert await page.evaluate("sessionStorage.length") == 0


async def test_cannot_sign_over_plain_http_and_says_what_to_do(
    browse: Visiting, stack: ExchangeStack
) -> None:
    async with browse() as visit:
        page = visit.page
        port = stack.addresses["gateway-http"].rpartition(":")[2]
        await page.goto(f"http://{PLAIN_HOST}:{port}/")
        await expect(page.locator("#last")).to_have_text("60,000.00")
        await page.click("#open-key")
        await expect(page.locator("#key-insecure")).to_contain_text("http://localhost")
        await expect(page.locator("#use-key")).to_be_disabled()


async def test_says_what_is_missing(browse: Visiting, stack: ExchangeStack) -> None:
    """Of a build without the library, or a market that is not there, the rest works."""
    async with browse() as visit:
        page = visit.page
        await page.route("**/lightweight-charts.js", lambda route: route.fulfill(status=404))
        await page.goto(f"{stack.url}/trade/no-such-market")
        await expect(page.locator("#notice")).to_contain_text("no market no-such-market")
        await expect(page.locator("#chart-note")).to_contain_text("library is missing")
        await page.select_option("#market", "btc-usdt")
        await expect(page).to_have_url(f"{stack.url}/trade/btc-usdt")
        await expect(page.locator("#last")).to_have_text("60,000.00")
        await expect(page.locator("#notice")).to_be_hidden()
        await page.go_back()
        await expect(page.locator("#notice")).to_be_visible()


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
async def test_fits_a_phone(browse: Visiting, stack: ExchangeStack, dark: bool) -> None:
    async with browse(viewport=PHONE, dark=dark) as visit:
        page = visit.page
        await page.goto(stack.url)
        await use_key(page, stack.keys["ann"])
        await expect(page.locator("#orders tr")).to_have_count(6)
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        await expect(page.locator("#connection")).to_have_text("Live")
        assert visit.complaints == []


async def test_comes_back_after_the_gateway(
    browse: Visiting, stack: ExchangeStack, ann: Client, bob: Client
) -> None:
    async with browse() as visit:
        page = visit.page
        await page.goto(stack.url)
        await use_key(page, stack.keys["bob"])
        await expect(page.locator("#last")).to_have_text("60,000.00")
        process = stack.processes["gateway"]
        process.terminate()
        await asyncio.to_thread(process.wait, WAIT_S)
        await expect(page.locator("#connection")).to_contain_text("Disconnected")
        await asyncio.to_thread(stack.start, "gateway")
        await expect(page.locator("#connection")).to_have_text("Live")
        await trade(ann, bob, "60007")
        await expect(page.locator("#last")).to_have_text("60,007.00")
        await expect(page.locator("#legend")).to_contain_text("C 60,007.00")
        await expect(page.locator("#balances tr")).to_have_count(2)
