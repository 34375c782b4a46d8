"""Checks for notebook 09, and the net that knows 0 to 4, from which it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import wraps
from typing import Any

import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from lesson5_utils import datasets, training
from lesson5_utils.exercises import WrongForm, challenge, exercise, real_numbers, whole_numbers
from lesson5_utils.models import ConvNet

__all__ = [
    "bugs",
    "class_map",
    "control",
    "fifty",
    "knows_0_to_4",
    "new_task",
    "pretrain",
    "questions",
    "rates",
    "shift",
    "task",
]

# --- the net that knows 0 to 4 -----------------------------------------------------------


def task(data: tuple[Tensor, Tensor], first: int) -> tuple[Tensor, Tensor]:
    """Of digits (x, y), the five from `first` on, as classes 0 to 4."""
    x, y = data
    rows = (y >= first) & (y < first + 5)
    return x[rows], y[rows] - first


def questions(x: Tensor, y: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Each picture [n, 784] and two moved copies, all in four turns: class + 5 · turn."""
    pictures, places = x.view(-1, 28, 28), torch.Generator().manual_seed(seed)
    several = [pictures]
    for _ in range(2):
        moves = torch.randint(-2, 3, (len(x), 2), generator=places).tolist()
        moved = [one.roll(move, (0, 1)) for one, move in zip(pictures, moves, strict=True)]
        several.append(torch.stack(moved))
    turned = [torch.cat(several).rot90(turn, (1, 2)).flatten(1) for turn in range(4)]
    return torch.cat(turned), torch.cat([y.repeat(3) + 5 * turn for turn in range(4)])


def knows_0_to_4(seed: int = 0, name: str | None = None) -> ConvNet:
    """A net that was trained on up to 6,000 digits from 0 to 4, and has seen no other.

    It is trained once in a process; every call gives a copy of its own.

    Args:
        seed: of its first weights, of the moved copies and of the order of the batches.
        name: the digits, as for `datasets.load_digits`.
    """
    data_set = datasets.load_digits(name)
    if (seed, data_set.name) not in _TRAINED:
        x, y = task(data_set.train, first=0)
        _TRAINED[seed, data_set.name] = pretrain(questions(x[:6000], y[:6000], seed), seed)
    return deepcopy(_TRAINED[seed, data_set.name])


_TRAINED: dict[tuple[int, str], ConvNet] = {}


def pretrain(data: tuple[Tensor, Tensor], seed: int, epochs: int = 3) -> ConvNet:
    """A new net, trained on all the questions that there are in `data`."""
    training.set_seed(seed)
    net = ConvNet(n_out=int(data[1].max()) + 1, n_channels=(16, 32, 64))
    watched = data[0][:250], data[1][:250]
    training.fit(net, data, watched, epochs, 1e-2, loss=F.cross_entropy, seed=seed)
    return net


# --- new_task ----------------------------------------------------------------------------


def _put_to_use(answer: Any, n_old: int, n_new: int) -> Any:
    """Give a small trained-looking net to the answer, and say what became of it."""
    torch.manual_seed(0)
    given = ConvNet(n_old, n_channels=(2, 3, 4))
    old, result = deepcopy(given), answer(given, n_new)
    if result is None or result is ...:
        return result
    layers = [one for one in _modules(result) if isinstance(one, nn.Linear)]
    if not isinstance(result, ConvNet) or not layers:
        raise WrongForm(
            "return the model itself; replace only the last layer of its head, model.head[-1], "
            "by an nn.Linear"
        )
    try:
        scores = result(torch.rand(2, 784))
    except Exception as error:
        raise WrongForm(f"the model fails on pictures now: {error}") from None
    weight, was = layers[-1].weight, old.get_parameter("head.2.weight")
    body = [p for part in (result.early, result.late) for p in part.parameters()]
    kept = [p for part in (old.early, old.late) for p in part.parameters()]
    return {
        "learning": _learning(result, layers[-1]),
        "inputs of the last layer": weight.shape[1],
        "shape of the scores of 2 pictures": str(list(scores.shape)),
        "the body is the old one": all(map(torch.equal, body, kept)),
        "the head is new": weight.shape != was.shape or not torch.equal(weight, was),
    }


