"""The page that shows a market: its files, and the tenant's name and colours on them."""
