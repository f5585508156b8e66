"""Every error leaves as a problem (RFC 9457), through the platform's one mapping."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from tigerex_platform.errors import (
    PROBLEM_CONTENT_TYPE,
    Internal,
    InvalidField,
    NotFound,
    TigerExError,
    problem_headers,
    to_problem,
)
from tigerex_services.gateway.validation import invalid_fields

Responses = dict[int | str, dict[str, Any]]

MEANINGS = {
    400: "A field is wrong: which one, its value, and what is allowed",
    401: "The signature is missing, wrong, late or was used before",
    403: "The API key lacks the permission",
    404: "There is no such thing, or it is not yours",
    409: "The present state does not allow it",
    413: "The body is larger than 1 MiB",
    503: "A service is away for the moment; retry after the time in Retry-After",
    504: "No answer in time; repeating with the same Idempotency-Key is safe",
}


class Refusal(BaseModel):
    """What every refusal says, over HTTP or a WebSocket."""

    type: str = Field(examples=["https://tigerex.dev/errors/invalid-field"])
    title: str
    status: int
    detail: str = Field(description="What is wrong and what is allowed.")
    code: str = Field(description="Stable, for programs.", examples=["INVALID_FIELD"])
    retryable: bool = Field(description="The same request may succeed later.")
    field: str | None = Field(default=None, description="The field at fault.")
    value: str | None = Field(default=None, description="What was sent, shortened.")
    allowed: str | None = Field(default=None, description="What is allowed instead.")


class Problem(Refusal):
    """A refusal over HTTP."""

    request_id: str = Field(description="Also in the header X-Request-Id.")
    errors: list[dict[str, str]] | None = Field(
        default=None, description="All fields at fault, where the form of the request is wrong."
    )


class MethodNotAllowedError(TigerExError):
    """The path exists and does not know the method."""

    http_status: ClassVar[int] = 405


class BadRequestError(TigerExError):
    """Not a request that could be understood at all."""

    http_status: ClassVar[int] = 400


def problems(*statuses: int) -> Responses:
    """What a route may answer beside success, for the OpenAPI page."""
    return {
        status: {
            "description": MEANINGS[status],
            "content": {PROBLEM_CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def problem_response(
    error: TigerExError, request: Request, errors: list[InvalidField] | None = None
) -> JSONResponse:
    body = to_problem(error) | {"request_id": request.scope["state"]["request_id"]}
    if errors:
        body["errors"] = [each.metadata() for each in errors]
    return JSONResponse(
        body,
        status_code=error.http_status,
        headers=problem_headers(error),
        media_type=PROBLEM_CONTENT_TYPE,
    )


@contextmanager
def renamed_fields(rename: Callable[[str], str]) -> Iterator[None]:
    """Errors raised within name their field as the caller knows it."""
    try:
        yield
    except TigerExError as error:
        if error.field:
            renamed = rename(error.field)
            error.message = error.message.replace(error.field, renamed)
            error.field = renamed
        raise


def install(app: FastAPI) -> None:
    """Answers every kind of error of the application as a problem."""

    @app.exception_handler(TigerExError)
    async def tigerex(request: Request, error: TigerExError) -> JSONResponse:
        return problem_response(error, request)

    @app.exception_handler(RequestValidationError)
    async def validation(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = invalid_fields(error.errors())
        return problem_response(errors[0], request, errors)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        response = problem_response(_of_http(request, error), request)
        for name, value in (error.headers or {}).items():
            response.headers[name] = value
        return response


def _of_http(request: Request, error: HTTPException) -> TigerExError:
    """The framework's own refusals."""
    if error.status_code == 404:
        return NotFound("route", request.url.path)
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "see the API page")
        return MethodNotAllowedError(
            "METHOD_NOT_ALLOWED", f"{request.method} is not known here; allowed: {allowed}"
        )
    if error.status_code < 500:
        return BadRequestError(
            "MALFORMED_REQUEST",
            "the request cannot be read; allowed: a JSON object of reasonable depth, in UTF-8",
            field="body",
        )
    return Internal(request.scope["state"]["request_id"])