def _modules(model: Any) -> list[nn.Module]:
    return list(model.modules()) if isinstance(model, nn.Module) else []


def _learning(model: nn.Module, last: nn.Module) -> str:
    """What learns, by name; the last layer, which may stand anywhere in the head, in words."""
    own = list(last.parameters())
    whole = all(p.requires_grad for p in own)
    names = [
        "the last layer" if whole and any(p is one for one in own) else name
        for name, p in model.named_parameters()
        if p.requires_grad
    ]
    return ", ".join(dict.fromkeys(names)) or "nothing"


@exercise(
    cases=lambda: [(4, 3), (5, 5), (2, 7)],
    through=_put_to_use,
    why="A new layer needs gradients by default, so the order matters: freeze first, then put "
    "the new layer in (or freeze the body's parts by name).",
)
def new_task(model: Any, n_out: int) -> Any:
    return _with_last(model, nn.Linear(model.head[-1].in_features, n_out))


def _with_last(model: Any, *last: nn.Module) -> Any:
    model.requires_grad_(False)
    model.head = nn.Sequential(*model.head[:-1], *last)
    return model


@new_task.slip(
    "everything is frozen, the new head too: nothing could learn. Freeze before you replace "
    "the layer, or freeze early and late only."
)
def _(model: Any, n_out: int) -> Any:
    return new_task.reference(model, n_out).requires_grad_(False)


@new_task.slip("the body is not frozen: its parameters still ask for gradients.")
def _(model: Any, n_out: int) -> Any:
    return new_task.reference(model, n_out).requires_grad_(True)


@new_task.slip("only early is frozen. The body has two parts, early and late.")
def _(model: Any, n_out: int) -> Any:
    new_task.reference(model, n_out).late.requires_grad_(True)
    return model


@new_task.slip("the head is still the old one, with the old classes.")
def _(model: Any, n_out: int) -> Any:
    model.early.requires_grad_(False)
    model.late.requires_grad_(False)
    return model


new_task.slip(
    "the new layer has 256 inputs, as in the notebook's net. This net is narrower: take "
    "in_features of the old last layer.",
    lambda model, n_out: _with_last(model, nn.Linear(256, n_out)),
)
new_task.slip(
    "the new layer has as many inputs as there were classes. It stands in the place of the old "
    "layer: take its in_features, not its out_features.",
    lambda model, n_out: _with_last(model, nn.Linear(model.head[-1].out_features, n_out)),
)
new_task.slip(
    "the new layer stands behind the old one, and sees only the old scores. Put it in the "
    "place of the old layer.",
    lambda model, n_out: _with_last(
        model, model.head[-1], nn.Linear(model.head[-1].out_features, n_out)
    ),
)
new_task.slip(
    "the new layer holds numbers of the kind float64; the body gives it float32.",
    lambda model, n_out: _with_last(
        model, nn.Linear(model.head[-1].in_features, n_out, dtype=torch.float64)
    ),
)
new_task.slip(
    "you built a whole new model, and what the body had learned is gone. Change the model that "
    "you were given.",
    lambda model, n_out: new_task.reference(ConvNet(n_out, n_channels=(2, 3, 4)), n_out),
)

# --- control -----------------------------------------------------------------------------

CHOICES = {
    "body": ("trained", "random", "none"),
    "learns": ("the head", "everything"),
    "labels": ("the same", "others"),
}


@exercise(
    kind="design",
    choices=[one for several in CHOICES.values() for one in several],
    why="One thing differs from the run that is in question, and it is the thing that is in "
    "question. Whatever the two runs share cannot explain the difference between them.",
)
def control() -> dict[str, str]:
    return {"body": "random", "learns": "the head", "labels": "the same"}


control.slip(
    "this is the run that we have. A control differs from it in one thing: which?",
    lambda: {"body": "trained", "learns": "the head", "labels": "the same"},
)
control.slip(
    "without a body the head sees raw pixels. That is a fair opponent, and section 5 has it, "
    "but then two things are missing, the layers and their training. Which run keeps the "
    "layers, and takes away only what they have learned?",
    lambda: {"body": "none", "learns": "the head", "labels": "the same"},
)


