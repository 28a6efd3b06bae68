#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the tiny random Ultravox checkpoints of tests/fixtures/ultravox and what is expected of them.

    make_ultravox_fixtures.py [--out tests/fixtures/ultravox] [--only NAME ...]

text            a Llama core of width 32 and 64 tokens, which no adapter touches
v05             ln_mid, swiglu, 128 bins, the encoder inside; its preprocessor_config.json says 80
v041            ln_post, swiglu, 80 bins; the projector alone, beside `whisper`
shuka           ShukaModel: ln_post, silu, 80 bins, the encoder inside; of 20 positions: chunks of 40 frames
mid-silu        ln_mid, silu, 128 bins; the projector alone, beside `encoder`
layers          two encoder layers in the projector, 80 bins, of 24 positions: chunks of 48 frames
letters         the same with ctc.letters, weft's own extension: rows are the core's embeddings; stacks of 2
whisper         WhisperForConditionalGeneration as transformers writes it, in float16
encoder         WhisperModel as transformers writes it

The encoder is transformers' own, called layer by layer, since its forward refuses clips that are not
30 s long; the log-mel frames are WhisperFeatureExtractor's; the projector is written here from the
published checkpoints' shapes. A recording longer than a chunk is done the way the reference does it:
the last chunk padded to a whole one with zeros after normalisation, keys past its end masked, its
rows cut to the tokens that it has.

