# SPDX-License-Identifier: Apache-2.0
"""Write models/demo/text, vision, speech or video from the checkpoints, bf16, in Hugging Face's layout (speech
and video: in that of docs/SPEECH_LAYOUT.md and docs/VIDEO_LAYOUT.md).

    python export.py text      once, when the text core is done: its bytes are frozen from then on
    python export.py vision    whenever the adapter is better than what is there, until clips are trained on it
    python export.py speech    whenever it is better than what is there; video likewise
Files are replaced whole. Without a checkpoint the weights are untrained, with the final shapes.
"""
import hashlib
import json
import sys

import torch
from safetensors.torch import save

import mel
from common import DEMO, SEED, load, workdir, write_bytes
from greedy_speech import trained_hearing
from models import CROSS_BEFORE, TEXT, VISION
from speech_data import LONGEST
from speech_model import ADAPTER, ENCODER, STACK, tensors
from train_text import tokenizer
from train_vision import Smoothed, VisionModel, frozen_core
from train_vit import MEAN, STD
from video_model import VideoAdapter, config as video_config
from vocab import AUDIO_BEGIN, AUDIO_END, BOS, EOM, EOT, EOT_TEXT, PAD, files


def text_settings(tok):
    """The keys that both configs share."""
    stops = [tok.special[n] for n in (EOT_TEXT, EOM, EOT)]
    return {"bos_token_id": tok.special[BOS], "eos_token_id": stops, "pad_token_id": tok.special[PAD],
            "hidden_act": "silu", "vocab_size": tok.vocab_size, "torch_dtype": "bfloat16",
            **{k: v for k, v in TEXT.items()}}


def text_config(tok):
    return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "attention_bias": False, "mlp_bias": False,
            "rope_scaling": None, "tie_word_embeddings": True, **text_settings(tok)}


def cross_layers():
    """The cross layers' places in the merged numbering of self and cross layers."""
    return [before + i for i, before in enumerate(CROSS_BEFORE)]


def vision_config(tok):
    text = {"model_type": "mllama_text_model", **text_settings(tok), "cross_attention_layers": cross_layers(),
            "rope_scaling": {"rope_type": "default"}, "tie_word_embeddings": False,
            "num_hidden_layers": TEXT["num_hidden_layers"] + len(CROSS_BEFORE)}
    vision = {"model_type": "mllama_vision_model", "hidden_act": "gelu", "torch_dtype": "bfloat16", **VISION}
    return {"architectures": ["MllamaForConditionalGeneration"], "model_type": "mllama",
            "image_token_index": tok.image, "torch_dtype": "bfloat16", "text_config": text, "vision_config": vision}


def preprocessor_config():
    side = VISION["image_size"]
    return {"image_processor_type": "MllamaImageProcessor", "do_convert_rgb": True, "do_resize": True,
            "do_rescale": True, "do_normalize": True, "do_pad": True, "resample": 2, "rescale_factor": 1 / 255,
            "size": {"height": side, "width": side}, "max_image_tiles": VISION["max_num_tiles"],
            "image_mean": list(MEAN), "image_std": list(STD)}


def put(folder, name, content):
    data = content if isinstance(content, (bytes, str)) else json.dumps(content, indent=2) + "\n"
    write_bytes(DEMO / folder / name, data)


