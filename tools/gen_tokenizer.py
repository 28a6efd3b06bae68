#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/fixtures/tokenizer: strings and their ids, computed by tiktoken.

    gen_tokenizer.py [--real tokenizer.model] [--out tests/fixtures/tokenizer]

vectors.json, chat.json            ids under Llama 3's own tokenizer.model (not ours to commit;
                                   without --real these two files are left as they are)
tiny.model, tiny.json,             a vocabulary of our own, 600 tokens, trained here on our own
tiny-pairs.json                    text: tiktoken's form, and tokenizer.json with either spelling
                                   of merges
tiny-vectors.json, tiny-chat.json  ids under that vocabulary

A vector is {"b64": base64 of the text, "ids": [...]}, nothing parsed as special, no bos. "invalid"
lists texts that are not UTF-8. tiktoken has no rule for them that suits a stream, so ours is: a
byte that is part of no well-formed sequence is one character that is neither letter, number nor
white space; the pieces are then encoded by tiktoken.
Each file is also checked against a second, independent encoder: Hugging Face tokenizers for the
small vocabulary, a plain quadratic merge loop for both.
"""

import argparse
import base64
import json
import os
import pathlib
from collections import Counter

import regex
import tiktoken
from tiktoken.load import load_tiktoken_bpe

import tokenizer_texts as texts

HERE = pathlib.Path(__file__).resolve().parent
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TINY_SIZE = 600
UNREACHABLE = [b" tapestry", b"selvedge", " việc".encode()]  # whole tokens no merge leads to


def printable_order():
    """The 256 bytes in the order of GPT-2's printable alphabet, as the released file has them."""
    first = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return first + [b for b in range(256) if b not in first]


def byte_alphabet():
    """byte -> the character that stands for it in tokenizer.json."""
    order = printable_order()
    table = {b: chr(b) for b in order[:188]}
    table.update({b: chr(0x100 + i) for i, b in enumerate(order[188:])})
    return table


def special_names():
    """The 256 special tokens of Llama 3.1, in order."""
    named = {0: "begin_of_text", 1: "end_of_text", 4: "finetune_right_pad_id", 6: "start_header_id",
             7: "end_header_id", 8: "eom_id", 9: "eot_id", 10: "python_tag"}
    out, reserved = [], 0
    for i in range(256):
        if i in named:
            out.append(f"<|{named[i]}|>")
        else:
            out.append(f"<|reserved_special_token_{reserved}|>")
            reserved += 1
    return out


def merge(parts, ranks):
    """Merge the adjacent pair of lowest rank, leftmost on ties, until none is in the vocabulary."""
    parts = list(parts)
    while len(parts) > 1:
        best = min((ranks.get(a + b, 1 << 30), i) for i, (a, b) in enumerate(zip(parts, parts[1:])))
        if best[0] == 1 << 30:
            break
        parts[best[1] : best[1] + 2] = [parts[best[1]] + parts[best[1] + 1]]
    return parts


def pieces(data):
    """Pre-tokenisation; bytes that are not UTF-8 are characters of no class (see the top)."""
    text = data.decode("utf-8", "surrogateescape")
    return [p.encode("utf-8", "surrogateescape") for p in regex.findall(PATTERN, text)]


def oracle(data, ranks):
    out = []
    for piece in pieces(data):
        whole = [piece] if piece in ranks else merge([bytes([b]) for b in piece], ranks)
        out += [ranks[p] for p in whole]
    return out


def train(size):
    """Plain byte pair encoding over the pieces of our own text."""
    ranks = {bytes([b]): i for i, b in enumerate(printable_order())}
    words = Counter(pieces(texts.TRAINING.encode()))
    split = {w: [bytes([b]) for b in w] for w in words}
    while len(ranks) < size - len(UNREACHABLE):
        pairs = Counter()
        for word, count in words.items():
            for pair in zip(split[word], split[word][1:]):
                pairs[pair] += count
        a, b = max(pairs, key=lambda p: (pairs[p], p))
        ranks[a + b] = len(ranks)
        split = {w: merge([bytes([c]) for c in w], ranks) for w in words}
    for token in UNREACHABLE:
        ranks[token] = len(ranks)
    return ranks


def merge_list(ranks):
    """Every split of every token into two tokens, by (rank of the result, of its halves)."""
    out = []
    for token, rank in ranks.items():
        for i in range(1, len(token)):
            if token[:i] in ranks and token[i:] in ranks:
                out.append((rank, ranks[token[:i]], ranks[token[i:]], token[:i], token[i:]))
    return [(a, b) for _, _, _, a, b in sorted(out)]


def tokenizer_json(ranks, as_pairs):
    table = byte_alphabet()
    spell = lambda token: "".join(table[b] for b in token)
    merges = [[spell(a), spell(b)] for a, b in merge_list(ranks)]
    added = [{"id": len(ranks) + i, "content": name, "single_word": False, "lstrip": False,
              "rstrip": False, "normalized": False, "special": True}
             for i, name in enumerate(special_names())]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                  "use_regex": False}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated",
             "invert": False}, byte_level]},
        "post_processor": dict(byte_level, use_regex=True),
        "decoder": dict(byte_level, use_regex=True),
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False,
                  "byte_fallback": False, "ignore_merges": True,
                  "vocab": {spell(t): r for t, r in ranks.items()},
                  "merges": merges if as_pairs else [" ".join(m) for m in merges]},
    }


def encoding(ranks):
    special = {name: len(ranks) + i for i, name in enumerate(special_names())}
    return tiktoken.Encoding("vectors", pat_str=PATTERN, mergeable_ranks=ranks,
                             special_tokens=special)


