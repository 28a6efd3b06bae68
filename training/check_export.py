# SPDX-License-Identifier: Apache-2.0
"""Compare the exported demo with transformers 4.49: tokenizer ids, text logits, captions' logits.

The vision directory is composed with the text core into a MllamaForConditionalGeneration (eager, f32), with
the attention output of rows before the picture set to zero, as Meta's code does and transformers does not.
Both sides read the exported bf16 values, so they differ by the order of sums alone: 2e-4 of the largest logit.
"""
import json

import numpy as np
import torch
from transformers import AutoTokenizer, LlamaForCausalLM, MllamaConfig, MllamaForConditionalGeneration
from transformers.models.mllama import modeling_mllama

import scenes
from common import DEMO
from demo import demo_modules
from export import cross_layers
from train_text import tokenizer
from train_vision import embed, prompt_rows
from train_vit import normalise

TOLERANCE = 2e-4


def report(what, ours, theirs):
    error = (ours - theirs).abs().max().item() / max(1.0, theirs.abs().max().item())
    print(f"{what}: error {error:.2e} of scale")
    if error > TOLERANCE:
        raise SystemExit(f"{what} differs from transformers")


def composed(tok, text, vision):
    """The reference model with the core's layers at their merged places."""
    config = MllamaConfig.from_dict(json.loads((DEMO / "vision" / "config.json").read_text()))
    config._attn_implementation = "eager"
    model = MllamaForConditionalGeneration._from_config(config, attn_implementation="eager").float().eval()
    state = dict(vision)
    selfs = [i for i in range(config.text_config.num_hidden_layers) if i not in cross_layers()]
    for k, v in text.items():
        if k.startswith("model.layers."):
            _, _, i, rest = k.split(".", 3)
            state[f"language_model.model.layers.{selfs[int(i)]}.{rest}"] = v
    state["language_model.model.norm.weight"] = text["model.norm.weight"]
    state["language_model.lm_head.weight"] = text["model.embed_tokens.weight"]
    missing, unexpected = model.load_state_dict(state, strict=False)
    if missing or unexpected:
        raise SystemExit(f"names differ: missing {missing}, unexpected {unexpected}")
    return model


def blind_rows_skip():
    """Zero the attention output of rows that see no picture, before o_proj."""
    original = modeling_mllama.MllamaCrossAttentionDecoderLayer.forward

    def forward(self, hidden_states, cross_attention_states, cross_attention_mask, attention_mask,
                full_text_row_masked_out_mask, *rest, **named):
        mask = full_text_row_masked_out_mask[:, 0]
        hook = self.cross_attn.o_proj.register_forward_pre_hook(lambda _, inputs: (inputs[0] * mask,))
        try:
            return original(self, hidden_states, cross_attention_states, cross_attention_mask, attention_mask,
                            full_text_row_masked_out_mask, *rest, **named)
        finally:
            hook.remove()

    modeling_mllama.MllamaCrossAttentionDecoderLayer.forward = forward


@torch.no_grad()
def check_picture(tok, core, encoder, adapter, reference, seed):
    _, text, image, _ = scenes.scene(seed)
    pixels = normalise(np.array(image)[None])
    ids = torch.tensor([prompt_rows(tok, "Describe this picture.") + tok.encode(text)])
    features = encoder(pixels)
    x, seen = embed(core, adapter, tok, ids)
    ours = core.logits(core(x, adapter.layers, adapter.multi_modal_projector(features), seen))
    mask = seen.long()[..., None]     # [batch, rows, images, tiles]
    theirs = reference(input_ids=ids, pixel_values=pixels[None, None], aspect_ratio_ids=torch.ones(1, 1).long(),
                       aspect_ratio_mask=torch.ones(1, 1, 1).long(), cross_attention_mask=mask,
                       use_cache=False).logits
    report(f"picture {seed}", ours, theirs)


@torch.no_grad()
def main():
    tok = tokenizer()
    hf = AutoTokenizer.from_pretrained(DEMO / "text")
    for text in ("a large red apple", "don't  stop\n\n 12345 é 猫 \t<|eot_id|x", "Jack-o-lantern's  T-Rex!"):
        if hf(text, add_special_tokens=False)["input_ids"] != tok.encode(text):
            raise SystemExit(f"tokenizer ids differ for {text!r}")
    if [hf.convert_tokens_to_ids(n) for n in tok.special] != list(tok.special.values()):
        raise SystemExit("special tokens' ids differ")
    core, encoder, adapter, text, vision = demo_modules(tok)
    llama = LlamaForCausalLM.from_pretrained(DEMO / "text", torch_dtype=torch.float32, attn_implementation="eager")
    ids = torch.tensor([[tok.special["<|begin_of_text|>"], *tok.encode("a large red apple on a blue background")]])
    report("text", core.logits(core(core.embed_tokens(ids))), llama(ids).logits)
    blind_rows_skip()
    reference = composed(tok, text, vision)
    for seed in range(3):
        check_picture(tok, core, encoder, adapter, reference, seed)


if __name__ == "__main__":
    main()
