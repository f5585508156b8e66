"""Who calls, how it is proven, and what it may do."""

from tigerex_platform.auth.keys import ApiKey, CachedKeyStore, KeyStore
from tigerex_platform.auth.permissions import PERMISSIONS, Rule, Table
from tigerex_platform.auth.principal import (
    Principal,
    current_principal,
    reset_principal,
    set_principal,
    valid_until_ms,
)
from tigerex_platform.auth.secret_box import SecretBox

__all__ = [
    "PERMISSIONS",
    "ApiKey",
    "CachedKeyStore",
    "KeyStore",
    "Principal",
    "Rule",
    "SecretBox",
    "Table",
    "current_principal",
    "reset_principal",
    "set_principal",
    "valid_until_ms",
]
