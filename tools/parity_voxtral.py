# SPDX-License-Identifier: Apache-2.0
"""Parity files of Voxtral directories, by transformers' own forward (4.54 or later) in float32.

Inputs:   input_ids [T] i64 with audio_token_id once for each soft row, as the reference's processor has it;
          input_features [chunks, bins, frames] f32, or samples [n] f32 at 16 kHz
Expected: encoder.output [chunks, rows, d], projector.output [chunks, tokens, d_text], logits [T, vocab],
          greedy [G]; with samples also features [chunks * frames, bins], and the first two of the whole recording
"""

import pathlib

import torch
from transformers import VoxtralForConditionalGeneration, WhisperFeatureExtractor

import prompts
import sounds

BEGIN_AUDIO, N_GREEDY = 25, 6


def load(directory: pathlib.Path):
    return VoxtralForConditionalGeneration.from_pretrained(directory, dtype=torch.float32,
                                                           attn_implementation="eager").eval()


def features(model, samples):
    """What VoxtralProcessor makes of a recording: [chunks, bins, frames]."""
    c = model.config.audio_config
    frames = 2 * c.max_source_positions
    extractor = WhisperFeatureExtractor(feature_size=c.num_mel_bins)
    mel = extractor(samples.numpy(), sampling_rate=16000, padding=True, truncation=False, pad_to_multiple_of=160 * frames,
                    return_attention_mask=False, return_tensors="pt")["input_features"][0]
    return mel.reshape(c.num_mel_bins, -1, frames).transpose(0, 1).contiguous()


class Prompt:
    def __init__(self, model, given):
        self.model, self.given = model, given

    def logits(self, ids):
        return self.model(input_ids=ids[None], input_features=self.given, use_cache=False).logits[0].float()


def ids_of(model, plan, seed):
    """plan: b is [BEGIN_AUDIO], a the tokens of a chunk, t a word; <s> comes first."""
    c = model.config
    rows = c.audio_config.max_source_positions * c.audio_config.hidden_size // c.audio_config.intermediate_size
    rng, first = torch.Generator().manual_seed(seed), 40 if c.text_config.vocab_size > 80 else 26
    words, ids = torch.randint(first, c.text_config.vocab_size, (len(plan),), generator=rng).tolist(), [1]
    for i, letter in enumerate(plan):
        ids += {"b": [BEGIN_AUDIO], "a": [c.audio_token_id] * rows, "t": [words[i]]}[letter]
    return torch.tensor(ids, dtype=torch.int64)


@torch.no_grad()
def compute(model, plan, given, seed=1, ids=None, n_greedy=N_GREEDY):
    """ids: those of a prompt that is fixed; else such words are looked for that rounding cannot decide what follows."""
    stage = {}

    def encoder(_module, _args, out):
        stage["encoder.output"] = out.last_hidden_state

    def projector(_module, _args, out):
        stage["projector.output"] = out.reshape(len(given), -1, out.shape[-1])

    hooks = [model.audio_tower.register_forward_hook(encoder), model.multi_modal_projector.register_forward_hook(projector)]
    prompt = Prompt(model, given)
    if ids is not None:
        found, _ = prompts.expected(prompt, ids, n_greedy, hidden=False)
    else:
        found = prompts.settle(prompt, lambda s: ids_of(model, plan, 1000 * seed + s), n_greedy, hidden=False)
    for hook in hooks:
        hook.remove()
    if model.config.audio_token_id in found["greedy"].tolist():
        raise RuntimeError("greedy decoding met the token of a recording: other seed")
    inputs = {"input_features": given} if given is not None else {}
    return {k: v.detach().contiguous().clone() for k, v in {**inputs, **found, **stage}.items()}


def as_samples(tensors, samples):
    """The same of one recording from its samples on: its chunks one after another."""
    frames = tensors.pop("input_features").transpose(1, 2)
    whole = {k: tensors[k].reshape(-1, tensors[k].shape[-1]) for k in ("encoder.output", "projector.output")}
    return {**tensors, **whole, "samples": samples, "features": frames.reshape(-1, frames.shape[-1]).contiguous()}


def for_directory(directory, recording, n_greedy):
    """A request for a transcript of a recording, without a language: [1, 3, 25, 24 ..., 4, 34]."""
    model, samples = load(directory), sounds.read(recording)
    given = features(model, samples)
    c = model.config.audio_config
    rows = len(given) * c.max_source_positions * c.hidden_size // c.intermediate_size
    ids = torch.tensor([1, 3, BEGIN_AUDIO, *[model.config.audio_token_id] * rows, 4, 34])
    return as_samples(compute(model, None, given, ids=ids, n_greedy=n_greedy), samples)
