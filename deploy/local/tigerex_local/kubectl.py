"""kubectl against one kubeconfig."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tigerex_local.command import run

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Kubectl:
    """The program and the only cluster it may touch."""

    program: Path | str
    kubeconfig: Path

    def __call__(
        self, *arguments: str | Path, stdin: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> str:
        return run(
            *(self.program, f"--kubeconfig={self.kubeconfig}", *arguments),
            stdin=stdin,
            timeout_s=timeout_s,
        )

    def get(self, *arguments: str) -> dict[str, Any]:
        """`kubectl get … -o json`, parsed."""
        document: dict[str, Any] = json.loads(self("get", *arguments, "--output=json"))
        return document

    def apply(self, manifest: str) -> None:
        """Server-side apply under our own field manager."""
        self(
            *("apply", "--server-side", "--force-conflicts", "--field-manager=tigerex-local"),
            *("--filename", "-"),
            stdin=manifest,
        )