@control.slip(
    "if everything learns, the random body learns from the fifty pictures too. That is a net "
    "from scratch, and two things differ: what the body knew, and what may learn."
)
def _() -> dict[str, str]:
    return {"body": "random", "learns": "everything", "labels": "the same"}


@control.slip(
    "with other labels the luck of the draw comes in: some fifty pictures are better than "
    "others. Give both runs the same ones."
)
def _() -> dict[str, str]:
    return {"body": "random", "learns": "the head", "labels": "others"}


@control.slip(
    "this asks what it is worth to let the body learn on. The question was what its first "
    "training is worth."
)
def _() -> dict[str, str]:
    return {"body": "trained", "learns": "everything", "labels": "the same"}


# --- rates -------------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (slice(1.0, 100.0), 3),
        (slice(3e-3), 3),
        (2.5, 4),
        (slice(1e-5, 1e-2), 5),
        (slice(6.0), 2),
        (slice(1e-4, 3e-3), 2),
    ],
    why="Learning rates live on a scale of factors: from 1e-5 to 1e-4 is as far as from 1e-4 "
    "to 1e-3. So the even way from first to last multiplies.",
)
def rates(lr: Any, n_groups: int) -> list[float]:
    if _is_one(lr):
        return [lr.stop / 3] * (n_groups - 1) + [lr.stop]
    return _by_factor(lr, n_groups, n_groups - 1)


def _is_one(lr: Any) -> bool:
    """Whether it is a slice of one number."""
    return isinstance(lr, slice) and lr.start is None


def _by_factor(lr: Any, n_groups: int, steps: int) -> list[float]:
    if not isinstance(lr, slice):
        return [lr] * n_groups
    return [lr.start * (lr.stop / lr.start) ** (group / steps) for group in range(n_groups)]


_rates = rates.reference


@rates.slip(
    "your steps are equal sums. Learning rates differ by factors: multiply by the same factor "
    "from group to group."
)
def _(lr: Any, n_groups: int) -> list[float]:
    if not isinstance(lr, slice) or lr.start is None:
        return _rates(lr, n_groups)
    step = (lr.stop - lr.start) / (n_groups - 1)
    return [lr.start + step * group for group in range(n_groups)]


