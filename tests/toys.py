"""Small data and models that several tests train."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

Data = tuple[Tensor, ...]


def points(n: int = 50, seed: int = 0) -> Data:
    """x [n, 3] and a noisy linear function of it [n]."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 3, generator=generator)
    y = x @ torch.tensor([1.0, -2.0, 0.5]) + 0.1 * torch.randn(n, generator=generator)
    return x, y


class Line(nn.Module):
    """A linear layer, and a note of the mode in which each batch met it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.dropout = nn.Linear(3, 1), nn.Dropout(0.5)
        self.seen: list[tuple[bool, bool]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append((self.training, torch.is_grad_enabled()))
        return self.layer(x).squeeze(1)


class Noisy(Line):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.dropout(x))


def weights(model: nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(model.state_dict())


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[key], other[key]) for key in one)


def pictures(n: int = 40) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(n, 64, generator=generator), torch.arange(n) % 3


def normed() -> nn.Sequential:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(64, 6), nn.BatchNorm1d(6), nn.ReLU())
    plain = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6, affine=False), nn.ReLU())
    return nn.Sequential(body, plain, nn.Linear(6, 3))
