"""Brings a snapshot of an older kernel version to a newer one, a version at a time.

A step takes the image that the last build of its version left and gives the one that the next
version would have had: tables and columns are found by their names, and columns that are new get
their defaults.
"""

from collections.abc import Callable, Mapping

from tigerex_core.migrate_1 import from_1
from tigerex_core.snapshot import Image, SnapshotError

Step = Callable[[Image], Image]

# By the version that a step starts from.
STEPS: Mapping[int, Step] = {1: from_1}


def upgraded(image: Image, version: int, steps: Mapping[int, Step] = STEPS) -> Image:
    """The image as of `version`; raises SnapshotError where no step leads there."""
    while image.kernel_version < version:
        step = steps.get(image.kernel_version)
        if step is None:
            raise SnapshotError(
                f"no step leads from kernel version {image.kernel_version} to {version}"
            )
        image = step(image)
    if image.kernel_version != version:
        raise SnapshotError(
            f"it is of kernel version {image.kernel_version}, this build has {version}"
        )
    return image
