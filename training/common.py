# SPDX-License-Identifier: Apache-2.0
"""What every training script shares: places, checkpoints, the optimiser, the learning-rate curve.

Checkpoints live outside the source tree, in $WEFT_TRAINING (default ~/.cache/weft-training). They are
written to a temporary name and renamed, so an interrupted run leaves the last whole one behind, and the
same command goes on from it.
"""
import fcntl
import os
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "models" / "demo"
SEED = 20240731
# What training multiplies in. PyTorch's bfloat16 is many times slower than float32 where the CPU has no instruction for it.
FAST = torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32


def workdir():
    """The folder of checkpoints, logs and caches; made when absent."""
    path = Path(os.environ.get("WEFT_TRAINING", Path.home() / ".cache" / "weft-training"))
    path.mkdir(parents=True, exist_ok=True)
    return path


def save(path, state):
    """Write a checkpoint whole or not at all."""
    tmp = path.with_suffix(".tmp")
    torch.save(state, tmp)
    os.replace(tmp, path)


def load(path):
    """The checkpoint at path, or None where there is none."""
    return torch.load(path, weights_only=False) if path.exists() else None


def write_bytes(path, data):
    """Write a small file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tmp = path.with_name(path.name + ".tmp")
    tmp.write_bytes(data if isinstance(data, bytes) else data.encode())
    os.replace(tmp, path)


def autocast():
    """Where forward passes multiply."""
    return torch.autocast("cpu", torch.bfloat16, enabled=FAST == torch.bfloat16)


def lr_factor(step, total, warmup=100, decay=0.4):
    """Linear warm-up, a plateau, and a linear fall over the last part of the run."""
    return min(1.0, (step + 1) / warmup, max(0.0, (total - step) / (decay * total)))


def orthogonalise(grad):
    """The nearest (semi-)orthogonal matrices to a stack of them: five quintic Newton-Schulz steps."""
    x = grad.to(FAST)
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.float().norm(dim=(-2, -1), keepdim=True) + 1e-7).to(x.dtype)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.mT if tall else x).float()


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal; for matrices inside blocks. Matrices of one shape go together."""

    def __init__(self, params, lr=0.02, momentum=0.95, weight_decay=0.01):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for p in group["params"]:
                if p.grad is not None:
                    shapes.setdefault(p.shape, []).append(p)
            for params in shapes.values():
                self._update(params, group)

    def _update(self, params, group):
        grads = []
        for p in params:
            buf = self.state[p].setdefault("momentum", torch.zeros_like(p))
            buf.lerp_(p.grad, 1 - group["momentum"])
            grads.append(p.grad.lerp(buf, group["momentum"]))
        rows, cols = params[0].shape
        scale = group["lr"] * max(1.0, rows / cols) ** 0.5
        for p, o in zip(params, orthogonalise(torch.stack(grads))):
            p.mul_(1 - group["lr"] * group["weight_decay"]).add_(o, alpha=-scale)


class Optimiser:
    """Muon for the matrices inside blocks, Adam for everything else, one learning-rate factor for both."""

    def __init__(self, named_params, muon_lr=0.02, adam_lr=2e-3):
        named = [(n, p) for n, p in named_params if p.requires_grad]
        inner = [p for n, p in named if p.ndim == 2 and ("layers." in n or "blocks." in n)]
        rest = [p for _, p in named if not any(p is i for i in inner)]
        self.params = inner + rest
        self.parts = [torch.optim.AdamW(rest, lr=adam_lr, betas=(0.9, 0.98), weight_decay=0.0)]
        self.base = [adam_lr]
        if inner:
            self.parts.insert(0, Muon(inner, lr=muon_lr))
            self.base.insert(0, muon_lr)

    def step(self, factor):
        """One update with both learning rates scaled by factor; gradients are cleared."""
        torch.nn.utils.clip_grad_norm_(self.params, 1.0)
        for part, base in zip(self.parts, self.base):
            for group in part.param_groups:
                group["lr"] = base * factor
            part.step()
            part.zero_grad(set_to_none=True)

    def state_dict(self):
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states):
        for part, state in zip(self.parts, states):
            part.load_state_dict(state)


class Run:
    """A resumable loop: restores model and optimiser, says when to save, and logs."""

    def __init__(self, name, model, optimiser, every_s=120):
        self.path = workdir() / f"{name}.pt"
        self.lock = open(workdir() / f"{name}.lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)   # a second start of one stage waits and then finds it done
        self.model, self.optimiser, self.every_s = model, optimiser, every_s
        self.step, self.spent = 0, 0.0
        state = load(self.path)
        if state:
            model.load_state_dict(state["model"])
            optimiser.load_state_dict(state["optimiser"])
            self.step, self.spent = state["step"], state["spent"]
        self.started = self.saved = time.time()

    def seconds(self):
        """Seconds of training so far, those of earlier starts included."""
        return self.spent + time.time() - self.started

    def save(self):
        save(self.path, {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(),
                         "step": self.step, "spent": self.seconds()})
        self.saved = time.time()

    def advance(self):
        """Count one step; save when the last checkpoint is old enough."""
        self.step += 1
        if time.time() - self.saved > self.every_s:
            self.save()

    def log(self, **values):
        shown = " ".join(f"{k}={v:.4f}" if isinstance(v, float) else f"{k}={v}" for k, v in values.items())
        print(f"step={self.step} seconds={self.seconds():.0f} {shown}", flush=True)