rates.slip(
    "with one number in the slice the other groups get a tenth here, as in today's fastai. The "
    "lecture takes a third.",
    lambda lr, n: [lr.stop / 10] * (n - 1) + [lr.stop] if _is_one(lr) else _rates(lr, n),
)
rates.slip(
    "// drops everything after the point, and a third of 0.003 becomes 0: divide by /.",
    lambda lr, n: [lr.stop // 3] * (n - 1) + [lr.stop] if _is_one(lr) else _rates(lr, n),
)
rates.slip(
    "with one number in the slice the last group gets it whole, not a third.",
    lambda lr, n: [lr.stop / 3] * n if _is_one(lr) else _rates(lr, n),
)
rates.slip(
    "with one number in the slice there are no steps: all groups but the last get the same "
    "third.",
    lambda lr, n: _rates(slice(lr.stop / 3, lr.stop) if _is_one(lr) else lr, n),
)
rates.slip(
    "the order is the wrong way round: the first group, next to the input, gets the smallest "
    "rate.",
    lambda lr, n: _rates(lr, n)[::-1],
)
rates.slip(
    "the last group does not reach the last rate: between n groups there are n − 1 steps.",
    lambda lr, n: _rates(lr, n) if _is_one(lr) else _by_factor(lr, n, n),
)

# --- bugs --------------------------------------------------------------------------------

FAULTS = (
    "the rate is too high",
    "the slice is turned round",
    "the weights were never loaded",
    "the pictures are inverted",
)


@exercise(
    kind="diagnose",
    choices=(*FAULTS, "nothing is wrong"),
    why="Two questions find most faults: who has moved, and how far? And does the net fail on "
    "the pictures that it learned from, or only on others?",
)
def bugs() -> dict[str, str]:
    return {
        "Ana": "the slice is turned round",
        "Bruno": "the weights were never loaded",
        "Carla": "the pictures are inverted",
        "Davi": "the rate is too high",
    }


def _exchanged(*pair: str) -> dict[str, str]:
    right = bugs.reference()
    return right | {pair[0]: right[pair[1]], pair[1]: right[pair[0]]}


bugs.slip(
    "Bruno and Carla are exchanged. Both froze the body, so nothing of it should have moved "
    "since its first training. For one of the two it stands somewhere else altogether.",
    lambda: _exchanged("Bruno", "Carla"),
)
bugs.slip(
    "Ana and Davi are exchanged. One net fails even on its own fifty pictures, and every part "
    "of it was thrown far away. In the other one the part that should move least moved most.",
    lambda: _exchanged("Ana", "Davi"),
)
bugs.slip(
    "Ana and Bruno are exchanged. Bruno froze the body, so no rate of his could move it.",
    lambda: _exchanged("Ana", "Bruno"),
)
bugs.slip(
    "Ana and Carla are exchanged. Carla's body has not moved at all, so no slice was at work.",
    lambda: _exchanged("Ana", "Carla"),
)

# --- class_map ---------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (
            torch.tensor([[[1.0, 0.0], [0.0, 2.0]], [[0.0, 3.0], [1.0, 0.0]]]),
            torch.tensor([[[2.0, 2.0], [0.0, 0.0]], [[-1.0, -1.0], [-1.0, -1.0]]]),
        ),
        (whole_numbers(3, 4, 4), whole_numbers(3, 4, 4, seed=1)),
        (real_numbers(5, 2, 3, seed=2).relu(), real_numbers(5, 2, 3, seed=3) / 100),
        (real_numbers(2, 3, 3), torch.zeros(2, 3, 3)),
        (torch.tensor([[[0.5, 0.0]]]), torch.tensor([[[-0.25, 0.125]]])),
    ],
    why="A channel that the class likes counts with plus, one that it dislikes with minus. "
    "What remains above 0 is the evidence for the class, place by place.",
)
def class_map(activations: Tensor, gradients: Tensor) -> Tensor:
    return _weighted(activations, gradients).sum(0).relu()


def _weighted(activations: Tensor, gradients: Tensor) -> Tensor:
    return gradients.mean((1, 2), keepdim=True) * activations


class_map.slip(
    "the weight is the sum of the gradient; it should be the mean.",
    lambda a, g: (g.sum((1, 2), keepdim=True) * a).sum(0).relu(),
)
class_map.slip(
    "you averaged over the channels. Add them up.",
    lambda a, g: _weighted(a, g).mean(0).relu(),
)
class_map.slip(
    "the weights have shape [channels], so they meet the columns, not the channels. Keep the "
    "dimensions: keepdim=True.",
    lambda a, g: (g.mean((1, 2)) * a).sum(0).relu(),
)
class_map.slip(
    "you multiplied place by place. That is gradient × activation, a map of its own; here each "
    "channel has one weight, the mean of its gradient.",
    lambda a, g: (g * a).sum(0).relu(),
)
class_map.slip(
    "the relu is missing: places that speak against the class are left out.",
    lambda a, g: _weighted(a, g).sum(0),
)
class_map.slip(
    "the relu stands before the sum. Channels may cancel each other; first add up, then relu.",
    lambda a, g: _weighted(a, g).relu().sum(0),
)
class_map.slip(
    "you weighted each channel by its activation. The gradient says what the class thinks of a "
    "channel.",
    lambda a, g: _weighted(g, a).sum(0).relu(),
)
class_map.slip(
    "the channels are still apart: add them up, so that one map is left.",
    lambda a, g: _weighted(a, g).relu(),
)
class_map.slip(
    "you divided by the largest value of the map. Where no place speaks for the class, that is "
    "0 divided by 0; leave the map as it is.",
    lambda a, g: class_map.reference(a, g) / class_map.reference(a, g).max(),
)

# --- shift -------------------------------------------------------------------------------


def _framed(pictures: Tensor) -> Tensor:
    return F.pad(pictures, (2, 2, 2, 2))


