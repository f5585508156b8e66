"""What kopf calls. A handler takes the event, calls one method, and translates its outcome."""
