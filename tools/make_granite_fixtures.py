#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the tiny random Granite Speech checkpoints of tests/fixtures/granite-speech and what is expected of them.

    make_granite_fixtures.py [--out tests/fixtures/granite-speech] [--only NAME ...]

For a checkpoint at hand see make_parity.py.

It needs transformers 4.57 and torchaudio 2.6, which are later than what the other scripts run with (requirements.txt), and
for a checkpoint with a LoRA peft; for Granite Speech Plus transformers 5.24 instead, which then writes `plus` alone.
Everything is transformers' own GraniteSpeechForConditionalGeneration, GraniteSpeechPlusForConditionalGeneration and
GraniteSpeechFeatureExtractor, in float32.

parity*.safetensors: `input_ids` [T] as the reference's processor gives them, the placeholder once for each token;
`input_features` [n, rows, input_dim] and, of several clips, `input_features_mask` [n, tokens] i64, or `samples` [n] at 16 kHz;
expected `features` (where there are samples), `encoder.output` [n, rows, d], `projector.output` [n, tokens, d_text],
`hidden.{k}`, `logits`, `greedy`. A checkpoint with a LoRA has it on where there is sound, and off where there is none.
"""

import argparse
import json
import pathlib
import tempfile

import torch
import transformers
from safetensors.torch import save_file
from transformers import GraniteSpeechFeatureExtractor

import gen_speech_models
import prompts
import sounds

IS_LATE = int(transformers.__version__.split(".")[0]) >= 5  # the parts of the model lie one deeper, and Plus is there
HERE = pathlib.Path(__file__).resolve().parent
TEXT = dict(model_type="granite", vocab_size=96, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, intermediate_size=48, max_position_embeddings=512, rope_theta=10000.0,
            rms_norm_eps=1e-5, embedding_multiplier=0.8, attention_multiplier=0.3, residual_multiplier=0.5,
            logits_scaling=2.0, tie_word_embeddings=False, pad_token_id=0, bos_token_id=1, eos_token_id=2)
ENCODER = dict(input_dim=160, hidden_dim=24, num_layers=2, feedforward_mult=2, num_heads=2, dim_head=12, output_dim=10,
               context_size=10, max_pos_emb=16, conv_kernel_size=5, conv_expansion_factor=2)
QFORMER = dict(model_type="blip_2_qformer", hidden_size=20, num_hidden_layers=2, num_attention_heads=2,
               intermediate_size=36, cross_attention_frequency=1, encoder_hidden_size=24, layer_norm_eps=1e-12)
# name -> (text, encoder, projector, top, stored type, whether there is a LoRA)
KINDS = {
    "plain": ({}, {}, {}, dict(audio_token_index=95), "float32", False),
    # odd numbers everywhere: heads that are not as wide as the stream, an even kernel, layers that do not ask the rows,
    # blocks as long as the distance table, a placeholder beyond the vocabulary
    "odd": (dict(tie_word_embeddings=True, hidden_size=40, embedding_multiplier=2.0),
            dict(input_dim=16, hidden_dim=20, num_layers=5, num_heads=3, dim_head=8, context_size=7, max_pos_emb=7,
                 conv_kernel_size=6, conv_expansion_factor=1, feedforward_mult=4),
            dict(num_hidden_layers=3, cross_attention_frequency=2, encoder_hidden_size=20, hidden_size=24,
                 layer_norm_eps=1e-6),
            dict(audio_token_index=96, window_size=6, downsample_rate=2), "bfloat16", False),
    # one layer: its middle is nowhere, and the CTC head is never asked
    "one": ({}, dict(input_dim=16, num_layers=1), dict(num_hidden_layers=1),
            dict(audio_token_index=7, window_size=4, downsample_rate=4), "float16", False),
    # Granite Speech 3.3: a LoRA on q_proj and v_proj of the text model, on where there is sound
    "lora": ({}, dict(input_dim=16, num_layers=2), {}, dict(audio_token_index=95), "float32", True),
    # Granite Speech Plus: rows before the first block, of two others and of the middle one, which has the CTC head's guess
    "plus": ({}, dict(input_dim=16, num_layers=6, cat_hidden_layers=[0, 1, 3, 5]), dict(encoder_hidden_size=120),
             dict(audio_token_index=95, tie_word_embeddings=False), "float32", False),
}
# name -> {file: (rows of each clip, or ("samples", n), words before each clip and after the last)}
CASES = {
    "plain": {"parity": ([47], (3, 6)),  # four windows with zeros in the last; five blocks, the last of 7
              "parity-exact": ([30], (2, 4)),  # blocks and windows without a rest
              "parity-one-row": ([1], (1, 3)),
              "parity-two": ([33, 12], (3, 2, 5)),  # the second is padded to the first
              "parity-text": ([], (20,)),
              "parity-samples": (("samples", 8000), (2, 5)),  # 51 frames, of which the last is dropped
              "parity-samples-even": (("samples", 8160), (0, 5))},
    "odd": {"parity": ([23], (4, 4)), "parity-two": ([7, 14], (1, 1, 1)), "parity-text": ([], (33,))},
    "one": {"parity": ([9], (2, 3))},
    "plus": {"parity": ([47], (3, 6)), "parity-two": ([33, 12], (3, 2, 5)), "parity-text": ([], (20,))},
    "lora": {"parity": ([20], (70, 6)), "parity-two": ([33, 12], (3, 2, 5)), "parity-text": ([], (20,))},
}


def fields(name):
    text, encoder, projector, top, _, lora = KINDS[name]
    return dict(text_config={**TEXT, **text}, encoder_config={**ENCODER, **encoder},
                projector_config={**QFORMER, **projector}, has_lora_adapter=lora, **top)


def classes(plus):
    """The reference's configuration and model."""
    name = "GraniteSpeechPlus" if plus else "GraniteSpeech"
    return getattr(transformers, name + "Config"), getattr(transformers, name + "ForConditionalGeneration")


