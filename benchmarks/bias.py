"""Measure what notebook 02 compares, each arm tuned alike, and write the tables beside this.

    python benchmarks/bias.py ladder     # ladder.csv: what each part of the model is worth
    python benchmarks/bias.py ranges     # ranges.csv: which range the predictions should have
    python benchmarks/bias.py quality    # quality.csv: who finds the planted quality
    python benchmarks/bias.py atlas      # atlas.csv: what the map of Brazil needs

`ladder` and `ranges` run on the data set that `LESSON5_RATINGS` names (default: the bundled
sample), and replace only its rows in the table. Each arm chooses its rate, and where it has one
its weight decay, on an inner split of the training part; then five seeds are judged on the
validation part, a fifth of the ratings as in the book. Five epochs, batches of 256.

`ladder` trains 535 such runs. Counted up from single runs, timed on two busy cores: about six
minutes for the bundled ratings, twenty for MovieLens 100K. Each other table takes about one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import torch
from shared import HERE, maker, write
from torch import nn

from lesson5_utils import datasets, interpret, models, training
from lesson5_utils.datasets import Ratings
from lesson5_utils.exercises import bias as check

EPOCHS, BATCH, SEEDS = 5, 256, range(5)
RATES = (0.005, 0.01, 0.02, 0.04, 0.08)
DECAYS = (0.03, 0.1, 0.3, 1.0)
FACTORS = (1, 5, 50)
NO_DECAY = 0.01  # what the book's library does when nobody asks for any
RANGES = {"none": None, "(0, 5.5)": (0, 5.5), "(0.5, 5)": (0.5, 5), "(1, 5)": (1, 5)}
Make = Callable[[], nn.Module]


def learn(
    make: Make, train: Ratings, valid: Ratings, epochs: int, lr: float, wd: float, seed: int
) -> Any:
    training.set_seed(seed)
    settings = {"batch_size": BATCH, "wd": wd, "seed": seed, "progress": False}
    return training.fit(make(), train, valid, epochs, lr, **settings)


def tuned(
    make: Make, train: Ratings, epochs: int, decays: Iterable[float]
) -> tuple[float, float]:
    """The rate and the decay with the lowest error on an inner split; two seeds."""
    inner = train.split(seed=1)

    def error(lr: float, wd: float) -> float:
        runs = [learn(make, *inner, epochs, lr, wd, seed) for seed in (10, 11)]
        return float(np.mean([run.valid[-1] for run in runs]))

    tried = {(lr, wd): error(lr, wd) for lr, wd in product(RATES, decays)}
    return min(tried, key=tried.__getitem__)


def judged(
    make: Make, ratings: Ratings, decays: Iterable[float], epochs: int = EPOCHS
) -> list[dict[str, Any]]:
    """One row for each seed, with the settings that were chosen."""
    train, valid = ratings.split(valid_pct=0.2)
    lr, wd = tuned(make, train, epochs, decays)
    rows = []
    for seed in SEEDS:
        history = learn(make, train, valid, epochs, lr, wd, seed)
        errors = {"train": history.train[-1], "best": min(history.valid)}
        rows.append({"lr": lr, "wd": wd, "seed": seed, **errors, "valid": history.valid[-1]})
    return rows


def ladder() -> None:
    """The parts, one after another, with few factors and with many."""
    ratings = datasets.load_ratings()
    size = (len(ratings.users), len(ratings.movies))
    rows = [{"n_factors": 0, "rung": "means only", "seed": 0, **means_only(ratings)}]
    for k in FACTORS:
        rungs: dict[str, tuple[Make, Iterable[float]]] = {
            "dot product": (lambda k=k: models.DotProduct(*size, k, None), [NO_DECAY]),
            "+ range": (lambda k=k: models.DotProduct(*size, k), [NO_DECAY]),
            "+ bias": (lambda k=k: models.DotProductBias(*size, k), [NO_DECAY]),
            "+ weight decay": (lambda k=k: models.DotProductBias(*size, k), DECAYS),
            "neural net": (
                lambda k=k: models.EmbeddingNet(*size, k, dropout=0.1),
                [NO_DECAY, *DECAYS],
            ),
        }
        for rung, (make, decays) in rungs.items():
            told = {"n_factors": k, "rung": rung}
            rows += [told | row for row in judged(make, ratings, decays)]
            print(rows[-1], flush=True)
        if k == FACTORS[-1]:  # is it the short budget that stops the net?
            told = {"n_factors": k, "rung": "neural net, 20 epochs"}
            rows += [told | row for row in judged(make, ratings, [0.03, 0.1], 20)]
    write("ladder", rows, data=ratings.name)


def means_only(ratings: Ratings) -> dict[str, float]:
    """The errors of overall mean + user + film, both shrunk; no factors, nothing drawn."""
    train, valid = ratings.split(valid_pct=0.2)
    inner, judge = train.split(seed=1)

    def mse(strength: float, part: Ratings, on: Ratings) -> float:
        film, user = damped_means(part, strength)
        pred = part.rating.mean().item() + film[on.movie] + user[on.user]
        return float(((pred - on.rating) ** 2).mean())

    strength = min((0.5, 1, 2, 3, 5, 10, 20), key=lambda one: mse(one, inner, judge))
    return {"train": mse(strength, train, train), "valid": mse(strength, train, valid)}


def damped_means(part: Ratings, strength: float) -> tuple[torch.Tensor, torch.Tensor]:
    """How far films and users are from the overall mean, the other side taken out."""
    film, user = torch.zeros(len(part.movies)), torch.zeros(len(part.users))
    centred = part.rating - part.rating.mean()
    for _ in range(10):
        film = _shrunk(part.movie, centred - user[part.user], len(film), strength)
        user = _shrunk(part.user, centred - film[part.movie], len(user), strength)
    return film, user


def _shrunk(code: torch.Tensor, values: torch.Tensor, n: int, strength: float) -> torch.Tensor:
    count = torch.bincount(code, minlength=n)
    return check.shrink.reference(torch.bincount(code, values, n), count, strength)


def ranges() -> None:
    """40 factors, wd 0.1, four ranges."""
    ratings = datasets.load_ratings()
    size = (len(ratings.users), len(ratings.movies))
    rows = []
    for name, y_range in RANGES.items():
        found = judged(lambda y=y_range: models.DotProductBias(*size, 40, y), ratings, [0.1])
        rows += [{"range": name} | row for row in found]
    write("ranges", rows, data=ratings.name)


def quality() -> None:
    """Correlations with the planted quality on training rows, in the bundled simulation (4) and
    in three others; the learned bias of the lecture's model, three seeds."""
    simulate = maker("make_ratings").simulate
    films = pd.read_csv(HERE.parent / "data/films.csv")
    rows = []
    for simulation in (4, 1, 2, 3):
        frame, planted = simulate(films, simulation)
        part = datasets.load_ratings("sample").split()[0]
        order = torch.randperm(len(frame), generator=torch.Generator().manual_seed(42))
        kept = frame.iloc[order[len(frame) // 10 :].numpy()]
        user, movie = (
            torch.from_numpy(np.unique(kept[name], return_inverse=True)[1])
            for name in ("user", "movie")
        )
        data = user, movie, torch.tensor(kept["rating"].to_numpy(), dtype=torch.float32)
        for score, values in scores(data, (len(part.users), len(part.movies))):
            r = np.corrcoef(values, planted["movie_bias"])[0, 1]
            rows.append({"simulation": simulation, "score": score, "correlation": r})
    write("quality", rows)


def scores(data: Any, size: tuple[int, int]) -> Iterable[tuple[str, np.ndarray]]:
    """What may tell a film's quality, by name. A strength of 3 is best on the bundled data, and
    it hardly counts: films have 158 ratings on the average."""
    user, movie, rating = data
    centred = rating - rating.mean()
    yield "plain mean", _shrunk(movie, centred, size[1], 0).numpy()
    yield "shrunk mean", _shrunk(movie, centred, size[1], 3).numpy()
    film, person = torch.zeros(size[1]), torch.zeros(size[0])
    for _ in range(10):
        film = _shrunk(movie, centred - person[user], size[1], 3)
        person = _shrunk(user, centred - film[movie], size[0], 3)
    yield "mean, users' generosity taken out", film.numpy()
    for seed in range(3):
        training.set_seed(seed)
        model = models.DotProductBias(*size)
        training.fit(model, data, data, 5, 5e-3, wd=0.1, seed=seed, progress=False)
        yield "learned bias", interpret.array(model.movie_bias)


def atlas() -> None:
    """The map from both orders of each pair, or one; the same number of steps for each."""
    capitals = datasets.load_capitals()
    true = capitals.position.numpy()
    first, second = torch.triu_indices(27, 27, offset=1)
    order = torch.randperm(len(first), generator=torch.Generator().manual_seed(0))
    held_out, kept = order[:35], order[35:]

    def pairs(which: torch.Tensor, flip: Any = None, both: bool = False) -> Any:
        a, b = first[which], second[which]
        if flip is not None:
            a, b = torch.where(flip, b, a), torch.where(flip, a, b)
        if both:
            a, b = torch.cat([a, b]), torch.cat([b, a])
        return a, b, capitals.distance[a, b] ** 2

    rows = []
    for wd, seed in product((0, 0.1), range(8)):
        coin = torch.rand(len(kept), generator=torch.Generator().manual_seed(seed)) < 0.5
        arms = {
            "both orders": (pairs(kept, both=True), 100),
            "one order, by a coin": (pairs(kept, coin), 200),
            "one order, alphabetical": (pairs(kept), 200),
        }
        for arm, (known, epochs) in arms.items():
            training.set_seed(seed)
            model = models.DotProductBias(27, 27, n_factors=2, y_range=None)
            test = pairs(held_out, both=True)
            settings = {"batch_size": 32, "wd": wd, "seed": seed, "progress": False}
            history = training.fit(model, known, test, epochs, 0.1, **settings)
            learned, _ = interpret.pca(interpret.array(model.user_factors), n=2)
            r2 = interpret.match_rotated(learned, true).r2
            without = interpret.match_rotated(learned[:-3], true[:-3]).r2  # SE, SP, TO
            told = {"arm": arm, "wd": wd, "seed": seed}
            held = history.valid[-1] ** 0.5
            rows.append(told | {"held_rmse": held, "r2": r2, "r2_without_3": without})
    write("atlas", rows)


if __name__ == "__main__":
    wanted = {"ladder": ladder, "ranges": ranges, "quality": quality, "atlas": atlas}
    for name in sys.argv[1:] or wanted:
        wanted[name]()
