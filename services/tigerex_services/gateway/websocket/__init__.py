"""`/api/v1/ws`: public market streams and a user's own bots, each socket with its bounds."""
