"""A real Redis on a free loopback port, that can be killed and started again."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from tests.support.postgres import free_port

PASSWORD = "the password of a test redis"
START_S_MAX = 10.0
STOP_S_MAX = 10.0


@dataclass
class RedisServer:
    """A server without persistence, as in production: a restart is empty."""

    folder: Path
    port: int
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The URL, without a password, as settings want it."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def password_file(self) -> Path:
        return self.folder / "password"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("Redis is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start, and wait until it answers. Raises RuntimeError with its log otherwise."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["redis-server", str(self.folder / "redis.conf")], stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_S_MAX
        with self.client() as client:
            while time.monotonic() < deadline and self._process.poll() is None:
                try:
                    client.ping()
                    return
                except redis.RedisError:
                    time.sleep(0.02)
        raise RuntimeError(f"Redis did not start: {(self.folder / 'log').read_text()[-4000:]}")

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(STOP_S_MAX)

    def restart(self) -> None:
        """Kill it and start an empty one on the same port."""
        self.kill()
        self.start()

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S_MAX)

    def client(self) -> redis.Redis:
        """A synchronous client that may do everything."""
        return redis.Redis(
            port=self.port, password=PASSWORD, socket_timeout=5, retry=Retry(NoBackoff(), 0)
        )

    def wipe(self) -> None:
        """Forget everything, as Redis may at any time."""
        with self.client() as client:
            client.flushall()


@contextmanager
def redis_server_running() -> Iterator[RedisServer]:
    """A fresh server, stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="tigerex-redis-"))
    server = RedisServer(folder, free_port())
    server.password_file.write_text(PASSWORD)
    (folder / "redis.conf").write_text(
        f'bind 127.0.0.1\nport {server.port}\nrequirepass "{PASSWORD}"\n'
        f'dir {folder}\nsave ""\nappendonly no\nmaxmemory 256mb\n'
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
