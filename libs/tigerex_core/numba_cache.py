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
from hashlib import sha256
from pathlib import Path

_SOURCES = Path(__file__).parent
_KEY_CHARACTERS = 16


def sources_key() -> str:
    """A key of the core's sources and of the bounds checks they are compiled with."""
    digest = sha256()
    for source in sorted(_SOURCES.glob("*.py")):
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