parity*.safetensors hold `samples` [n] at 16 kHz, `input_ids` [T] with the core's vocabulary size in
the recording's place, and `features`, `encoder.output` (one chunk), `adapter.output`, `logits`,
`greedy`. long-N.safetensors are the same for N samples without `samples`, `features` and
`encoder.output`, which are larger than a repository wants: tests make the samples (sound(), integers only, so that every
language gets the same bits), and long-features.safetensors has some rows of the features.
"""

import argparse
import json
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from transformers import (LlamaConfig, LlamaForCausalLM, WhisperConfig, WhisperFeatureExtractor,
                          WhisperForConditionalGeneration, WhisperModel)
from transformers.models.whisper.modeling_whisper import WhisperEncoderLayer

import gen_speech_models
import make_parity
import prompts

HERE = pathlib.Path(__file__).resolve().parent
VOCAB, WIDTH, STACK = 64, 32, 8
STACKS = {"letters": 2}
# Of "letters": four scores of the blank and each letter in a row, and 0.3 s of silence behind the recording.
LETTERS, PLACES, SILENCE, SPARE, HEARD = " abc", 4, 30, 16, -1
WORDS = ["a", "ab", "abba", "b", "ba", "bac", "c", "cab", "cc"]
SHARE, BONUS = 0.5, 0.75
SIZES = dict(d_model=32, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=72)
DECODER = dict(vocab_size=16, decoder_layers=1, decoder_attention_heads=1, decoder_ffn_dim=8,
               max_target_positions=8, pad_token_id=0, bos_token_id=1, eos_token_id=2,
               decoder_start_token_id=1)
# name -> (bins, positions, ln_mid, act, hidden_size, where the encoder is); act "layers": hidden_size layers
KINDS = {"v05": (128, 1500, True, "swiglu", 64, None),
         "v041": (80, 60, False, "swiglu", 48, "whisper"),
         "shuka": (80, 20, False, "silu", 40, None),
         "mid-silu": (128, 44, True, "silu", 24, "encoder"),
         "layers": (80, 24, False, "layers", 2, None),
         "letters": (80, 24, False, "letters", 2, None)}
SHORT = {"v05": {"parity": 16000, "parity-319": 319, "parity-320": 320, "parity-321": 321},
         "v041": {"parity": 9000, "parity-321": 321},
         # three chunks, the last of 7 frames; 40 frames exactly; two chunks, the last of 1 frame
         "shuka": {"parity": 13900, "parity-one": 6400, "parity-last1": 6401},
         "mid-silu": {"parity": 8000, "parity-319": 319},
         # three chunks, the last of 5 frames; a chunk and no more; one token
         "layers": {"parity": 16100, "parity-one": 7680, "parity-321": 321},
         # three chunks, the last of 19 frames with 29 of the 30 of silence; a chunk and none; one token
         "letters": {"parity": 18400, "parity-one": 7680, "parity-321": 321}}
LONG = (479999, 480000, 480001, 1000000)
# Tensors so small that an epsilon shows: 1e-6 of the projector's norms, 1e-5 of the encoder's.
SMALL = {"v041": ("linear_2.weight",), "shuka": ("conv2.weight", "conv2.bias", "positions.weight"),
         "mid-silu": ("linear_1.weight",)}
PROBES = (0, 1, 2, 1249, 1250, 1251, 1999, 2500, 2999, 3000, 3001, 4499, 5999, 6000, 6248, 6249)


def sound(n):
    """A wandering triangle and noise, louder and softer, with stretches of silence."""
    i = np.arange(n, dtype=np.uint64)
    u = (i * 2654435761 + 12345) & 0xFFFFFFFF
    u ^= u >> 16
    u = (u * 2246822519) & 0xFFFFFFFF
    u ^= u >> 13
    noise = (u >> 8).astype(np.float64) / 16777216.0 - 0.5
    step = 0x01000000 + (i % 40000) * 900
    phase = np.cumsum(step) & 0xFFFFFFFF
    triangle = np.abs(2.0 * ((phase >> 8).astype(np.float64) / 16777216.0) - 1.0) * 2.0 - 1.0
    loud = (1.0 + ((i // 160000) % 3).astype(np.float64)) / 4.0
    loud[(i % 300000 >= 200000) & (i % 300000 < 205000)] = 0.0
    return torch.from_numpy(((0.5 * triangle + 0.2 * noise) * loud).astype(np.float32))


class Rms(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


class Projector(nn.Module):
    def __init__(self, d, hidden, d_text, act, mid):
        super().__init__()
        self.gated, self.mid = act == "swiglu", mid
        half = hidden // 2 if self.gated else hidden
        self.ln_pre = Rms(d * STACK)
        self.linear_1 = nn.Linear(d * STACK, hidden, bias=False)
        self.linear_2 = nn.Linear(half, d_text, bias=False)
        if mid:
            self.ln_mid = Rms(half)
        else:
            self.ln_post = Rms(d_text)

    def forward(self, rows, n_tokens):
        rows = F.pad(rows, (0, 0, 0, -len(rows) % STACK))
        x = self.linear_1(self.ln_pre(rows.reshape(-1, rows.shape[1] * STACK)))
        if self.gated:
            x, gate = x.chunk(2, dim=-1)
            x = x * F.silu(gate)
        else:
            x = F.silu(x)
        x = self.linear_2(self.ln_mid(x) if self.mid else x)
        return (x if self.mid else self.ln_post(x))[:n_tokens]


class TransformerProjector(nn.Module):
    """num_projector_layers: transformers' own encoder layers between two linears."""

    def __init__(self, config, layers, d_text, stack, places):
        super().__init__()
        d = config.d_model
        self.stack = stack
        self.ln_pre = Rms(d * stack)
        self.linear_in = nn.Linear(d * stack, d)
        self.embed_positions = nn.Embedding(places, d)
        self.layers = nn.ModuleList(WhisperEncoderLayer(config) for _ in range(layers))
        self.ln_post = Rms(d)
        self.linear_out = nn.Linear(d, d_text)

    def forward(self, rows, n_tokens):
        rows = F.pad(rows, (0, 0, 0, -len(rows) % self.stack))
        x = self.linear_in(self.ln_pre(rows.reshape(-1, rows.shape[1] * self.stack)))[:n_tokens]
        x = (x + self.embed_positions.weight[: len(x)])[None]
        for layer in self.layers:
            x = layer(x, None, layer_head_mask=None)[0]
        return self.linear_out(self.ln_post(x[0]))


