"""A real PostgreSQL on a free loopback port, that can be killed and started again."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
from psycopg import sql

BINARIES = (Path("/usr/lib/postgresql/15/bin"), Path("/usr/lib/postgresql/16/bin"))
ADMIN = "postgres"
PASSWORD = "the admin of a test database"
START_S_MAX = 30.0
STOP_S_MAX = 15.0
LOG_CHARS_MAX = 4_000


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class PostgresServer:
    """A server with its own data directory; fsync is on, so that kill tests mean something."""

    folder: Path
    port: int
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        if self._process is None:
            raise RuntimeError("PostgreSQL is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start, and wait for connections to succeed. Raises RuntimeError with its log."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_postgres(), str(_binary("postgres")), "-D", str(self.folder / "data")],
                stdout=log,
                stderr=log,
                cwd="/",
            )
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with self.admin():
                    return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL did not start: {self.log()}")

    def kill(self) -> None:
        """SIGKILL the postmaster, and wait until its backends are gone too."""
        process = self._end(signal.SIGKILL)
        # Backends of a dead postmaster notice and end by themselves; a new one refuses to start
        # while the shared memory of the old one is in use, so the next start would race with them.
        deadline = time.monotonic() + STOP_S_MAX
        while time.monotonic() < deadline and _children_of_data(self.folder / "data"):
            time.sleep(0.02)
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        assert process is None or process.poll() is not None

    def stop(self) -> None:
        """A fast shutdown, as SIGINT asks for."""
        self._end(signal.SIGINT)

    def restart(self) -> None:
        """Kill it and start it again on the same data."""
        self.kill()
        self.start()

    def log(self) -> str:
        """The end of the server's log."""
        return (self.folder / "log").read_text(errors="replace")[-LOG_CHARS_MAX:]

    @contextmanager
    def admin(self, database: str = ADMIN) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """An autocommitting connection of the superuser."""
        with psycopg.connect(
            self.url(database, password=PASSWORD), autocommit=True, connect_timeout=5
        ) as connection:
            yield connection

    def url(self, database: str, *, user: str = ADMIN, password: str = "") -> str:
        """The URL of a database, with a password for clients that take one there."""
        secret = f":{quote(password)}" if password else ""
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """The name of a new empty database."""
        name = f"test_{uuid4().hex[:16]}"
        with self.admin() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return name

    def drop_database(self, name: str) -> None:
        """Drop it, also while something is still connected."""
        with self.admin() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def drop_connections(self, *, application_name: str = "%") -> int:
        """Cut the connections of all clients whose application name is LIKE the pattern."""
        with self.admin() as connection:
            cut = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <>"
                " pg_backend_pid() AND backend_type = 'client backend'"
                " AND application_name LIKE %s",
                (application_name,),
            ).fetchall()
        return len(cut)

    def _end(self, number: signal.Signals) -> "subprocess.Popen[bytes] | None":
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return process
        process.send_signal(number)
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S_MAX)
        return process


@dataclass(frozen=True)
class Database:
    """A database of one test, with a password file for the admin."""

    server: PostgresServer
    name: str
    folder: Path

    @property
    def url(self) -> str:
        """The admin's URL, without a password, as settings want it."""
        return self.server.url(self.name)

    def url_of(self, user: str) -> str:
        return self.server.url(self.name, user=user)

    @property
    def conninfo(self) -> str:
        """The admin's URL with its password."""
        return self.server.url(self.name, password=PASSWORD)

    @property
    def password_file(self) -> Path:
        return self._secret("admin-password", PASSWORD)

    def role_password_file(self, service: str) -> Path:
        """Where `tigerex migrate` and the service read the role's password."""
        return self._secret(f"roles/{service}", role_password(service))

    @property
    def role_passwords_dir(self) -> Path:
        return self.folder / "roles"

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """An autocommitting connection of the superuser."""
        return psycopg.connect(self.conninfo, autocommit=True, connect_timeout=5)

    def _secret(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path


def role_password(service: str) -> str:
    """The password of a service's database role in tests."""
    return f"password of {service}"


def has_library(name: str) -> bool:
    """Whether the server's package has a library to preload."""
    return (_binary("postgres").parent.parent / "lib" / f"{name}.so").exists()


@contextmanager
def postgres_server(settings: Mapping[str, str] | None = None) -> Iterator[PostgresServer]:
    """A fresh server, stopped and removed at the end; settings go into its configuration."""
    folder = Path(tempfile.mkdtemp(prefix="tigerex-postgres-"))
    server = PostgresServer(folder, free_port())
    try:
        _initialise(server, settings or {})
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(server: PostgresServer, folder: Path) -> Iterator[Database]:
    """A new database, dropped at the end."""
    if not server.running:
        server.start()
    database = Database(server, server.create_database(), folder)
    try:
        yield database
    finally:
        if not server.running:
            server.start()
        server.drop_database(database.name)


def _initialise(server: PostgresServer, settings: Mapping[str, str]) -> None:
    password_file = server.folder / "admin-password"
    password_file.write_text(PASSWORD)
    if os.getuid() == 0:
        for path in (server.folder, password_file):
            shutil.chown(path, ADMIN, ADMIN)
    subprocess.run(
        [
            *_as_postgres(),
            str(_binary("initdb")),
            f"--pgdata={server.folder / 'data'}",
            f"--username={ADMIN}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
        ],
        check=True,
        capture_output=True,
        cwd="/",
        timeout=60,
    )
    (server.folder / "data" / "postgresql.conf").open("a").write(
        f"listen_addresses = '127.0.0.1'\nport = {server.port}\n"
        "unix_socket_directories = ''\nmax_connections = 60\nshared_buffers = 32MB\n"
        "fsync = on\nsynchronous_commit = on\n"
        + "".join(f"{name} = '{value}'\n" for name, value in settings.items())
    )


def _binary(name: str) -> Path:
    for folder in BINARIES:
        if (folder / name).exists():
            return folder / name
    raise RuntimeError(f"there is no {name} in {BINARIES}: apt-get install postgresql-15")


def _as_postgres() -> list[str]:
    # PostgreSQL refuses to run as root. setpriv execs, so that the pid is the postmaster's own.
    if os.getuid() != 0:
        return []
    return ["setpriv", f"--reuid={ADMIN}", f"--regid={ADMIN}", "--clear-groups", "--"]


def _children_of_data(data: Path) -> list[int]:
    """Processes whose working directory is the data directory: this server's and no other's."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").resolve() == data:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