@exercise(
    cases=lambda: [
        (torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]), 1, 0),
        (whole_numbers(2, 4, 4), -2, 1),
        (real_numbers(1, 5, 4, seed=1).abs() / 4, 0, -1),
        (torch.stack([real_numbers(6, 3).abs() / 4, torch.zeros(6, 3)]), 2, -2),
        (real_numbers(3, 2, 2, seed=2), 0, 0),
    ],
    why="One slice moves all pictures at once; no loop over rows. To the net a shifted digit "
    "is 784 new numbers; to us it is the same digit. That is knowledge, given as data.",
)
def shift(pictures: Tensor, down: int, right: int) -> Tensor:
    _, height, width = pictures.shape
    rows = slice(2 - down, 2 - down + height)
    return _framed(pictures)[:, rows, 2 - right : 2 - right + width]


_shift = shift.reference

shift.slip(
    "what leaves on one side comes back on the other, as torch.roll does. A digit does not do "
    "that: fill with zeros.",
    lambda pictures, down, right: pictures.roll((down, right), (1, 2)),
)
shift.slip(
    "the result still has its frame of zeros: cut out a window of the old size.",
    lambda pictures, down, right: _framed(pictures),
)
shift.slip(
    "the window is cut for pictures of 28 by 28. Take height and width from the shape.",
    lambda pictures, down, right: _framed(pictures)[
        :, 2 - down : 30 - down, 2 - right : 30 - right
    ],
)
shift.slip(
    "down and right are exchanged: after the first dimension, rows come before columns.",
    lambda pictures, down, right: _shift(pictures, right, down),
)
shift.slip(
    "the pictures move the other way. To move a picture down, the window on the padded picture "
    "must move up.",
    lambda pictures, down, right: _shift(pictures, -down, -right),
)
shift.slip(
    "the result is larger than the pictures: what you add on one side must go on the other.",
    lambda pictures, down, right: F.pad(pictures, (2 + right, 2 - right, 2 + down, 2 - down)),
)
shift.slip(
    "the pixels were made whole, so a grey of 0.9 became 0. The result must hold the same kind "
    "of number as the pictures: torch.zeros_like(pictures).",
    lambda pictures, down, right: _shift(pictures, down, right).long(),
)

# --- fifty -------------------------------------------------------------------------------

DRAWS = 5  # of fifty pictures; the score is the mean
STEPS = 400  # in each of them

Pictures = Callable[[Tensor], Any]


def fifty_of(draw: int) -> tuple[Tensor, Tensor]:
    """Ten labelled pictures of each of the digits 5 to 9 (classes 0 to 4), from the pool."""
    x, y = (part[:750] for part in task(datasets.load_digits("sample").train, first=5))
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(1000 + draw))
    rows = torch.cat([order[y[order] == label][:10] for label in range(5)])
    return x[rows], y[rows]


def on_sealed_digits(answer: Callable[..., Any]) -> float:
    """The share of sealed digits that answers named, trained on fifty others: the mean over
    several draws of the fifty.

    Raises:
        WrongForm: too many steps, or nothing that could be asked about pictures.
    """
    digits = datasets.load_digits("sample")
    sealed = [task(part, first=5) for part in (digits.valid, digits.test)]
    x, y = (torch.cat(parts) for parts in zip(*sealed, strict=True))
    right = 0
    for draw in range(DRAWS):
        fifty_pictures, body = fifty_of(draw), knows_0_to_4(name="sample")
        training.set_seed(draw)
        with at_most(STEPS):
            made = answer(*fifty_pictures, body)
            right += int((_named(made, x) == y).sum())
    return right / (DRAWS * len(y))


def _named(made: Any, x: Tensor) -> Tensor:
    """The classes that a model or a function gives to pictures, fifty at a time."""
    if not callable(made):
        raise WrongForm(
            f"it returned {type(made).__name__}: return the trained net, or a function that "
            "takes pictures [n, 784] and gives their classes"
        )
    if isinstance(made, nn.Module):
        made.eval()
    said = []
    for rows in x.split(50):
        with torch.no_grad():
            one = torch.as_tensor(made(rows.clone()))
        if one.shape not in ((len(rows),), (len(rows), 5)):
            old = ": is the old head still there?" if one.shape[1:] == (20,) else ""
            raise WrongForm(
                f"what it returned gives the shape {list(one.shape)} for {len(rows)} pictures; "
                f"scores [{len(rows)}, 5] or classes [{len(rows)}] are needed{old}"
            )
        said.append(one.argmax(dim=1) if one.ndim == 2 else one)
    return torch.cat(said)


