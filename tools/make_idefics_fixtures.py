#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/fixtures/idefics: tiny random Idefics checkpoints and what transformers makes of them.

    make_idefics_fixtures.py [--out tests/fixtures/idefics]

float/, vector/, plain/   checkpoint directories: alpha_type "float" with q/k norms in the text model
                          and the resampler, stored in bf16, with a tokenizer; alpha_type "vector"
                          without them; no resampler
*/parity*.safetensors     inputs and expected stages, for `weft model verify`
preprocess.json           IdeficsImageProcessor on generated pictures, as hashes
tokenizer-vectors.json    texts and their ids under float/tokenizer.json, computed by tokenizers:
                          "legacy" (Prepend and Replace) and "metaspace" (Metaspace, prepend_scheme
                          first), "normalised" (<s> normalized); "decoded" ids and their text

Inputs of a parity file:  input_ids [T] i64; for pictures pixel_values [n_images, 3, t, t] f32
Expected:                 vision.output [n_images, n, d]: the last block, no post_layernorm
                          resampler.output [n_images, latents, d]
                          hidden.{k} [T, d_model]: the stream just before block k, after any gated
                          cross-attention there; k = the number of blocks is before the final norm
                          logits [T, vocab + additional]; greedy [G]
Everything is computed in float32 from the weights as stored, attention masks by the processor's own
functions. A prompt without pictures gets what the processor gives it: one picture of zeros that no
row may see. Greedy decoding calls the model on the whole sequence again at each step.
"""

import argparse
import base64
import json
import pathlib
import random
import types

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import AddedToken
from transformers import IdeficsConfig, IdeficsForVisionText2Text
from transformers.models.idefics.image_processing_idefics import (
    IDEFICS_STANDARD_MEAN,
    IDEFICS_STANDARD_STD,
    IdeficsImageProcessor,
)
from transformers.models.idefics.processing_idefics import (
    image_attention_mask_for_packed_input_ids,
    incremental_to_binary_attention_mask,
)

import tokenizer_texts as texts

HERE = pathlib.Path(__file__).resolve().parent
FAKE, IMAGE, EOS = "<fake_token_around_image>", "<image>", 2
VOCAB = 512

PREPROCESS_SIZES = [
    (224, 224), (1, 2), (2, 5), (28, 28), (640, 480), (480, 640), (223, 225), (300, 30),
    (33, 517), (1000, 777), (224, 100), (100, 224), (450, 450), (7, 500),
]  # no height of 1 or 3: the reference takes it for the channels


def pattern(width, height):
    """A picture that needs no file: ((7x + 13y + 29c) xor (x y)) and 255."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return (((x * 7 + y * 13 + c * 29) ^ (x * y)) & 255).astype(np.uint8)


