"""What travels as JSON: one strict pydantic model for each body, answer and query."""