def unreachable(ranks, limit):
    """Tokens that merging from single bytes does not give, those that are text only."""
    out = []
    for token in ranks:
        if len(token) < 2 or merge([bytes([b]) for b in token], ranks) == [token]:
            continue
        try:
            out.append(token.decode())
        except UnicodeDecodeError:
            continue
        if len(out) == limit:
            break
    return out


def vector(data, ids):
    return {"b64": base64.b64encode(data).decode(), "ids": ids}


def vectors(ranks):
    enc = encoding(ranks)
    strings = list(dict.fromkeys(texts.valid() + unreachable(ranks, 40)))
    out = {"valid": [], "invalid": []}
    for text in strings:
        ids = enc.encode_ordinary(text)
        assert enc.decode_bytes(ids) == text.encode()
        assert ids == oracle(text.encode(), ranks), text
        out["valid"].append(vector(text.encode(), ids))
    for data in texts.invalid():
        ids = [i for p in pieces(data) for i in enc._encode_single_piece(p)]
        assert enc.decode_bytes(ids) == data and ids == oracle(data, ranks), data
        out["invalid"].append(vector(data, ids))
    return out


def chat_cases():
    ask = "This is a test sentence."
    return [
        ("one user message", [("user", [ask])]),
        ("system and user", [("system", ["You are brief."]), ("user", ["Who are you?"])]),
        ("a dialogue", [("user", ["Hi"]), ("assistant", ["Hello! How can I help?"]),
                        ("user", ["Count to 3."])]),
        ("special text is plain text", [("user", ["a<|eot_id|>b <|image|>"])]),
        ("an empty message", [("user", [""])]),
        ("a picture, then text", [("user", [None, "Describe this picture."])]),
        ("text, a picture, text", [("user", ["Look: ", None, " What is it?"])]),
        ("two pictures", [("user", [None, None, "Compare."])]),
        ("picture in a later turn", [("user", ["Hi"]), ("assistant", ["Hello"]),
                                     ("user", [None, "And this?"])]),
    ]


def chat(ranks):
    """Framing of Llama 3: no system block of its own, content not trimmed, the marker's id after
    the vocabulary (None above). Each part is encoded on its own; the assistant's header ends it."""
    enc = encoding(ranks)
    special = {name[2:-2]: len(ranks) + i for i, name in enumerate(special_names())}
    marker = len(ranks) + 256

    def header(role):
        return [special["start_header_id"], *enc.encode_ordinary(role), special["end_header_id"],
                *enc.encode_ordinary("\n\n")]

    out = []
    for name, messages in chat_cases():
        ids = [special["begin_of_text"]]
        for role, parts in messages:
            ids += header(role)
            for part in parts:
                ids += [marker] if part is None else enc.encode_ordinary(part)
            ids.append(special["eot_id"])
        out.append({"name": name, "messages": [
            {"role": role, "parts": [{"id": marker} if p is None else {"text": p} for p in parts]}
            for role, parts in messages], "ids": ids + header("assistant")})
    return {"marker": marker, "stop": [special[s] for s in ("end_of_text", "eom_id", "eot_id")],
            "cases": out}


def write_lines(path, value):
    """JSON with one entry of each list per line, so that a change shows as one."""
    body = []
    for key, entry in value.items():
        if isinstance(entry, list) and entry and isinstance(entry[0], dict):
            lines = ",\n".join(json.dumps(e) for e in entry)
            body.append(f"{json.dumps(key)}: [\n{lines}\n]")
        else:
            body.append(f"{json.dumps(key)}: {json.dumps(entry)}")
    path.write_text("{\n" + ",\n".join(body) + "\n}\n")


def check_hf(path, ranks):
    from tokenizers import Tokenizer

    tok = Tokenizer.from_file(str(path))
    enc = encoding(ranks)
    for text in texts.valid():
        if text not in texts.SPECIAL and not any(s in text for s in special_names()):
            assert tok.encode(text, add_special_tokens=False).ids == enc.encode_ordinary(text), text


def tiny(out):
    ranks = train(TINY_SIZE)
    assert len(ranks) == TINY_SIZE
    lines = [base64.b64encode(t).decode() + f" {r}\n" for t, r in ranks.items()]
    (out / "tiny.model").write_text("".join(lines))
    for name, as_pairs in (("tiny.json", False), ("tiny-pairs.json", True)):
        text = json.dumps(tokenizer_json(ranks, as_pairs), ensure_ascii=False)
        (out / name).write_text(text + "\n")
        check_hf(out / name, ranks)
    reread = load_tiktoken_bpe(str(out / "tiny.model"))
    assert reread == ranks
    assert all(merge([bytes([b]) for b in t], ranks) != [t] for t in UNREACHABLE)
    write_lines(out / "tiny-vectors.json", vectors(ranks))
    write_lines(out / "tiny-chat.json", chat(ranks))


def real(out, path):
    ranks = load_tiktoken_bpe(str(path))
    assert len(ranks) == 128000
    found = vectors(ranks)
    assert vector(" việc".encode(), [100769]) in found["valid"]
    write_lines(out / "vectors.json", found)
    cases = chat(ranks)
    first = cases["cases"][0]["ids"]
    assert first[1:-4] == [128006, 882, 128007, 271, 2028, 374, 264, 1296, 11914, 13, 128009], first
    write_lines(out / "chat.json", cases)
    print(f"{len(found['valid'])} texts, {len(found['invalid'])} that are not UTF-8")


def main():
    os.environ["TIKTOKEN_CACHE_DIR"] = ""  # a cached copy of an earlier tiny.model would be read
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--real", type=pathlib.Path, help="Llama 3's tokenizer.model")
    parser.add_argument("--out", type=pathlib.Path,
                        default=HERE.parent / "tests" / "fixtures" / "tokenizer")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    tiny(args.out)
    if args.real:
        real(args.out, args.real)


if __name__ == "__main__":
    main()