def parts(model):
    """What holds encoder, projector and get_merged_audio_embeddings."""
    return model.model if IS_LATE else model


def randomise(model, seed):
    """Values that show: also what the batch norms were trained on."""
    gen_speech_models.randomise(model, seed)
    rng = torch.Generator().manual_seed(seed + 1)
    query = parts(model).projector.query
    query.data.copy_(torch.randn(query.shape, generator=rng))
    for name, buffer in sorted(model.named_buffers()):
        if name.endswith("running_mean"):
            buffer.copy_(0.3 * torch.randn(buffer.shape, generator=rng))
        if name.endswith("running_var"):
            buffer.copy_(0.4 + torch.rand(buffer.shape, generator=rng))
    if model.config.audio_token_index < model.config.text_config.vocab_size:  # it is never the likeliest
        model.get_output_embeddings().weight.data[model.config.audio_token_index] = 0
    return model


def add_lora(model, seed):
    """As the released directories have it: peft's files beside the others."""
    from peft import LoraConfig

    model.add_adapter(LoraConfig(r=6, lora_alpha=9, target_modules=["q_proj", "v_proj"], bias="none"))
    rng = torch.Generator().manual_seed(seed + 2)
    for name, p in sorted(model.named_parameters()):
        if ".lora_" in name:
            p.data.copy_(torch.randn(p.shape, generator=rng) / p.shape[1] ** 0.5)


class Reference:
    """The model, and what its blocks were given the last time."""

    def __init__(self, model):
        self.model, self.hidden = model, {}
        core = parts(model).language_model
        core = core if IS_LATE else core.model
        for k, module in enumerate([*core.layers, core.norm]):
            module.register_forward_pre_hook(self._capture(k), with_kwargs=True)

    def _capture(self, k):
        def hook(_module, args, kwargs):
            self.hidden[k] = (args[0] if args else kwargs["hidden_states"])[0].detach().clone()

        return hook


class Prompt:
    """Ids with the placeholder once for each token, run with the clips there; see prompts.py."""

    def __init__(self, reference, features=None, mask=None):
        self.reference, self.features, self.mask = reference, features, mask
        if getattr(reference.model, "_hf_peft_config_loaded", False):  # as generate() does
            (reference.model.enable_adapters if features is not None else reference.model.disable_adapters)()

    def logits(self, ids):
        model = self.reference.model
        if self.features is None and not IS_LATE:
            return model(input_ids=ids[None]).logits[0]
        tokens = self.tokens() if self.features is not None else torch.zeros(0, model.config.text_config.hidden_size)
        embeds = parts(model).get_merged_audio_embeddings(ids[None], tokens, None)
        if not IS_LATE:
            return model.language_model(inputs_embeds=embeds).logits[0]
        # its own forward leaves out what GraniteForCausalLM divides by
        hidden = model.model.language_model(inputs_embeds=embeds).last_hidden_state
        return model.lm_head(hidden)[0] / model.config.text_config.logits_scaling

    def tokens(self):
        found = self.reference.model.get_audio_features(self.features)
        found = found.pooler_output if IS_LATE else found
        return found[self.mask] if self.mask is not None else found


