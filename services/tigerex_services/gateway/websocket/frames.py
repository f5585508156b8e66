"""Frames as they go over the wire, made once and written to every socket's transport as they are.

What a server sends is not masked (RFC 6455, section 5.3), so one frame serves all subscribers.
"""

import struct

TEXT = 0x81  # the only frame of a text message
SHORT_MAX = 125
MEDIUM_MAX = 2**16 - 1


def text_frame(text: bytes) -> bytes:
    """The frame of a text message, given in UTF-8."""
    size = len(text)
    if size <= SHORT_MAX:
        return struct.pack("!BB", TEXT, size) + text
    if size <= MEDIUM_MAX:
        return struct.pack("!BBH", TEXT, 126, size) + text
    return struct.pack("!BBQ", TEXT, 127, size) + text
