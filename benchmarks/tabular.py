"""Choose the settings of notebook 10's nets, on an inner split of the training part.

    python benchmarks/tabular.py columns          # a rate for each set of columns
    python benchmarks/tabular.py net              # hidden layers, batch norm, dropout, wd
    python benchmarks/tabular.py widths           # the rule of thumb and other widths
    python benchmarks/tabular.py longer           # users and films alone catch up
    python benchmarks/tabular.py axes             # which planted tastes the users' rows hold
    python benchmarks/tabular.py regularisation   # rate and strength for each arm

Each prints the mean of several seeds of the final error on the inner validation part, for the
data set that `LESSON5_RATINGS` names (default: the bundled sample). How columns and nets are
made stands in the notebook only; the cells are run from there.
"""

from __future__ import annotations

import sys
from itertools import product
from typing import Any

import numpy as np

from lesson5_utils import interpret
from lesson5_utils.book.index import namespace

CELLS = ("imports", "split", "answer-codes", "cat-columns", "genres")
CELLS += ("answer-standardise", "cont-columns", "all-columns", "fit-tabular", "arms")
RATES = (5e-3, 1e-2, 2e-2, 4e-2, 8e-2)
SEEDS = 3


def notebook(*more: str) -> dict[str, Any]:
    """The names that the notebook's cells define."""
    return namespace("10", *CELLS, *more, into={"print": lambda *_: None})


def inner(names: dict[str, Any], use: Any) -> list[Any]:
    """Training and validation tables, both from the training part."""
    base, held_out = names["train"].split(seed=1)
    return [names["table"](base, part, use) for part in (base, held_out)]


def show(names: dict[str, Any], label: str, data: Any, **options: Any) -> float:
    """Train with each seed; print and return the mean error."""
    runs = [names["fit_tabular"](data, seed, **options)[1] for seed in range(SEEDS)]
    errors = [run.valid[-1] for run in runs]
    train = float(np.mean([run.train[-1] for run in runs]))
    best, half = np.mean([min(run.valid) for run in runs]), np.ptp(errors) / 2
    found = f"{np.mean(errors):.4f} ±{half:.4f}  best epoch {best:.4f}  train {train:.3f}"
    print(f"{label:60} {found}", flush=True)
    return float(np.mean(errors))


def columns() -> None:
    names = notebook()
    for arm, (use, chosen) in names["arms"].items():
        data = inner(names, use)
        found = {lr: show(names, f"{arm}, lr {lr:g}", data, lr=lr) for lr in RATES}
        best = min(found, key=found.__getitem__)
        print(f"{arm}: best {best:g}, notebook has {chosen:g}")


def net() -> None:
    names = notebook()
    data = inner(names, names["ALL"])
    for hidden, norm, lr in product([(50,), (100, 50)], [False, True], [1e-2, 2e-2, 4e-2]):
        options = {"n_hidden": hidden, "batch_norm": norm, "lr": lr}
        show(names, f"hidden {hidden}, batch norm {norm}, lr {lr:g}", data, **options)
    for dropout, wd in product([0, 0.1, 0.3], [0.01, 0.1, 0.3]):
        show(names, f"dropout {dropout}, wd {wd}", data, lr=2e-2, dropout=dropout, wd=wd)


def widths() -> None:
    names = notebook()
    data = inner(names, names["ALL"])
    sizes = (data[0][0].amax(dim=0) + 1).tolist()
    rule = [names["models"].embedding_width(n) for n in sizes]
    for factor in (0.03, 0.1, 0.3, 1, 3):
        made = [max(1, round(factor * width)) for width in rule]
        show(names, f"{factor:g} × rule: {made}", data, lr=2e-2, widths=made)


def longer() -> None:
    names = notebook()
    for arm in ("user, film", "+ time"):
        use, lr = names["arms"][arm]
        for epochs in (5, 10):
            show(names, f"{arm}, {epochs} epochs", inner(names, use), lr=lr, epochs=epochs)


def axes() -> None:
    """Section 3: the share of each planted taste that a linear map finds in the users' rows."""
    names = notebook()
    planted = names["ratings"].truth  # of the bundled ratings only
    for arm in ("user, film", "+ genres", "+ year"):
        use, lr = names["arms"][arm]
        data = [names["table"](names["train"], names[part], use) for part in ("train", "valid")]
        for seed in range(SEEDS):
            net, run = names["fit_tabular"](data, seed, lr)
            rows, _ = interpret.pca(interpret.array(net.embeddings[0])[1:], 5)
            found = (
                interpret.match_linear(rows, t[:, None]).r2 for t in planted.user_factors.T
            )
            shares = zip(planted.axes, found, strict=True)
            shown = "  ".join(f"{axis} {share:.0%}" for axis, share in shares)
            print(f"{arm}, seed {seed}: error {run.valid[-1]:.2f}   {shown}", flush=True)


def regularisation() -> None:
    names = notebook("small", "regular-arms")
    data = names["small"], names["choose"]
    for arm, chosen in names["regular"].items():
        grids = {
            "batch_norm": [True],
            "dropout": [0.1, 0.3, 0.5],
            "wd": [0.3, 1, 3, 10],
        }
        knobs = [knob for knob in grids if chosen.get(knob)]
        tried = {}
        for lr, *values in product((1e-2, 2e-2, 4e-2), *(grids[knob] for knob in knobs)):
            options = names["PLAIN"] | dict(zip(knobs, values, strict=True)) | {"lr": lr}
            label = f"{arm}: lr {lr:g} {dict(zip(knobs, values, strict=True))}"
            tried[label] = show(names, label, data, **options)
        print(f"{arm}: best {min(tried, key=tried.__getitem__)}, notebook has {chosen}")


if __name__ == "__main__":
    choices = {f.__name__: f for f in (columns, net, widths, longer, axes, regularisation)}
    for name in sys.argv[1:] or choices:
        print(f"--- {name}")
        choices[name]()
