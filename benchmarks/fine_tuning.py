"""Measure what notebook 09 says of arms that start from a trained body, and write one table.

    python benchmarks/fine_tuning.py                # all parts: about an hour on one idle core
    python benchmarks/fine_tuning.py race steps     # these parts; the others stay as they are

`fine_tuning.csv` has a row for each training: `part`, `case` (what is special about it), `n`
(labels for each of the digits 5 to 9), `arm`, `lr`, `steps`, `seed`, `accuracy`.

    race     every arm, 1 to 100 labels
    steps    the nets of the race with fewer and with more steps: are 400 enough?
    forms    ten labels: a rate for each layer group, written in other ways
    inputs   pictures in another form than in the first training
    bodies   ten labels on frozen bodies that were asked less in their first training
    shifts   ten labels, each picture in ten versions

The accuracy is always on the notebook's `test`: digits 5 to 9 that no body has seen and on
which nothing is trained or chosen (bundled: 1,250). Each seed draws its own labels, has a body
of its own, trained with that seed, and a head of its own; the arms of one seed share all this,
so their differences are paired. Seeds 0 to 7 are reported. Learning rates are chosen for every
arm and case by other seeds, 100 and 101, on the digits of `pool` that these have not labelled,
by the search of notebook 05: doubling until the best lies inside. With one and three labels
that would be luck, so an arm keeps the rate that it has with ten. The functions are the
notebook's; of frozen bodies the activations are kept, which gives the same in less time.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from shared import write
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from lesson5_utils import datasets, training
from lesson5_utils.book.index import namespace
from lesson5_utils.exercises.fine_tuning import knows_0_to_4, pretrain, questions
from lesson5_utils.exercises.optimizers import best_rate

CELLS = ("imports", "tasks", "bodies", "answer-new-task", "labelled", "start", "learn")
CELLS += ("input-forms", "answer-shift", "versions")
names = namespace("09", *CELLS)
CHOOSE, REPORT = range(100, 102), range(8)
NETS = ("scratch", "random body", "frozen", "flat", "discriminative", "recipe")

Part = tuple[Tensor, Tensor]
Run = Callable[[float, int, Part], float]  # (lr, seed, judge) -> accuracy


@cache
def body(seed: int, kind: str = "20 classes, moved") -> Any:
    """A trained net; `kind` says what it was asked, always in the same number of steps."""
    if kind == "20 classes, moved":
        return knows_0_to_4(seed)
    x, y = (part[:6000] for part in names["old"])
    data, epochs = questions(x, y, seed), 12
    data = data[0][data[1] < 5], data[1][data[1] < 5]
    if kind == "5 classes":
        data, epochs = (x, y), 36
    trained = pretrain(data, seed, epochs)
    trained.head[-1] = torch.nn.Linear(256, 20)  # nobody uses it, but `start` copies it
    return trained


def unlabelled(n: int, seed: int) -> Part:
    """The pictures of `pool` that `labelled(n, seed)` has not taken."""
    x, y = names["pool"]
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    rest = torch.cat([order[y[order] == c][n:] for c in range(5)])
    return x[rest], y[rest]


def net(arm: str, n: int, make: Any = None, change: Any = None, **more: Any) -> Run:
    """A run of one of the notebook's nets; `change` is the form of all its pictures."""
    form = change or (lambda x: x)
    kind = more.pop("kind", "20 classes, moved")

    def run(lr: float, seed: int, judge: Part) -> float:
        x, y = (make or names["labelled"])(n, seed)
        learn = head_alone if arm in ("frozen", "random body") else names["learn"]
        learned = learn(arm, (form(x), y), seed, lr, body(seed, kind), **more)
        return float(names["accuracy"](learned, (form(judge[0]), judge[1])))

    return run


def head_alone(
    arm: str, data: Part, seed: int, lr: float, trained: Any, steps: int = 400
) -> Any:
    """As the notebook's `learn` with a frozen body, whose activations are computed once."""
    learner = names["start"](arm, seed, trained)
    with torch.no_grad():
        seen = learner.late(learner.early(data[0].view(-1, 1, 28, 28)))
    epochs = math.ceil(steps / math.ceil(len(data[1]) / 25))
    plan: dict[str, Any] = {"batch_size": 25, "loss": F.cross_entropy, "seed": seed}
    rows, watched = (seen, data[1]), (seen[:5], data[1][:5])
    training.fit(learner.head, rows, watched, epochs, lr, **plan)
    return learner


def simple(make: Any, see: Any, n: int) -> Run:
    """A run of one of scikit-learn's classifiers on what `see(body, x)` makes of pictures."""

    def run(lr: float, seed: int, judge: Part) -> float:
        x, y = names["labelled"](n, seed)
        rows = [see(body(seed), one) if see else one for one in (x, judge[0])]
        return float(make(lr).fit(rows[0].numpy(), y).score(rows[1].numpy(), judge[1]))

    return run


