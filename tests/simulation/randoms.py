"""One stream of random numbers for each part, all from one seed: a change in what one part draws
leaves the others as they were."""

from random import Random


class Randoms:
    def __init__(self, seed: int) -> None:
        self.plan = Random(f"{seed}/plan")
        self.loop = Random(f"{seed}/loop")
        self.steps = Random(f"{seed}/steps")
        self.database = Random(f"{seed}/database")
        self.network = Random(f"{seed}/network")
        self.stream = Random(f"{seed}/stream")
        self.clients = Random(f"{seed}/clients")
        self.clocks = Random(f"{seed}/clocks")
        self.snapshots = Random(f"{seed}/snapshots")
