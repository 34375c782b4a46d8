"""Write outline.csv: a coarse outline of Brazil's mainland, to draw behind its capitals.

    python data/make_outline.py                 # beside this script
    python data/make_outline.py --out FOLDER    # somewhere else

About a hundred corners set by hand, from general knowledge of where capes, river mouths and
border towns lie, rounded to a twentieth of a degree (about 5 km) and often further off than
that. Good enough to recognise a country in a small picture, and for nothing else: it is no
survey, and it says nothing about where a border runs. Marajó is part of it, other islands are
not.

We made it, and give it away: public domain (CC0 1.0).
"""

import argparse
import csv
from pathlib import Path

NAME = "outline.csv"
HEADER = ("latitude", "longitude")

# In the order of a walk with the sea, later the neighbours, on the left hand. Degrees.
CORNERS: list[tuple[float, float]] = [
    # the coast, from Cabo Orange to Chuí
    (4.35, -51.55), (3.10, -51.10), (1.75, -49.90), (0.60, -49.90), (-0.20, -48.40),
    (-0.60, -47.35), (-1.00, -46.30), (-1.45, -45.00), (-2.30, -44.00), (-2.50, -43.00),
    (-2.75, -41.80), (-2.85, -40.40), (-3.65, -38.55), (-4.70, -37.20), (-5.10, -36.40),
    (-5.15, -35.50), (-5.80, -35.15), (-7.15, -34.80), (-8.05, -34.85), (-9.65, -35.70),
    (-10.50, -36.40), (-10.95, -37.00), (-12.00, -37.70), (-13.00, -38.45), (-14.80, -39.00),
    (-16.45, -39.05), (-17.70, -39.15), (-18.70, -39.75), (-19.65, -39.80), (-20.35, -40.25),
    (-21.60, -41.00), (-22.00, -40.95), (-22.95, -42.00), (-23.00, -43.20), (-23.00, -44.30),
    (-23.80, -45.40), (-24.05, -46.30), (-25.00, -47.90), (-25.90, -48.55), (-27.60, -48.40),
    (-28.60, -48.80), (-29.35, -49.70), (-30.30, -50.25), (-31.80, -51.50), (-32.20, -52.10),
    (-33.75, -53.40),
    # Uruguay, Argentina, Paraguay
    (-32.60, -53.40), (-31.90, -54.15), (-30.90, -55.55), (-30.20, -57.60), (-28.70, -56.05),
    (-27.20, -53.85), (-26.25, -53.65), (-25.60, -54.60), (-24.05, -54.30), (-23.95, -55.40),
    (-22.55, -55.75), (-22.10, -56.50), (-22.10, -57.90), (-20.20, -58.15),
    # Bolivia
    (-19.00, -57.75), (-17.60, -57.75), (-16.30, -58.40), (-16.30, -60.15), (-15.10, -60.25),
    (-13.70, -60.45), (-13.40, -61.80), (-12.50, -63.10), (-12.20, -64.40), (-11.00, -65.30),
    (-9.70, -65.40), (-9.85, -66.60), (-10.65, -67.70), (-11.05, -68.75),
    # Peru
    (-10.95, -69.55), (-11.00, -70.60), (-9.50, -70.60), (-10.00, -72.15), (-9.40, -73.20),
    (-7.55, -73.95), (-6.60, -73.20), (-5.15, -72.85), (-4.50, -71.30), (-4.20, -69.95),
    # Colombia, Venezuela
    (-1.40, -69.40), (-0.60, -69.60), (0.60, -70.05), (1.10, -69.25), (1.75, -69.80),
    (1.75, -68.00), (1.20, -66.85), (0.75, -66.00), (1.10, -65.40), (2.20, -63.40),
    (3.60, -64.15), (4.10, -64.70), (3.95, -62.80), (4.50, -61.30), (5.20, -60.75),
    # Guyana, Suriname, French Guiana
    (5.20, -60.15), (4.50, -60.10), (3.90, -59.60), (2.30, -59.80), (1.30, -58.90),
    (1.95, -57.20), (1.95, -56.00), (2.35, -54.65), (2.20, -52.90), (2.60, -52.50),
    (3.70, -51.90),
]  # fmt: skip


def write(folder: Path) -> Path:
    """Write the corners into `folder`, and return the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(
            (f"{latitude:.2f}", f"{longitude:.2f}") for latitude, longitude in CORNERS
        )
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description="Write outline.csv.")
    here = Path(__file__).resolve().parent
    parser.add_argument("--out", type=Path, default=here, help="folder to write into")
    path = write(parser.parse_args().out)
    print(f"wrote {path}: {len(CORNERS)} corners")


if __name__ == "__main__":
    main()
