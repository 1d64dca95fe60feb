"""Milliseconds per epoch of a model in PyTorch, one thread, for `fedpress bench train --torch`.

usage: torch_train.py ARCHITECTURE NUM_SAMPLES WARM_UP EPOCHS    prints {"ms": [...], "blas": "..."}
nn.GRU resets behind the product and fedpress before it: another cell at nearly the same cost.
The other models, batch size, optimizer and the seeded order of minibatches are those of the command.
"""
import json
import sys
import time

import torch
from torch import nn

torch.set_num_threads(1)


def conv(inputs, outputs, size, padding):
    return [nn.Conv2d(inputs, outputs, size, padding=size // 2 if padding == "same" else 0), nn.ReLU(), nn.MaxPool2d(2)]


def dense(*widths):
    layers = []
    for i in range(len(widths) - 1):
        layers.append(nn.Linear(widths[i], widths[i + 1]))
        if i < len(widths) - 2:
            layers.append(nn.ReLU())
    return layers


def separable(inputs, outputs):
    depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs)
    return [depthwise, nn.ReLU(), nn.Conv2d(inputs, outputs, 1), nn.ReLU()]


class Last(nn.Module):
    """The last step of a recurrent layer's states."""

    def forward(self, outputs):
        return outputs[0][:, -1]


class Positions(nn.Module):
    def __init__(self, steps, units):
        super().__init__()
        self.table = nn.Parameter(torch.empty(steps, units).uniform_(-0.05, 0.05))

    def forward(self, x):
        return x + self.table


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(1)


class Block(nn.Module):
    """An encoder block with the norms first."""

    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x):
        batch, steps, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, steps, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        shares = torch.softmax(q @ k.transpose(-2, -1) / (width // self.heads) ** 0.5, dim=-1)
        x = x + self.out((shares @ v).transpose(1, 2).reshape(batch, steps, width))
        return x + self.dense(self.norm2(x))


MODELS = {
    "softmax-regression": lambda: [nn.Flatten(), *dense(784, 10)],
    "mlp": lambda: [nn.Flatten(), *dense(784, 200, 200, 10)],
    "cnn": lambda: [*conv(1, 32, 3, "valid"), nn.Flatten(), *dense(5408, 10)],
    "lenet-5": lambda: [*conv(1, 6, 5, "same"), *conv(6, 16, 5, "valid"), nn.Flatten(), *dense(400, 120, 84, 10)],
    "fedavg-cnn": lambda: [*conv(1, 32, 5, "same"), *conv(32, 64, 5, "same"), nn.Flatten(), *dense(3136, 512, 10)],
    "small-cnn": lambda: [*conv(1, 8, 5, "valid"), *conv(8, 16, 5, "valid"), nn.Flatten(), *dense(256, 64, 10)],
    "tiny-cnn": lambda: [*conv(1, 8, 5, "valid"), *conv(8, 16, 5, "valid"), nn.Flatten(), *dense(256, 10)],
    "separable-cnn": lambda: [
        *conv(1, 16, 3, "same"),
        *separable(16, 32),
        nn.MaxPool2d(2),
        *separable(32, 64),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.1),
        *dense(64, 10),
    ],
    "lstm": lambda: [nn.LSTM(16, 64, 2, batch_first=True), Last(), *dense(64, 10)],
    "gru": lambda: [nn.GRU(16, 64, 2, batch_first=True), Last(), *dense(64, 10)],
    "transformer": lambda: [
        nn.Embedding(1000, 64),
        Positions(64, 64),
        Block(64, 2, 128),
        Block(64, 2, 128),
        Mean(),
        *dense(64, 10),
    ],
}

INPUTS = {
    "lstm": lambda samples: torch.rand(samples, 50, 16),
    "gru": lambda samples: torch.rand(samples, 50, 16),
    "transformer": lambda samples: torch.randint(0, 1000, (samples, 64)),
}


def blas():
    """Which BLAS the process runs on: with the reference one, torch is many times slower than it can be."""
    try:
        with open("/proc/self/maps") as maps:
            loaded = maps.read()
    except OSError:
        return "unknown"
    return next((name for name in ("openblas", "mkl", "blis", "atlas") if name in loaded), "reference")


def main():
    name, samples, warm_up, epochs = sys.argv[1], *map(int, sys.argv[2:5])
    model = nn.Sequential(*MODELS[name]())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss = nn.CrossEntropyLoss()
    inputs = INPUTS.get(name, lambda count: torch.rand(count, 1, 28, 28))(samples)
    labels = torch.randint(0, 10, (samples,))
    times = []
    for _ in range(warm_up + epochs):
        start = time.perf_counter()
        order = torch.randperm(samples)
        for at in range(0, samples, 32):
            chosen = order[at : at + 32]
            optimizer.zero_grad()
            loss(model(inputs[chosen]), labels[chosen]).backward()
            optimizer.step()
        times.append(1000 * (time.perf_counter() - start))
    print(json.dumps({"ms": times[warm_up:], "blas": blas()}))


main()
