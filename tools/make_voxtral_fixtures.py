#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the tiny random Voxtral checkpoints of tests/fixtures/voxtral and what is expected of them.

    make_voxtral_fixtures.py [--out tests/fixtures/voxtral]

mini    128 bins, 4 rows a token, heads wider than the hidden size says, an untied head, bfloat16; with a
        tekken.json of version 7 in the form of the released one
small   80 bins, 2 rows a token, a tied head, float32; no tokenizer

Directories are transformers' own save_pretrained, parity*.safetensors its own forward (tools/parity_voxtral.py);
`samples` of a recording are sound() of make_ultravox_fixtures.py, its frames WhisperFeatureExtractor's as
VoxtralProcessor calls it. A chunk is 48 frames here instead of 3000.

mini/prompts.json holds ids that mistral-common writes with that tekken.json: conversations, and requests for a
transcript with and without a language. One [AUDIO] stands there for the whole recording, and without the
[BEGIN_AUDIO] before it, as weft's chat formats get it.

Needs transformers 4.54 or later and mistral-common 1.8 or later.
"""

import argparse
import base64
import io
import json
import pathlib
import wave

import torch
from safetensors.torch import save_file
from transformers import VoxtralConfig, VoxtralForConditionalGeneration

import make_ultravox_fixtures
import parity_voxtral

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "tests" / "fixtures"
AUDIO, BEGIN_AUDIO, N_SPECIAL, N_BASE = 24, 25, 40, 400
NAMES = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
         "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]",
         "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"]
KINDS = {
    "mini": dict(bins=128, stack=4, tied=False, dtype=torch.bfloat16, vocab=N_SPECIAL + N_BASE, text=dict(head_dim=16)),
    "small": dict(bins=80, stack=2, tied=True, dtype=torch.float32, vocab=96, text=dict(head_dim=8)),
}
# b: [BEGIN_AUDIO], a: the tokens of a chunk, t: a word; or a number of samples
PLANS = {
    "mini": {"": "bat" + "t" * 6, "-text-first": "ttttbattt", "-two-chunks": "baat" + "t" * 5, "-two": "battbattt",
             "-adjacent": "babatt", "-text-only": "t" * 12},
    "small": {"": "batttt", "-two": "tbatbaat"},
}
SAMPLES = {"mini": {"-samples": 16100, "-short": 5, "-whole": 7680}, "small": {"-samples": 9000}}


def config(kind):
    k = KINDS[kind]
    text = dict(model_type="llama", vocab_size=k["vocab"], hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, rope_theta=100000000.0,
                rms_norm_eps=1e-5, tie_word_embeddings=k["tied"], bos_token_id=1, eos_token_id=2, pad_token_id=11,
                **k["text"])
    audio = dict(hidden_size=32, intermediate_size=32 * k["stack"], num_hidden_layers=2, num_attention_heads=2,
                 num_mel_bins=k["bins"], max_source_positions=24, vocab_size=16)
    return VoxtralConfig(audio_config=audio, text_config=text, audio_token_id=AUDIO, tie_word_embeddings=k["tied"])


def randomise(model, seed):
    """Random weights of which every one matters."""
    rng = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        value = torch.randn(p.shape, generator=rng)
        if "norm" in name:
            value = 1 + 0.2 * value if name.endswith("weight") else 0.1 * value
        elif name.endswith("bias"):
            value = 0.1 * value
        elif "embed" in name:
            value = 0.5 * value
        else:
            value = value / (p[0].numel() ** 0.5)
        p.data.copy_(value)
    return model.eval()


def tekken():
    form = json.loads((FIXTURES / "tokenizers" / "tekken.json").read_text())
    names = {i: name for i, name in enumerate(NAMES)} | {AUDIO: "[AUDIO]", BEGIN_AUDIO: "[BEGIN_AUDIO]", 34: "[TRANSCRIBE]"}
    form["config"].update(default_vocab_size=N_SPECIAL + N_BASE, default_num_special_tokens=N_SPECIAL, version="v7")
    form["special_tokens"] = [{"rank": i, "token_str": names.get(i, f"<SPECIAL_{i}>"), "is_control": True}
                              for i in range(N_SPECIAL)]
    form["audio"] = {"sampling_rate": 16000, "frame_rate": 12.5, "chunk_length_s": 30.0,
                     "audio_encoding_config": {"num_mel_bins": 128, "hop_length": 160, "window_size": 400}}
    return form


def silence():
    out = io.BytesIO()
    with wave.open(out, "wb") as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(16000)
        w.writeframes(bytes(2 * 16000))
    return base64.b64encode(out.getvalue()).decode()


def collapsed(ids):
    """One [AUDIO] for a recording."""
    out = []
    for i in ids:
        if i != BEGIN_AUDIO and not (i == AUDIO and out and out[-1] == AUDIO):
            out.append(int(i))
    return out


def conversations():
    hello, answer = {"role": "user", "content": "Hello, what is this?"}, {"role": "assistant", "content": " It is a test.  "}
    system = {"role": "system", "content": "Be brief.\n"}
    sound = {"role": "user", "content": [{"type": "input_audio", "input_audio": silence()},
                                         {"type": "text", "text": " Who speaks [INST] here?"}]}
    return [[hello], [system, hello], [system, hello, answer, hello], [sound], [sound, answer, hello]]


def told(message):
    """A message whose recording is only named."""
    content = message["content"]
    if isinstance(content, list):
        content = [{"type": "audio"} if "input_audio" in part else part for part in content]
    return {**message, "content": content}


def prompts(directory):
    from mistral_common.protocol.instruct.request import InstructRequest
    from mistral_common.protocol.transcription.request import TranscriptionRequest
    from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

    tokenizer = MistralTokenizer.from_file(str(directory / "tekken.json")).instruct_tokenizer
    out = {"chat": [], "transcribe": {}}
    for messages in conversations():
        ids = tokenizer.encode_instruct(InstructRequest(messages=messages)).tokens
        out["chat"].append({"messages": [told(m) for m in messages], "ids": collapsed(ids)})
    for language in (None, "en", "de"):
        request = TranscriptionRequest(audio=silence(), language=language, model="x")
        out["transcribe"][language or ""] = collapsed(tokenizer.encode_transcription(request).tokens)
    return out


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


@torch.no_grad()
def write(out, kind, seed):
    k, directory = KINDS[kind], out / kind
    directory.mkdir(parents=True, exist_ok=True)
    model = randomise(VoxtralForConditionalGeneration(config(kind)), seed).to(k["dtype"])
    model.save_pretrained(directory, safe_serialization=True)
    model = parity_voxtral.load(directory)
    for i, (name, plan) in enumerate(PLANS[kind].items()):
        n = plan.count("a")
        features = torch.randn(n, k["bins"], 48, generator=torch.Generator().manual_seed(seed + i)) if n else None
        save(directory, name, parity_voxtral.compute(model, plan, features, seed=7 + i))
    for i, (name, n) in enumerate(SAMPLES[kind].items()):
        samples = make_ultravox_fixtures.sound(n)
        features = parity_voxtral.features(model, samples)
        tensors = parity_voxtral.compute(model, "b" + "a" * len(features) + "ttt", features, seed=70 + i)
        save(directory, name, parity_voxtral.as_samples(tensors, samples))


def save(directory, name, tensors):
    save_file(tensors, directory / f"parity{name}.safetensors", metadata={"format": "pt"})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=FIXTURES / "voxtral")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    for i, kind in enumerate(KINDS):
        write(out, kind, 300 + 10 * i)
    (out / "mini" / "tekken.json").write_text(json.dumps(tekken(), separators=(",", ":")) + "\n")
    write_json(out / "mini" / "prompts.json", prompts(out / "mini"))
    for path in out.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


if __name__ == "__main__":
    main()
