"""Keys over https, traces across processes' borders, Redis, and the product's own migrations."""

import asyncio
import datetime
import http.server
import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.support.postgres import Database
from tests.support.redis import RedisServer
from tests.support.service_schema import admin_settings
from tests.support.tokens import TokenIssuer, environment
from tigerex.exchange.v1 import markets_pb2, markets_pb2_grpc

from tigerex_platform.auth import jwks
from tigerex_platform.auth.tokens import TokenVerifier
from tigerex_platform.database import conninfo
from tigerex_platform.errors import Unavailable
from tigerex_platform.grpc import calls, client
from tigerex_platform.grpc.client import channel
from tigerex_platform.grpc.server import GrpcServer
from tigerex_platform.redis_client import connect_redis
from tigerex_services.__main__ import SERVICES_WITH_DATABASE
from tigerex_services.permissions import TABLE

pytestmark = pytest.mark.integration


class ApiServer(http.server.ThreadingHTTPServer):
    """As much of an API server as publishes keys, to callers with a token only."""

    document = b""
    asked = 0

    class Handler(http.server.BaseHTTPRequestHandler):
        server: "ApiServer"

        def do_GET(self) -> None:
            self.server.asked += 1
            allowed = self.headers.get("Authorization") == "Bearer pod-token"
            self.send_response(200 if allowed else 403)
            self.end_headers()
            self.wfile.write(self.server.document if allowed else b"forbidden")

        def log_message(self, *_: object) -> None:
            pass


@pytest.fixture
def api_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """An https server whose authority and token are mounted as in a pod."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "ca.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "token").write_text("pod-token")
    pair = folder / "pair.pem"
    pair.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    monkeypatch.setattr(jwks, "CLUSTER_FOLDER", folder)
    server = ApiServer(("127.0.0.1", 0), ApiServer.Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def over_https(issuer: TokenIssuer, server: ApiServer, host: str = "localhost") -> TokenVerifier:
    url = f"https://{host}:{server.server_port}/openid/v1/jwks"
    return TokenVerifier(issuer.settings("x", token_jwks_file=None, token_jwks_url=url))


async def test_keys_come_from_the_cluster(issuer: TokenIssuer, api_server: ApiServer) -> None:
    api_server.document = json.dumps({"keys": [issuer.public_key()]}).encode()
    verifier = over_https(issuer, api_server)
    for _ in range(3):
        assert await verifier.role(issuer.token("runner")) == "runner"
    assert api_server.asked == 1


async def test_another_authority_is_not_believed(
    issuer: TokenIssuer, api_server: ApiServer
) -> None:
    api_server.document = json.dumps({"keys": [issuer.public_key()]}).encode()
    with pytest.raises(Unavailable):  # the certificate is for localhost
        await over_https(issuer, api_server, "127.0.0.1").role(issuer.token("runner"))


@pytest.mark.parametrize("document", [b"", b"[]", b'{"keys": 1}', b"x" * (2 << 20)])
async def test_odd_documents_are_no_keys(
    issuer: TokenIssuer, api_server: ApiServer, document: bytes
) -> None:
    api_server.document = document
    with pytest.raises(Unavailable):
        await over_https(issuer, api_server).role(issuer.token("runner"))


async def test_a_refused_request_for_keys_is_temporary(
    issuer: TokenIssuer, api_server: ApiServer
) -> None:
    (jwks.CLUSTER_FOLDER / "token").write_text("another")
    with pytest.raises(Unavailable):
        await over_https(issuer, api_server).role(issuer.token("runner"))


async def test_one_trace_crosses_the_call(
    issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    monkeypatch.setattr(calls, "_tracer", tracer)
    monkeypatch.setattr(client, "_tracer", tracer)
    seen: list[int] = []

    class Markets(markets_pb2_grpc.MarketServiceServicer):
        async def ListMarkets(self, request, context):  # noqa: N802
            seen.append(trace.get_current_span().get_span_context().trace_id)
            return markets_pb2.ListMarketsResponse()

    name = "tigerex.exchange.v1.MarketService"
    servicer = (markets_pb2_grpc.add_MarketServiceServicer_to_server, Markets(), name)
    async with (
        GrpcServer(issuer.settings("exchange"), TABLE, None, [servicer]) as server,
        channel(issuer.settings("runner"), server.address) as opened,
    ):
        with tracer.start_as_current_span("decision") as span:
            stub = markets_pb2_grpc.MarketServiceStub(opened)
            await stub.ListMarkets(markets_pb2.ListMarketsRequest())
            trace_id = span.get_span_context().trace_id
    assert seen == [trace_id]
    spans = {span.kind: span for span in exporter.get_finished_spans()}
    called, served = spans[trace.SpanKind.CLIENT], spans[trace.SpanKind.SERVER]
    assert called.context.trace_id == served.context.trace_id == trace_id
    assert served.parent is not None
    assert served.parent.span_id == called.context.span_id
    assert served.name == f"{name}/ListMarkets"
    assert served.attributes["tigerex.caller"] == "runner"


async def test_redis_with_its_password_and_without_it(
    issuer: TokenIssuer, redis_server: RedisServer
) -> None:
    settings = issuer.settings(
        "runner", redis_url=redis_server.url, redis_password_file=redis_server.password_file
    )
    async with connect_redis(settings) as connection:
        assert await connection.ping()
        redis_server.restart()
        assert await connection.ping(), "a restart costs a retry, not an error"
    async with connect_redis(settings.model_copy(update={"redis_password_file": None})) as stranger:
        with pytest.raises(redis.AuthenticationError):
            await stranger.ping()


async def test_a_cancelled_caller_of_redis_ends(
    issuer: TokenIssuer, redis_server: RedisServer
) -> None:
    """At whichever step of a command the cancellation comes."""
    settings = issuer.settings(
        "runner", redis_url=redis_server.url, redis_password_file=redis_server.password_file
    )

    async def ask_on() -> None:
        while True:
            await connection.ping()

    async with connect_redis(settings) as connection:
        await connection.ping()
        for steps in range(60):
            task = asyncio.create_task(ask_on())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=1)
            lost = not done
            task.cancel()
            await asyncio.wait([task], timeout=1)
            assert not lost, f"the cancellation was lost at step {steps}"


def test_the_products_own_migrations(issuer: TokenIssuer, database: Database) -> None:
    """`tigerex migrate` twice, as a repeated Job would: every service has its tables, alone."""
    settings = admin_settings(issuer, database, *SERVICES_WITH_DATABASE)
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "tigerex_services", "migrate"],
            env=environment(settings),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    for service in SERVICES_WITH_DATABASE:
        own = issuer.settings(
            service,
            database_url=database.url_of(service),
            database_password_file=database.role_password_file(service),
        )
        with psycopg.connect(conninfo(own)) as connection:
            tables = connection.execute(
                "SELECT count(*) FROM pg_tables WHERE schemaname = %s AND tableowner = %s",
                (service, service),
            ).fetchone()
            assert tables is not None
            assert tables[0] >= 2, service
