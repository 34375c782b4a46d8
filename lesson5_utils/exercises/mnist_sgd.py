"""Checks for notebook 04: batches, accuracy, one update, what breaks it, momentum, the loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lesson5_utils.exercises import Exercise, Slip, WrongForm, whole_numbers

__all__ = ["accuracy", "batches", "breaks", "momentum", "training_loop", "update", "worst"]


def _scores(n: int, k: int, seed: int) -> Tensor:
    """Scores of n rows for k classes, no two alike."""
    return torch.randn(n, k, generator=torch.Generator().manual_seed(seed))


def _classes(n: int, k: int, seed: int) -> Tensor:
    return torch.randint(k, (n,), generator=torch.Generator().manual_seed(seed))


# --- batches -----------------------------------------------------------------------------

batches = Exercise(
    name="batches",
    reference=lambda x, y, size: [
        (x[i : i + size], y[i : i + size]) for i in range(0, len(x), size)
    ],
    cases=lambda: [
        (whole_numbers(5, 3), torch.arange(5), 2),
        (whole_numbers(4, 2, seed=1), torch.arange(4), 4),
        (whole_numbers(7, 1, seed=2), torch.arange(7), 3),
    ],
    why="A slice of a tensor copies nothing, so a batch costs almost no time. Shuffle the row "
    "numbers first, and you have what training.batches does.",
    slips=[
        Slip(
            "the last rows are missing: a last batch that is not full is a batch too.",
            lambda x, y, size: [
                (x[i : i + size], y[i : i + size]) for i in range(0, len(x) - size + 1, size)
            ],
        ),
        Slip(
            "the windows overlap: let i jump by size, range(0, len(x), size).",
            lambda x, y, size: [(x[i : i + size], y[i : i + size]) for i in range(len(x))],
        ),
        Slip(
            "only x is there. A batch is a pair: the rows of x and the same rows of y.",
            lambda x, y, size: [x[i : i + size] for i in range(0, len(x), size)],
        ),
        Slip(
            "one row of every batch is lost: a slice already stops before its end.",
            lambda x, y, size: [
                (x[i : i + size - 1], y[i : i + size - 1]) for i in range(0, len(x), size)
            ],
        ),
        Slip(
            "the slice that begins at i must end at i + size.",
            lambda x, y, size: [(x[i:size], y[i:size]) for i in range(0, len(x), size)],
        ),
    ],
)

# --- accuracy ----------------------------------------------------------------------------

accuracy = Exercise(
    name="accuracy",
    reference=lambda scores, y: (scores.argmax(dim=1) == y).float().mean(),
    cases=lambda: [
        (torch.tensor([[5.0, 4.0], [0.0, 2.0], [3.0, 1.0]]), torch.tensor([0, 1, 1])),
        (_scores(8, 8, 0), _classes(8, 8, 1)),
        (_scores(20, 3, 2), _classes(20, 3, 3)),
    ],
    why="The largest score is the answer, so no probabilities are needed to count right "
    "answers. The accuracy has no useful gradient (it jumps); that is why we train on a loss.",
    slips=[
        Slip(
            "you looked for the best row of each class (dim=0); we want the best class of "
            "each row (dim=1).",
            lambda scores, y: (scores.argmax(dim=0) == y).float().mean(),
        ),
        Slip(
            "that is the number of right answers; divide by the number of rows.",
            lambda scores, y: (scores.argmax(dim=1) == y).sum(),
        ),
        Slip(
            "that is the share of mistakes.",
            lambda scores, y: (scores.argmax(dim=1) != y).float().mean(),
        ),
        Slip(
            "True and False have no mean: add .float() first.",
            lambda scores, y: (scores.argmax(dim=1) == y).mean(),
        ),
        Slip(
            "max gives the largest score itself; argmax gives its class.",
            lambda scores, y: (scores.max(dim=1).values == y).float().mean(),
        ),
        Slip(
            "without dim=1 argmax gives a single place, that of the largest score of the whole "
            "table.",
            lambda scores, y: (scores.argmax() == y).float().mean(),
        ),
    ],
)

# --- one update --------------------------------------------------------------------------

Update = Callable[..., Any]


def _empty(results: list[Any]) -> bool:
    """Nothing was returned, not even once: the exercise is not answered yet."""
    return all(result is None or result is ... for result in results)


def _known_model(n_in: int, n_out: int) -> nn.Linear:
    model = nn.Linear(n_in, n_out)
    with torch.no_grad():
        model.weight.copy_(whole_numbers(n_out, n_in, seed=5) / 4)
        model.bias.copy_(whole_numbers(n_out, seed=6) / 4)
    return model


def _use_update(update: Update) -> Callable[..., Any]:
    """Two steps from known weights: the second shows whether gradients were set to zero."""

    def use(x: Tensor, y: Tensor, lr: float, wd: float) -> Any:
        model = _known_model(x.shape[1], int(y.max()) + 1)
        losses = [update(model, x.clone(), y.clone(), lr, wd) for _ in range(2)]
        if _empty(losses):
            return losses[0]
        return {
            "weights after two steps": model.weight,
            "bias after two steps": model.bias,
            "losses": [torch.as_tensor(loss).detach() for loss in losses],
            "kind of loss": type(losses[0]).__name__,
        }

    return use


def _update(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    lr: float,
    wd: float,
    *,
    penalty: float = 1.0,
    backward: bool = True,
    grad: bool = False,
    zero: bool = True,
    sign: float = 1.0,
) -> Tensor:
    loss = F.cross_entropy(model(x), y)
    loss = loss + penalty * wd * sum(p.square().sum() for p in model.parameters())
    if backward:
        loss.backward()
    with torch.set_grad_enabled(grad):
        for p in model.parameters():
            p -= sign * lr * p.grad  # type: ignore[misc, operator]
            if zero:
                p.grad.zero_()  # type: ignore[union-attr]
    return loss


def _loss_only(model: nn.Module, x: Tensor, y: Tensor, lr: float, wd: float) -> float:
    plain = F.cross_entropy(model(x), y).item()
    _update(model, x, y, lr, wd)
    return plain


def _half_in_the_step(model: nn.Module, x: Tensor, y: Tensor, lr: float, wd: float) -> float:
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= lr * (p.grad + wd * p)  # type: ignore[misc, operator]
            p.grad.zero_()  # type: ignore[union-attr]
    return loss.item()


update = Exercise(
    name="update",
    reference=lambda *case: _update(*case).item(),
    through=lambda answer, *case: _use_update(answer)(*case),
    cases=lambda: [
        (whole_numbers(6, 3), torch.tensor([0, 1, 2, 0, 1, 2]), 0.1, 0.01),
        (whole_numbers(4, 2, seed=1), torch.tensor([0, 1, 1, 0]), 0.5, 0.1),
    ],
    why="Predict, loss, gradient, step, zero: every optimizer and every training loop in this "
    "course is a variation of these lines.",
    slips=[
        Slip(
            "the gradients are not set to zero after the step, so the second step takes the "
            "first gradient once more: p.grad.zero_().",
            lambda *case: _update(*case, zero=False).item(),
        ),
        Slip(
            "the penalty is missing: add wd times the sum of all squared parameters.",
            lambda *case: _update(*case, penalty=0.0).item(),
        ),
        Slip(
            "backward() is missing, so p.grad is None.",
            lambda *case: _update(*case, backward=False).item(),
        ),
        Slip(
            "the step must not be recorded: put it under with torch.no_grad().",
            lambda *case: _update(*case, grad=True).item(),
        ),
        Slip(
            "you returned the loss as a tensor. It keeps the way back to every activation; "
            "return loss.item().",
            _update,
        ),
        Slip(
            "you went uphill: the step is minus lr times the gradient.",
            lambda *case: _update(*case, sign=-1.0).item(),
        ),
        Slip(
            "the weights are right, but you returned the loss without its penalty.",
            _loss_only,
        ),
        Slip(
            "the weights do not move: `p = p - ...` makes a new tensor, and the model keeps "
            "the old one. Change p in place: `p -= lr * p.grad`.",
            lambda *case: _update(*case, sign=0.0).item(),
        ),
        Slip(
            "that is half of the penalty. The gradient of wd * p² is 2 * wd * p; if you let "
            "backward() find it, add wd * p² to the loss.",
            _half_in_the_step,
        ),
        Slip(
            "that is half of the penalty: no factor 1/2 is asked for here.",
            lambda *case: _update(*case, penalty=0.5).item(),
        ),
    ],
)

# --- what breaks -------------------------------------------------------------------------


def _breaks(backward: str, no_grad: str, zeroing: str) -> Callable[[str], str]:
    said = {"backward": backward, "no_grad": no_grad, "zeroing": zeroing}
    return lambda without: said[without]


breaks = Exercise(
    name="breaks",
    reference=_breaks("error", "error", "wrong steps"),
    cases=lambda: [("backward",), ("no_grad",), ("zeroing",)],
    why="Two of the three mistakes stop you at once. The third runs, and its loss even falls "
    "for a while: only a curve and a validation accuracy give it away.",
    slips=[
        Slip(
            "without zeroing nothing is forbidden: backward() adds to the old gradient, as it "
            "is meant to. What does the step use then?",
            _breaks("error", "error", "error"),
        ),
        Slip(
            "without zeroing the weights do move, by the sum of all gradients so far.",
            _breaks("error", "error", "no learning"),
        ),
        Slip(
            "before the first backward() p.grad is not zero but None, and lr * None is an "
            "error.",
            _breaks("no learning", "error", "wrong steps"),
        ),
        Slip(
            "without no_grad PyTorch would have to record a change of the very tensor whose "
            "gradient it computes; it refuses.",
            _breaks("error", "wrong steps", "wrong steps"),
        ),
        Slip(
            "without no_grad PyTorch does not skip the step: it refuses to change a tensor "
            "whose gradient it computes.",
            _breaks("error", "no learning", "wrong steps"),
        ),
    ],
)

# --- the worst mistakes ------------------------------------------------------------------


def _by(measure: Callable[[Tensor, Tensor], Tensor], largest: bool = True) -> Update:
    return lambda scores, y, k: measure(scores, y).topk(k, largest=largest).indices


def _losses(scores: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(scores, y, reduction="none")


worst = Exercise(
    name="worst",
    reference=_by(_losses),
    cases=lambda: [
        (_scores(6, 3, 0), _classes(6, 3, 1), 2),
        (_scores(30, 10, 2), _classes(30, 10, 3), 5),
        (_scores(4, 2, 4), _classes(4, 2, 5), 1),
    ],
    why="The loss of one row is large when the model was sure and wrong. Those rows teach most "
    "about the model, and often about the data: some labels are simply wrong.",
    slips=[
        Slip("those are the smallest losses: the best answers.", _by(_losses, largest=False)),
        Slip(
            "you took the most certain predictions; many of them are right. Compare with y.",
            _by(lambda scores, y: scores.softmax(dim=1).max(dim=1).values),
        ),
        Slip(
            "you took the least certain predictions. A mistake made with certainty is worse.",
            _by(lambda scores, y: scores.softmax(dim=1).max(dim=1).values, largest=False),
        ),
        Slip(
            "you returned the losses; topk returns .values and .indices, we want the indices.",
            lambda scores, y, k: _losses(scores, y).topk(k).values,
        ),
        Slip(
            "topk returns two things, .values and .indices; return the indices only.",
            lambda scores, y, k: _losses(scores, y).topk(k),
        ),
    ],
)

# --- momentum ----------------------------------------------------------------------------


def _use_momentum(update: Update) -> Callable[..., Any]:
    """Three steps from known weights, with one buffer of zeros for each parameter."""

    def use(x: Tensor, y: Tensor, lr: float, beta: float) -> Any:
        model = _known_model(x.shape[1], int(y.max()) + 1)
        buffers = [torch.zeros_like(p) for p in model.parameters()]
        steps = range(3)
        losses = [update(model, x.clone(), y.clone(), lr, beta, buffers) for _ in steps]
        if _empty(losses):
            return losses[0]
        return {
            "weights after three steps": model.weight,
            "bias after three steps": model.bias,
            "losses": [torch.as_tensor(loss).detach() for loss in losses],
        }

    return use


def _momentum(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    lr: float,
    beta: float,
    buffers: list[Tensor],
    *,
    share: float | None = None,
    keep: bool = True,
    late: bool = False,
    zero: bool = True,
) -> float:
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    with torch.no_grad():
        for p, buffer in zip(model.parameters(), buffers, strict=True):
            gradient = p.grad if share is None else share * p.grad  # type: ignore[operator]
            before = buffer.clone()
            moved = beta * buffer + gradient  # type: ignore[operator]
            if keep:
                buffer.copy_(moved)
            p -= lr * (before if late else moved)  # type: ignore[misc]
            if zero:
                p.grad.zero_()  # type: ignore[union-attr]
    return loss.item()


momentum = Exercise(
    name="momentum",
    reference=_momentum,
    through=lambda answer, *case: _use_momentum(answer)(*case),
    cases=lambda: [
        (whole_numbers(6, 3), torch.tensor([0, 1, 2, 0, 1, 2]), 0.1, 0.9),
        (whole_numbers(4, 2, seed=1), torch.tensor([0, 1, 1, 0]), 0.2, 0.5),
    ],
    why="The buffer remembers the steps so far: where gradients agree they add up, where they "
    "change sign they cancel. That is torch.optim.SGD(..., momentum=beta).",
    slips=[
        Slip(
            "those are the steps of plain SGD. Either p moves by its gradient instead of the "
            "buffer, or the buffers stay at 0: `buffer = ...` makes a new tensor that is lost "
            "after the call. Change it in place, with buffer.mul_(beta).add_(p.grad).",
            lambda *case: _momentum(*case, keep=False),
        ),
        Slip(
            "you multiplied the gradient by 1 - beta, as the lecture's spreadsheet does. Here "
            "the whole gradient is added, as in torch.optim.SGD.",
            lambda *case: _momentum(*case, share=1 - case[4]),
        ),
        Slip(
            "the step uses the buffer from before the new gradient: update the buffer first.",
            lambda *case: _momentum(*case, late=True),
        ),
        Slip(
            "the gradients are not set to zero, so they add up twice: in p.grad and in the "
            "buffer.",
            lambda *case: _momentum(*case, zero=False),
        ),
    ],
)

# --- the whole loop ----------------------------------------------------------------------


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


def _use_loop(train: Callable[..., Any]) -> Callable[..., Any]:
    """Train on the case, then measure the returned model on the held-out rows ourselves."""

    def use(x: Tensor, y: Tensor, valid_x: Tensor, valid_y: Tensor, epochs: int) -> Any:
        torch.manual_seed(0)
        result = train(x, y, valid_x.clone(), valid_y.clone(), epochs)
        if result is None or result is ...:
            return result
        if not (isinstance(result, tuple | list) and len(result) == 2):
            raise WrongForm("return two: the model, and the list of accuracies")
        model, reported = result
        if not callable(model) or not isinstance(reported, tuple | list):
            raise WrongForm(
                "return the model first, then a list with one accuracy for each epoch"
            )
        with torch.no_grad():
            share = (model(valid_x).argmax(dim=1) == valid_y).float().mean().item()
        last = float(reported[-1]) if len(reported) else -1.0
        kept = abs(last - share) < 1e-3
        return {
            "accuracies": f"{len(reported)} for {epochs} epochs",
            "held-out rows": "classified well" if share >= 0.88 else "classified badly",
            "last accuracy": "measured on the held-out rows" if kept else "something else",
        }

    return use


def _loop(
    x: Tensor,
    y: Tensor,
    valid_x: Tensor,
    valid_y: Tensor,
    epochs: int,
    *,
    step: bool = True,
    on_train: bool = False,
    every_batch: bool = False,
) -> tuple[nn.Module, list[float]]:
    n_in, n_out = x.shape[1], int(y.max()) + 1
    model = nn.Sequential(nn.Linear(n_in, 50), nn.ReLU(), nn.Linear(50, n_out))
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
            if step:
                optimizer.step()
            if every_batch:
                measure()
        if not every_batch:
            measure()
    return model, accuracies


training_loop = Exercise(
    name="training_loop",
    reference=_loop,
    through=lambda answer, *case: _use_loop(answer)(*case),
    cases=lambda: [
        (*_islands(2, 2, 0.9, 0), 20),
        (*_islands(3, 4, 0.6, 1), 20),
    ],
    why="From a blank cell: batches, predict, loss, gradient, step, zero, and an honest "
    "accuracy after each epoch. This loop trains every model in this course.",
    slips=[
        Slip(
            "the model guesses. Either its weights never move (is there a step, with these "
            "parameters?), or it is one affine layer: each class lives in two places here, so "
            "a hidden layer with a ReLU is needed.",
            lambda *case: _loop(*case, step=False),
        ),
        Slip(
            "the last accuracy is not that of the validation rows: measure on valid_x and "
            "valid_y, after the epoch, as a share from 0 to 1.",
            lambda *case: _loop(*case, on_train=True),
        ),
        Slip(
            "there is one accuracy for each batch; measure once after each epoch.",
            lambda *case: _loop(*case, every_batch=True),
        ),
        Slip(
            "return both, model first: return model, accuracies.",
            lambda *case: _loop(*case)[0],
        ),
        Slip(
            "the second problem is not learned well. Are the gradients set to zero before each "
            "backward()?",
            lambda *case: _loop(*case, step=int(case[1].max()) == 1),
        ),
    ],
)
