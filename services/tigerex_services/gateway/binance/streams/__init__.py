"""Binance's market streams, after "Binance Spot API Documentation: WebSocket Streams": names, what
is sent in each, and the sockets `/ws`, `/ws/<names>` and `/stream?streams=<names>`."""