class Words:
    """What "letters" knows: a tree of WORDS, their odds alone and in pairs, their tokens; numbers out of a hat."""

    def __init__(self, seed):
        rng = torch.Generator().manual_seed(seed)
        self.fill = torch.randint(3, VOCAB - 1, (3,), generator=rng).tolist()
        self.again = [5, HEARD, 6, HEARD, 7]
        self.alone = (-3 * torch.rand(1 + len(WORDS), generator=rng)).bfloat16().tolist()
        self.rest = (-torch.rand(1 + len(WORDS), generator=rng)).bfloat16().tolist()
        nodes = sorted({w[:n] for w in WORDS for n in range(len(w) + 1)}, key=lambda t: (len(t), [LETTERS.index(c) for c in t]))
        self.below = {t: [u for u in nodes if u[:-1] == t and u] for t in nodes}
        self.number = {t: 1 + n for n, t in enumerate(t for t in nodes if t in WORDS)}
        self.best = {t: max(self.alone[k] for u, k in self.number.items() if u.startswith(t)) for t in nodes}
        self.tokens = [[]] + [torch.randint(3, VOCAB - 1, (1 + n % 3,), generator=rng).tolist() for n in range(len(WORDS))]
        chosen = torch.rand(1 + len(WORDS), 1 + len(WORDS), generator=rng)
        self.pairs = [{b: float(torch.log(p).bfloat16()) for b, p in enumerate(row) if p < 0.4} for row in chosen]

    def odds(self, a, b):
        return self.pairs[a].get(b, self.rest[a] + self.alone[b])

    def tensors(self):
        tree = [[LETTERS.index(t[-1]) + 1 if t else 0, len(below), self.best[t], t in self.number] for t, below in self.below.items()]
        words = [[a, r, len(p), len(t)] for a, r, p, t in zip(self.alone, self.rest, self.pairs, self.tokens)]
        pairs = [[b, odds] for p in self.pairs for b, odds in sorted(p.items())]
        tables = {"tree": tree, "words": words, "pairs": pairs, "tokens": sum(self.tokens, []), "again": self.again, "fill": self.fill}
        return {f"ctc.{k}": torch.tensor(v, dtype=torch.float32) for k, v in tables.items()}

    def config(self):
        sizes = {k.removeprefix("ctc."): len(v) for k, v in self.tensors().items()}
        sizes["nodes"] = sizes.pop("tree")
        return {"letters": LETTERS, "places": PLACES, "share": SHARE, "bonus": BONUS, "width": 1000, "beam": 1000, "spare": SPARE, **sizes}

    def spelled(self, scores, chunk):
        """Tokens of rows: all ways in which frames can be words, with the likeliest of those that end alike. Between chunks of so many rows
        a word may end with a blank."""
        now, space = {("", 0, 0): (0.0, ())}, 1 + LETTERS.index(" ")
        for n, at in enumerate(scores.view(-1, len(LETTERS) + 1).tolist()):
            end = max(at[0], at[space]) if n > 0 and n % (chunk * PLACES) == 0 else at[space]
            ways = []
            for (node, before, last), (odds, said) in now.items():
                ways += [((node, before, k), odds + at[k], said) for k in {0, last}]
                ways += [((t, before, k), odds + at[k] + SHARE * (self.best[t] - self.best[node]), said)
                         for t in self.below[node] for k in [1 + LETTERS.index(t[-1])] if k != last]
                if node in self.number and last != space:
                    word = self.number[node]
                    more = SHARE * (self.odds(before, word) - self.best[node] + self.best[""]) + BONUS
                    ways.append((("", word, space), odds + end + more, (*said, word)))
            now = {}
            for key, odds, said in ways:
                if key not in now or odds > now[key][0]:
                    now[key] = odds, said
        ends = [(odds + SHARE * (self.odds(before, 0) - self.best[""]), said) for (t, before, _), (odds, said) in now.items() if not t]
        ends += [(odds + SHARE * (self.odds(before, self.number[t]) - self.best[t] + self.odds(self.number[t], 0)) + BONUS,
                  (*said, self.number[t])) for (t, before, _), (odds, said) in now.items() if t in self.number]
        return torch.tensor(self.placed(sum((self.tokens[k] for k in max(ends)[1]), []), len(scores) + SPARE))

    def placed(self, heard, rows):
        """What was heard in so many rows: before it `again`, where the last HEARD of that fits, and before that `fill`."""
        out, behind = heard[-rows:], self.again[::-1].index(HEARD)
        if out and len(out) + behind + len(out) <= rows:
            out = sum((heard if token == HEARD else [token] for token in self.again), []) + heard
        left = max(0, rows - len(out))
        return [self.fill[min(n, 2)] for n in range(left)][::-1] + out[-rows:]


def encode(encoder, frames, n_keys):
    """WhisperEncoder.forward for any number of frames [n, bins]; rows from n_keys on are no keys."""
    x = F.gelu(encoder.conv1(frames.T[None]))
    x = F.gelu(encoder.conv2(x)).transpose(1, 2)
    rows = x.shape[1]
    x = x + encoder.embed_positions.weight[:rows]
    mask = torch.zeros(1, 1, rows, rows)
    mask[..., n_keys:] = torch.finfo(torch.float32).min
    for layer in encoder.layers:
        x = layer(x, mask, layer_head_mask=None)[0]
    return encoder.layer_norm(x)[0]


def features(samples, bins, silence=0):
    n = max(320, len(samples)) + 160 * silence
    n += -n % 160
    padded = F.pad(samples, (0, n - len(samples)))
    extractor = WhisperFeatureExtractor(feature_size=bins)
    batch = extractor(padded.numpy(), sampling_rate=16000, padding=False, truncation=False,
                      return_tensors="pt")
    return batch["input_features"][0].T.contiguous()


