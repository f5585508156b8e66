"""An empty FastAPI handler on the gateway's server settings: `empty.py HOST:PORT`."""

import asyncio
import sys

import uvloop
from fastapi import FastAPI

from tigerex_services.gateway.server import make_server

app = FastAPI()


@app.get("/")
async def nothing() -> None:
    """Answers null."""


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(make_server(app, sys.argv[1]).serve())
