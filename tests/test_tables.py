"""The map of Brazil: distances of capitals that anybody can look up."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lesson5_utils import datasets
from lesson5_utils.errors import ArgumentError


def between(one: str, other: str) -> float:
    capitals = datasets.load_capitals()
    code = {name: i for i, name in enumerate(capitals.frame["capital"])}
    return 1000 * capitals.distance[code[one], code[other]].item()


def test_known_distances_are_found() -> None:
    assert between("São Paulo", "Rio de Janeiro") == pytest.approx(360, rel=0.03)
    assert between("Manaus", "Brasília") == pytest.approx(1930, rel=0.03)


def test_distances_are_symmetric_and_zero_only_to_oneself() -> None:
    distance = datasets.load_capitals().distance
    assert distance.shape == (27, 27) and distance.dtype == torch.float32
    assert torch.equal(distance, distance.T) and (distance.diagonal() == 0).all()
    assert (distance + torch.eye(27) > 0.05).all()


def test_positions_point_east_and_north() -> None:
    capitals = datasets.load_capitals()
    place = dict(zip(capitals.frame["capital"], capitals.position, strict=True))
    assert place["João Pessoa"][0] > place["Rio Branco"][0] + 3  # far to the east
    assert place["Boa Vista"][1] > place["Porto Alegre"][1] + 3  # far to the north
    flat = torch.cdist(capitals.position, capitals.position)
    assert (flat - capitals.distance).abs().max() < 0.15  # a flat map bends little


def test_capitals_are_equal_only_to_themselves() -> None:
    one, other = datasets.load_capitals(), datasets.load_capitals()
    assert one == one and one != other and len({one, other}) == 2


def test_a_measured_table_is_found_beside_its_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/race.csv").write_text("lr,error\n0.1,0.5\n", encoding="utf-8")
    monkeypatch.setattr(datasets.registry, "bundled", lambda: tmp_path / "data")
    assert datasets.measured("race").to_dict("list") == {"lr": [0.1], "error": [0.5]}
    with pytest.raises(ArgumentError, match="unknown measured table 'rac'"):
        datasets.measured("rac")
