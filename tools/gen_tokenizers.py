#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/fixtures/tokenizers: small tokenizers of every family, and what the reference makes of 3,000 texts with them.

    gen_tokenizers.py [--out tests/fixtures/tokenizers]

It needs tokenizers 0.21, tiktoken, sentencepiece 0.2, protobuf and transformers (pip). Each vocabulary is trained here, on the texts of tokenizer_texts.py, and each
file has the steps of the released one whose name it bears.

texts.txt   one text a line, in base64
NAME.json   a tokenizer.json (tekken.json is Mistral's own form)
pieces.model, unigram.model   SentencePiece's own form, byte pairs and unigram
NAME.ids    a line for each text: the number of ids and the FNV-1a hash of them (as little-endian 32-bit numbers), first
            with special tokens found in the text, then without
The ids are those of the tokenizers library, for tekken.json those of tiktoken, which mistral-common uses, and for
pieces.model those of the tokenizer.json that transformers makes of it (LlamaTokenizerFast), the texts without special tokens
those of sentencepiece itself wherever both agree.
"""
import argparse
import base64
import io
import json
import pathlib
import random
import tempfile

import sentencepiece
import tiktoken
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from transformers import LlamaTokenizerFast

import tokenizer_texts as texts

HERE = pathlib.Path(__file__).resolve().parent
COUNT = 3000
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
BLANKS = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
WORDS = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|"
OTHERS = r"| ?[^\s\p{L}\p{N}]+[\r\n]*"
LLAMA3 = WORDS + r"\p{N}{1,3}" + OTHERS + BLANKS
QWEN2 = WORDS + r"\p{N}" + OTHERS + BLANKS
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
HEAD = r"[^\r\n\p{L}\p{N}]?"
SLASHED = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*"


def cased(end, numbers):
    return f"{HEAD}{UPPER}*{LOWER}+{end}|{HEAD}{UPPER}+{LOWER}*{end}|{numbers}{SLASHED}{BLANKS}"


TEKKEN, GPT4O = cased("", r"\p{N}"), cased(CONTRACTIONS + "?", r"\p{N}{1,3}")
STARCODER_LIKE = [r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+", r"[A-Za-z]+(?:'[a-z]+)?|[\p{P}\p{S}]+|\s*[\r\n]+|\s+(?!\S)|\s+"]
SPECIALS = ["<unk>", "<s>", "</s>"]


def corpus():
    return [*texts.SCRIPTS.values(), *texts.PLAIN] * 3


def pieces(rng):
    """One random text of the kinds that make tokenizers differ."""
    parts = [" ", "  ", "\n", "\r\n", "\t", "\n\n", "    ", "'s", "'LL", "\u017f", "'re", "12", "3456", "½", "²", "Ⅷ", "/", "//\n",
             "XMLHttp", "aB", "ABC", "hello世界Abc", "é", "e\u0301", "\u0323\u0301", "가", "각", "각", "q\u0307\u0323", "\u00a0",
             "\u3000", "_", "-", "<s>", "</s>", "<unk>", "<tool>", "<word>", "<lead>", "<tail>", "<norm>", "\u2581", "\u2581a",
             "\U0001f600", "\x04", "\x00", "𝐰", "中文", "ありがとう", "!?", "...", "\u200d", "ǅ", "ª", "ʰ", "٣", "i\u0307"]
    out = ""
    for _ in range(rng.randrange(1, 9)):
        if rng.random() < 0.35:
            text = rng.choice(list(texts.SCRIPTS.values()))
            at = rng.randrange(len(text))
            out += text[at:at + rng.randrange(1, 14)]
        else:
            out += rng.choice(parts)
    return out


def all_texts():
    rng = random.Random(14)
    found = dict.fromkeys([*texts.SCRIPTS.values(), *texts.PLAIN])
    while len(found) < COUNT + 100:
        found[pieces(rng)] = None
    return [t for t in found if encodable(t)]


def encodable(text):
    try:
        text.encode()
        return True
    except UnicodeEncodeError:
        return False


def added(id, content, special=True, **flags):
    return {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": special, **flags}


def step(thing):
    return json.loads(thing.__getstate__()) if thing is not None else None


def split(regex, behavior="isolated"):
    return pre_tokenizers.Split(Regex(regex), behavior)


def byte_level(pre, normalizer=None, alphabet=None, size=420, **model):
    """A trained byte-level tokenizer.json, with its ids in another order than its merges."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre
    if normalizer:
        t.normalizer = normalizer
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    t.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=size, show_progress=False,
                                                        initial_alphabet=letters if alphabet is None else alphabet))
    doc = json.loads(t.to_str())
    if alphabet is not None:
        drop_bytes(doc, alphabet)
    ids = list(doc["model"]["vocab"].values())
    if not model.get("ignore_merges"):
        random.Random(5).shuffle(ids)
    doc["model"]["vocab"] = dict(sorted(zip(doc["model"]["vocab"], ids), key=lambda kv: kv[1]))
    doc["model"].update(model)
    return doc


