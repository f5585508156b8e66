"""Encryption of API secrets at rest, under the Fernet key that is mounted into the tenant's
servers.
"""

from cryptography.fernet import Fernet, InvalidToken

from tigerex_platform.settings import SettingError, Settings


class SecretBox:
    """Encrypts and decrypts API secrets. Raises SettingError for a malformed key."""

    def __init__(self, key: str) -> None:
        try:
            self._fernet = Fernet(key)
        except ValueError as error:
            raise SettingError(
                "TIGEREX_SECRET_KEY_FILE does not hold a Fernet key: 32 bytes, url-safe base64"
            ) from error

    @classmethod
    def from_settings(cls, settings: Settings) -> "SecretBox":
        """The box under TIGEREX_SECRET_KEY_FILE. Raises SettingError."""
        return cls(settings.secret("secret_key_file"))

    def encrypt(self, secret: str) -> bytes:
        return self._fernet.encrypt(secret.encode("utf-8"))

    def decrypt(self, encrypted: bytes) -> str:
        """Raises ValueError when it was encrypted under another key."""
        try:
            return self._fernet.decrypt(encrypted).decode("utf-8")
        except InvalidToken as error:
            raise ValueError("the API secret was encrypted under another key") from error
