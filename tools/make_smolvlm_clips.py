#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/fixtures/idefics3/clips.json: what SmolVLM2's processor makes of clips.

    make_smolvlm_clips.py [--out tests/fixtures/idefics3/clips.json]

Needs transformers 4.50 to 4.52, num2words and torch (pip), and tests/fixtures/idefics3/untied (make_idefics3_fixtures.py).
Each case has the frame rate, the number of frames and the size of a clip, the most frames that are taken, and of them
the indices, the ids of a conversation with the clip before a question, the ids of a plain text around it, and for some a
hash of the first frame's pixels (pictures of make_idefics3_fixtures.pattern).
"""
import argparse
import json
import pathlib
from fractions import Fraction

import numpy as np
from PIL import Image
from transformers import PreTrainedTokenizerFast
from transformers.models.smolvlm.image_processing_smolvlm import SmolVLMImageProcessor
from transformers.models.smolvlm.processing_smolvlm import SmolVLMProcessor
from transformers.models.smolvlm.video_processing_smolvlm import smolvlm_sample_indices_fn
from transformers.video_utils import VideoMetadata

from make_idefics3_fixtures import END, HERE, IMAGE, fnv, pattern

TILE, SEQ, EDGE = 28, 4, 28
# 4.52 forgets to ask for these, and then leaves out all frames but the first.
ROWS = {"videos_kwargs": {"return_row_col_info": True}}
QUESTION = "What happens here?"
TEMPLATE = ("<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}{% if message['content'][0]['type'] == 'image' "
            "%}{{':'}}{% else %}{{': '}}{% endif %}{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
            "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
            "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}")
# fps, frames, width, height, most frames
CLIPS = [((30, 1), 300, 64, 48, 64), ((25, 1), 25, 64, 48, 64), ((30000, 1001), 299, 48, 64, 64), ((24, 1), 12, 30, 30, 64),
         ((10, 1), 1, 64, 48, 64), ((2, 1), 7, 100, 40, 64), ((1, 2), 9, 64, 48, 64), ((30, 1), 2400, 64, 48, 64), ((30, 1), 1980, 8, 48, 64),
         ((30, 1), 2010, 64, 48, 64), ((50, 1), 5000, 64, 48, 8), ((25, 1), 100, 64, 48, 1), ((60, 1), 90, 64, 48, 3), ((25, 1), 112, 28, 28, 64),
         ((30, 1), 108000, 64, 48, 24), ((25, 2), 25, 64, 48, 64)]


def processor(fast, most):
    image = SmolVLMImageProcessor(size={"longest_edge": 4 * TILE}, max_image_size={"longest_edge": TILE})
    image.video_sampling = {"fps": 1, "max_frames": most, "video_size": {"longest_edge": EDGE}}
    return SmolVLMProcessor(image, fast, image, image_seq_len=SEQ, chat_template=TEMPLATE)


def case(fast, fps, total, width, height, most):
    rate = float(Fraction(*fps))
    meta = VideoMetadata(total_num_frames=total, fps=rate, duration=total / rate, video_backend="opencv")
    index = smolvlm_sample_indices_fn(meta, max_frames=most, target_fps=1, skip_secs=1)
    meta.frames_indices = index
    frame = pattern(width, height, 3)
    both = processor(fast, most)
    frames = [Image.fromarray(frame)] * len(index)
    talk = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": QUESTION}]}]
    written = both._process_messages_for_chat_template([talk], [[]], [[frames]], [[meta]])[0]
    text = both.tokenizer.apply_chat_template(written, chat_template=TEMPLATE, tokenize=False, add_generation_prompt=True)
    made = both(text=[text], videos=[frames], add_special_tokens=False, return_tensors="np",
                **ROWS)
    parts = written[0]["content"][:-1]
    plain = "Look: " + "".join(p.get("text", IMAGE) for p in parts) + "and tell."
    raw = both(text=[plain], videos=[frames], add_special_tokens=False, return_tensors="np",
                **ROWS)
    tiles = made["pixel_values"][0].astype(np.float32)
    return {"fps": fps, "frames": total, "size": [width, height], "most": most, "index": [int(i) for i in index],
            "chat": made["input_ids"][0].tolist(), "plain": raw["input_ids"][0].tolist(),
            "fnv": fnv(np.ascontiguousarray(tiles[0]).tobytes())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "tests/fixtures/idefics3/clips.json")
    out = parser.parse_args().out
    fast = PreTrainedTokenizerFast(tokenizer_file=str(HERE.parent / "tests/fixtures/idefics3/untied/tokenizer.json"),
                                   bos_token="<|im_start|>", eos_token=END, pad_token="<|im_end|>")
    lines = ",\n".join(json.dumps(case(fast, *clip), separators=(",", ":")) for clip in CLIPS)
    out.write_text(json.dumps({"template": TEMPLATE, "question": QUESTION})[:-1] + ', "cases": [\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
