"""Tables of benchmarks/: written whole, and part by part."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from scripts import script


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = script("benchmarks/shared.py")
    monkeypatch.setattr(module, "HERE", tmp_path)
    return module


def test_a_table_keeps_six_digits_of_numbers_and_tells_its_rows(
    shared: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = {"arm": "a, b", "lr": 1e-5, "seed": 3, "error": np.float32(2 / 3)}
    other = {"arm": "c", "lr": 20.0, "seed": np.int64(1_234_567), "error": np.nan}
    shared.write("race", [one, other])
    text = (tmp_path / "race.csv").read_text()
    assert text == 'arm,lr,seed,error\n"a, b",1e-05,3,0.666667\nc,20,1234567,\n'
    assert capsys.readouterr().out == "race: a, b 1e-05 3 0.666667\nrace: c 20 1234567 \n"
    shared.write("race", [one])
    assert len(pd.read_csv(tmp_path / "race.csv")) == 1


def test_rows_of_other_parts_stay_to_the_letter(shared: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "likes.csv"
    path.write_text("data,case,auc\nsample,,0.9100\nmnist,x,0.5\n")
    shared.write("likes", [{"case": "y", "auc": 0.25}], data="mnist")
    assert path.read_text() == "data,case,auc\nsample,,0.9100\nmnist,y,0.25\n"


def test_a_maker_is_taken_by_its_name() -> None:
    assert callable(script("benchmarks/shared.py").maker("make_sales").simulate)
