"""Milliseconds per epoch of a model in PyTorch, one thread, for `fedpress bench train --torch`.

usage: torch_train.py ARCHITECTURE NUM_SAMPLES WARM_UP EPOCHS    prints {"ms": [...], "blas": "..."}
The models, batch size, optimizer and the seeded order of minibatches are those of the command.
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


MODELS = {
    "mlp": lambda: [nn.Flatten(), *dense(784, 200, 200, 10)],
    "cnn": lambda: [*conv(1, 32, 3, "valid"), nn.Flatten(), *dense(5408, 10)],
    "lenet-5": lambda: [*conv(1, 6, 5, "same"), *conv(6, 16, 5, "valid"), nn.Flatten(), *dense(400, 120, 84, 10)],
    "fedavg-cnn": lambda: [*conv(1, 32, 5, "same"), *conv(32, 64, 5, "same"), nn.Flatten(), *dense(3136, 512, 10)],
    "small-cnn": lambda: [*conv(1, 8, 5, "valid"), *conv(8, 16, 5, "valid"), nn.Flatten(), *dense(256, 64, 10)],
    "tiny-cnn": lambda: [*conv(1, 8, 5, "valid"), *conv(8, 16, 5, "valid"), nn.Flatten(), *dense(256, 10)],
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
    inputs = torch.rand(samples, 1, 28, 28)
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
