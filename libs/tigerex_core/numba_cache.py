"""Where compiled kernels are kept: a folder named after the sources that they were compiled from.

Numba notices an edited function but not an edited callee in another module, and its cache ignores
whether bounds are checked. A folder keyed by both makes a stale kernel unreachable.

Environment, read once, before numba is imported: `TIGEREX_NUMBA_CACHE`  root of the folders (an
image bakes its own); default: the user's cache folder. `NUMBA_CACHE_DIR`      when preset, is left
alone. `NUMBA_CPU_NAME`       default "generic": cached code then runs on every CPU of the
architecture.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

_SOURCES = Path(__file__).parent
_KEY_CHARACTERS = 16


def sources_key(folder: Path = _SOURCES) -> str:
    """A key of a package's sources, the core's by default, and of the bounds checks that they are
    compiled with."""
    digest = sha256()
    for source in sorted(folder.glob("*.py")):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    digest.update(os.environ.get("NUMBA_BOUNDSCHECK", "0").encode())
    return digest.hexdigest()[:_KEY_CHARACTERS]


def _root() -> Path:
    preset = os.environ.get("TIGEREX_NUMBA_CACHE")
    if preset:
        return Path(preset)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "tigerex" / "numba"


def configure() -> None:
    """Point numba at the folder of these sources. Idempotent."""
    os.environ.setdefault("NUMBA_CPU_NAME", "generic")
    if "NUMBA_CACHE_DIR" not in os.environ:
        os.environ["NUMBA_CACHE_DIR"] = str(_root() / sources_key())
    if "numba" in sys.modules:  # imported before us: it has read the environment already
        from numba.core import config  # noqa: PLC0415 - importing it first would defeat the purpose

        config.reload_config()  # type: ignore[no-untyped-call]


@contextmanager
def kept_apart(package: str, sources: Path) -> Iterator[None]:
    """What another package decorates here is kept in a folder of its own, below the core's, that is
    named after its sources: numba chooses a function's folder when it is decorated."""
    from numba.core import config as read  # noqa: PLC0415 - after `configure`

    config: Any = read

    chosen = config.CACHE_DIR
    base = chosen or os.environ["NUMBA_CACHE_DIR"]
    config.CACHE_DIR = str(Path(base) / f"{package}-{sources_key(sources)}")
    try:
        yield
    finally:
        config.CACHE_DIR = chosen