def tokens_of(config, rows):
    return -(-rows // config.window_size) * (config.window_size // config.downsample_rate)


def ids_of(config, n_tokens, words):
    def make(seed):
        rng = torch.Generator().manual_seed(seed)
        parts = [torch.tensor([1])]
        for i, n in enumerate(words):
            parts.append(torch.randint(8, config.text_config.vocab_size - 1, (n,), generator=rng))
            if i < len(n_tokens):
                parts.append(torch.full((n_tokens[i],), config.audio_token_index))
        return torch.cat(parts)

    return make


def clips(config, rows, seed):
    """Random rows; the shorter clips end in silence, as the reference's padding does."""
    rng = torch.Generator().manual_seed(seed)
    out = torch.randn(len(rows), max(rows), config.encoder_config.input_dim, generator=rng)
    for i, n in enumerate(rows):
        out[i, n:] = -0.5
    return out


@torch.no_grad()
def parity(reference, rows, words, seed):
    """The whole content of a parity file."""
    model = reference.model
    config = model.config
    if not rows:
        return prompts.settle(Prompt(reference), ids_of(config, [], words), 8)
    given, mask = {}, None
    if rows[0] == "samples":
        samples = rows[1] if torch.is_tensor(rows[1]) else gen_speech_models.sound(rows[1], seed)
        extractor = GraniteSpeechFeatureExtractor(n_mels=config.encoder_config.input_dim // 2,
                                                  projector_window_size=config.window_size,
                                                  projector_downsample_rate=config.downsample_rate)
        features = extractor(samples)["input_features"].contiguous()
        given["samples"] = samples
        found = {"features": features}
        rows = [features.shape[1]]
    else:
        features = clips(config, rows, seed)
        given["input_features"] = features
        found = {}
    n_tokens = [tokens_of(config, n) for n in rows]
    if len(rows) > 1:
        mask = torch.arange(max(n_tokens))[None] < torch.tensor(n_tokens)[:, None]
        given["input_features_mask"] = mask.long()
    encoded = parts(model).encoder(features)
    encoded = encoded.last_hidden_state if IS_LATE else encoded
    found.update({"encoder.output": encoded, "projector.output": parts(model).projector(encoded)})
    asked = prompts.settle(Prompt(reference, features, mask), ids_of(config, n_tokens, words), 8)
    return {**given, **found, **asked}


def write(path, tensors):
    save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, path, metadata={"format": "pt"})
    path.chmod(0o644)


def checkpoint(out, name, seed):
    _, _, _, _, dtype, lora = KINDS[name]
    directory = out / name
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.iterdir():
        path.unlink()
    config_class, model_class = classes(name == "plus")
    config = config_class(**fields(name))
    config._attn_implementation = "eager"
    model = randomise(model_class(config), seed)
    if lora:
        add_lora(model, seed)
    stored = model.state_dict()
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if name in stored and tensor.is_floating_point():  # not the rotary frequencies
            tensor.data = tensor.data.to(getattr(torch, dtype))
    model.config.dtype = getattr(torch, dtype)
    model.save_pretrained(str(directory), safe_serialization=True)
    if lora:  # without the name of this folder
        path = directory / "adapter_config.json"
        adapter = json.loads(path.read_text())
        path.write_text(json.dumps({**adapter, "base_model_name_or_path": None}, indent=2) + "\n")
    (directory / "README.md").unlink(missing_ok=True)
    (directory / "generation_config.json").unlink(missing_ok=True)
    for path in directory.iterdir():
        path.chmod(0o644)
    return model.float().eval()


def load(directory):
    """from_pretrained looks for the base model of a LoRA where its own configuration says: not here."""
    is_plus = "Plus" in json.loads((directory / "config.json").read_text())["architectures"][0]
    with tempfile.TemporaryDirectory() as beside:
        for path in directory.iterdir():
            if not path.name.startswith("adapter_"):
                (pathlib.Path(beside) / path.name).symlink_to(path.resolve())
        model = classes(is_plus)[1].from_pretrained(beside, dtype=torch.float32, attn_implementation="eager")
    if (directory / "adapter_config.json").exists():
        model.load_adapter(str(directory))
    return model.float().eval()


def for_directory(directory, recording):
    """The content of a parity file for a checkpoint at hand: a recording between random words."""
    model = load(directory)
    return parity(Reference(model), ("samples", sounds.read(recording)), (4, 12), 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "tests/fixtures/granite-speech")
    parser.add_argument("--only", nargs="*", help="fixture names (default: all)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for seed, name in enumerate(KINDS, start=400):
        if (args.only and name not in args.only) or (name == "plus") != IS_LATE:
            continue
        reference = Reference(checkpoint(args.out, name, seed))
        for i, (file, (rows, words)) in enumerate(CASES[name].items()):
            tensors = parity(reference, rows, words, 10 * seed + i)
            write(args.out / name / f"{file}.safetensors", tensors)
            print(f"{name}/{file}: {len(tensors['input_ids'])} ids, greedy {tensors['greedy'].tolist()}")


if __name__ == "__main__":
    main()
