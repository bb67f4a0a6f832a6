"""Prints the table of `make bench` from the results of its turns: the median of each figure, its reference, and whether the mark is reached.

Usage: table.py DIRECTORY TURNS. Exits 1 where a measurement is missing.
"""

import json
import os
import platform
import re
import statistics
import sys
from pathlib import Path
from typing import Callable, NamedTuple


class Row(NamedTuple):
    """One line: what was measured, and what it is held against."""

    what: str
    measured: float | None
    unit: str
    reference: float | None
    reference_name: str
    mark: str
    reached: bool | None


class Results:
    """The results of all turns, by measurement."""

    def __init__(self, directory: Path, turns: int):
        self.turns = turns
        self.by_name: dict[str, list[dict]] = {}
        for name in ("get", "many", "few", "full", "half"):
            files = [directory / f"{name}.{turn}.json" for turn in range(1, turns + 1)]
            self.by_name[name] = [json.loads(file.read_text()) for file in files if file.exists()]
        texts = [directory / f"yardstick.{turn}.txt" for turn in range(1, turns + 1)]
        self.by_name["yardstick"] = [found for file in texts if file.exists() and (found := read_pgbench(file.read_text()))]

    def median(self, name: str, figure: Callable[[dict], float]) -> float | None:
        values = [figure(result) for result in self.by_name[name]]
        return statistics.median(values) if values else None

    def missing(self) -> list[str]:
        return [f"{name} ({self.turns - len(found)} of {self.turns})" for name, found in self.by_name.items() if len(found) < self.turns]


def read_pgbench(text: str) -> dict | None:
    """Transactions of 100 rows stored and 100 deleted, in two commits, as rows a second and milliseconds a commit."""
    rate = re.search(r"^tps = ([0-9.]+)", text, re.MULTILINE)
    latency = re.search(r"^latency average = ([0-9.]+) ms", text, re.MULTILINE)
    if not rate or not latency:
        return None
    return {"pairs": float(rate[1]) * 100, "commit": float(latency[1]) / 2}


def memory(result: dict, part: str) -> float:
    server = result["server"]
    return (server[part] - server["residentBytesBefore"]) / result["polls"]


def requests_per_second(result: dict) -> float:
    """Sends and polls; polls are counted over the whole run, so they are taken in proportion to its messages."""
    return result["storedPerSecond"] * (1 + result["polls"] / max(result["stored"], 1))


def rows(results: Results) -> list[Row]:
    median = results.median
    # A message is two rows that are stored and deleted: itself and its receipt.
    ceiling = median("yardstick", lambda r: r["pairs"] / 2)
    commit = median("yardstick", lambda r: r["commit"])
    full = median("full", lambda r: r["acknowledgedPerSecond"])
    delivered = median("half", lambda r: r["deliveryLatency"]["p99"])
    receipted = median("half", lambda r: r["receiptLatency"]["p99"])
    half = median("half", lambda r: r["acknowledgedPerSecond"])
    held = median("many", lambda r: memory(r, "residentBytesHeld"))
    connected = median("many", lambda r: memory(r, "residentBytesConnected"))
    wake_many = median("many", lambda r: r["server"]["microsecondsPerWake"])
    wake_few = median("few", lambda r: r["server"]["microsecondsPerWake"])
    many = median("many", lambda r: r["polls"])
    few = median("few", lambda r: r["polls"])
    runs = [r for name in ("full", "half", "many", "few") for r in results.by_name[name]]
    lost = sum(r["lost"] for r in runs) if runs else None
    failed = sum(sum(r["sendFailures"].values()) + sum(r["pollFailures"].values()) for r in runs) if runs else None
    # The load of the latency rows must have been carried, or their percentiles are those of something else.
    carried = half is not None and half >= 4_950
    many_label = f"{many:,.0f}" if many else "many"
    few_label = f"{few:,.0f}" if few else "few"
    return [
        Row("messages sent, delivered, acknowledged", full, "/s", ceiling, "by pgbench, two rows each", ">= 10,000/s",
            reached(full, lambda v: v >= 10_000)),
        Row("- requests for them", median("full", requests_per_second), "/s", median("get", lambda r: r["perSecond"]), "GET /healthz", "", None),
        Row("- offered 5,000/s: acknowledged", half, "/s", 5_000, "offered", "", None),
        Row("- due to delivered, p99", delivered, "ms", commit, "mean commit of 100 rows", "< 50 ms",
            reached(delivered, lambda v: carried and v < 50)),
        Row("- due to receipt delivered, p99", receipted, "ms", commit, "mean commit of 100 rows", "< 50 ms",
            reached(receipted, lambda v: carried and v < 50)),
        Row(f"memory of each of {many_label} held polls", held, "bytes", connected, "an open connection", "<= 8,192",
            reached(held, lambda v: v <= 8_192)),
        Row(f"processor time of a wake among {many_label}", wake_many, "us", wake_few, f"among {few_label}", "ratio <= 1.5",
            reached(wake_many, lambda v: wake_few is not None and v <= 1.5 * wake_few)),
        Row("sends and polls refused or failed", failed, "", None, "", "", None),
        Row("messages lost", lost, "", None, "", "0", reached(lost, lambda v: v == 0)),
    ]


def reached(value: float | None, test: Callable[[float], bool]) -> bool | None:
    return None if value is None else test(value)


def number(value: float | None, unit: str = "") -> str:
    if value is None:
        return "-"
    text = f"{value:,.0f}" if abs(value) >= 1_000 or value == int(value) else f"{value:,.1f}" if abs(value) >= 100 else f"{value:,.2f}"
    return text + ("" if not unit else unit if unit.startswith("/") else " " + unit)


def cells(row: Row) -> list[str]:
    has_ratio = row.measured is not None and row.reference
    return [
        row.what,
        number(row.measured, row.unit),
        f"{number(row.reference, row.unit)} {row.reference_name}" if row.reference_name else "",
        f"{row.measured / row.reference:.2f}" if has_ratio else "",
        row.mark,
        "" if row.reached is None else "yes" if row.reached else "NO",
    ]


def main() -> int:
    directory, turns = Path(sys.argv[1]), int(sys.argv[2])
    results = Results(directory, turns)
    header = ["what", "measured", "reference", "ratio", "mark", "reached"]
    table = [header] + [cells(row) for row in rows(results)]
    widths = [max(len(line[column]) for line in table) for column in range(len(header))]
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{os.cpu_count()} cores, {memory_gib:.0f} GiB, Linux {platform.release()}"
    print(f"medians of {turns} turns; {machine}; server, PostgreSQL and load share them")
    for index, line in enumerate(table):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
        if index == 0:
            print("  ".join("-" * width for width in widths))
    if missing := results.missing():
        print("did not run: " + ", ".join(missing))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
