"""Measure what notebook 10 reads from tables, and write these beside this file.

    python benchmarks/tabular.py               # all, about half an hour on one idle core
    python benchmarks/tabular.py map lend      # some of them

Sales: errors are RMSE of log sales, 0.17 is about 17 %. Whatever is chosen is chosen on an
inner split of the training part, by time as the outer one: learned before May 2024, chosen on
May to August. Nothing is chosen on the later months. Ratings: MSE in stars, 02's split.

tabular_map        what the two numbers of each state are after each 31 steps (seed 0); without
                   the shop column
tabular_maps       how much of the planted map is found (R² after rotation, of the first two
                   components), for nets with and without the shop column
tabular_opponents  every model on all rows, 8 settings each, for two ways to hold out
tabular_lines      linear regression on the same rows, with each category as columns of 0 and 1;
                   also with the pairs state and weekday, state and promotion
tabular_draws      net and boosting on four draws of days at random, also without the day
tabular_columns    each column alone, and all but it (`last`)
tabular_joins      three ways to join the numbers
tabular_lend       forest, boosting and k-NN with codes, means or the net's rows
tabular_shops      shops never seen: what row 0 holds
tabular_regular    each way to regularise alone, every pair, all: 4,000 rows
tabular_search     24 forests, for the search in the last section
tabular_ratings    columns and models on the ratings

How columns and nets are made stands in the notebook only; the cells are run from there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd
import torch
from shared import Row, write
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import OneHotEncoder

from lesson5_utils import datasets, interpret, models, training
from lesson5_utils.book.index import namespace
from lesson5_utils.hooks import KeepBest

CELLS = ("imports", "sales", "calendar", "answer-codes", "cat-columns", "answer-standardise")
CELLS += ("cont-columns", "table", "fit-net", "bins", "watch-map", "forgetful")
FILMS = ("ratings", "fit-films")
names: dict[str, Any] = namespace("10", *CELLS, *FILMS, into={"print": lambda *_: None})
past, future, CAT, CONT = (names[name] for name in ("past", "future", "CAT", "CONT"))
table, fit_net, fit_films = (names[name] for name in ("table", "fit_net", "fit_films"))
places = names["sales"].truth.places
INNER = pd.Timestamp("2024-05-01")
TRIED = 8  # settings of each model
Frame = pd.DataFrame


def rmse(off: Any) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(off)))))


def split_by_time(frame: Frame, start: pd.Timestamp) -> tuple[Frame, Frame]:
    late = frame["date"] >= start
    return frame[~late].reset_index(drop=True), frame[late].reset_index(drop=True)


def split_at_random(frame: Frame, n: int, seed: int) -> tuple[Frame, Frame]:
    order = np.random.default_rng(seed).permutation(len(frame))
    return frame.iloc[order[n:]].reset_index(drop=True), frame.iloc[order[:n]]


inner = split_by_time(past, INNER)


def tables(parts: tuple[Frame, Frame], **columns: Any) -> list[Any]:
    return [table(parts[0], part, **columns) for part in parts]


# --- the map -------------------------------------------------------------------------------


def found(net: Any, column: int, groups: np.ndarray | None = None) -> float:
    """R² of the planted map in the rows of a table; with groups, in the means of its rows."""
    rows = interpret.array(net.embeddings[column])[1:]
    if groups is not None:
        rows = np.stack([rows[groups == one].mean(axis=0) for one in np.unique(groups)])
    return interpret.match_rotated(interpret.pca(rows, 2)[0], places).r2


def map_() -> Iterable[Row]:
    watch = names["Watch"]()
    data = tables((past, future), cat=CAT[1:])
    net, _ = fit_net(data, widths=[2] * 5, hooks=[watch])
    print("map", found(net, 0))
    for step, rows in enumerate(watch.seen):
        for state, (x, y) in zip(names["sales"].states, rows[1:].tolist(), strict=True):
            yield {"step": 31 * step, "state": state, "x": x, "y": y}


def maps() -> Iterable[Row]:
    shops = np.unique(past["shop"].to_numpy(str))
    states = np.array([shop[:2] for shop in shops])
    arms: dict[str, tuple[Any, Row]] = {
        "no shop, two numbers": (CAT[1:], {"widths": [2] * 5}),
        "no shop": (CAT[1:], {}),
        "with shop": (CAT, {}),
        "with shop, 10 epochs, no decay": (CAT, {"epochs": 10, "wd": 0}),
        "shop, no state": (("shop", *CAT[2:]), {}),
    }
    for arm, (cat, options) in arms.items():
        data = tables((past, future), cat=cat)
        for seed in range(8):
            net, history = fit_net(data, seed, **options)
            where = 0 if "state" not in cat else cat.index("state")
            r2 = found(net, where, None if "state" in cat else states)
            yield {"arm": arm, "seed": seed, "r2": r2, "rmse": history.valid[-1] ** 0.5}


# --- the race ------------------------------------------------------------------------------

KNOBS: dict[str, dict[str, list[Any]]] = {
    "net": {
        "lr": [1e-2, 2e-2, 4e-2],
        "n_hidden": [(50,), (100,), (100, 50)],
        "wd": [0.03, 0.1, 0.3, 1.0],
        "dropout": [0.0, 0.1],
        "epochs": [3, 4, 6],
    },
    "forest": {
        "max_features": [0.2, 0.33, 0.5, 0.75, 1.0],
        "min_samples_leaf": [1, 2, 5, 10, 20],
    },
    "boosting": {
        "learning_rate": [0.05, 0.1, 0.2],
        "max_iter": [50, 100, 200, 400],
        "max_leaf_nodes": [7, 15, 31, 63],
        "min_samples_leaf": [20, 100, 400],
        "l2_regularization": [0, 10],
    },
}


def settings(kind: str) -> list[Row]:
    rng = np.random.default_rng(0)
    return [
        {knob: values[rng.integers(len(values))] for knob, values in KNOBS[kind].items()}
        for _ in range(TRIED)
    ]


def trend(frame: Frame) -> float:
    """Log sales gained a day: a line beside one yearly wave, within shops."""
    log = np.log(frame["sales"])
    day = frame["day"].to_numpy(float)
    wave = 2 * np.pi * day / 365.25
    columns = np.column_stack([day, np.cos(wave), np.sin(wave)])
    columns -= pd.DataFrame(columns).groupby(frame["shop"]).transform("mean").to_numpy()
    log -= log.groupby(frame["shop"]).transform("mean")
    return float(np.linalg.lstsq(columns, log.to_numpy(), rcond=None)[0][0])


def components(net: Any, width: int = 4) -> list[np.ndarray]:
    """The rows of each table on their first principal components."""
    rows = [embedding.weight.detach().numpy() for embedding in net.embeddings]
    return [interpret.pca(one, min(width, *one.shape))[0] for one in rows]


def columns_of(data: Any, net: Any = None) -> np.ndarray:
    """Codes, or the net's rows in their place, beside the numbers."""
    cat, cont, _ = data
    parts = [cat.numpy()] if net is None else []
    if net is not None:
        parts = [one[cat[:, i]] for i, one in enumerate(components(net))]
    return np.hstack([*parts, cont.numpy()])