@contextmanager
def at_most(steps: int) -> Iterator[None]:
    """Let gradients be taken so many times, by whatever optimizer or loop.

    Raises:
        WrongForm: one more.
    """
    kept, taken = (torch.autograd.backward, torch.autograd.grad), 0

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def one_more(*args: Any, **kwargs: Any) -> Any:
            nonlocal taken
            taken += 1
            if taken > steps:
                raise WrongForm(
                    f"it takes more than {steps} steps on fifty pictures. Each backward pass "
                    "counts as one, in every model of an ensemble, and at prediction too"
                )
            return function(*args, **kwargs)

        return one_more

    torch.autograd.backward, torch.autograd.grad = counted(kept[0]), counted(kept[1])
    try:
        yield
    finally:
        torch.autograd.backward, torch.autograd.grad = kept
    if taken > steps:  # the answer has caught what was raised
        raise WrongForm(f"it takes more than {steps} steps on fifty pictures")


def _nearest(x: Tensor, y: Tensor, body: ConvNet) -> Pictures:
    return lambda pictures: y[torch.cdist(pictures, x).argmin(dim=1)]


def _logistic(x: Tensor, y: Tensor, body: ConvNet) -> Pictures:
    found = LogisticRegression(C=1.0, max_iter=1000).fit(x.numpy(), y.numpy())
    return lambda pictures: found.predict(pictures.numpy())


def _head(x: Tensor, y: Tensor, body: ConvNet, steps: int = STEPS, lr: float = 2e-2) -> ConvNet:
    _fit(new_task.reference(body, 5), x, y, steps, lr)
    return body


def _random_body(x: Tensor, y: Tensor, body: ConvNet) -> ConvNet:
    return _head(x, y, ConvNet(n_out=20, n_channels=(16, 32, 64)), lr=0.16)


def _recipe(x: Tensor, y: Tensor, body: ConvNet) -> ConvNet:
    _head(x, y, body, STEPS // 2).requires_grad_(True)
    _fit(body, x, y, STEPS // 2, slice(2e-2 / 500, 2e-2 / 5))
    return body


def _fit(body: ConvNet, x: Tensor, y: Tensor, steps: int, lr: Any) -> None:
    """Batches of 25: two steps in each pass over fifty."""
    watched, loss = (x[:5], y[:5]), F.cross_entropy
    training.fit(body, (x, y), watched, steps // 2, lr, batch_size=25, loss=loss, seed=0)


@challenge(
    score=on_sealed_digits,
    mark=0.93,
    title="Fifty pictures: name the digits 5 to 9",
    percent=True,
    course={
        "the nearest of the fifty": _nearest,
        "logistic regression on pixels": _logistic,
        "a new head on a random body": _random_body,
        "a new head on the frozen body": _head,
        "the recipe: head first, then everything": _recipe,
    },
    why="Fifty labels, and more knowledge than fifty labels hold: what the body had learned, "
    "and what you know about digits yourself and could say in pictures.",
)
def fifty(x: Tensor, y: Tensor, body: ConvNet) -> ConvNet:
    """Everything learns, from tilted and moved copies"""
    body.head[-1] = nn.Linear(256, 5)
    optimizer = torch.optim.AdamW(body.parameters(), lr=5e-3, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=400)
    for _ in range(400):
        bend = torch.eye(2, 3) + 0.12 * torch.randn(len(x), 2, 3)
        places = F.affine_grid(bend, [len(x), 1, 28, 28], align_corners=False)
        bent = F.grid_sample(x.view(-1, 1, 28, 28), places, align_corners=False)
        loss = F.cross_entropy(body(bent.flatten(1)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return body


fifty.slip(
    "this is the label of the nearest of the fifty pictures: fair, but nothing of what the "
    "body knows is in it. Compare what the body makes of them.",
    _nearest,
)
fifty.slip(
    "this is logistic regression on raw pixels: what the body knows is not used.",
    _logistic,
)
