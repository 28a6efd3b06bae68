# SPDX-License-Identifier: Apache-2.0
"""The demo's tokenizer: byte-level BPE in Llama 3's form, trained on the words of all three jobs.

Files written: tokenizer.model (one `base64 rank` line a token), tokenizer.json (the same in Hugging Face's
form, merges derived from the ranks) and tokenizer_config.json. Ids: n_base ranks, then 256 special tokens
in the order and with the names of Llama 3.2 Vision. Three of the reserved names have a use here:
AUDIO_BEGIN and AUDIO_END enclose speech, VIDEO stands for a clip. The image marker is id vocab_size,
outside the text core's table.
"""
import base64
import json
from collections import Counter

import regex

SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
BOS, EOT_TEXT, PAD = "<|begin_of_text|>", "<|end_of_text|>", "<|finetune_right_pad_id|>"
HEAD, HEAD_END, EOM, EOT = "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>"
AUDIO_BEGIN, AUDIO_END, VIDEO = (f"<|reserved_special_token_{i}|>" for i in (2, 3, 4))
SPECIALS = ([BOS, EOT_TEXT, "<|reserved_special_token_0|>", "<|reserved_special_token_1|>", PAD, "<|step_id|>",
             HEAD, HEAD_END, EOM, EOT, "<|python_tag|>"]
            + [f"<|reserved_special_token_{i}|>" for i in range(2, 247)])
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' "
    "+ m['content'] | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}")


def printable_bytes():
    """GPT-2's table: byte value to printable character, in the order of Llama 3's first 256 ranks."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {b: chr(b) for b in plain}
    for n, b in enumerate(b for b in range(256) if b not in table):
        table[b] = chr(256 + n)
    return table


def train_ranks(texts, n_base):
    """BPE ranks: bytes -> rank. A word weighs the root of its count, so that rare names become whole tokens."""
    counts = Counter(p for t in texts for p in regex.findall(SPLIT, t))
    words = {tuple(bytes([b]) for b in w.encode()): c ** 0.5 for w, c in counts.items()}
    ranks = {bytes([b]): i for i, b in enumerate(printable_bytes())}
    while len(ranks) < n_base:
        pairs = Counter()
        for word, weight in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += weight
        if not pairs:
            raise SystemExit(f"the sentences give only {len(ranks)} tokens, not {n_base}")
        best = max(pairs, key=lambda p: (round(pairs[p], 6), p))
        ranks.setdefault(best[0] + best[1], len(ranks))
        words = {merge_pair(w, best): c for w, c in words.items()}
    return ranks


def merge_pair(word, pair):
    """The word with every occurrence of the pair joined, from the left."""
    out, i = [], 0
    while i < len(word):
        if word[i:i + 2] == pair:
            out.append(pair[0] + pair[1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return tuple(out)


class Tokenizer:
    """Text to ids and back; special tokens only by name, never parsed from text."""

    def __init__(self, ranks):
        self.ranks, self.n_base = ranks, len(ranks)
        self.special = {name: self.n_base + i for i, name in enumerate(SPECIALS)}
        self.vocab_size = self.n_base + len(SPECIALS)
        self.image = self.vocab_size
        self.bytes = {i: b for b, i in ranks.items()}
        self.cache = {}

    @classmethod
    def read(cls, path):
        """From a tokenizer.model file."""
        lines = (line.split() for line in path.read_text().splitlines())
        return cls({base64.b64decode(token): int(rank) for token, rank in lines})

    def piece(self, text):
        """The ids of one piece: whole lookup first, else the lowest-ranked join until none is left."""
        if text not in self.cache:
            raw = text.encode()
            parts = [raw] if raw in self.ranks else [bytes([b]) for b in raw]
            while len(parts) > 1:
                none = len(self.ranks)
                rank, at = min((self.ranks.get(parts[i] + parts[i + 1], none), i) for i in range(len(parts) - 1))
                if rank == none:
                    break
                parts[at:at + 2] = [parts[at] + parts[at + 1]]
            self.cache[text] = [self.ranks[p] for p in parts]
        return self.cache[text]

    def encode(self, text):
        return [i for p in regex.findall(SPLIT, text) for i in self.piece(p)]

    def decode(self, ids):
        return b"".join(self.bytes.get(i, b"") for i in ids).decode(errors="replace")


def merges(ranks):
    """Every split of a token into two tokens, in the order of Hugging Face's converter."""
    found = []
    for token, rank in ranks.items():
        for cut in range(1, len(token)):
            left, right = ranks.get(token[:cut]), ranks.get(token[cut:])
            if left is not None and right is not None:
                found.append((rank, left, right, token[:cut], token[cut:]))
    return [(left, right) for *_, left, right in sorted(found)]


def tokenizer_json(tok):
    """The content of tokenizer.json."""
    table = printable_bytes()
    show = lambda raw: "".join(table[b] for b in raw)  # noqa: E731
    added = [{"id": i, "content": name, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": True} for name, i in tok.special.items()]
    split = {"type": "Split", "pattern": {"Regex": SPLIT}, "behavior": "Isolated", "invert": False}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    bos = {"SpecialToken": {"id": BOS, "type_id": 0}}
    post = {"type": "TemplateProcessing", "single": [bos, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [bos, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {BOS: {"id": BOS, "ids": [tok.special[BOS]], "tokens": [BOS]}}}
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": True,
             "vocab": {show(raw): i for raw, i in tok.ranks.items()},
             "merges": [f"{show(a)} {show(b)}" for a, b in merges(tok.ranks)]}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
            "post_processor": post, "decoder": {**byte_level, "add_prefix_space": True}, "model": model}


def files(tok, max_length):
    """File name -> text of everything that a directory's tokenizer needs."""
    lines = "".join(f"{base64.b64encode(raw).decode()} {i}\n" for raw, i in tok.ranks.items())
    config = {"bos_token": BOS, "eos_token": EOT, "pad_token": PAD, "clean_up_tokenization_spaces": False,
              "model_input_names": ["input_ids", "attention_mask"], "model_max_length": max_length,
              "tokenizer_class": "PreTrainedTokenizerFast", "chat_template": CHAT_TEMPLATE}
    return {"tokenizer.model": lines,
            "tokenizer.json": json.dumps(tokenizer_json(tok), ensure_ascii=False, indent=1) + "\n",
            "tokenizer_config.json": json.dumps(config, indent=2) + "\n"}
