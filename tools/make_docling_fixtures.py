#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/fixtures/idefics3/docling: a tiny random checkpoint in the form of granite-docling, and what transformers
makes of it.

    make_docling_fixtures.py [--out tests/fixtures/idefics3/docling]

config.json, model.safetensors   one table for embedding and head, scale_factor 4, bf16
tokenizer.json, ...              a vocabulary with special tokens for roles, for the parts of a page (DocTags) and for
                                 pictures, whose marks are scattered among the others; <end_of_utterance>, which the
                                 processor adds, lies beyond the model's table
parity*.safetensors              as make_idefics3_fixtures.py; -chat is a picture as the processor cuts it, in a prompt
                                 as the chat template writes it
docling.json                     "prompts": ids of such prompts for pictures of several sizes; "answer": what is
                                 generated for images/rgb8.png, and its text with special tokens and without

The template is ours; it writes what the released one writes for messages of these kinds. transformers must be 4.54 or
earlier.
"""

import argparse
import json
import pathlib
import random

import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (Idefics3Config, Idefics3ForConditionalGeneration, Idefics3ImageProcessor, Idefics3Processor,
                          PreTrainedTokenizerFast)

import make_idefics3_fixtures as family
import tokenizer_texts as texts

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "tests" / "fixtures"
VOCAB, TILE, PATCH, SCALE, SEED = 512, 32, 4, 4, 11
ASK = "Convert this page to docling."
SIZES = [(640, 480), (480, 640), (32, 32), (1000, 100), (333, 1000)]
TEMPLATE = """{%- for message in messages %}
{{- '<|start_of_role|>' + message.role + '<|end_of_role|>' }}
{%- if message.content is string %}{{- message.content }}
{%- else %}
{%- for part in message.content %}
{{- '<image>' if part.type == 'image' else part.text }}
{%- endfor %}
{%- endif %}
{{- '<|end_of_text|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_of_role|>assistant<|end_of_role|>' }}{% endif %}
"""


def special_tokens():
    """In an order in which nothing is beside what it belongs to; <|pad|> and <|end_of_text|> come first."""
    paired = ["doctag", "text", "title", "caption", "list_item", "otsl", "code", "formula", "picture", "chart"]
    others = ["<|start_of_role|>", "<|end_of_role|>", "<|unk|>", family.IMAGE, family.FAKE, family.GLOBAL,
              *(f"<row_{r}_col_{c}>" for r in range(1, 5) for c in range(1, 5)),
              *(f"<{name}>" for name in paired), *(f"</{name}>" for name in paired),
              "<fcel>", "<ecel>", "<nl>", "<page_break>", "<key_", "<link_"]
    random.Random(1).shuffle(others)
    return ["<|pad|>", "<|end_of_text|>", *others]


def train_tokenizer():
    """As GPT-2's: the special tokens are ids of the vocabulary too."""
    special = special_tokens()
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator([*texts.SCRIPTS.values(), f"userassistant{ASK}\n\n"] * 3, trainers.BpeTrainer(
        vocab_size=VOCAB - len(special), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    whole = json.loads(tok.to_str())
    whole["model"]["vocab"].update({text: VOCAB - len(special) + i for i, text in enumerate(special)})
    tok = Tokenizer.from_str(json.dumps(whole))
    tok.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in [*special, family.END]])
    if tok.token_to_id(family.END) != VOCAB:
        raise RuntimeError(f"{family.END} is {tok.token_to_id(family.END)}: give more text")
    return tok


def make_config(tok):
    ids = {"bos_token_id": tok.token_to_id("<|start_of_role|>"), "eos_token_id": tok.token_to_id("<|end_of_text|>"),
           "pad_token_id": tok.token_to_id("<|end_of_text|>")}
    return Idefics3Config(
        image_token_id=tok.token_to_id(family.IMAGE), tie_word_embeddings=True, scale_factor=SCALE,
        vision_config=dict(hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3,
                           image_size=TILE, patch_size=PATCH),
        text_config=dict(model_type="llama", vocab_size=VOCAB, hidden_size=32, intermediate_size=48, head_dim=8,
                         num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5,
                         rope_theta=100000.0, max_position_embeddings=2048, tie_word_embeddings=True, **ids), **ids)


