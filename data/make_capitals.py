"""Write capitals.csv: the capitals of Brazil's 26 states, and Brasília.

    python data/make_capitals.py                 # beside this script
    python data/make_capitals.py --out FOLDER    # somewhere else

The coordinates are those of the municipality seats, in decimal degrees, south and west
negative, rounded to three decimals (about 100 m). They can be verified at IBGE, the
Brazilian institute of geography and statistics (https://www.ibge.gov.br/), which
publishes the coordinates of all localities ("Localidades", under "Geociências").

Facts such as these belong to nobody: the table is in the public domain (CC0 1.0).
"""

import argparse
import csv
from pathlib import Path

NAME = "capitals.csv"
HEADER = ("state", "capital", "region", "latitude", "longitude")
REGIONS = ("North", "Northeast", "Central-West", "Southeast", "South")

# Brazil's mainland lies within these bounds (degrees).
SOUTH, NORTH = -33.8, 5.3
WEST, EAST = -74.0, -34.7

CAPITALS: list[tuple[str, str, str, float, float]] = [
    ("AC", "Rio Branco", "North", -9.975, -67.824),
    ("AL", "Maceió", "Northeast", -9.666, -35.735),
    ("AM", "Manaus", "North", -3.119, -60.021),
    ("AP", "Macapá", "North", 0.035, -51.069),
    ("BA", "Salvador", "Northeast", -12.972, -38.501),
    ("CE", "Fortaleza", "Northeast", -3.717, -38.542),
    ("DF", "Brasília", "Central-West", -15.780, -47.930),
    ("ES", "Vitória", "Southeast", -20.316, -40.313),
    ("GO", "Goiânia", "Central-West", -16.686, -49.264),
    ("MA", "São Luís", "Northeast", -2.539, -44.283),
    ("MG", "Belo Horizonte", "Southeast", -19.910, -43.927),
    ("MS", "Campo Grande", "Central-West", -20.449, -54.630),
    ("MT", "Cuiabá", "Central-West", -15.601, -56.097),
    ("PA", "Belém", "North", -1.455, -48.490),
    ("PB", "João Pessoa", "Northeast", -7.115, -34.864),
    ("PE", "Recife", "Northeast", -8.047, -34.877),
    ("PI", "Teresina", "Northeast", -5.092, -42.803),
    ("PR", "Curitiba", "South", -25.420, -49.265),
    ("RJ", "Rio de Janeiro", "Southeast", -22.913, -43.200),
    ("RN", "Natal", "Northeast", -5.794, -35.199),
    ("RO", "Porto Velho", "North", -8.761, -63.900),
    ("RR", "Boa Vista", "North", 2.824, -60.675),
    ("RS", "Porto Alegre", "South", -30.032, -51.207),
    ("SC", "Florianópolis", "South", -27.595, -48.548),
    ("SE", "Aracaju", "Northeast", -10.909, -37.068),
    ("SP", "São Paulo", "Southeast", -23.533, -46.640),
    ("TO", "Palmas", "North", -10.240, -48.356),
]


def check(rows: list[tuple[str, str, str, float, float]]) -> None:
    """Raise ValueError where the table cannot be right."""
    states = [row[0] for row in rows]
    if len(rows) != 27 or len(set(states)) != 27:
        raise ValueError("There must be 27 states, each once.")
    if states != sorted(states):
        raise ValueError("The rows must be sorted by state.")
    if len({row[1] for row in rows}) != 27:
        raise ValueError("Each capital must appear once.")
    for state, capital, region, latitude, longitude in rows:
        if region not in REGIONS:
            raise ValueError(f"{state}: there is no region called {region!r}.")
        if not (SOUTH < latitude < NORTH and WEST < longitude < EAST):
            place = f"{capital} ({latitude}, {longitude})"
            raise ValueError(f"{place} would lie outside Brazil.")


def write(folder: Path) -> Path:
    """Check the table, write it into `folder`, and return the file's path."""
    check(CAPITALS)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for state, capital, region, latitude, longitude in CAPITALS:
            place = (f"{latitude:.3f}", f"{longitude:.3f}")
            writer.writerow((state, capital, region, *place))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description="Write capitals.csv.")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).resolve().parent,
        metavar="FOLDER",
        help="folder to write into (default: the one this script is in)",
    )
    path = write(parser.parse_args().out)
    print(f"wrote {path}: {len(CAPITALS)} capitals")


if __name__ == "__main__":
    main()
