"""The line in which a benchmark says what it measured, and whether that is enough."""


def say_bar(
    name: str, measured: float, goal: float, unit: str = "", *, at_most: bool = False
) -> bool:
    """Print the line of one bar; whether it is met: at least the goal, or at most."""
    met = measured <= goal if at_most else measured >= goal
    figures = f"measured {measured:,.2f}, goal {goal:,.2f} {unit}".rstrip()
    print(f"bar {name}: {figures}, {'met' if met else 'short'}")
    return met
