"""The spot API of Binance over the native path: another spelling of the same calls, decided nowhere
but in the exchange.

Names of paths, parameters, fields, filters, error codes and messages are those of "Binance Spot API
Documentation: REST API", "... WebSocket API", "... User Data Streams", "... Errors" and "...
Filters"; `endpoints.ENDPOINTS` is the table of what there is, `execution.execute` the one way of a
request through it, whether it came over HTTP (`rest`) or a socket (`ws_api`).
"""