def tree(kind: str, seed: int, coded: bool, options: Row) -> Any:
    if kind == "forest":
        return RandomForestRegressor(30, random_state=seed, n_jobs=1, **options)
    names_ = list(range(len(CAT))) if coded else None
    return HistGradientBoostingRegressor(
        random_state=seed, categorical_features=names_, early_stopping=False, **options
    )


def off_by(
    arm: str, parts: tuple[Frame, Frame], data: Any, seed: int, options: Row, net: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """Errors of a model on both parts."""
    target = [one[2].numpy() for one in data]
    if arm.startswith("net"):
        made, _ = fit_net(data, seed, **options)
        said = [training.predict(made, one).numpy() for one in data]
        return said[0] - target[0], said[1] - target[1]
    slope = trend(parts[0]) if "trend" in arm else 0.0
    line = [slope * part["day"].to_numpy(float) for part in parts]
    x = [columns_of(one, net) for one in data]
    model = tree(arm.split()[0].strip(","), seed, net is None, options)
    model.fit(x[0], target[0] - line[0])
    off = [model.predict(x[i]) + line[i] - target[i] for i in (0, 1)]
    return off[0], off[1]


def mean_by_shop_and_weekday(parts: tuple[Frame, Frame]) -> np.ndarray:
    keys = ["shop", "weekday"]
    log = [np.log(part["sales"]) for part in parts]
    means = log[0].groupby([parts[0][key] for key in keys]).mean().rename("mean")
    said = parts[1][keys].merge(means, on=keys, how="left")["mean"].fillna(log[0].mean())
    return said.to_numpy() - log[1].to_numpy()


def opponents() -> Iterable[Row]:
    whole = pd.concat([past, future], ignore_index=True)
    outer = {
        "time": ((past, future), inner),
        "random": (
            mixed := split_at_random(whole, len(future), 0),
            split_at_random(mixed[0], len(inner[1]), 1),
        ),
    }
    arms = ["net", "boosting", "forest", "boosting, trend out", "forest, trend out"]
    arms += ["boosting with the net's rows", "boosting with the net's rows, trend out"]
    chosen_net: Row = {}
    for split, (parts, choose) in outer.items():
        off = mean_by_shop_and_weekday(parts)
        row = {"split": split, "arm": "mean by shop and weekday", "seed": 0}
        yield row | {"rmse": rmse(off), "train": np.nan, "bias": off.mean(), "settings": ""}
        data, to_choose = tables(parts), tables(choose)
        for arm in arms if split == "time" else arms[:3]:
            kind, borrows = arm.split()[0].strip(","), "rows" in arm
            lender = fit_net(to_choose, 0, **chosen_net)[0] if borrows else None
            tried = [
                (rmse(off_by(arm, choose, to_choose, 0, one, lender)[1]), place, one)
                for place, one in enumerate(settings(kind))
            ]
            *_, best = min(tried)
            chosen_net = best if arm == "net" else chosen_net
            for seed in range(3):
                lender = fit_net(data, seed, **chosen_net)[0] if borrows else None
                learned, new = off_by(arm, parts, data, seed, best, lender)
                row = {"split": split, "arm": arm, "seed": seed, "rmse": rmse(new)}
                row |= {"train": rmse(learned), "bias": float(new.mean())}
                yield row | {"settings": json.dumps(best)}


PAIRS = (("state", "weekday"), ("state", "promotion"))


def line_errors(parts: tuple[Frame, Frame], pairs: Any, alpha: float) -> list[np.ndarray]:
    """Errors of ridge regression on both parts: a column for each category or pair of them."""
    named = [part[list(CAT)].astype(str) for part in parts]
    for one in named:
        for a, b in pairs:
            one[f"{a} {b}"] = one[a] + " " + one[b]
    coder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(named[0])
    numbers = [names["cont_columns"](parts[0], part).numpy() for part in parts]
    x = [
        np.hstack([coder.transform(one), more])
        for one, more in zip(named, numbers, strict=True)
    ]
    y = [np.log(part["sales"]).to_numpy() for part in parts]
    model = Ridge(alpha=alpha).fit(x[0], y[0])
    return [model.predict(x[i]) - y[i] for i in (0, 1)]


def lines() -> Iterable[Row]:
    """Chosen on the inner split among eight strengths; nothing in it is random."""
    for arm, pairs in {"straight line": (), "straight line, told the pairs": PAIRS}.items():
        alphas = (0.1, 0.3, 1, 3, 10, 30, 100, 300)
        best = min(alphas, key=lambda alpha: rmse(line_errors(inner, pairs, alpha)[1]))
        learned, new = line_errors((past, future), pairs, best)
        row = {"split": "time", "arm": arm, "seed": 0, "rmse": rmse(new)}
        row |= {"train": rmse(learned), "bias": float(new.mean())}
        yield row | {"settings": json.dumps({"alpha": best})}


def draws() -> Iterable[Row]:
    """Days drawn at random four times: is it the day by which boosting knows their luck?"""
    whole = pd.concat([past, future], ignore_index=True)
    for seed in range(4):
        parts = split_at_random(whole, len(future), seed)
        data = tables(parts)
        without = tables(parts, cont=tuple(name for name in CONT if name != "day"))
        for arm, own in {"net": data, "boosting": data, "boosting, no day": without}.items():
            options = tuned(arm.split(",")[0], "random")
            error = rmse(off_by(arm, parts, own, seed, options)[1])
            yield {"draw": seed, "arm": arm, "rmse": error}


def tuned(arm: str, split: str = "time") -> Row:
    """The settings that `opponents` chose."""
    measured = datasets.measured("tabular_opponents")
    one = measured[(measured.arm == arm) & (measured.split == split)].iloc[0]
    return json.loads(one.settings)


# --- columns -------------------------------------------------------------------------------


def columns() -> Iterable[Row]:
    everything = (*CAT, *CONT)
    sets: dict[tuple[str, str], list[str]] = {("all", ""): list(everything)}
    for name in everything:
        sets["alone", name] = [name]
        sets["last", name] = [one for one in everything if one != name]
    for (kind, name), used in sets.items():
        cat, cont = ([one for one in all_ if one in used] for all_ in (CAT, CONT))
        data = tables((past, future), cat=cat, cont=cont)
        for seed in range(3):
            _, history = fit_net(data, seed)
            yield {
                "kind": kind,
                "column": name,
                "seed": seed,
                "rmse": history.valid[-1] ** 0.5,
            }


WAYS: dict[str, Callable[[tuple[Frame, Frame]], tuple[list[Any], Row]]] = {
    "as they are": lambda parts: (tables(parts), {}),
    "a layer of their own": lambda parts: (tables(parts), {"cont_layer": 20}),
    "cut into bins": lambda parts: (
        tables(
            (names["binned"](parts[0], parts[0]), names["binned"](*parts)),
            cat=(*CAT, *CONT),
            cont=(),
        ),
        {},
    ),
}


def joins() -> Iterable[Row]:
    for way, make in WAYS.items():
        data, options = make(inner)
        tried = {
            lr: fit_net(data, 0, lr=lr, **options)[1].valid[-1] for lr in (1e-2, 2e-2, 4e-2)
        }
        lr = min(tried, key=tried.__getitem__)
        data, options = make((past, future))
        for seed in range(5):
            _, history = fit_net(data, seed, lr=lr, **options)
            yield {"way": way, "lr": lr, "seed": seed, "rmse": history.valid[-1] ** 0.5}


# --- lending -------------------------------------------------------------------------------


def mean_columns(data: Any) -> list[np.ndarray]:
    """For each categorical column the mean of its categories in the training rows."""
    cat, _, target = data[0]
    made: list[list[Any]] = [[], []]
    for i in range(cat.shape[1]):
        means = pd.Series(target.numpy()).groupby(cat[:, i].numpy()).mean()
        for part, one in zip(made, data, strict=True):
            part.append(means.reindex(one[0][:, i].numpy()).fillna(0).to_numpy())
    both = zip(made, data, strict=True)
    return [np.column_stack([*part, one[1].numpy()]) for part, one in both]


def lend() -> Iterable[Row]:
    data = tables((past, future))
    target = [one[2].numpy() for one in data]
    for seed in range(3):
        net, _ = fit_net(data, seed, **tuned("net"))
        kinds = {
            "codes": [columns_of(one) for one in data],
            "means": mean_columns(data),
            "the net's rows": [columns_of(one, net) for one in data],
        }
        for kind, (x, new_x) in kinds.items():
            middle, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
            borrowers = {
                "forest": tree("forest", seed, False, tuned("forest")),
                "boosting": tree("boosting", seed, kind == "codes", tuned("boosting")),
                "k-NN": KNeighborsRegressor(20),
            }
            for name, model in borrowers.items():
                a, b = (x, new_x)
                if name == "k-NN":
                    a, b = ((one - middle) / scale for one in (x, new_x))
                off = model.fit(a, target[0]).predict(b) - target[1]
                yield {"model": name, "columns": kind, "seed": seed, "rmse": rmse(off)}


def shops() -> Iterable[Row]:
    """Shops never seen: their later months, with what row 0 of the shops' table holds."""
    _, new = datasets.load_sales("unseen").split()
    unseen = names["with_calendar"](new)
    data = tables((past, unseen))
    for seed in range(5):
        for arm in ("as it began", "the mean of all shops", "learned by forgetting"):
            make = names["Forgetful"] if "forgetting" in arm else models.TabularNet
            net, _ = fit_net(data, seed, make=make)
            rows = net.embeddings[0].weight.data
            if "mean" in arm:
                rows[0] = rows[1:].mean(dim=0)
            off = training.predict(net, data[1]) - data[1][2]
            yield {"row": arm, "seed": seed, "rmse": rmse(off)}
        data_without = tables((past, unseen), cat=CAT[1:])
        _, history = fit_net(data_without, seed)
        yield {"row": "no shop column", "seed": seed, "rmse": history.valid[-1] ** 0.5}


# --- regularisation ------------------------------------------------------------------------

WAYS_TO = ("early stopping", "weight decay", "dropout", "batch norm", "augmentation")
STRENGTHS: dict[str, list[Row]] = {
    "early stopping": [{}],
    "weight decay": [{"wd": 0.3}, {"wd": 1.0}, {"wd": 3.0}, {"wd": 10.0}],
    "dropout": [{"dropout": 0.1}, {"dropout": 0.3}],
    "batch norm": [{"batch_norm": True}],
    "augmentation": [{"share": 0.1}, {"share": 0.3}],
}
PLAIN: Row = {"epochs": 15, "batch_size": 256, "n_hidden": (100, 50), "wd": 0}
PLAIN |= {"dropout": 0, "batch_norm": False}


def one_run(data: list[Any], choose: Any, seed: int, arm: tuple[str, ...], options: Row) -> Any:
    """The net after the last epoch, or after the best one on the rows that choose."""
    options = dict(options)
    share = options.pop("share", 0)
    make = type("Net", (names["Forgetful"],), {"share": share})
    best = KeepBest(restore="early stopping" in arm)
    net, _ = fit_net([data[0], choose], seed, make=make, hooks=[best], **(PLAIN | options))
    return net


def regular() -> Iterable[Row]:
    few = inner[0].sample(4000, random_state=0).reset_index(drop=True)
    some = inner[1].sample(4000, random_state=0).reset_index(drop=True)
    data, choose = [table(few, few), table(few, future)], table(few, some)
    arms: list[tuple[str, ...]] = [(), *((one,) for one in WAYS_TO)]
    arms += [*combinations(WAYS_TO, 2), WAYS_TO]
    for arm in arms:
        tried = []
        for lr, *parts in product((5e-3, 1e-2, 2e-2), *(STRENGTHS[one] for one in arm)):
            options: Row = {"lr": lr}
            for part in parts:
                options |= part
            net = one_run(data, choose, 0, arm, options)
            tried.append((training.evaluate(net, choose), len(tried), options))
        *_, options = min(tried)
        for seed in range(5):
            net = one_run(data, choose, seed, arm, options)
            row: Row = {"arm": " + ".join(arm) or "nothing", "seed": seed}
            errors = [training.evaluate(net, one) ** 0.5 for one in data]
            yield row | {
                "train": errors[0],
                "rmse": errors[1],
                "settings": json.dumps(options),
            }


def search() -> Iterable[Row]:
    data = tables((past, future))
    net, _ = fit_net(data, 0)
    x, new_x = (columns_of(one, net) for one in data)
    take = np.random.default_rng(0).permutation(len(x))[:6000]
    half = np.random.default_rng(1).permutation(len(new_x)) < len(new_x) // 2
    target, new_target = data[0][2].numpy()[take], data[1][2].numpy()
    rng = np.random.default_rng(0)
    trees, share, leaf, depth = (np.stack([rng.permutation(24) for _ in range(4)]) + 0.5) / 24
    for i in range(24):
        knobs: Row = {
            "n_estimators": int(4 * 10 ** trees[i]),
            "max_features": round(0.05 + 0.95 * share[i], 2),
            "min_samples_leaf": int(10 ** (1.7 * leaf[i])),
            "max_depth": int(2 + 14 * depth[i]),
        }
        model = RandomForestRegressor(random_state=0, n_jobs=1, **knobs).fit(x[take], target)
        off = model.predict(new_x) - new_target
        yield knobs | {"first half": rmse(off[half]), "other half": rmse(off[~half])}


# --- ratings -------------------------------------------------------------------------------


def ratings() -> Iterable[Row]:
    films, rated, to_rate = (names[name] for name in ("ratings", "rated", "to_rate"))
    for seed in range(8):
        training.set_seed(seed)
        net = models.EmbeddingNet(len(films.users), len(films.movies), (74, 102), dropout=0.1)
        history = training.fit(net, rated, to_rate, 5, 1e-2, wd=0.1, seed=seed)
        yield {"arm": "02's neural rung", "epochs": 5, "seed": seed, "mse": history.valid[-1]}
    everything = ("genres", "year", "timestamp")
    for n in range(4):
        for use in combinations(everything, n):
            for seed, epochs in product(range(8), (5, 10) if n in (0, 3) else (5,)):
                net, history = fit_films(use, seed, epochs=epochs)
                arm = " + ".join(("user, film", *use))
                yield {"arm": arm, "epochs": epochs, "seed": seed, "mse": history.valid[-1]}
    data = [names["film_table"](rated, part, ("genres", "year")) for part in (rated, to_rate)]
    target = [one[2].numpy() for one in data]
    for seed in range(3):
        net, _ = fit_net(data, seed, **names["FILMS"])
        kinds = {
            "codes": [columns_of(one) for one in data],
            "means": mean_columns(data),
            "the net's rows": [columns_of(one, net) for one in data],
        }
        for kind, (x, new_x) in kinds.items():
            knobs: Row = {"min_samples_leaf": 5, "max_features": 0.33, "random_state": seed}
            boost = HistGradientBoostingRegressor(max_iter=200, random_state=seed)
            for name, model in {
                "forest": RandomForestRegressor(50, n_jobs=1, **knobs),
                "boosting": boost,
            }.items():
                off = model.fit(x, target[0]).predict(new_x) - target[1]
                arm = f"{name}, {kind}"
                yield {"arm": arm, "epochs": 0, "seed": seed, "mse": rmse(off) ** 2}


MADE: dict[str, Callable[[], Iterable[Row]]] = {
    "map": map_,
    "maps": maps,
    "opponents": opponents,
    "lines": lines,
    "draws": draws,
    "columns": columns,
    "joins": joins,
    "lend": lend,
    "shops": shops,
    "regular": regular,
    "search": search,
    "ratings": ratings,
}


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:] or MADE:
        write(f"tabular_{name}", MADE[name]())
