"""datasets/drawings.py and widgets/pad.py: strokes, pixels and answers, without a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lesson5_utils import datasets, models, training, widgets
from lesson5_utils.datasets import Digits, Drawings, drawings
from lesson5_utils.errors import ArgumentError

LINE = [[[14.0, 4.0], [14.0, 24.0]]]


@pytest.fixture(scope="module")
def digits() -> Digits:
    return datasets.load_digits("sample")


@pytest.fixture(scope="module")
def saved() -> Drawings:
    return datasets.load_drawings()


def even(digit: Tensor) -> Tensor:
    return torch.full([10], 0.1)


def box(picture: Tensor) -> tuple[int, int]:
    """Height and width of what is inked."""
    rows, cols = (picture.reshape(28, 28) > 0).nonzero(as_tuple=True)
    return int(rows.max() - rows.min()) + 1, int(cols.max() - cols.min()) + 1


# --- strokes to pixels --------------------------------------------------------------------


def test_a_line_is_as_wide_as_a_pen_of_mnist() -> None:
    picture = drawings.draw_strokes(LINE)
    assert (picture.shape, picture.dtype) == ((784,), torch.float32)
    row = picture.reshape(28, 28)[14]
    assert row[13] == row[14] == 1 and row[11] == row[16] == 0
    assert 0 < row[12] < 1 and row[12] == row[15]
    assert row.sum() == pytest.approx(2 * drawings.RADIUS, abs=0.1)


def test_crossing_strokes_do_not_add_up_and_a_point_is_a_dot() -> None:
    cross = drawings.draw_strokes([*LINE, [[4, 14], [24, 14]]])
    assert cross.max() == 1
    assert torch.equal(drawings.draw_strokes([*LINE, *LINE]), drawings.draw_strokes(LINE))
    dot = drawings.draw_strokes([[[14, 14]]])
    assert dot.max() == 1 and box(dot)[0] <= 5
    assert drawings.draw_strokes([]).sum() == 0


def test_ink_beyond_the_edge_is_cut_off() -> None:
    assert drawings.draw_strokes([[[-50, 14], [50, 14]]]).reshape(28, 28)[14].min() == 1
    assert drawings.draw_strokes([[[-50, -50]]]).sum() == 0
    assert drawings.as_digit([[[-50, 14], [50, 14]]]).isfinite().all()


@pytest.mark.parametrize("strokes", [LINE, [[[3, 3], [7, 9]]], [[[1, 2], [27, 5], [9, 26]]]])
def test_a_digit_is_scaled_and_centred_as_mnists_are(strokes: Any) -> None:
    digit = drawings.as_digit(strokes)
    assert max(box(digit)) == 20
    share = digit.reshape(28, 28) / digit.sum()
    places = torch.arange(28) + 0.5
    for middle in (float(share.sum(1) @ places), float(share.sum(0) @ places)):
        assert 13.9 <= middle <= 15.1, "MNIST's lie from 14 to 15"


def test_where_and_how_large_it_was_drawn_makes_no_difference() -> None:
    small = [[[5, 5], [11, 5], [8, 12]]]
    large = [[[2 * x + 1, 2 * y - 1] for x, y in small[0]]]
    pictures = [drawings.as_digit(strokes) for strokes in (small, large)]
    assert torch.allclose(*pictures, atol=1e-5)
    dot = drawings.as_digit([[[3, 3]]])
    assert max(box(dot)) <= 5, "a dot stays a dot"


def test_a_digit_of_mnist_stays_as_it_is(digits: Digits) -> None:
    same = [torch.equal(drawings.centred(one), one) for one in digits.test[0]]
    assert np.mean(same) > 0.99
    assert drawings.centred(torch.zeros(784)).sum() == 0


def test_a_picture_elsewhere_and_larger_is_brought_back(digits: Digits) -> None:
    one = digits.test[0][0].reshape(28, 28)
    moved = torch.roll(one, (4, 3), (0, 1)).ravel()
    assert torch.equal(drawings.centred(moved), one.ravel())
    full = F.interpolate(one[None, None, 4:24, 4:24], (28, 28), mode="bilinear")[0, 0]
    back = drawings.centred(full.ravel().clamp(0, 1))
    assert max(box(back)) <= 20 and F.cosine_similarity(back, one.ravel(), dim=0) > 0.85


@pytest.mark.parametrize(
    ("strokes", "told"),
    [
        ("7", "a list of strokes"),
        (7, "a list of strokes"),
        ([[]], "one or more points"),
        ([[[1, 2, 3]]], "one or more points"),
        ([[1, 2]], "one or more points"),
        ([[["a", "b"]]], "one or more points"),
        ([[[1, 2], [3]]], "one or more points"),
        ([[[1, float("nan")]]], "finite"),
    ],
)
def test_what_is_no_stroke_is_refused(strokes: Any, told: str) -> None:
    pad = widgets.DrawingPad()
    pad.strokes = LINE
    for act in (
        drawings.draw_strokes,
        drawings.as_digit,
        lambda given: setattr(pad, "strokes", given),
    ):
        with pytest.raises(ArgumentError, match=told):
            act(strokes)
    assert pad.strokes == LINE


# --- the saved ones -----------------------------------------------------------------------


def test_the_saved_drawings_have_the_form_of_the_digits(saved: Drawings) -> None:
    n = len(saved)
    assert repr(saved) == f"Drawings: {n}, {n - 1} of them digits"
    assert (saved.x.shape, saved.x.dtype) == ((n, 784), torch.float32)
    assert (saved.y.shape, saved.y.dtype) == ((n,), torch.int64)
    assert saved.x.min() >= 0 and saved.x.max() <= 1
    assert set(saved.y.tolist()) == {-1, *range(10)}
    assert len(set(saved.names)) == n
    for one, picture in zip(saved.strokes, saved.x, strict=True):
        assert torch.equal(drawings.as_digit(one), picture)
        points = np.concatenate([np.array(stroke) for stroke in one])
        assert points.min() >= 2 and points.max() <= 26


def test_their_ink_is_like_mnists(saved: Drawings, digits: Digits) -> None:
    mine, theirs = saved.x[saved.y >= 0], digits.train[0]
    assert float(mine.mean()) == pytest.approx(float(theirs.mean()), rel=0.2)
    dark = [float((x > 0.95).sum() / (x > 0.05).sum()) for x in (mine, theirs)]
    assert dark[0] == pytest.approx(dark[1], abs=0.1)


@pytest.mark.parametrize("net", [models.LogisticRegression, models.TwoLayerNet])
def test_a_net_reads_most_of_them(net: Any, saved: Drawings, digits: Digits) -> None:
    training.set_seed(0)
    model = net()
    training.fit(model, digits.train, digits.valid, 3, 0.01, loss=F.cross_entropy, seed=0)
    with torch.no_grad():
        said = model(saved.x).argmax(dim=1)
    right = (said == saved.y)[saved.y >= 0]
    assert right.sum() >= 10, [
        (name, int(one)) for name, one in zip(saved.names, said, strict=True)
    ]


# --- the pad ------------------------------------------------------------------------------


def test_strokes_become_pixels_a_digit_and_an_answer() -> None:
    asked = []

    def scores(digit: Tensor) -> Tensor:
        asked.append(digit)
        return F.one_hot(torch.tensor(7), 10).float()

    pad = widgets.DrawingPad(scores)
    assert repr(pad) == "DrawingPad: no strokes"
    assert pad.answer["bars"] == [], "nobody is asked about an empty pad"
    pad.set_state({"strokes": [[[7, 6], [20, 5.5]], [[20, 5.5], [12, 24]]]})
    assert repr(pad) == "DrawingPad: 2 strokes"
    assert torch.equal(pad.pixels, drawings.draw_strokes(pad.strokes))
    assert torch.equal(pad.digit, drawings.as_digit(pad.strokes))
    assert torch.equal(asked[-1], pad.digit)
    assert pad.answer["bars"] == [0.0] * 7 + [1.0, 0.0, 0.0]
    assert pad.answer["seen"] == bytes((pad.digit * 255).round().to(torch.uint8).tolist())
    assert pad.answer["why"] == b"" and pad.answer["asked"] == [True, False]
    pad.set_state({"strokes": []})
    assert pad.answer["bars"] == [] and pad.digit.sum() == 0


def test_what_the_browser_sends_is_not_sent_back() -> None:
    pad = widgets.DrawingPad()
    sent: list[dict[str, Any]] = []
    pad.send_state = lambda key=None: sent.append(key)  # type: ignore[method-assign]
    pad.set_state({"strokes": [[[7, 6.25], [20.01, 5.5]]]})
    assert pad.strokes == [[[7, 6.25], [20.01, 5.5]]]
    assert not any("strokes" in (key or ()) for key in sent)


def test_strokes_are_set_from_any_numbers() -> None:
    pad = widgets.DrawingPad()
    pad.strokes = [np.array([[1, 2], [3, 4.56789]]), ((5, 6),)]
    assert pad.strokes == [[[1, 2], [3, 4.57]], [[5, 6]]]
    json.dumps(pad.strokes)


def test_pixels_are_set_and_read(digits: Digits) -> None:
    pad = widgets.DrawingPad(even)
    pad.strokes = LINE
    picture = digits.test[0][3]
    pad.pixels = picture.reshape(28, 28).numpy()
    assert repr(pad) == "DrawingPad: a picture" and pad.strokes == []
    assert torch.equal(pad.pixels, picture) and torch.equal(pad.digit, picture)
    assert len(pad.ground) == 784 and pad.answer["bars"] == [0.1] * 10
    pad.set_state({"strokes": LINE})
    assert torch.equal(pad.pixels, torch.maximum(picture, drawings.draw_strokes(LINE)))
    pad.set_state({"strokes": [], "ground": memoryview(b"")})
    assert pad.pixels.sum() == 0 and repr(pad) == "DrawingPad: no strokes"
    pad.set_state({"ground": memoryview(bytes([0, 255] * 392))})
    assert pad.pixels.tolist() == [0.0, 1.0] * 392, "as Undo brings it back"


@pytest.mark.parametrize(
    ("pixels", "told"),
    [
        (torch.zeros(783), r"pixels must be 784 numbers, not \[783\]"),
        (torch.zeros(10, 10), r"not \[10, 10\]"),
        (torch.full([784], 255.0), "from 0 to 1"),
        (torch.full([784], -0.5), "from 0 to 1"),
        (torch.full([784], float("nan")), "finite"),
        ("picture", "not str"),
        (None, "not NoneType"),
    ],
)
def test_wrong_pixels_are_refused_and_the_drawing_stays(pixels: Any, told: str) -> None:
    pad = widgets.DrawingPad()
    pad.strokes = LINE
    with pytest.raises(ArgumentError, match=told):
        pad.pixels = pixels
    assert pad.strokes == LINE


def test_another_model_looks_at_the_same_drawing() -> None:
    pad = widgets.DrawingPad(even)
    pad.strokes = LINE
    pad.scores = lambda digit: np.eye(10)[3]
    assert pad.answer["bars"] == np.eye(10)[3].tolist()
    pad.scores = lambda digit: torch.eye(10)[None, 2]  # a batch of one counts
    assert pad.answer["bars"] == np.eye(10)[2].tolist()
    pad.scores = None
    assert pad.answer["bars"] == [] and pad.answer["asked"] == [False, False]
    assert repr(pad) == "DrawingPad: 1 stroke"


def test_a_model_with_weights_answers_without_gradients_of_ours() -> None:
    net = models.LogisticRegression()
    pad = widgets.DrawingPad(lambda digit: net(digit[None]).softmax(dim=1)[0])
    pad.strokes = LINE
    assert sum(pad.answer["bars"]) == pytest.approx(1, abs=1e-3)
    assert all(weight.grad is None for weight in net.parameters())


def test_a_model_that_writes_into_its_input_harms_nothing() -> None:
    pad = widgets.DrawingPad(lambda digit: digit.zero_()[:10] + 0.1)
    pad.strokes = LINE
    assert pad.digit.sum() > 0 and any(pad.answer["seen"])


def test_reasons_are_scaled_with_their_sign() -> None:
    weight = torch.linspace(-1, 2, 784)
    pad = widgets.DrawingPad(even, lambda digit: weight * digit)
    pad.strokes = LINE
    told = np.frombuffer(pad.answer["why"], dtype=np.int8)
    assert told.max() == 127 and told.min() < 0
    wanted = (weight * pad.digit).numpy()
    assert np.allclose(told / 127, wanted / abs(wanted).max(), atol=0.005)
    pad.why = lambda digit: torch.zeros(784)
    assert not any(pad.answer["why"]) and len(pad.answer["why"]) == 784
    pad.why = None
    assert pad.answer["why"] == b"" and pad.answer["asked"] == [True, False]


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        (lambda digit: torch.ones(9) / 9, r"scores must be 10 numbers, not \[9\]"),
        (lambda digit: torch.arange(10.0), "softmax makes them"),
        (lambda digit: -torch.ones(10), "softmax makes them"),
        (lambda digit: torch.full([10], float("nan")), "scores must be finite"),
        (lambda digit: "seven", "scores must be 10 numbers, not str"),
        (lambda digit: None, "scores must be 10 numbers, not NoneType"),
    ],
)
def test_wrong_scores_are_told_where_they_were_written(scores: Any, told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        widgets.DrawingPad(scores)
    pad = widgets.DrawingPad(even)
    pad.strokes = LINE
    with pytest.raises(ArgumentError, match=told):
        pad.scores = scores
    assert pad.scores is even and pad.answer["bars"] == [0.1] * 10, "the old one stays"


def test_wrong_reasons_are_told_too() -> None:
    with pytest.raises(ArgumentError, match=r"why must be 784 numbers, not \[10\]"):
        widgets.DrawingPad(even, lambda digit: torch.zeros(10))


def test_a_model_that_fails_later_is_told_in_the_pad() -> None:
    """In a browser nobody would see an exception of a callback."""
    broken = []

    def scores(digit: Tensor) -> Tensor:
        if broken:
            raise RuntimeError("weights are gone")
        return even(digit)

    pad = widgets.DrawingPad(scores)
    broken.append(True)
    pad.set_state({"strokes": LINE})
    assert pad.answer["problem"] == "RuntimeError: weights are gone"
    assert pad.answer["bars"] == [] and any(pad.answer["seen"])
    broken.clear()
    pad.set_state({"strokes": [*LINE, *LINE]})
    assert pad.answer["problem"] == "" and pad.answer["bars"] == [0.1] * 10


def test_its_text_is_short_and_the_same_each_time() -> None:
    """It is what nbval compares, and what the pages show."""
    pad = widgets.DrawingPad(even)
    bundle: Any = pad._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data["text/plain"] == "DrawingPad: no strokes"


def test_the_scripts_ask_no_other_host() -> None:
    folder = Path(widgets.__file__).parent
    for path in [*folder.glob("*.js"), *folder.glob("*.css")]:
        text = path.read_text(encoding="utf-8")
        asked = [line for line in text.splitlines() if "http" in line and "w3.org" not in line]
        assert asked == [] and "@import" not in text and "eval(" not in text
