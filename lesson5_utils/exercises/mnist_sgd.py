"""Checks for notebook 04: accuracy, batches, one update and its bugs, a control, momentum, the
loop."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lesson5_utils.exercises import WrongForm, exercise, real_numbers, whole_numbers
from lesson5_utils.exercises.engine.whole_loop import judge_loop

__all__ = [
    "accuracy",
    "batches",
    "bugs",
    "control",
    "momentum",
    "training_loop",
    "update",
    "worst",
]


def _classes(n: int, k: int, seed: int = 0) -> Tensor:
    return torch.randint(k, (n,), generator=torch.Generator().manual_seed(seed))


# --- batches -----------------------------------------------------------------------------

Batches = list[tuple[Tensor, Tensor]]


def _slices(x: Tensor, y: Tensor, starts: range, size: int) -> Batches:
    return [(x[i : i + size], y[i : i + size]) for i in starts]


@exercise(
    cases=lambda: [
        (whole_numbers(5, 3), torch.arange(5), 2),
        (real_numbers(4, 2, seed=1), torch.arange(4), 4),
        (real_numbers(7, 1, seed=2), torch.arange(7), 3),
        (real_numbers(3, 2, seed=3), torch.tensor([9, 0, 9]), 1),
        (real_numbers(2, 2, seed=4), torch.tensor([1, 0]), 64),
    ],
    why="A slice of a tensor copies nothing, so a batch costs almost no time. Shuffle the row "
    "numbers first, and you have what training.batches does.",
)
def batches(x: Tensor, y: Tensor, size: int) -> Batches:
    return _slices(x, y, range(0, len(x), size), size)


batches.slip(
    "the last rows are missing: a last batch that is not full is a batch too.",
    lambda x, y, size: _slices(x, y, range(0, len(x) - size + 1, size), size),
)
batches.slip(
    "the windows overlap: let i jump by size, range(0, len(x), size).",
    lambda x, y, size: _slices(x, y, range(len(x)), size),
)
batches.slip(
    "only x is there. A batch is a pair: the rows of x and the same rows of y.",
    lambda x, y, size: [x[i : i + size] for i in range(0, len(x), size)],
)
batches.slip(
    "one row of every batch is lost: a slice already stops before its end.",
    lambda x, y, size: _slices(x, y, range(0, len(x), size), size - 1),
)
batches.slip(
    "the slice that begins at i must end at i + size.",
    lambda x, y, size: [(x[i:size], y[i:size]) for i in range(0, len(x), size)],
)
batches.slip(
    "your classes are real numbers (3.0 instead of 3). Cross-entropy wants whole numbers: "
    "leave y as it is.",
    lambda x, y, size: _slices(x, y.float(), range(0, len(x), size), size),
)

# --- accuracy ----------------------------------------------------------------------------


def _share(right: Tensor) -> Tensor:
    return right.float().mean()


@exercise(
    cases=lambda: [
        (torch.tensor([[5.0, 4.0], [0.0, 2.0], [3.0, 1.0]]), torch.tensor([0, 1, 1])),
        (torch.tensor([[5.5, 4.5], [0.5, 1.0]]), torch.tensor([0, 1])),
        (real_numbers(8, 8), _classes(8, 8, 1)),
        (real_numbers(20, 3, seed=2), _classes(20, 3, 3)),
        (torch.tensor([[1000.0, 2000.0], [-2000.0, -1000.5]]), torch.tensor([1, 1])),
        (torch.tensor([[0.2, -0.3, 0.1]]), torch.tensor([0])),
    ],
    why="The largest score is the answer, so no probabilities are needed to count right "
    "answers. The accuracy has no useful gradient (it jumps); that is why we train on a loss.",
)
def accuracy(scores: Tensor, y: Tensor) -> Tensor:
    return _share(scores.argmax(dim=1) == y)


accuracy.slip(
    "you looked for the best row of each class (dim=0); we want the best class of each row "
    "(dim=1).",
    lambda scores, y: _share(scores.argmax(dim=0) == y),
)
accuracy.slip(
    "that is the number of right answers; divide by the number of rows.",
    lambda scores, y: (scores.argmax(dim=1) == y).sum(),
)
accuracy.slip(
    "// drops everything after the point, so one mistake makes it 0: divide by /.",
    lambda scores, y: (scores.argmax(dim=1) == y).sum() // len(y),
)
accuracy.slip(
    "that is the share of mistakes.",
    lambda scores, y: _share(scores.argmax(dim=1) != y),
)
accuracy.slip(
    "it is in percent; give the share, from 0 to 1.",
    lambda scores, y: 100 * _share(scores.argmax(dim=1) == y),
)
accuracy.slip(
    "True and False have no mean: add .float() first.",
    lambda scores, y: (scores.argmax(dim=1) == y).mean(),
)
accuracy.slip(
    "max gives the largest score itself; argmax gives its class.",
    lambda scores, y: _share(scores.max(dim=1).values == y),
)
accuracy.slip(
    "without dim=1 argmax gives a single place, that of the largest score of the whole table.",
    lambda scores, y: _share(scores.argmax() == y),
)
accuracy.slip(
    "e to the power of a large score is more than a float can hold, so all such scores look "
    "alike. Compare the scores themselves.",
    lambda scores, y: _share(scores.exp().argmax(dim=1) == y),
)

# --- one update --------------------------------------------------------------------------

STEPS = 4


def _known_model(widths: list[int]) -> nn.Module:
    """Affine layers of these widths with ReLU between them; one layer stands alone."""
    layers = [nn.Linear(a, b) for a, b in pairwise(widths)]
    with torch.no_grad():
        for seed, layer in enumerate(layers):
            layer.weight.copy_(real_numbers(*layer.weight.shape, seed=seed) / 4)
            layer.bias.copy_(real_numbers(*layer.bias.shape, seed=seed + 9) / 4)
    if len(layers) == 1:
        return layers[0]
    return nn.Sequential(*[part for one in layers for part in (one, nn.ReLU())][:-1])


def _steps(model: nn.Module, step: Callable[[], Any]) -> dict[str, Any]:
    """Several steps from known weights: later ones show whether gradients were set to zero."""
    losses = [step() for _ in range(STEPS)]
    if any(isinstance(loss, Tensor) and loss.requires_grad for loss in losses):
        raise WrongForm(
            "you returned the loss as a tensor that still knows how it was computed, and so "
            "keeps all of that in memory. Return the number: loss.item()"
        )
    return {f"weights after {STEPS} steps": list(model.parameters()), "losses": losses}


def _use_update(
    step: Callable[..., Any], layers: list[int], x: Tensor, y: Tensor, lr: float, wd: float
) -> Any:
    model = _known_model(layers)
    return _steps(model, lambda: step(model, x, y, lr, wd))


def _step(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    move: Callable[[int, Any], object],
    wd: float = 0.0,
    *,
    backward: bool = True,
    recorded: bool = False,
    zero: bool = True,
) -> Tensor:
    """One step in which parameter number i is moved by `move(i, p)`, with what can go wrong."""
    loss = F.cross_entropy(model(x), y)
    loss = loss + wd * sum(p.square().sum() for p in model.parameters())
    if backward:
        loss.backward()
    with torch.set_grad_enabled(recorded):
        for i, p in enumerate(model.parameters()):
            move(i, p)
            if zero and p.grad is not None:
                p.grad.zero_()
    return loss


def _update(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    lr: float,
    wd: float,
    *,
    rate: float = 1.0,
    penalty: float = 1.0,
    decay: float = 0.0,
    **wrong: bool,
) -> float:
    """`rate` times the step; `penalty` times wd · p² in the loss, `decay` times wd · p added to
    the gradient."""

    def move(_: int, p: Any) -> None:
        p.sub_(rate * lr * p.grad + decay * lr * wd * p)

    return _step(model, x, y, move, penalty * wd, **wrong).item()


def _single_layer(step: Callable[..., float]) -> Callable[..., float]:
    """Works only where the model itself has a weight, as in a step that names it."""

    def wrong(model: Any, *rest: Any) -> float:
        assert model.weight is not None
        return step(model, *rest)

    return wrong


@exercise(
    through=_use_update,
    cases=lambda: [
        ([3, 3], whole_numbers(6, 3), torch.tensor([0, 1, 2, 0, 1, 2]), 0.1, 0.01),
        ([2, 4, 2], real_numbers(4, 2, seed=1), torch.tensor([0, 1, 1, 0]), 0.2, 0.05),
        ([2, 3], real_numbers(3, 2, seed=2) * 500, torch.tensor([2, 0, 1]), 1e-4, 0.01),
        ([4, 2], real_numbers(1, 4, seed=3), torch.tensor([1]), 0.5, 0.0),
    ],
    why="Predict, loss, gradient, step, zero: every optimizer and every training loop in this "
    "course is a variation of these lines.",
)
def update(model: nn.Module, x: Tensor, y: Tensor, lr: float, wd: float) -> float:
    return _update(model, x, y, lr, wd)


update.slip(
    "the gradients are not set to zero after the step, so the next step takes them once more: "
    "p.grad.zero_().",
    lambda *case: _update(*case, zero=False),
)
update.slip(
    "the penalty is missing: add wd times the sum of all squared parameters.",
    lambda *case: _update(*case, penalty=0.0),
)
update.slip(
    "backward() is missing, so p.grad is None.", lambda *case: _update(*case, backward=False)
)
update.slip(
    "the step must not be recorded: put it under with torch.no_grad().",
    lambda *case: _update(*case, recorded=True),
)
update.slip(
    "you went uphill: the step is minus lr times the gradient.",
    lambda *case: _update(*case, rate=-1.0),
)
update.slip(
    "the weights do not move: `p = p - ...` makes a new tensor, and the model keeps the old "
    "one. Change p in place: `p -= lr * p.grad`.",
    lambda *case: _update(*case, rate=0.0),
)
update.slip(
    "that is half of the penalty: no factor 1/2 is asked for here.",
    lambda *case: _update(*case, penalty=0.5),
)
update.slip(
    "that is half of the penalty. The gradient of wd * p² is 2 * wd * p; if you let backward() "
    "find it, add wd * p² to the loss.",
    lambda *case: _update(*case, penalty=0.0, decay=1.0),
)
update.slip(
    "the weights are right, but you returned the loss without its penalty.",
    lambda *case: _update(*case, penalty=0.0, decay=2.0),
)
update.slip(
    "`model.weight` and `model.bias` are there if the model is a single layer. For any model, "
    "go over model.parameters().",
    _single_layer(update.reference),
)


@update.slip(
    "the loss has its penalty, but no gradient flows from it, so the weights do not decay: no "
    ".item(), .detach(), .data or no_grad() in the penalty."
)
def _(model: nn.Module, x: Tensor, y: Tensor, lr: float, wd: float) -> float:
    added = wd * sum(p.square().sum().item() for p in model.parameters())
    return _update(model, x, y, lr, wd, penalty=0.0) + added


# --- name the bug ------------------------------------------------------------------------

LINES = ("backward", "no_grad", "zeroing", "in place")
LOGS = ("Ana", "Bruno", "Carla", "Davi")


def _named(*lines: str) -> dict[str, str]:
    return dict(zip(LOGS, lines, strict=True))


@exercise(
    kind="diagnose",
    choices=LINES,
    why="Two of the four mistakes stop you at once, and the message names the line. The other "
    "two run without a word: only a curve and a validation accuracy give them away.",
)
def bugs() -> dict[str, str]:
    return _named("in place", "no_grad", "zeroing", "backward")


bugs.slip(
    "Carla's loss moves, first down and then up, so her weights do change. Ana's does not move "
    "at all. What would each of them see, if `p` became a new tensor?",
    lambda: _named("zeroing", "no_grad", "in place", "backward"),
)
bugs.slip(
    "both pairs are the wrong way round. What is p.grad before the first backward()? And whose "
    "weights change at all?",
    lambda: _named("zeroing", "backward", "in place", "no_grad"),
)
bugs.slip(
    "Bruno and Davi are the wrong way round. `NoneType`: a number was expected, and None was "
    "there. What is p.grad before the first backward()?",
    lambda: _named("in place", "backward", "zeroing", "no_grad"),
)
bugs.slip(
    "without backward() p.grad is not 0 but None, and `lr * None` is an error. So whoever saw "
    "no error did call backward().",
    lambda: _named("backward", "no_grad", "zeroing", "in place"),
)

# --- the arm that decides ----------------------------------------------------------------

KEPT = [1.0] * 6


@exercise(
    kind="design",
    why="All is alike but the one thing in question: the same start, the same batches, as many "
    "steps. Such a run is called a control.",
)
def control() -> list[float]:
    return KEPT


control.slip(
    "that is the run that we have. A control must be without the one thing in question.",
    lambda: [1.0] * 4 + [0.1] * 2,
)
control.slip(
    "this run is at the low rate from the start, so its first four epochs are other ones too: "
    "two things have changed.",
    lambda: [0.1] * 6,
)
control.slip(
    "this run ends after four epochs. Two more epochs lower the loss at any rate, and that is "
    "what you want to know: by how much?",
    lambda: [1.0] * 4,
)
control.slip(
    "the order is turned round, so the first four epochs are other ones too.",
    lambda: [0.1] * 2 + [1.0] * 4,
)
control.slip(
    "low first and high last: nothing in this run is as it was in ours.",
    lambda: [0.1] * 4 + [1.0] * 2,
)

# --- the worst mistakes ------------------------------------------------------------------


def _by(measure: Callable[[Tensor, Tensor], Tensor], largest: bool = True) -> Any:
    return lambda scores, y, k: measure(scores, y).topk(k, largest=largest).indices


def _losses(scores: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(scores, y, reduction="none")


def _of_truth(scores: Tensor, y: Tensor) -> Tensor:
    """The probability that each row gives to its true class."""
    return scores.softmax(dim=1)[range(len(y)), y]


def _certainty(scores: Tensor, y: Tensor) -> Tensor:
    return scores.softmax(dim=1).max(dim=1).values


@exercise(
    cases=lambda: [
        (real_numbers(6, 3), _classes(6, 3, 1), 2),
        (real_numbers(30, 10, seed=2), _classes(30, 10, 3), 5),
        (real_numbers(1, 2, seed=4), torch.tensor([1]), 1),
        (
            torch.tensor([[0, 400.5], [0.5, -0.5], [2000.0, 0], [0, 250], [9, 1000], [0, 300]]),
            torch.tensor([0, 0, 1, 0, 0, 0]),
            4,
        ),
    ],
    why="The loss of one row is large when the model was sure and wrong. Those rows teach most "
    "about the model, and often about the data: some labels are simply wrong.",
)
def worst(scores: Tensor, y: Tensor, k: int) -> Tensor:
    return _losses(scores, y).topk(k).indices


worst.slip("those are the smallest losses: the best answers.", _by(_losses, largest=False))
worst.slip(
    "those are the right rows, but in another order: the largest loss comes first.",
    lambda scores, y, k: _losses(scores, y).topk(k).indices.flip(0),
)
worst.slip(
    "you took the most certain predictions; many of them are right. Compare with y.",
    _by(_certainty),
)
worst.slip(
    "you took the least certain predictions. A mistake made with certainty is worse.",
    _by(_certainty, largest=False),
)
worst.slip(
    "where the model is very sure and wrong, the probability of the true class is rounded to "
    "0, so all those rows look alike. F.cross_entropy takes the scores and tells them apart.",
    _by(_of_truth, largest=False),
)
worst.slip(
    "you returned the losses; topk returns .values and .indices, we want the indices.",
    lambda scores, y, k: _losses(scores, y).topk(k).values,
)
worst.slip(
    "topk returns two things, .values and .indices; return the indices only.",
    lambda scores, y, k: _losses(scores, y).topk(k),
)

# --- momentum ----------------------------------------------------------------------------


def _use_momentum(
    step: Callable[..., Any], layers: list[int], x: Tensor, y: Tensor, lr: float, beta: float
) -> Any:
    """With one buffer of zeros for each parameter."""
    model = _known_model(layers)
    buffers = [torch.zeros_like(p) for p in model.parameters()]
    found = _steps(model, lambda: step(model, x, y, lr, beta, buffers))
    return {**found, "buffers": buffers}


def _momentum(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    lr: float,
    beta: float,
    buffers: list[Tensor],
    *,
    follow: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda old, new, grad: new,
    keep: bool = True,
    share: float = 1.0,
    **wrong: bool,
) -> float:
    """The step follows what `follow` makes of the old buffer, the new one and the gradient."""

    def move(i: int, p: Any) -> None:
        old, new = buffers[i].clone(), beta * buffers[i] + share * p.grad
        if keep:
            buffers[i].copy_(new)
        p.sub_(lr * follow(old, new, p.grad))

    return _step(model, x, y, move, **wrong).item()


@exercise(
    through=_use_momentum,
    cases=lambda: [
        ([3, 3], whole_numbers(6, 3), torch.tensor([0, 1, 2, 0, 1, 2]), 0.1, 0.9),
        ([2, 4, 2], real_numbers(4, 2, seed=1), torch.tensor([0, 1, 1, 0]), 0.2, 0.5),
        ([2, 3], real_numbers(1, 2, seed=2), torch.tensor([2]), 0.03, 0.99),
    ],
    why="The buffer remembers the steps so far: where gradients agree they add up, where they "
    "change sign they cancel. That is torch.optim.SGD(..., momentum=beta).",
)
def momentum(
    model: nn.Module, x: Tensor, y: Tensor, lr: float, beta: float, buffers: list[Tensor]
) -> float:
    return _momentum(model, x, y, lr, beta, buffers)


momentum.slip(
    "those are the steps of plain SGD, because the buffers stay at 0: `buffer = ...` makes a "
    "new tensor that is lost after the call. Change it in place, with "
    "buffer.mul_(beta).add_(p.grad).",
    lambda *case: _momentum(*case, keep=False),
)
momentum.slip(
    "the buffers are right, but p moves by its gradient; it must move by its buffer.",
    lambda *case: _momentum(*case, follow=lambda old, new, grad: grad),
)
momentum.slip(
    "you multiplied the gradient by 1 - beta, as the lecture's spreadsheet does. Here the "
    "whole gradient is added, as in torch.optim.SGD.",
    lambda *case: _momentum(*case, share=1 - case[4]),
)
momentum.slip(
    "the step uses the buffer from before the new gradient: update the buffer first.",
    lambda *case: _momentum(*case, follow=lambda old, new, grad: old),
)
momentum.slip(
    "the gradients are not set to zero, so they add up twice: in p.grad and in the buffer.",
    lambda *case: _momentum(*case, zero=False),
)
momentum.slip(
    "the steps are right, but lr is already in the buffer. It holds gradients; multiply by lr "
    "in the step.",
    lambda *case: _momentum(*case, share=case[3], follow=lambda old, new, grad: new / case[3]),
)
momentum.slip(
    "`model.weight` and `model.bias` are there if the model is a single layer. For any model, "
    "go over model.parameters().",
    _single_layer(momentum.reference),
)

# --- the whole loop ----------------------------------------------------------------------

Trained = tuple[nn.Module, list[float]]


def _islands(n_classes: int, n_in: int, noise: float, seed: int) -> tuple[Tensor, ...]:
    """Points around two centres for each class, so that no straight line can part them."""
    made = torch.Generator().manual_seed(seed)
    angle = torch.arange(2 * n_classes) * torch.pi / n_classes
    centres = torch.zeros(2 * n_classes, n_in)
    centres[:, 0], centres[:, 1] = 3 * angle.cos(), 3 * angle.sin()
    which = torch.arange(600) % (2 * n_classes)
    x = centres[which] + noise * torch.randn(600, n_in, generator=made)
    y = which % n_classes
    return x[:480], y[:480], x[480:], y[480:]


def _net(n_in: int, n_out: int) -> nn.Module:
    return nn.Sequential(nn.Linear(n_in, 50), nn.ReLU(), nn.Linear(50, n_out))


def _loop(
    x: Tensor,
    y: Tensor,
    valid_x: Tensor,
    valid_y: Tensor,
    epochs: int,
    *,
    on_train: bool = False,
    every_batch: bool = False,
) -> Trained:
    model = _net(x.shape[1], int(y.max()) + 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    accuracies: list[float] = []

    def measure() -> None:
        seen_x, seen_y = (x, y) if on_train else (valid_x, valid_y)
        with torch.no_grad():
            accuracies.append((model(seen_x).argmax(dim=1) == seen_y).float().mean().item())

    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(48):
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
            if every_batch:
                measure()
        if not every_batch:
            measure()
    return model, accuracies


@exercise(
    through=judge_loop,
    cases=lambda: [(*_islands(2, 2, 0.9, 0), 20), (*_islands(3, 4, 0.6, 1), 20)],
    why="From a blank cell: batches, predict, loss, gradient, step, zero, and an honest "
    "accuracy after each epoch. This loop trains every model in this course.",
)
def training_loop(
    x: Tensor, y: Tensor, valid_x: Tensor, valid_y: Tensor, epochs: int
) -> Trained:
    return _loop(x, y, valid_x, valid_y, epochs)


training_loop.slip(
    "the last accuracy is not that of the validation rows: measure on valid_x and valid_y, "
    "after the epoch, as a share from 0 to 1.",
    lambda *case: _loop(*case, on_train=True),
)
training_loop.slip(
    "there is one accuracy for each batch; measure once after each epoch.",
    lambda *case: _loop(*case, every_batch=True),
)


@training_loop.slip(
    "there is a single accuracy, from after the last epoch. Measure inside the loop over the "
    "epochs, after the batches of each.",
)
def _(*case: Any) -> Trained:
    model, accuracies = _loop(*case)
    return model, accuracies[-1:]
