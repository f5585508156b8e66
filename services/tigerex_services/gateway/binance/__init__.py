"""The spot API of Binance over the native path: another spelling of the same calls, decided nowhere
but in the exchange.

Names of paths, parameters, fields, filters, error codes and messages are those of "Binance Spot API
Documentation: REST API", "... Errors" and "... Filters"; `routes.ENDPOINTS` is the table of what
there is.
"""
