"""What a run does, drawn from its seed: some runs have many kinds of fault, some have few, so that
one kind does not hide another."""

from dataclasses import asdict, dataclass
from random import Random

CROWDS_SHARE = 0.2
FAULT_SHARE = 0.6  # of the runs that have a given kind of fault


@dataclass(frozen=True, slots=True)
class Plan:
    """Chances are per statement, message or step, as said; times in seconds."""

    crowds: bool  # also hundreds of orders at once, which meet the bounds of one command
    shuffle: float  # turns that run a callback out of order
    processes: int  # hosts at once
    clients_operations_max: int  # under way at once
    turns_max: int  # callbacks run in one step
    queue_commands_max: int
    batch_commands_max: int
    batch_events_max: int
    delay_max_s: float
    # per statement
    lost: float  # the connection breaks and the result is unknown
    refused: float
    slow: float
    # per message between clients and hosts
    message_lost: float
    message_late: float
    # per message to and from the event stream
    stream_fault: float
    # per commit
    crash_at_commit: float
    # per step
    crash: float
    stop: float
    database_away: float
    session_ended: float
    lock_stolen: float
    stream_wiped: float
    stream_away: float
    clock_jump: float
    pause: float
    snapshot_fault: float  # per snapshot
    snapshot_entries: int  # a snapshot is due after so many
    snapshot_pause_s: float

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in asdict(self).items())


def draw(random: Random) -> Plan:
    """The plan of a seed."""

    def chance(most: float) -> float:
        on = random.random() < FAULT_SHARE
        value = round(most * random.random() ** 2, 5)
        return value if on else 0.0

    crowds = random.random() < CROWDS_SHARE
    return Plan(
        crowds=crowds,
        shuffle=random.choice([0.0, 0.1, 0.5, 1.0]),
        processes=random.choice([1, 2, 2, 2, 3]),
        clients_operations_max=random.choice([1, 4, 16, 40]),
        turns_max=random.choice([20, 60, 200]),
        queue_commands_max=16_384 if crowds else random.choice([40, 100, 400]),
        batch_commands_max=random.choice([1, 4, 64, 1_024]),
        batch_events_max=random.choice([8, 64, 7_500]),
        delay_max_s=random.choice([0.0, 0.002, 0.05]),
        lost=chance(0.08),
        refused=chance(0.01),
        slow=chance(0.1),
        message_lost=chance(0.1),
        message_late=chance(0.2),
        stream_fault=chance(0.3),
        crash_at_commit=chance(0.05),
        crash=chance(0.02),
        stop=chance(0.01),
        database_away=chance(0.01),
        session_ended=chance(0.02),
        lock_stolen=chance(0.02),
        stream_wiped=chance(0.02),
        stream_away=chance(0.01),
        clock_jump=chance(0.05),
        pause=chance(0.1),
        snapshot_fault=chance(0.5),
        snapshot_entries=random.choice([3, 10, 40, 1_000_000]),
        snapshot_pause_s=random.choice([0.0, 1.0, 10.0]),
    )