def stages(encoder, projector, samples, stack, silence=0):
    bins, chunk = encoder.conv1.in_channels, 2 * encoder.embed_positions.weight.shape[0]
    frames = features(samples, bins, silence)
    own = len(frames) - silence
    out = {"features": frames}
    tokens = []
    for first in range(0, own, chunk):
        part = frames[first : first + chunk]
        n = min(own - first, chunk)
        if first > 0 and not silence:
            part = F.pad(part, (0, 0, 0, chunk - n))
        rows = encode(encoder, part, (len(part) if silence else n) // 2 + (len(part) if silence else n) % 2)
        if silence:
            rows = rows[: (n + 1) // 2]
        if own <= chunk:
            out["encoder.output"] = rows
        tokens.append(projector(rows, -(-n // (2 * stack))))
    out["adapter.output"] = torch.cat(tokens)
    return out


class Prompt:
    """Ids with VOCAB in the recording's place, run with its tokens there."""

    def __init__(self, core, tokens):
        self.core, self.tokens = core, tokens

    def logits(self, ids):
        at = int((ids == VOCAB).nonzero()[0])
        embed = self.core.model.embed_tokens
        rows = torch.cat([embed(ids[:at]), self.tokens, embed(ids[at + 1 :])])
        return self.core(inputs_embeds=rows[None]).logits[0]


def settle(prompt, before, after):
    def make_ids(seed):
        rng = torch.Generator().manual_seed(seed)
        words = torch.randint(3, VOCAB - 1, (before + after,), generator=rng)
        return torch.cat([torch.tensor([1]), words[:before], torch.tensor([VOCAB]), words[before:]])

    return prompts.settle(prompt, make_ids, 6, hidden=False)


def as_stored(model, dtype, small=()):
    """Rounded to what the file will hold; computing stays in float32."""
    for name, p in model.named_parameters():
        if name.endswith(small):
            p.data *= 0.005
        p.data = p.data.to(dtype).float()
    return model


def tensors_of(prefix, module, dtype):
    return {prefix + k: v.to(dtype).contiguous() for k, v in module.state_dict().items()}


def fresh(directory):
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.iterdir():
        path.unlink()


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


def text_core(directory):
    fresh(directory)
    config = LlamaConfig(vocab_size=VOCAB, hidden_size=WIDTH, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, intermediate_size=48,
                         max_position_embeddings=1024, rope_theta=500000.0, rms_norm_eps=1e-5,
                         pad_token_id=0, bos_token_id=1, eos_token_id=2, tie_word_embeddings=False)
    core = gen_speech_models.randomise(LlamaForCausalLM._from_config(
        config, attn_implementation="eager"), 11)
    as_stored(core, torch.bfloat16)
    core.config.architectures = ["LlamaForCausalLM"]
    core.config.torch_dtype = "bfloat16"
    core.config.save_pretrained(directory)
    save_file(tensors_of("", core, torch.bfloat16), directory / "model.safetensors",
              metadata={"format": "pt"})
    return core


def encoder_of(name, seed):
    bins, positions, *_, where = KINDS[name]
    config = WhisperConfig(**SIZES, **DECODER, num_mel_bins=bins, max_source_positions=positions,
                           attn_implementation="eager")
    cls = WhisperForConditionalGeneration if where == "whisper" else WhisperModel
    model = gen_speech_models.randomise(cls._from_config(config, attn_implementation="eager"), seed)
    table = model.get_encoder().embed_positions.weight
    table.data.copy_(0.5 * torch.randn(table.shape, generator=torch.Generator().manual_seed(seed)))
    return as_stored(model, torch.float16 if where == "whisper" else torch.bfloat16,
                     SMALL.get(name, ()))


def save_encoder(model, directory, dtype):
    fresh(directory)
    model.config.architectures = [type(model).__name__]
    model.config.torch_dtype = dtype
    model.config.save_pretrained(directory)
    tensors = tensors_of("", model, getattr(torch, dtype))
    tensors.pop("proj_out.weight", None)  # tied, and not stored
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})


def adapter_config(name, model):
    _, _, mid, act, hidden, where = KINDS[name]
    config = {"architectures": ["UltravoxModel"], "model_type": "ultravox",
              "text_model_id": "example/text-core", "audio_model_id": None, "hidden_size": hidden,
              "stack_factor": STACKS.get(name, STACK), "projector_act": act, "norm_init": 0.4,
              "audio_token_index": 32000, "torch_dtype": "bfloat16"}
    if name == "shuka":  # a sibling with defaults of its own, of which silu is one
        config.update(architectures=["ShukaModel"], model_type="shuka")
        config.pop("projector_act")
    if act in ("layers", "letters"):
        del config["projector_act"], config["hidden_size"]
        config["num_projector_layers"] = hidden
    if mid:
        config["projector_ln_mid"] = True
    if where is not None:
        config["audio_model_id"] = f"example/{where}"
    else:
        config["audio_config"] = {"model_type": "whisper", **SIZES,
                                  "num_mel_bins": model.config.num_mel_bins,
                                  "max_source_positions": model.config.max_source_positions}
    return config


def save_adapter(name, directory, model, projector, words):
    where = KINDS[name][-1]
    fresh(directory)
    config = adapter_config(name, model)
    tensors = tensors_of("multi_modal_projector.", projector, torch.bfloat16)
    if words is not None:
        config.update(ctc=words.config(), weft_silence=SILENCE)
        tensors.update({f"multi_modal_projector.{k}": v for k, v in words.tensors().items()})
    write_json(directory / "config.json", config)
    ini = f"; {name} on the text core beside it\n[core]\nmodel = ../text\n"
    ini += "\n[plugin weft.ultravox]\nweights = .\n"
    if where is None:
        tensors.update(tensors_of("audio_tower.", model.get_encoder(), torch.bfloat16))
    else:
        ini += f"audio = ../{where}\n"
    if name == "v05":
        write_json(directory / "preprocessor_config.json",
                   {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 80})
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "weft.ini").write_text(ini)


def projector_of(name, model, seed):
    _, positions, mid, act, hidden, _ = KINDS[name]
    encoder, stack = model.get_encoder(), STACKS.get(name, STACK)
    if act == "layers":
        made = TransformerProjector(encoder.config, hidden, WIDTH, stack, positions)
    elif act == "letters":
        made = TransformerProjector(encoder.config, hidden, PLACES * (len(LETTERS) + 1), stack, -(-positions // stack))
    else:
        made = Projector(SIZES["d_model"], hidden, WIDTH, act, mid)
    made = gen_speech_models.randomise(made, seed)
    if act == "letters":       # so that rows, and not what they have in common, say which letter is the best
        made.linear_out.bias.data -= stages(encoder, made, sound(16100), stack, SILENCE)["adapter.output"].mean(0)
        for part in (made.linear_out.weight, made.linear_out.bias):
            part.data *= 4
        made.linear_out.bias.data.view(PLACES, -1)[:, 0] += 3
    return as_stored(made, torch.bfloat16, SMALL.get(name, ()))


@torch.no_grad()
def kind(out, name, seed, core):
    _, positions, _, act, _, where = KINDS[name]
    model, stack, silence = encoder_of(name, seed), STACKS.get(name, STACK), SILENCE if act == "letters" else 0
    projector, words = projector_of(name, model, seed + 1), Words(seed) if act == "letters" else None
    save_adapter(name, out / name, model, projector, words)
    if where is not None:
        save_encoder(model, out / where, "float16" if where == "whisper" else "bfloat16")
    for i, (file, n) in enumerate(SHORT[name].items()):
        given = {"samples": sound(n)}
        found = stages(model.get_encoder(), projector, given["samples"], stack, silence)
        if words is not None:
            ids = words.spelled(found["adapter.output"], 2 * positions // (2 * stack))
            print(file, ids.tolist())
            found["adapter.output"] = core.model.embed_tokens(ids)
        asked = settle(Prompt(core, found["adapter.output"]), 2 + i, 3)
        gen_speech_models.write(out / name / f"{file}.safetensors", {**given, **found, **asked})
    return model.get_encoder(), projector


@torch.no_grad()
def long_ones(directory, encoder, projector, core):
    for n in LONG:
        found = stages(encoder, projector, sound(n), STACK)
        asked = settle(Prompt(core, found["adapter.output"]), 3, 4)
        frames = found.pop("features")
        found.pop("encoder.output", None)
        gen_speech_models.write(directory / f"long-{n}.safetensors", {**found, **asked})
    gen_speech_models.write(directory / "long-features.safetensors",
                            {"rows": torch.tensor(PROBES), "features": frames[list(PROBES)]})


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path,
                        default=HERE.parent / "tests" / "fixtures" / "ultravox")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    args = parser.parse_args()
    torch.set_num_threads(1)
    core = text_core(args.out / "text")
    for i, name in enumerate(KINDS):
        if name not in args.only:
            continue
        encoder, projector = kind(args.out, name, 100 + 10 * i, core)
        if name == "v05":
            long_ones(args.out / name, encoder, projector, core)
    for path in args.out.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


if __name__ == "__main__":
    main()
