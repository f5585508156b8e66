"""Lets numba read the compiled kernels that were baked into a read-only image.

Numba's own locators refuse a cache folder that they cannot write to, even to read from it, and
take a source file as changed when its time stamp is. Here the folder may be read-only, and a
source is known by its content. A kernel that was not baked cannot be saved, and so fails loudly
instead of being compiled in every pod anew.

Set by the image: NUMBA_CACHE_LOCATOR_CLASSES=baked_numba_cache.BakedCacheLocator
"""

import hashlib
from pathlib import Path

from numba.core.caching import UserProvidedCacheLocator


class BakedCacheLocator(UserProvidedCacheLocator):  # type: ignore[misc] # numba is untyped
    """NUMBA_CACHE_DIR, writable or not."""

    def ensure_cache_path(self) -> None:
        Path(self.get_cache_path()).mkdir(parents=True, exist_ok=True)

    def get_source_stamp(self) -> str:
        return hashlib.sha256(Path(self._py_file).read_bytes()).hexdigest()
