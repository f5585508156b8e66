"""The peer of the fan-out: uvicorn's sockets and a loop that sends one text to each, as one would
write it first. `python -m tests.bench.gateway.bare_broadcast host:port events-a-second bytes`."""

import asyncio
import sys
import time
from typing import Any

import uvicorn
import uvloop

sockets: set[Any] = set()


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    await receive()  # the subscription
    await send({"type": "websocket.send", "text": "{}"})
    sockets.add(send)
    while (await receive())["type"] != "websocket.disconnect":
        pass
    sockets.discard(send)


async def broadcast(per_second: float, size: int) -> None:
    loop = asyncio.get_running_loop()
    next_s = loop.time()
    while True:
        next_s += 1 / per_second
        await asyncio.sleep(max(0.0, next_s - loop.time()))
        text = f'{{"trade_id":{time.time_ns()}}}'.ljust(size)
        for send in list(sockets):
            await send({"type": "websocket.send", "text": text})


async def serve(address: str, per_second: float, size: int) -> None:
    host, _, port = address.rpartition(":")
    sending = asyncio.create_task(broadcast(per_second, size))
    config = uvicorn.Config(
        application,
        host=host,
        port=int(port),
        loop="none",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="warning",
    )
    await uvicorn.Server(config).serve()
    sending.cancel()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
