"""The page that shows a market, and its files: this host's own, and nothing from elsewhere."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tigerex_platform.errors import NotFound
from tigerex_services.gateway.context import GatewayDep
from tigerex_services.gateway.page.files import File

router = APIRouter(include_in_schema=False)

DOCUMENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
# A logo is somebody else's drawing: opened by itself, it may do nothing but be seen.
PART_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"


@router.get("/")
@router.get("/trade")
@router.get("/trade/{market}")
async def document(request: Request, gateway: GatewayDep) -> Response:
    """One document for every market: it reads its own path."""
    return _answer(request, gateway.page.document, DOCUMENT_POLICY)


@router.get("/page/{name}")
async def part(name: str, request: Request, gateway: GatewayDep) -> Response:
    """Raises NotFound."""
    file = gateway.page.parts.get(name)
    if file is None:
        raise NotFound("file", name)
    return _answer(request, file, PART_POLICY)


def _answer(request: Request, file: File, policy: str) -> Response:
    """Kept by browsers and asked for again each time: a new gateway's page is seen at once."""
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": policy,
        "ETag": file.etag,
    }
    known = request.headers.get("if-none-match", "")
    if file.etag in (tag.strip().removeprefix("W/") for tag in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)
