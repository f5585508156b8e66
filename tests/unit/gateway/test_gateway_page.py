"""The page's document, files and branding: what they are made of and how they are answered."""

import base64
import re
from collections.abc import AsyncIterator
from importlib.resources import files

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.gateway_client import Client, make_app
from tests.support.gateway_upstreams import Upstreams, serving
from tigerex.marketdata.v1 import marketdata_pb2

from tigerex_platform.settings import SettingError
from tigerex_services.gateway.page.branding import Branding, Link, parse_branding
from tigerex_services.gateway.page.files import CHARTS_FILE, Page

pytestmark = pytest.mark.unit

HOSTILE = Branding(
    name="<script>alert('$name')</script>",
    links=(Link(title='"><img>', url="https://acme.example/?a=1&b='2'"),),
)
STATIC = files("tigerex_services.gateway.page") / "static"
channel_values = st.integers(0, 255)


@pytest.fixture
async def branded() -> AsyncIterator[Client]:
    async with serving() as (_, channel):
        transport = httpx.ASGITransport(make_app(channel, branding=HOSTILE))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield Client(http)


@pytest.mark.parametrize("path", ["/", "/trade", "/trade/btc-usdt"])
async def test_document_runs_nothing_but_its_own_files(branded: Client, path: str) -> None:
    answer = await branded.http.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= set(policy)
    assert {"frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} <= set(policy)
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert re.findall(r"<script[^>]*>", answer.text) == [
        '<script type="module" src="/page/main.js">'
    ]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", answer.text)
    assert "&lt;script&gt;alert(&#x27;$name&#x27;)" in answer.text
    assert 'href="https://acme.example/?a=1&amp;b=&#x27;2&#x27;"' in answer.text
    assert "<img>" not in answer.text


async def test_every_file_that_is_asked_for_is_there(branded: Client) -> None:
    seen: set[str] = set()
    asked = set(re.findall(r'"(/page/[^"]+)"', (await branded.http.get("/")).text))
    while fresh := asked - seen:
        for path in fresh:
            answer = await branded.http.get(path)
            assert answer.status_code == 200, path
            assert "unsafe-eval" not in answer.headers["content-security-policy"]
            if path.endswith(".js") and not path.endswith(CHARTS_FILE):
                asked |= {f"/page/{name}" for name in re.findall(r'"\./([^"]+)"', answer.text)}
                assert not re.search(
                    r"innerHTML|insertAdjacentHTML|document\.write|eval\(", answer.text
                )
        seen |= fresh
    wanted = {f"/page/{file.name}" for file in STATIC.iterdir() if file.name != "index.html"}
    assert wanted | {f"/page/{CHARTS_FILE}", "/page/branding.css", "/page/logo"} == seen


async def test_an_unchanged_file_is_not_sent_again(client: Client) -> None:
    first = await client.http.get("/page/main.js")
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    for known in (tag, f'W/{tag}, "other"'):
        again = await client.http.get("/page/main.js", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    other = await client.http.get("/page/main.js", headers={"If-None-Match": '"other"'})
    assert other.content == first.content


@pytest.mark.parametrize("name", ["none.js", "index.html", "..%2fbranding.py", "__init__.py"])
async def test_there_is_nothing_else(client: Client, name: str) -> None:
    answer = await client.http.get(f"/page/{name}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "NOT_FOUND"


def test_a_build_without_the_library_has_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tigerex_services.gateway.page.files.CHARTS_PACKAGE", "not_installed")
    parts = Page.of(Branding()).parts
    assert CHARTS_FILE not in parts
    assert "main.js" in parts


@given(red=channel_values, green=channel_values, blue=channel_values)
def test_text_on_the_primary_color_can_be_read(red: int, green: int, blue: int) -> None:
    def luminance(*channels: int) -> float:
        linear = [((c / 255 + 0.055) / 1.055) ** 2.4 if c > 10 else c / 3294.6 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    branding = Branding(primary_color=f"#{red:02x}{green:02X}{blue:02x}")
    text = bytes.fromhex(branding.text_color[1:])
    one, other = sorted((luminance(red, green, blue), luminance(*text)))
    assert (other + 0.05) / (one + 0.05) >= 4.1
    assert f"--brand: {branding.primary_color};" in branding.css()


def test_a_logo_is_what_was_given_or_the_first_letter() -> None:
    svg = b"<svg/>"
    given_logo = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    assert Branding(logo=given_logo).logo_file() == ("image/svg+xml", svg)
    assert b"&lt;</text>" in HOSTILE.logo_file()[1]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"primaryColor": "red"}', "primaryColor"),
        ('{"primaryColor": "#12345;"}', "primaryColor"),
        ('{"logo": "data:text/html;base64,PGI+"}', "logo"),
        ('{"logo": "https://acme.example/logo.png"}', "logo"),
        ('{"links": [{"title": "x", "url": "javascript:x"}]}', "links.0.url"),
        ('{"name": ""}', "name"),
        ('{"colour": "#123456"}', "colour"),
        ("[]", "the document"),
        ("{", "the document"),
    ],
)
def test_a_wrong_branding_is_refused_by_field(text: str, field: str) -> None:
    with pytest.raises(SettingError, match=rf"^TIGEREX_BRANDING: {re.escape(field)}: "):
        parse_branding(text)


def test_a_logo_that_is_no_base64_is_refused() -> None:
    with pytest.raises(SettingError, match="logo"):
        Page.of(Branding(logo="data:image/png;base64,abcde"))


async def test_statistics_of_a_day_and_of_a_market_that_never_traded(
    upstreams: Upstreams, client: Client
) -> None:
    found = marketdata_pb2.Statistics(
        market="btc-usdt", open_time_ns=1, close_time_ns=2, volume="0", quote_volume="0"
    )
    upstreams.answers["ListStatistics"] = marketdata_pb2.ListStatisticsResponse(statistics=[found])
    answer = await client.http.get("/api/v1/markets/btc-usdt/statistics")
    assert answer.json()["last"] is None
    assert (answer.json()["volume"], answer.json()["trades"]) == ("0", 0)
    (call,) = upstreams.called("ListStatistics")
    assert (call.request.market, call.request.minutes) == ("btc-usdt", 1_440)
    wrong = await client.http.get("/api/v1/markets/btc-usdt/statistics?minutes=10081")
    assert (wrong.status_code, wrong.json()["field"]) == (400, "minutes")