def fnv(data):
    h = 14695981039346656037
    for byte in data:
        h = ((h ^ byte) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def make_config(vocab, **more):
    fields = dict(
        vocab_size=vocab, additional_vocab_size=2, hidden_size=32, intermediate_size=48,
        num_hidden_layers=4, num_attention_heads=2, cross_layer_interval=2, use_resampler=True,
        qk_layer_norms=False, alpha_type="float", alpha_initializer="ones",
        vision_config=dict(embed_dim=24, image_size=28, intermediate_size=40, patch_size=7,
                           num_hidden_layers=2, num_attention_heads=3),
        perceiver_config=dict(use_resampler=True, resampler_n_latents=6, resampler_depth=2,
                              resampler_n_heads=2, resampler_head_dim=20,
                              qk_layer_norms_perceiver=False),
    )
    fields.update(more)
    return IdeficsConfig(**fields)


def make_model(config, seed):
    """Random weights of which every one matters: norms around 1, biases and gates not 0."""
    torch.manual_seed(seed)
    model = IdeficsForVisionText2Text(config).float().eval()
    for name, p in model.named_parameters():
        if name.endswith("bias"):
            p.data = torch.randn_like(p) * 0.1
        elif "norm" in name or name.endswith(".ln.weight"):
            p.data = 1 + torch.randn_like(p) * 0.1
        elif "alpha" in name:
            p.data = torch.randn_like(p) * 0.5 + 0.7
        elif "embed" in name or "latents" in name:
            p.data = torch.randn_like(p) * 0.5
        else:
            p.data = torch.randn_like(p) / p.shape[-1] ** 0.5
    return model


class Reference:
    def __init__(self, model):
        self.model, self.stage = model, {}
        core = model.model
        for k, module in enumerate([*core.layers, core.norm]):
            module.register_forward_pre_hook(self._stream(k), with_kwargs=True)
        core.vision_model.register_forward_hook(
            lambda _m, _a, out: self.stage.__setitem__("vision.output", out.last_hidden_state))
        if model.config.use_resampler:
            core.perceiver_resampler.register_forward_hook(
                lambda _m, _a, out: self.stage.__setitem__("resampler.output", out))

    def _stream(self, k):
        def hook(_module, args, kwargs):
            x = args[0] if args else kwargs["hidden_states"]
            self.stage[f"hidden.{k}"] = x[0].detach().clone()
        return hook

    def forward(self, ids, pixels):
        c = self.model.config
        marker = c.vocab_size + 1
        tokenizer = types.SimpleNamespace(convert_tokens_to_ids=lambda _t: marker, eos_token_id=EOS)
        n_images = 0 if pixels is None else pixels.shape[0]
        if n_images == 0:
            t = c.vision_config.image_size
            pixels = torch.zeros(1, 3, t, t)
            mask = torch.zeros(1, len(ids), 1, dtype=torch.long)
        else:
            mask, _ = image_attention_mask_for_packed_input_ids(ids[None], tokenizer, "pt")
            mask = incremental_to_binary_attention_mask(mask, "pt", num_classes=n_images)
        return self.model(input_ids=ids[None], pixel_values=pixels[None],
                          image_attention_mask=mask, use_cache=False).logits[0]


@torch.no_grad()
def parity(model, ids, pixels, n_greedy=6):
    ref = Reference(model)
    out = {"input_ids": ids}
    if pixels is not None:
        out["pixel_values"] = pixels
    out["logits"] = ref.forward(ids, pixels)
    stage = dict(ref.stage)
    if pixels is None:
        stage = {k: v for k, v in stage.items() if k.startswith("hidden")}
    out.update(stage)
    greedy, last = [], out["logits"][-1]
    for _ in range(n_greedy):
        greedy.append(int(last.argmax()))
        if greedy[-1] == EOS or greedy[-1] >= model.config.vocab_size:
            raise RuntimeError("greedy decoding met a token that changes what rows see: other seed")
        last = ref.forward(torch.cat([ids, torch.tensor(greedy)]), pixels)[-1]
    out["greedy"] = torch.tensor(greedy, dtype=torch.int64)
    return {k: v.detach().contiguous().clone() for k, v in out.items()}


def prompt(config, plan, seed):
    """plan: a string of t (a random token), i (a picture's marker), f (the fake token), e (eos)."""
    rng = random.Random(seed)
    marker = {"i": config.vocab_size + 1, "f": config.vocab_size, "e": EOS}
    ids = [1] + [marker.get(c) or rng.randrange(3, config.vocab_size) for c in plan]
    return torch.tensor(ids, dtype=torch.int64)


def pictures(config, n, seed):
    rng = torch.Generator().manual_seed(seed)
    t = config.vision_config.image_size
    return torch.randn(n, 3, t, t, generator=rng) if n else None


PLANS = {  # name: prompt
    "": "fif" + "t" * 9,
    "-text-first": "t" * 7 + "fif" + "t" * 5 + "e" + "t" * 4 + "fif" + "t" * 4 + "fiftt" + "ett",
    "-adjacent": "ttfififttt",
    "-touching": "tiitttt",
    "-text-only": "t" * 12,
}


def write_checkpoint(out, config, seed, dtype, cases):
    make_model(config, seed).to(dtype).save_pretrained(out, safe_serialization=True)
    # read back: a conversion in place would leave the rotary tables rounded
    model = IdeficsForVisionText2Text.from_pretrained(out, torch_dtype=torch.float32).eval()
    for name in cases:
        plan = PLANS[name]
        n = plan.count("i")
        tensors = parity(model, prompt(config, plan, seed + n), pictures(config, n, seed))
        save_file(tensors, out / f"parity{name}.safetensors", metadata={"format": "pt"})
    (out / "generation_config.json").unlink(missing_ok=True)


# ---- tokenizer

def train_tokenizer():
    """A byte-fallback BPE of VOCAB tokens in the form of Llama 1 and 2, and the two tokens behind."""
    corpus = [*texts.SCRIPTS.values(), *texts_of_corpus()] * 3
    base = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trained.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=VOCAB - len(base), special_tokens=["<unk>"], limit_alphabet=70,
        show_progress=False))
    state = json.loads(trained.to_str())["model"]
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in state["merges"]]
    merges = [("▁", "▁"), ("▁▁", "▁▁"), *merges]
    made = ["".join(m) for m in merges]
    chars = [t for t in state["vocab"] if len(t) == 1]
    words = base + chars + made  # Llama has its characters last; here they must not be cut off
    words = list(dict.fromkeys(words))[:VOCAB]
    vocab = {w: i for i, w in enumerate(words)}
    merges = [m for m in merges if m[0] in vocab and m[1] in vocab and "".join(m) in vocab]
    tok = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True,
                               byte_fallback=True))
    tok.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(),
                                     decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tok.add_special_tokens([AddedToken(t, normalized=False, special=True)
                            for t in ("<unk>", "<s>", "</s>")])
    while tok.get_vocab_size() < VOCAB:
        raise RuntimeError(f"{tok.get_vocab_size()} tokens: give more text")
    tok.add_special_tokens([AddedToken(FAKE, normalized=False, special=True),
                            AddedToken(IMAGE, normalized=False, special=True)])
    assert tok.token_to_id(FAKE) == VOCAB and tok.token_to_id(IMAGE) == VOCAB + 1
    return tok


