"""Loads models of the engine as `transformers` does any other, and compares what they say.

usage: gpt2.py FOLDER

The folder has `model.safetensors` and `config.json`, and `said.json` with `tokens` (a batch), the
engine's `logits` and its `loss`. Writes the differences; exits with 1 if they are greater than
those of binary32 and the engine's grids.
"""

import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import transformers

folder = Path(sys.argv[1])
jax.config.update("jax_default_matmul_precision", "highest")
said = json.loads((folder / "said.json").read_text())
model = transformers.FlaxGPT2LMHeadModel.from_pretrained(folder)
tokens, want = jnp.array(said["tokens"], dtype="i4"), jnp.array(said["logits"])
got = model(tokens[:, :-1]).logits.reshape(want.shape)
loss = (jax.nn.logsumexp(got, -1) - jnp.take_along_axis(got, tokens[:, 1:].reshape(-1, 1), -1)[:, 0]).mean()
off, scale = float(jnp.abs(got - want).max()), float(jnp.abs(want).max())
print(f"logits up to {scale:.3f}: {off:.2e} apart; loss {float(loss):.6f}, by the engine {said['loss']:.6f}")
if not (off < 1e-3 * scale and abs(float(loss) - said["loss"]) < 1e-4 * said["loss"]):
    sys.exit("transformers computes something else")
