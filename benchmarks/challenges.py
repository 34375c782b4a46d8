"""Measure the course's own entries to its challenges; the table is written beside this file.

    python benchmarks/challenges.py                   # all
    python benchmarks/challenges.py fine_tuning       # one notebook's; other rows stay

`challenges.csv`: one row for each entry, with the challenge's title, mark and form of its
scores. Every answer is scored as a learner's is: run on the held-out rows, from the same random
state. `lesson5 challenge` lists the table beside what the learner has reached.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

from lesson5_utils import entries, exercises, saving
from lesson5_utils.entries import Entry, Goal
from lesson5_utils.exercises import Challenge

HERE = Path(__file__).resolve().parent


def measured(one: Challenge) -> list[tuple[Goal, Entry]]:
    """Each of a challenge's own entries with its score."""
    goal, rows = one.goal, []
    for name, answer in one.own.items():
        rows.append((goal, Entry(goal.challenge, name, one.measure(answer))))
        print(f"{goal.challenge:28} {goal.said(rows[-1][1].score):>12}  {name}", flush=True)
    return rows


def main(modules: list[str]) -> None:
    """Measure the challenges of these modules, or all of them, and write the table."""
    torch.set_num_threads(int(os.environ.get("LESSON5_THREADS", "1")))
    before = {goal.challenge: (goal, own) for goal, own in entries.goals().items()}
    rows: list[tuple[Goal, Entry]] = []
    for name, one in exercises.every().items():
        if not isinstance(one, Challenge):
            continue
        if not modules or name.partition(".")[0] in modules:
            rows += measured(one)
        elif name in before:
            goal, own = before[name]
            rows += [(goal, entry) for entry in own]
    saving.write(HERE / "challenges.csv", entries.table(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