def texts_of_corpus():
    return ["Question: What is in this picture? Answer: the picture shows a loom and a weaver.",
            "User: Describe this picture.\nAssistant: A weaver at the window of the house.",
            "the a of and to in is was that it for on with as at by an be this from or which"]


def random_text(rng):
    kinds = ["abc defgh the of and", "  \t\n", "▁", "äöüßéñ", "😀🎉👩‍👩‍👧‍👦🇩🇪", "日本語中文", "\x00\x7f\u200b\ufeff",
             "0123456789", "<s></s><image>", "<0x41>", "Ωж", "a" * 7, "\u0301e"]
    return "".join(rng.choice(rng.choice(kinds)) for _ in range(rng.randrange(1, 22)))


def vector_texts(rng):
    words = " ".join(texts.SCRIPTS.values()).split()
    out = ["", " ", "  ", "   a", "a   ", " a ", "▁", "▁a", "\n", "<s>", "</s> x", "x<image>y", FAKE,
           "User:" + FAKE + IMAGE + FAKE + "Describe. \nAssistant:", "<0x41>", "a" * 700,
           " " * 300, "\U0001f600" * 50]
    out += list(texts.SCRIPTS.values()) + texts_of_corpus()
    while len(out) < 1000:
        out.append(" ".join(rng.choices(words, k=rng.randrange(1, 5))))
    while len(out) < 2000:
        out.append(random_text(rng))
    return out


def b64(text):
    return base64.b64encode(text.encode()).decode()