def rows(
    part: str,
    case: str,
    n: int,
    arm: str,
    run: Run,
    *middles: float,
    seeds: range = REPORT,
    steps: int = 400,
    fixed: bool = False,
) -> Iterator[dict[str, Any]]:
    """Choose the rate, unless it is `fixed`, and report. A search stops in the nearest hollow:
    it begins at each of `middles`, and the better end is taken."""

    @cache
    def error(lr: float) -> float:
        return -sum(run(lr, seed, unlabelled(n, seed)) for seed in CHOOSE)

    searches = middles if fixed else [searched(error, middle) for middle in middles]
    lr = searches[0] if fixed else min(searches, key=error)
    found = [run(lr, seed, names["test"]) for seed in seeds]
    mean = sum(found) / len(found)
    print(f"{part:7} {case:20} {n:4} {arm:32} lr {lr:<9.4g} {mean:.3f}", flush=True)
    for seed, accuracy in zip(seeds, found, strict=True):
        row = {"part": part, "case": case, "n": n, "arm": arm, "lr": lr, "steps": steps}
        yield row | {"seed": seed, "accuracy": round(accuracy, 4)}


def searched(error: Callable[[float], float], middle: float) -> float:
    """The search of notebook 05."""
    return float(best_rate.reference(error, [middle / 2, middle, 2 * middle]))


def race() -> Iterator[dict[str, Any]]:
    """Every arm, 1 to 100 labels."""
    simply: dict[str, tuple[Any, Any]] = {
        "logistic regression": (lambda c: LogisticRegression(C=c, max_iter=2000), None),
        "1-NN": (lambda _: KNeighborsClassifier(1), None),
        "1-NN on the body": (lambda _: KNeighborsClassifier(1), names["activations"]),
    }
    at_ten = 0.0
    for arm in (*simply, *NETS):
        starts = {"logistic regression": [1.0], "random body": [1e-2, 0.5]}.get(arm, [1e-2])
        for n in (10, 30, 100, 1, 3):
            run = simple(*simply[arm], n) if arm in simply else net(arm, n)
            given = starts if n >= 10 else [at_ten]
            found = list(rows("race", "", n, arm, run, *given, fixed=n < 10 or "1-NN" in arm))
            at_ten = found[0]["lr"] if n == 10 else at_ten
            yield from found


def chosen(arm: str, n: int) -> float:
    """The rate that the race has found."""
    table = datasets.measured("fine_tuning")
    rate = table.lr[(table.part == "race") & (table.arm == arm) & (table.n == n)]
    return float(rate.iloc[0])


def steps() -> Iterator[dict[str, Any]]:
    """The nets with 50 to 800 steps, at the race's rates."""
    for n in (10, 100):
        for arm in ("scratch", "frozen", "flat"):
            for many in (50, 100, 200, 400, 800):
                run = net(arm, n, steps=many)
                options: dict[str, Any] = {"seeds": range(5), "steps": many, "fixed": True}
                yield from rows("steps", "", n, arm, run, chosen(arm, n), **options)


def tenths(lr: float) -> Any:
    """Today's fastai: `slice(lr)` gives a tenth to all groups but the last."""

    def optimizer(groups: Any, **options: Any) -> Any:
        for group in groups[:-1]:
            group["lr"] = lr / 10
        return training.ADAMW(groups, **options)

    return optimizer


def forms() -> Iterator[dict[str, Any]]:
    """Ten labels: what else can be written for the rate of each layer group; the race has one
    rate for all, and `slice(lr / 100, lr)`."""
    ways: dict[str, Any] = {
        "slice(lr)": lambda lr: slice(lr),
        "slice(lr), a tenth": lambda lr: slice(lr),
        "slice(lr / 2.6**2, lr)": lambda lr: slice(lr / 2.6**2, lr),
        "slice(lr / 2.6**4, lr)": lambda lr: slice(lr / 2.6**4, lr),
    }
    for way, rate in ways.items():

        def run(lr: float, seed: int, judge: Part, way: str = way, rate: Any = rate) -> float:
            data, learner = (
                names["labelled"](10, seed),
                names["start"]("flat", seed, body(seed)),
            )
            more = {"optimizer": tenths(lr)} if "tenth" in way else {}
            plan: dict[str, Any] = {"batch_size": 25, "loss": F.cross_entropy}
            watched = tuple(part[:5] for part in data)
            training.fit(learner, data, watched, 200, rate(lr), seed=seed, **plan, **more)
            return float(names["accuracy"](learner, judge))

        yield from rows("forms", way, 10, "flat", run, 1e-2)


def inputs() -> Iterator[dict[str, Any]]:
    """Ten labels, with pictures that do not look as in the first training; for the worst form
    also a hundred. The race has the form that the body knows."""
    for form, n in (
        ("mean 0, std 1", 10),
        ("0 to 255", 10),
        ("inverted", 10),
        ("inverted", 100),
    ):
        for arm in ("frozen", "flat", "scratch"):
            run = net(arm, n, change=names["forms"][form])
            yield from rows("inputs", form, n, arm, run, 1e-2)


def bodies() -> Iterator[dict[str, Any]]:
    """Ten labels on frozen bodies that were asked less, in as many steps as the race's."""
    for kind in ("5 classes, moved", "5 classes"):
        run = net("frozen", 10, kind=kind)
        yield from rows("bodies", kind, 10, "frozen", run, 1e-2, seeds=range(5))


def shifts() -> Iterator[dict[str, Any]]:
    """Ten labels, each picture in ten versions; as many steps."""
    for arm in ("scratch", "frozen", "flat", "discriminative", "recipe"):
        run = net(arm, 10, make=names["versions"])
        yield from rows("shifts", "", 10, arm, run, 1e-2)


def main() -> None:
    """Measure the parts that are asked for, and write each when it is done."""
    parts = {one.__name__: one for one in (race, steps, forms, inputs, bodies, shifts)}
    for part in sys.argv[1:] or parts:
        write("fine_tuning", parts[part](), part=part)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
