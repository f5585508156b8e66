"""gRPC servers and channels with authentication, deadlines, typed errors and telemetry built in."""