def put_sums(folder, names):
    """SHA256SUMS of files that later stages build on: a test compares."""
    put(folder, "SHA256SUMS", "".join(
        f"{hashlib.sha256((DEMO / folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names))


def bf16(tensors):
    return save({k: v.detach().bfloat16().contiguous() for k, v in tensors.items()}, {"format": "pt"})


def text_tensors(core, tok):
    out = {f"model.{k}": v for k, v in core.state_dict().items()}
    out["model.embed_tokens.weight"] = core.embed_tokens.weight[:tok.vocab_size]
    return out


def vision_tensors(core, model, tok):
    """Encoder, projector, cross layers and the widened embedding; nothing of the text core's layers."""
    out = {f"vision_model.{k}": v for k, v in model.vision.encoder.state_dict().items()}
    adapter = model.adapter
    out |= {f"multi_modal_projector.{k}": v for k, v in adapter.multi_modal_projector.state_dict().items()}
    for place, layer in zip(cross_layers(), adapter.layers):
        out |= {f"language_model.model.layers.{place}.{k}": v for k, v in layer.state_dict().items()}
    out["language_model.model.embed_tokens.weight"] = torch.cat(
        [core.embed_tokens.weight[:tok.vocab_size], adapter.extra])
    return out


def trained_vision(core, tok):
    """Encoder and adapter of the last checkpoint, the running mean of their weights."""
    both = Smoothed(VisionModel(core, tok))
    state = load(workdir() / "vision.pt")
    if state:
        both.load_state_dict(state["model"])
    return both.mean.eval()


def export_text(tok):
    data = bf16(text_tensors(frozen_core(tok), tok))
    for name, content in files(tok, TEXT["max_position_embeddings"]).items():
        put("text", name, content)
    put("text", "config.json", text_config(tok))
    stops = text_settings(tok)
    put("text", "generation_config.json", {"do_sample": False, **{k: stops[k] for k in
                                           ("bos_token_id", "eos_token_id", "pad_token_id")}})
    put("text", "model.safetensors", data)
    put_sums("text", ["config.json", "model.safetensors", "tokenizer.json", "tokenizer.model"])


def speech_config(tok):
    return {"architectures": ["WeftSpeechModel"], "model_type": "weft_speech", "torch_dtype": "bfloat16",
            "text_hidden_size": TEXT["hidden_size"], "audio_token": "<|audio|>", "audio_token_index": tok.image + 1,
            "begin_token": AUDIO_BEGIN, "end_token": AUDIO_END, "max_seconds": LONGEST // 100, "languages": "en", "encoder_config": ENCODER, "adapter_config": ADAPTER}


def front_end_config():
    """training/mel.py in the keys of plugins/speech/paper/features_config.h."""
    return {"feature_extractor_type": "WeftSpeechFeatureExtractor", "sampling_rate": mel.RATE,
            "num_mel_bins": mel.N_MELS, "win_length": mel.FRAME, "hop_length": mel.HOP, "n_fft": mel.N_FFT,
            "window": "hann", "mel_scale": "htk", "f_min": mel.F_MIN, "f_max": mel.F_MAX, "remove_mean": True,
            "preemphasis": 0.0, "log": "ln", "mel_floor": mel.FLOOR, "normalize": True,
            "stride": STACK, "padding_value": 0.0}


def export_vision(tok):
    core = frozen_core(tok)
    put("vision", "config.json", vision_config(tok))
    put("vision", "preprocessor_config.json", preprocessor_config())
    put("vision", "model.safetensors", bf16(vision_tensors(core, trained_vision(core, tok), tok)))
    put_sums("vision", ["config.json", "model.safetensors", "preprocessor_config.json"])


def export_speech(tok):
    put("speech", "config.json", speech_config(tok))
    put("speech", "preprocessor_config.json", front_end_config())
    put("speech", "model.safetensors", bf16(tensors(trained_hearing().speech)))


def export_video(tok):
    from train_video import MARKER     # it reads what the stages before it exported
    both = Smoothed(VideoAdapter())
    state = load(workdir() / "video.pt")
    if state:
        both.load_state_dict(state["model"])
    put("video", "config.json", video_config(tok.special[MARKER], "<|video|>"))
    put("video", "model.safetensors", bf16(both.mean.state_dict()))


if __name__ == "__main__":
    torch.manual_seed(SEED)
    what = {"text": export_text, "vision": export_vision, "speech": export_speech, "video": export_video}
    if len(sys.argv) != 2 or sys.argv[1] not in what:
        raise SystemExit("usage: export.py text|vision|speech|video")
    what[sys.argv[1]](tokenizer())
