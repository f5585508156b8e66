"""Streams of an exchange: followed over a WebSocket, made whole over REST."""
