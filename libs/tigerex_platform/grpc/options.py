"""Bounds and connection options that servers and channels share."""

import json

MESSAGE_BYTES_MAX = 4 << 20
CALLS_AT_ONCE_MAX = 4_096
UNARY_DEADLINE_S_DEFAULT = 5.0  # of a client's call that names none
UNARY_DEADLINE_S_MAX = 60.0  # of any unary call at the server, also without a client's deadline
STREAM_DURATION_S_MAX = 3_600.0  # then the subscriber comes back and is authenticated anew
STREAM_IDLE_S_MAX = 300.0  # without a request on a stream of requests
STREAM_RECHECK_S = 30.0  # how long a stream of requests outlives its caller's key or permission
DRAIN_S_MAX = 10.0
RETRY_ATTEMPTS_MAX = 4
# The name under which health checks learn that a process answers, also where it does not serve:
# one on standby is well.
LIVENESS = "liveness"

Options = list[tuple[str, int | str]]

_MESSAGES: Options = [
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
]
# A peer that vanished without a word is noticed after keepalive time + timeout.
_KEEPALIVE: Options = [
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
]
# gRPC's own default lets reconnect pauses grow to two minutes: an eternity after a restart.
_RECONNECT: Options = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]
_RETRY_POLICY = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": RETRY_ATTEMPTS_MAX,
                "initialBackoff": "0.05s",
                "maxBackoff": "1s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


def server_options() -> Options:
    """Two servers on one port would share its callers at random: the second is refused instead."""
    return [
        *_MESSAGES,
        *_KEEPALIVE,
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ("grpc.so_reuseport", 0),
    ]


def channel_options(*, retries: bool) -> Options:
    """With `retries`, gRPC's own bounded retries on UNAVAILABLE, within the call's deadline.

    Every mutating call of our contracts has a request id, so repeating any of them is harmless. A
    signed request must not be repeated as it is: its signature is accepted once.
    """
    options = [*_MESSAGES, *_KEEPALIVE, *_RECONNECT, ("grpc.enable_retries", int(retries))]
    if retries:
        options.append(("grpc.service_config", json.dumps(_RETRY_POLICY)))
    return options
