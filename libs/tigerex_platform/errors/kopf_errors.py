"""The one mapping from our errors to kopf's: retry later, or stop and say so. Imported by the
operator only.
"""

import kopf

from tigerex_platform.errors import types

RETRY_DELAY_S_DEFAULT = 15.0


def to_kopf(error: types.TigerExError) -> kopf.TemporaryError | kopf.PermanentError:
    """TemporaryError with its delay for what passes by itself, PermanentError for what someone must
    change.
    """
    if error.retryable:
        delay_s = float(getattr(error, "retry_after_s", RETRY_DELAY_S_DEFAULT))
        return kopf.TemporaryError(f"{error.code}: {error.message}", delay=delay_s)
    return kopf.PermanentError(f"{error.code}: {error.message}")
