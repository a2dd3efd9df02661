#!/usr/bin/env python3
"""Checks the vectors in this folder against scalars.py, law.py and ops.py, an
implementation of docs/law.md from its text. Only Python's standard library is needed.

Prints a line per file; exits with 1 if a vector disagrees.
"""

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import law
import ops

SCALARS = {
    "add": law.add,
    "sub": law.sub,
    "mul": law.mul,
    "div": law.div,
    "min": law.minimum,
    "max": law.maximum,
    "sqrt": law.sqrt,
    "rint": law.rint_op,
    "exp": law.exp,
    "log": law.log,
    "tanh": law.tanh,
    "erf": law.erf,
    "sinpi": law.sinpi,
    "cospi": law.cospi,
}


def shown(bits):
    return "nan" if law.is_nan(bits) else f"{bits:08x}"


def joined(words):
    return " ".join(f"{word:08x}" for word in words)


def differ(what, got, want):
    return [] if got == want else [f"{what}: {got}, but the vector has {want}"]


def scalar(case):
    for line in case["lines"]:
        *operands, want = line.split()
        if case["op"] == "ldexp":
            got = law.ldexp(int(operands[0], 16), int(operands[1]))
        else:
            got = SCALARS[case["op"]](*(int(x, 16) for x in operands))
        yield from differ(f"{case['op']}({', '.join(operands)})", shown(got), want)


def op(case):
    reader = law.Reader(bytes.fromhex(case["op"]))
    decoded = ops.read_op(reader)
    reader.end()
    inputs = [(x["shape"], law.words(x["bits"])) for x in case["inputs"]]
    try:
        got = {"bits": joined(ops.run_op(decoded, inputs, case["shape"]))}
    except ops.Ends as end:
        got = {"error": end.args[0]}
    want = {key: case[key] for key in ("bits", "error") if key in case}
    yield from differ(f"op {case['op']} ({case['note']})", got, want)


def random(case):
    if case["what"] == "block":
        got = law.block(law.words(case["counter"]), law.words(case["key"]))
        yield from differ(f"block {case['counter']}", joined(got), case["block"])
    elif case["what"] == "word":
        word = law.word(law.words(case["key"]), case["stream"], case["step"], case["index"])
        uniform = law.uniform(word, int(case["bound"], 16))
        got = [joined([x]) for x in (word, law.unit(word), uniform)]
        yield from differ(f"word {case['index']}", got, [case["word"], case["unit"], case["uniform"]])
    else:
        key, n = law.words(case["key"]), case["n"]
        got = [law.permute(key, case["stream"], case["epoch"], n, i) for i in range(len(case["images"]))]
        yield from differ(f"permutation of {n}", got, case["images"])


def hashes(case):
    if "tensor" in case:
        yield from differ("tensor root", law.tensor_root(law.words(case["tensor"])).hex(), case["root"])
    elif "state" in case:
        tensors = [(x["name"], x["shape"], law.words(x["bits"])) for x in case["state"]]
        yield from differ("state root", law.state_root(case["step"], tensors).hex(), case["root"])
    else:
        pulses = [(p["step"], *law.words(p["bits"])) for p in case["pulses"]]
        salt = law.segment_salt(case["job"], case["segment"], bytes.fromhex(case["after"]))
        got = [law.trace_root(pulses).hex(), salt.hex(), law.salted_trace(salt, pulses).hex()]
        yield from differ("trace", got, [case["root"], case["salt"], case["salted"]])


def batch(job, key, rows, step):
    """The inputs of a step: features and labels of the rows that the order gives."""
    held_from = len(rows) - job["held_out"]
    order = [law.permute(key, 2**24 + 64, 0, len(rows), i) for i in range(len(rows))]
    training = sorted(order[:held_from])
    n, picked = len(training), []
    for i in range(job["batch"]):
        q = (step * job["batch"] + i) % 2**64
        picked.append(rows[training[law.permute(key, 2**24, q // n, n, q % n)]])
    features = [x for row in picked for x in row[:-1]]
    return {"features": features, "labels": [row[-1] for row in picked], "counter": counter(key, step)}


def counter(key, step):
    whole = key[0] | key[1] << 32 | step << 64
    return [law.number(whole >> 16 * i & 0xFFFF) for i in range(8)]


def job(case):
    """A whole job from its program, its seed and its data."""
    program, seed = ops.Program(bytes.fromhex(case["program"])), bytes.fromhex(case["seed"])
    yield from differ("program hash", program.hash.hex(), case["program_hash"])
    rows, key = [law.words(row) for row in case["rows"]], law.philox_key(seed)
    state, pulses = program.first_state(seed), []
    yield from differ("first state root", program.root(0, state).hex(), case["roots"][0])
    for step, want in enumerate(case["roots"][1:]):
        state, pulse = program.step(step, state, batch(case, key, rows, step))
        pulses.append(pulse)
        yield from differ(f"pulse {step}", joined(pulse[1:]), case["pulses"][step])
        yield from differ(f"root after step {step}", program.root(step + 1, state).hex(), want)
    yield from differ("trace root", law.trace_root(pulses).hex(), case["trace_root"])


def check(case):
    for key, checker in (("lines", scalar), ("what", random), ("program", job), ("inputs", op)):
        if key in case:
            return checker(case)
    return hashes(case)


def main():
    wrong = 0
    files = sorted(Path(__file__).parent.glob("*.json"))
    for file in files:
        cases = json.loads(file.read_text())["cases"]
        problems = [problem for case in cases for problem in check(case)]
        print(f"{file.name}: {len(cases)} cases, {len(problems)} wrong")
        print("\n".join(problems[:20]), end="\n" if problems else "")
        wrong += len(problems)
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main())
