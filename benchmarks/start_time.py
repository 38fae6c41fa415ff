"""How much longer `rcnnzoo --help` takes than importing what it is built on.

python benchmarks/start_time.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

BASE = [sys.executable, "-c", "import typer, rich"]
COMMANDS = {
    "--help": [sys.executable, "-m", "rcnnzoo", "--help"],
    "list": [sys.executable, "-m", "rcnnzoo", "list"],
}
ROUNDS = 15


def seconds(command: list[str]) -> float:
    """How long a process takes."""
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - started


def main() -> None:
    """Print the ratios, the commands run in turn."""
    for command in (BASE, *COMMANDS.values()):
        seconds(command)
    for name, command in COMMANDS.items():
        ratios = [seconds(command) / seconds(BASE) for _ in range(ROUNDS)]
        print(f"rcnnzoo {name}: {statistics.median(ratios):.2f} times `import typer, rich`")


if __name__ == "__main__":
    main()