def make_processor(tok):
    images = Idefics3ImageProcessor(size={"longest_edge": 4 * TILE}, max_image_size={"longest_edge": TILE})
    fast = PreTrainedTokenizerFast(tokenizer_object=tok, bos_token="<|start_of_role|>", eos_token="<|end_of_text|>",
                                   pad_token="<|end_of_text|>", unk_token="<|unk|>")
    return Idefics3Processor(images, fast, image_seq_len=(TILE // PATCH // SCALE) ** 2, chat_template=TEMPLATE)


def prompt_of(processor, picture):
    """The ids and tiles of one message with a picture and the question."""
    said = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": ASK}]}]
    made = processor(text=processor.apply_chat_template(said, add_generation_prompt=True), images=picture,
                     return_tensors="pt")
    return made["input_ids"][0], made["pixel_values"][0].float()


def is_said(token):
    """ASCII and DocTags, so that the answer of random weights is something to look at."""
    return token.replace("\u0120", "").isascii() and not token.startswith(("<|", "<row_", family.IMAGE, family.FAKE,
                                                                           family.GLOBAL))


def write_directory(out, tok, config):
    out.mkdir(parents=True, exist_ok=True)
    model = family.make_model(config, SEED)
    last = model.model.text_model.norm.weight  # of both signs: a tied head would repeat what it reads
    last.data = torch.randn(last.shape, generator=torch.Generator().manual_seed(SEED))
    model.model.text_model.embed_tokens.weight.data[[not is_said(tok.id_to_token(i)) for i in range(VOCAB)]] *= 0.1
    model.to(torch.bfloat16).save_pretrained(out, safe_serialization=True)
    written = json.loads((out / "config.json").read_text())
    written["dtype"] = written.pop("torch_dtype")
    (out / "config.json").write_text(json.dumps(written, indent=2) + "\n")
    (out / "generation_config.json").write_text(json.dumps({"eos_token_id": config.eos_token_id}) + "\n")
    (out / "tokenizer.json").write_text(tok.to_str(pretty=False))
    (out / "tokenizer_config.json").write_text(json.dumps(
        {"add_bos_token": False, "bos_token": "<|start_of_role|>", "eos_token": "<|end_of_text|>",
         "unk_token": "<|unk|>", "tokenizer_class": "GPT2Tokenizer"}) + "\n")
    (out / "preprocessor_config.json").write_text(json.dumps(
        {"size": {"longest_edge": 4 * TILE}, "max_image_size": {"longest_edge": TILE}, "resample": 1}) + "\n")
    (out / "chat_template.jinja").write_text(TEMPLATE)


def write_parity(out, model, processor):
    config = model.config
    banned = (config.text_config.eos_token_id, config.image_token_id)
    for name in ("", "-tiles"):
        plan = family.CASES[name][0]
        pixels = torch.randn(plan.count("i"), 3, TILE, TILE, generator=torch.Generator().manual_seed(SEED))
        save_file(family.parity(model, family.prompt(config, plan, SEED), pixels, None, banned=banned),
                  out / f"parity{name}.safetensors", metadata={"format": "pt"})
    ids, pixels = prompt_of(processor, Image.fromarray(family.pattern(100, 60, 3)))
    save_file(family.parity(model, ids, pixels, None, banned=banned), out / "parity-chat.safetensors",
              metadata={"format": "pt"})


@torch.no_grad()
def answer(model, processor, file, n):
    ids, pixels = prompt_of(processor, Image.open(FIXTURES / "images" / file))
    said = []
    for _ in range(n):
        last = model(input_ids=torch.cat([ids, torch.tensor(said, dtype=torch.int64)])[None], pixel_values=pixels[None],
                     use_cache=False).logits[0, -1]
        best = last.topk(2)
        if best.values[0] - best.values[1] < 0.01:
            raise RuntimeError("two tokens are nearly as likely: other seed")
        said.append(int(best.indices[0]))
        if said[-1] in (model.config.text_config.eos_token_id, model.config.image_token_id):
            raise RuntimeError("the answer has a token that changes what is run: other seed")
    tok = processor.tokenizer
    whole = tok.decode(said, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    plain = tok.decode(said, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    if whole.count("<") < 4 or not plain.strip() or "\n" in plain:
        raise RuntimeError("the answer is no text with marks: other seed")
    return {"picture": file, "ids": said, "shown": whole, "hidden": plain}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=FIXTURES / "idefics3" / "docling")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    tok = train_tokenizer()
    write_directory(out, tok, make_config(tok))
    model = Idefics3ForConditionalGeneration.from_pretrained(out, torch_dtype=torch.float32).eval()
    processor = make_processor(tok)
    write_parity(out, model, processor)
    prompts = [{"in": size, "ids": prompt_of(processor, Image.fromarray(family.pattern(*size, 3)))[0].tolist()}
               for size in SIZES]
    (out / "docling.json").write_text(
        '{"prompts": [\n' + ",\n".join(json.dumps(p, separators=(",", ":")) for p in prompts) + '],\n"answer": '
        + json.dumps(answer(model, processor, "rgb8.png", 24)) + "}\n")


if __name__ == "__main__":
    main()
