"""What can go wrong here, said so that the reader knows what to do next."""


class LocalError(Exception):
    """The command cannot go on; the message says why and what to do."""


class CommandError(LocalError):
    """A program ended with an error or did not end in time."""

    def __init__(self, command: str, reason: str, output: str = "") -> None:
        self.reason = reason
        self.output = output
        tail = "\n".join(output.strip().splitlines()[-20:])
        super().__init__(f"{command}: {reason}" + (f"\n{tail}" if tail else ""))