def tokenizer_vectors(tok):
    rng = random.Random(7)
    strings = vector_texts(rng)
    meta = Tokenizer.from_str(tok.to_str())
    meta.normalizer = None  # an empty one
    meta_json = json.loads(meta.to_str())
    meta_json["normalizer"] = None
    meta_json["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁",
                                  "prepend_scheme": "first", "split": False}
    meta = Tokenizer.from_str(json.dumps(meta_json))

    def rows(t, some):
        return [{"b64": b64(s), "ids": t.encode(s, add_special_tokens=False).ids} for s in some]

    # <s> as tokens were added in earlier conversions: looked for after normalising
    normal_json = json.loads(tok.to_str())
    for token in normal_json["added_tokens"]:
        token["normalized"] = token["content"] == "<s>"
    normal = Tokenizer.from_str(json.dumps(normal_json))
    special = ["<s>", "<s>a", "a<s>", "a <s> b", " <s>", "<s><s>", "<s> <s>", "x</s><s>y", "▁<s>",
               "<image><s>a", "<s>User:" + FAKE + IMAGE + FAKE + "Describe"]
    decoded = []
    while len(decoded) < 160:
        ids = [rng.randrange(VOCAB + 2) for _ in range(rng.randrange(2, 12))]
        text = tok.decode(ids)
        if "\ufffd" not in text:  # what is no UTF-8 we give as the bytes that it is
            decoded.append({"ids": ids, "b64": b64(text)})
    return {"legacy": rows(tok, strings), "metaspace": rows(meta, strings[:150] + strings[-150:]),
            "normalised": rows(normal, special + strings[-200:]), "decoded": decoded}


def write_json_lines(path, data):
    """One entry a line, so that a change shows as what it is."""
    parts = []
    for key, value in data.items():
        lines = ",\n".join(json.dumps(v, ensure_ascii=True, separators=(",", ":")) for v in value)
        parts.append(f"{json.dumps(key)}: [\n{lines}\n]")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def preprocess_cases():
    processor = IdeficsImageProcessor(image_size=224, image_mean=IDEFICS_STANDARD_MEAN,
                                      image_std=IDEFICS_STANDARD_STD)
    cases, resized = [], []
    for width, height in PREPROCESS_SIZES:
        source = Image.fromarray(pattern(width, height))
        pixels = np.asarray(processor.preprocess([source], return_tensors="np"), dtype=np.float32)
        cases.append({"in": [width, height], "fnv": fnv(pixels[0].tobytes())})
    for (w, h), (ow, oh) in [((640, 480), (32, 24)), ((5, 7), (50, 9)), ((100, 3), (9, 31)),
                             ((64, 64), (64, 20)), ((31, 47), (31, 47)), ((13, 11), (97, 5)),
                             ((517, 333), (72, 112)), ((3, 3), (1, 1)), ((1, 1), (28, 28))]:
        small = np.asarray(Image.fromarray(pattern(w, h)).resize((ow, oh), Image.BICUBIC))
        resized.append({"in": [w, h], "out": [ow, oh], "fnv": fnv(small.tobytes())})
    return {"bicubic": resized, "processor": cases}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path,
                        default=HERE.parent / "tests" / "fixtures" / "idefics")
    out = parser.parse_args().out
    for name in ("float", "vector", "plain"):
        (out / name).mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)

    tok = train_tokenizer()
    (out / "float" / "tokenizer.json").write_text(tok.to_str(pretty=False))
    write_json_lines(out / "tokenizer-vectors.json", tokenizer_vectors(tok))
    write_json_lines(out / "preprocess.json", preprocess_cases())

    full = make_config(VOCAB, qk_layer_norms=True, perceiver_config=dict(
        resampler_n_latents=6, resampler_depth=2, resampler_n_heads=2, resampler_head_dim=20,
        qk_layer_norms_perceiver=True))
    write_checkpoint(out / "float", full, 1, torch.bfloat16, list(PLANS))
    vector = make_config(96, alpha_type="vector", cross_layer_interval=1, num_hidden_layers=3)
    write_checkpoint(out / "vector", vector, 2, torch.bfloat16, ["", "-text-first"])
    plain = make_config(96, use_resampler=False, qk_layer_norms=True, num_hidden_layers=2)
    write_checkpoint(out / "plain", plain, 3, torch.float16, ["", "-text-first"])


if __name__ == "__main__":
    main()
