"""Trains what the engine trains, in binary32, with JAX on the CPU.

usage: train.py FOLDER THREADS

The folder is written by `assay-benches`: `job.json` (the `training` object of a job as in
docs/models.md, `warm` steps that are not timed), `initial.safetensors` (the first weights) and
`batches.safetensors` (the inputs of every step, and of those batches that judge). 0 threads stands
for one per core. Writes one JSON object to standard output: what `Outcome` in
benches/src/contest.rs reads.
"""

import json
import math
import os
import sys
import time
from functools import partial
from pathlib import Path

folder, threads = Path(sys.argv[1]), int(sys.argv[2])
cores = sorted(os.sched_getaffinity(0))
if threads:
    # XLA starts as many threads as the process has cores, so this comes before it.
    os.sched_setaffinity(0, set(cores[:threads]))

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file

jax.config.update("jax_default_matmul_precision", "highest")


def layer_norm(w, name, x):
    mean = x.mean(-1, keepdims=True)
    centred = x - mean
    variance = (centred * centred).mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt(variance + 1e-5) * w[f"{name}.weight"] + w[f"{name}.bias"]


def linear(w, name, x):
    return x @ w[f"{name}.weight"] + w[f"{name}.bias"]


def gpt(model, w, tokens):
    batch, context = tokens.shape
    heads, width = model["heads"], model["width"]
    mask = jnp.tril(jnp.ones((context, context), bool))
    x = w["transformer.wte.weight"][tokens] + w["transformer.wpe.weight"]
    for layer in range(model["layers"]):
        name = f"transformer.h.{layer}"
        qkv = linear(w, f"{name}.attn.c_attn", layer_norm(w, f"{name}.ln_1", x))
        q, k, v = (part.reshape(batch, context, heads, -1).swapaxes(1, 2) for part in jnp.split(qkv, 3, -1))
        scores = q @ k.swapaxes(2, 3) / np.float32(np.sqrt(width // heads))
        mixed = jax.nn.softmax(jnp.where(mask, scores, -1e30)) @ v
        x = x + linear(w, f"{name}.attn.c_proj", mixed.swapaxes(1, 2).reshape(batch, context, width))
        hidden = linear(w, f"{name}.mlp.c_fc", layer_norm(w, f"{name}.ln_2", x))
        x = x + linear(w, f"{name}.mlp.c_proj", jax.nn.gelu(hidden, approximate=True))
    head = w.get("lm_head.weight", w["transformer.wte.weight"])
    return (layer_norm(w, "transformer.ln_f", x) @ head.T).reshape(batch * context, -1)


ACTIVATIONS = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "gelu_tanh": partial(jax.nn.gelu, approximate=True),
}


def mlp(model, w, x):
    for i in range(len(model["hidden"])):
        x = ACTIVATIONS[model["activation"]](linear(w, f"layer{i}", x))
    return linear(w, f"layer{len(model['hidden'])}", x)


def logits(model, w, x):
    (kind, model), = model.items()
    if kind == "gpt" and model.get("dropout", 0) == 0:
        return gpt(model, w, x)
    if kind == "mlp":
        return mlp(model, w, x)
    sys.exit(f"{kind} with these settings is not written in JAX here")


def loss_of(model, w, x, labels):
    z = logits(model, w, x)
    labels = labels.reshape(-1)
    return (jax.nn.logsumexp(z, -1) - jnp.take_along_axis(z, labels[:, None], -1)[:, 0]).mean()


def trainer(training):
    """The first state of the optimiser by the weights, and a step."""
    (kind, settings), = training["optimiser"].items()
    if kind != "adamw" or set(training) - {"model", "optimiser", "precision", "batch", "block", "clip", "schedule"}:
        sys.exit("AdamW with nothing but a clip and a schedule is written in JAX here")
    beta1, beta2 = (np.float32(settings[name]) for name in ("beta1", "beta2"))
    eps, decay = np.float32(settings["eps"]), np.float32(settings["weight_decay"])
    clip = training.get("clip")

    def start(w):
        zeros = {name: jnp.zeros_like(x) for name, x in w.items()}
        return zeros, {name: jnp.zeros_like(x) for name, x in w.items()}, jnp.float32(1), jnp.float32(1)

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(w, state, lr, x, labels):
        loss, g = jax.value_and_grad(partial(loss_of, training["model"]))(w, x, labels)
        norm = jnp.sqrt(sum((part * part).sum() for part in g.values()))
        if clip is not None:
            g = {name: part * jnp.where(norm > clip, np.float32(clip) / norm, 1) for name, part in g.items()}
        m, v, p1, p2 = state
        p1, p2 = p1 * beta1, p2 * beta2
        m = {name: beta1 * m[name] + (1 - beta1) * g[name] for name in w}
        v = {name: beta2 * v[name] + (1 - beta2) * g[name] * g[name] for name in w}
        new = {}
        for name, x in w.items():
            direction = (m[name] / (1 - p1)) / (jnp.sqrt(v[name] / (1 - p2)) + eps)
            new[name] = x - lr * (direction + (decay * x if x.ndim > 1 else 0))
        return new, (m, v, p1, p2), loss

    return start, step


def rate(training, step):
    """The learning rate of a step, counted from 0: docs/models.md."""
    (settings,) = training["optimiser"].values()
    schedule = training.get("schedule") or {}
    warmup, cosine = schedule.get("warmup", 0), schedule.get("cosine")
    factor = 1
    if step < warmup:
        factor = (step + 1) / warmup
    elif cosine:
        share, floor = min((step - warmup) / (cosine["until"] - warmup), 1), cosine.get("floor", 0)
        factor = floor + (1 - floor) * (1 + math.cos(math.pi * share)) / 2
    return np.float32(settings["lr"] * factor)


def peak_bytes():
    status = Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def main():
    job = json.loads((folder / "job.json").read_text())
    model = job["training"]["model"]
    w = {name: jnp.asarray(x) for name, x in load_file(folder / "initial.safetensors").items()}
    batches = load_file(folder / "batches.safetensors")
    kind = np.int32 if "gpt" in model else np.float32
    start, step = trainer(job["training"])
    state, losses, seconds = start(w), [], []
    clock = time.process_time if threads == 1 else time.perf_counter
    for i, (x, labels) in enumerate(zip(batches["values"].astype(kind), batches["labels"].astype(np.int32))):
        lr = rate(job["training"], i)
        begun = clock()
        w, state, loss = step(w, state, lr, x, labels)
        jax.block_until_ready(w)
        seconds.append(clock() - begun)
        losses.append(float(loss))
    judge = jax.jit(partial(loss_of, model))
    judged = [
        float(judge(w, x, labels))
        for x, labels in zip(batches["judge.values"].astype(kind), batches["judge.labels"].astype(np.int32))
    ]
    print(json.dumps({
        "what": f"JAX {jax.__version__}, FP32",
        "losses": losses,
        "judged": sum(judged) / len(judged) if judged else None,
        "seconds": seconds[job["warm"]:],
        "peak_bytes": peak_bytes(),
    }))


main()