def drop_bytes(doc, alphabet):
    """Takes what is not in the alphabet out of the vocabulary, and the merges that need it."""
    keep = [k for k in doc["model"]["vocab"] if all(c in alphabet for c in k)]
    doc["model"]["vocab"] = {k: i for i, k in enumerate(keep)}
    doc["model"]["merges"] = [m for m in doc["model"]["merges"] if "".join(m) in doc["model"]["vocab"]]


def spaced(bytes_there=range(256), metaspace=None, **model):
    """Llama 2's kind: characters, U+2581 for spaces, and bytes for the rest."""
    t = Tokenizer(models.BPE(unk_token="<unk>"))
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    first = SPECIALS + [f"<0x{b:02X}>" for b in bytes_there]
    t.train_from_iterator(texts.PLAIN * 3, trainers.BpeTrainer(vocab_size=620, show_progress=False, special_tokens=first,
                                                              limit_alphabet=90))
    doc = json.loads(t.to_str())
    mark, strip = "\u2581", {"type": "Strip", "content": " ", "start": 1, "stop": 0}
    doc["normalizer"], doc["pre_tokenizer"] = {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": mark},
        {"type": "Replace", "pattern": {"String": " "}, "content": mark}]}, None
    if metaspace:
        doc["normalizer"], doc["pre_tokenizer"] = None, {"type": "Metaspace", "replacement": mark, **metaspace}
    doc["decoder"] = {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": mark}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, strip]}
    doc["model"].update({"byte_fallback": True, "fuse_unk": True, **model})
    doc["added_tokens"] = [added(i, c) for i, c in enumerate(SPECIALS)]
    return doc


def with_added(doc, normalized=False):
    """Adds a token of each sort."""
    n = max(doc["model"]["vocab"].values()) + 1
    sorts = [("<tool>", {}), ("<word>", {"special": False, "single_word": True}), ("<lead>", {"lstrip": True}),
             ("<tail>", {"rstrip": True}), ("<norm>", {"normalized": True, "special": False, "lstrip": True, "rstrip": True}),
             ("\u00e9\u0301", {"normalized": normalized, "special": False})]
    if not doc["added_tokens"]:
        sorts += [(c, {}) for c in SPECIALS]
    doc["added_tokens"] += [added(n + i, c, **flags) for i, (c, flags) in enumerate(sorts)]
    return doc


def families():
    byte = pre_tokenizers.ByteLevel
    seq, plain = pre_tokenizers.Sequence, byte(add_prefix_space=False, use_regex=False)
    lacking = [c for c in sorted(byte.alphabet()) if c not in "ĄĆĐĔĖĠÁñòõ" or c == "Ġ"]
    return {
        "gpt2": with_added(byte_level(byte(add_prefix_space=False))),
        "gpt2-prefix": byte_level(byte(add_prefix_space=True)),
        "smollm": with_added(byte_level(seq([pre_tokenizers.Digits(True), byte(add_prefix_space=False)]), alphabet=lacking)),
        "llama3": with_added(byte_level(seq([split(LLAMA3), plain]), ignore_merges=True)),
        "qwen2": with_added(byte_level(seq([split(QWEN2), plain]), normalizers.NFC()), True),
        "tekken-hf": byte_level(seq([split(TEKKEN), plain]), ignore_merges=True),
        "gpt4o": byte_level(seq([split(GPT4O), plain])),
        "other": byte_level(seq([split(r) for r in STARCODER_LIKE] + [plain])),
        "behaviors": byte_level(seq([split(r"\p{N}+", "merged_with_previous"), split(r"[,.!]", "merged_with_next"),
                                     split(r"\t|\x04", "removed"), pre_tokenizers.Split("-", "contiguous"),
                                     pre_tokenizers.Digits(False), byte(add_prefix_space=True)])),
        "llama2": with_added(spaced()),
        "mistral": with_added(spaced(metaspace={"prepend_scheme": "first", "split": False})),
        "metaspace": spaced(metaspace={"prepend_scheme": "always", "split": True}, fuse_unk=False, bytes_there=range(128)),
        "unknown": spaced(byte_fallback=False, fuse_unk=True),
    }


def fnv(ids):
    x = 0x811C9DC5
    for i in ids:
        for b in i.to_bytes(4, "little"):
            x = (x ^ b) * 0x01000193 & 0xFFFFFFFF
    return f"{len(ids)} {x:08x}"


def ids_lines(all_of, encode):
    return "".join(f"{fnv(encode(t, True))} {fnv(encode(t, False))}\n" for t in all_of)


def by_tokenizers(doc):
    found, plain = Tokenizer.from_str(json.dumps(doc)), Tokenizer.from_str(json.dumps(doc))
    plain.encode_special_tokens = True
    return lambda text, specials: (found if specials else plain).encode(text, add_special_tokens=False).ids


def tekken(size=400, n_special=24):
    """Mistral's own form: byte strings by rank, more of them than are used."""
    doc = byte_level(pre_tokenizers.Sequence([split(TEKKEN), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]),
                     ignore_merges=True)
    back = {c: b for b, c in byte_chars().items()}
    tokens = [bytes(back[c] for c in k) for k in doc["model"]["vocab"]]
    tokens = sorted(t for t in tokens if len(t) == 1) + [t for t in tokens if len(t) > 1]
    used = {t: i for i, t in enumerate(tokens[:size - n_special])}
    form = {"config": {"pattern": TEKKEN, "num_vocab_tokens": len(tokens), "default_vocab_size": size,
                       "default_num_special_tokens": n_special, "version": "v3"},
            "vocab": [{"rank": i, "token_bytes": base64.b64encode(t).decode(), "token_str": None} for i, t in enumerate(tokens)]}
    enc = tiktoken.Encoding("tekken", pat_str=TEKKEN, mergeable_ranks=used, special_tokens={})
    return form, lambda text, specials: [i + n_special for i in enc.encode_ordinary(text)]


def byte_chars():
    first = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    chars = {b: chr(b) for b in first}
    for i, b in enumerate(b for b in range(256) if b not in first):
        chars[b] = chr(256 + i)
    return chars


def sentencepiece_model(kind, size):
    """A model as Llama 2's was made: bytes for what has no piece, nothing normalised, single digits."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts.PLAIN * 3), model_writer=out, model_type=kind, vocab_size=size, byte_fallback=True,
        normalization_rule_name="identity", add_dummy_prefix=True, remove_extra_whitespaces=False, split_digits=True,
        allow_whitespace_only_pieces=True, character_coverage=0.99, hard_vocab_limit=False, num_threads=1,
        user_defined_symbols=["<tool>"], minloglevel=2)
    return out.getvalue()


def by_pieces(model):
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "tokenizer.model").write_bytes(model)
        fast = LlamaTokenizerFast(vocab_file=f"{folder}/tokenizer.model", legacy=True,
                                  add_prefix_space=True, from_slow=True)
    encode = by_tokenizers(json.loads(fast.backend_tokenizer.to_str()))
    own = sentencepiece.SentencePieceProcessor(model_proto=model)
    plain = [t for t in all_texts() if "<" not in t and "\u2581" not in t and "\x00" not in t]
    same = sum(encode(t, True) == own.encode(t) for t in plain)
    print(f"pieces.model: sentencepiece gives the same ids for {same} of {len(plain)} texts without marks and special tokens")
    return encode


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "tests/fixtures/tokenizers")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    every = all_texts()
    (out / "texts.txt").write_text("".join(base64.b64encode(t.encode()).decode() + "\n" for t in every))
    for name, doc in families().items():
        (out / f"{name}.json").write_text(json.dumps(doc, ensure_ascii=False, separators=(",", ":")) + "\n")
        (out / f"{name}.ids").write_text(ids_lines(every, by_tokenizers(doc)))
    form, encode = tekken()
    # Without special tokens in the text: tiktoken would find them by another rule than the others.
    (out / "tekken.json").write_text(json.dumps(form, separators=(",", ":")) + "\n")
    (out / "tekken.ids").write_text("".join(f"{fnv(encode(t, False))}\n" for t in every))
    for name, kind, size in (("pieces", "bpe", 700), ("unigram", "unigram", 420)):
        model = sentencepiece_model(kind, size)
        (out / f"{name}.model").write_bytes(model)
        if kind == "bpe":
            (out / f"{name}.ids").write_text(ids_lines(every, by_pieces(model)))
    print(f"{len(every)} texts")


if __name__ == "__main__":
    main()
