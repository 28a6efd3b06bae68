# SPDX-License-Identifier: Apache-2.0
"""weft transcribe: formats, documents, folders, pipes, silence, and Ctrl-C in the middle."""
import html
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import unittest
import zlib

import harness
import speech
from speech import silence, voice, wav

FORMATS = ("txt", "srt", "vtt", "json")
# Two utterances; voice of 1.5 s, 2.5 s between them.
TALK = wav(silence(1), voice(1.5), silence(2.5), voice(2), silence(1))
SPOKEN = ((1, 2.5), (5, 7))
FIELDS = ["id", "seek", "start", "end", "text", "tokens", "temperature", "avg_logprob",
          "compression_ratio", "no_speech_prob", "finish_reason"]


def seconds(clock):
    h, m, s = clock.replace(",", ".").split(":")
    return int(h) * 3600 + int(m) * 60 + float(s)


def cues(blocks, clock):
    """[(start, end, text)] of blocks of lines, TIME --> TIME first."""
    found = []
    for lines in blocks:
        match = re.fullmatch("(%s) --> (%s)" % (clock, clock), lines[0])
        assert match and 2 <= len(lines) <= 3, lines
        words = " ".join(lines[1:])
        assert "-->" not in words and not re.search(r"[\x00-\x1f\x7f-\x9f]", words), lines
        found.append((seconds(match[1]), seconds(match[2]), words))
    for a, b in zip(found, found[1:]):
        assert a[0] < a[1] <= b[0], found
    return found


def blocks_of(text):
    assert text == "" or text.endswith("\n\n"), repr(text)
    return [block.split("\n") for block in text.split("\n\n")[:-1]]


def parse_srt(text):
    blocks = blocks_of(text)
    assert [b[0] for b in blocks] == [str(i + 1) for i in range(len(blocks))], text
    return cues([b[1:] for b in blocks], r"\d\d+:[0-5]\d:[0-5]\d,\d\d\d")


def parse_vtt(text):
    assert text.startswith("WEBVTT\n\n"), repr(text)
    found = cues(blocks_of(text[8:]), r"\d\d+:[0-5]\d:[0-5]\d\.\d\d\d")
    assert not any(re.search("[<>]|&(?!amp;|lt;|gt;)", c[2]) for c in found), text
    return [(a, b, html.unescape(c)) for a, b, c in found]


def parse(name, text):
    parser = {"txt": str.splitlines, "srt": parse_srt, "vtt": parse_vtt, "json": json.loads}[name]
    return parser(text)


class Case(speech.Case):
    def setUp(self):
        super().setUp()
        self.talk = self.write("talk.wav", TALK)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read().decode()

    def documents(self, stem):
        return {f: parse(f, self.read("%s.%s" % (stem, f))) for f in FORMATS}

    def lines(self, *args, **more):
        return self.hear(*args, **more).out.decode().splitlines()


class Documents(Case):
    def test_text_is_a_line_for_each_part(self):
        r = self.hear(self.talk)
        self.assertEqual(r.err, "") # no terminal: no progress, no summary
        self.assertEqual(len(r.out.decode().splitlines()), 2)
        self.assertNotIn(b"\n\n", r.out)

    def test_formats_agree(self):
        r = self.hear("--format", ",".join(FORMATS), "-o", "out", self.talk)
        self.assertEqual((r.out, r.err), (b"", ""))
        self.assertEqual(sorted(os.listdir(self.path("out"))),
                         sorted("talk." + f for f in FORMATS))
        found = self.documents("out/talk")
        segments = found["json"]["segments"]
        self.assertEqual(found["txt"], [s["text"] for s in segments])
        self.assertEqual(found["srt"], found["vtt"])
        self.assertEqual([c[2] for c in found["srt"]], found["txt"])
        for cue, s in zip(found["srt"], segments):
            # Cues are cut to milliseconds.
            self.assertTrue(0 <= s["start"] - cue[0] < 0.00101 and 0 <= s["end"] - cue[1] < 0.00101)
        for f in FORMATS: # standard output gets the same
            self.assertEqual(self.hear("--format", f, self.talk).out.decode(),
                             self.read("out/talk." + f))

    def test_no_cue_is_longer_than_its_speech(self):
        spoken = ((1, 2.2), (5, 5.3), (9, 11))
        path = self.write("words.wav", wav(silence(1), voice(1.2), silence(2.8), voice(0.3),
                                           silence(3.7), voice(2), silence(2)))
        found = parse_srt(self.hear("--format", "srt", "--max-line", "0", path).out.decode())
        self.assertEqual(len(found), len(spoken))
        for (start, end, _), (begin, over) in zip(found, spoken):
            self.assertAlmostEqual(start, begin, delta=0.05)
            if over - begin > 5 / 6:
                self.assertAlmostEqual(end, over, delta=0.05)
            else: # long enough to be read, as far as its part goes: 0.3 s behind the last sound
                self.assertTrue(over + 0.25 < end <= min(begin + 5 / 6, over + 0.3) + 0.05, end)

    def test_verbose_json(self):
        found = json.loads(self.hear("--format", "json", self.talk).out)
        self.assertEqual((found["task"], found["language"], found["duration"]),
                         ("transcribe", "english", 8.0))
        self.assertEqual(set(found), {"task", "language", "duration", "text", "segments"})
        self.assertEqual(found["text"], " ".join(s["text"] for s in found["segments"]))
        self.assertEqual(len(found["segments"]), len(SPOKEN))
        for i, (s, spoken) in enumerate(zip(found["segments"], SPOKEN)):
            self.assertEqual(list(s), FIELDS)
            self.assertEqual(s["id"], i)
            self.assertEqual(s["seek"], int(s["start"] * 100 + 1e-6))
            # The segmenter looks at windows of 40 ms.
            self.assertTrue(spoken[0] - 0.04 <= s["start"] <= spoken[0] + 0.05, s)
            self.assertTrue(spoken[1] - 0.05 <= s["end"] <= spoken[1] + 0.04, s)
            self.assertTrue(1 <= len(s["tokens"]) <= 16)
            self.assertLess(s["avg_logprob"], 0)
            self.assertEqual((s["temperature"], s["no_speech_prob"]), (0, 0))
            text = s["text"].encode()
            # Another zlib may pack a little better or worse.
            self.assertAlmostEqual(s["compression_ratio"], len(text) / len(zlib.compress(text)),
                                   delta=0.05)

    def test_tokens_are_the_text(self):
        for s in json.loads(self.hear("--format", "json", self.talk).out)["segments"]:
            ids = " ".join(map(str, s["tokens"])).encode() + b"\n"
            text = self.ok("tokenize", "--config", self.ini, "--decode", stdin=ids).out.decode()
            self.assertEqual(text.strip(), s["text"])

    def test_the_name_of_the_file_gives_the_format(self):
        self.hear("-o", "a.vtt", self.talk)
        parse_vtt(self.read("a.vtt"))
        self.hear("-o", "a.srt", "--format", "json", self.talk)
        json.loads(self.read("a.srt"))
        self.hear("-o", "a", self.talk)
        self.assertEqual(len(self.read("a").splitlines()), 2)

    def test_an_old_document_is_replaced(self):
        self.write("a.srt", b"old")
        self.hear("-o", "a.srt", self.talk)
        self.assertEqual(len(parse_srt(self.read("a.srt"))), 2)
        self.assertEqual(sorted(os.listdir(self.dir)), ["a.srt", "talk.wav"])

    def test_the_recording_is_not_written_over(self):
        os.link(self.talk, self.path("link.srt"))
        os.symlink("talk.wav", self.path("soft.json"))
        self.write("d/talk.txt", TALK)
        for args in (("-o", self.talk, self.talk), ("-o", "link.srt", self.talk),
                     ("-o", "soft.json", self.talk), ("-o", "d", self.path("d/talk.txt"))):
            line = self.fails(2, *self.args("transcribe", *args))
            self.assertIn("is the recording itself", line)
        with open(self.talk, "rb") as f:
            p = subprocess.run([harness.WEFT, *self.args("transcribe", "-o", self.talk, "-")],
                               stdin=f, capture_output=True, env=self.env, cwd=self.dir)
        self.assertEqual(p.returncode, 2, p.stderr)
        line = self.fails(2, *self.args("preprocess", self.talk, "-o", self.talk))
        self.assertIn("is FILE itself", line)
        for name in ("talk.wav", "link.srt", "soft.json", "d/talk.txt"):
            with open(self.path(name), "rb") as f:
                self.assertEqual(f.read(), TALK)
        self.assertEqual(sorted(os.listdir(self.dir)), ["d", "link.srt", "soft.json", "talk.wav"])

    def test_a_folder_named_as_one(self):
        self.hear("-o", "new/", self.talk)
        self.assertEqual(os.listdir(self.path("new")), ["talk.txt"])
        self.hear("-o", "new", "--format", "srt", self.talk)
        self.assertEqual(sorted(os.listdir(self.path("new"))), ["talk.srt", "talk.txt"])

    def test_a_device_keeps_its_name(self):
        self.assertEqual(self.hear("-o", "/dev/null", self.talk).out, b"")
        self.assertFalse(os.path.isfile("/dev/null"))
        self.assertIn("No space left", self.fails(1, *self.args("transcribe", "-o", "/dev/full",
                                                                self.talk)))

    def test_where_nothing_can_be_written(self):
        line = self.fails(2, *self.args("transcribe", "-o", "none/a.txt", self.talk))
        self.assertIn("none/a.txt", line)

    def test_usage(self):
        for more, word in ((["--format", "doc"], "srt"), (["--format", "txt,"], "srt"),
                           (["--format", "txt,srt"], "-o"), (["--task", "sing"], "translate"),
                           (["--max-segment", "0.1"], "0.5"), (["--max-segment", "x"], "seconds"),
                           (["--max-segment", "601"], "600"), (["-o", ""], "-o"),
                           (["--language", ""], "language"), (["-"], "once"), (["-p", "-"], "once"),
                           (["b.wav", "--format", "srt"], "-o DIR"),
                           (["b.wav", "-o", self.talk], "no folder")):
            self.assertIn(word, self.fails(2, "transcribe", "-" if word == "once" else self.talk,
                                           *more))
        self.fails(2, "transcribe")

    def test_text_that_would_break_a_document(self):
        # The same model, whose one token of the text now stands for all that is difficult.
        folder = self.path("text")
        os.mkdir(folder)
        demo = os.path.join(harness.DEMO, "text")
        for name in set(os.listdir(demo)) - {"tokenizer.json", "tokenizer.model"}:
            os.symlink(os.path.join(demo, name), os.path.join(folder, name))
        first = json.loads(self.hear("--format", "json", self.talk).out)["segments"][0]
        with open(os.path.join(demo, "tokenizer.json")) as f:
            t = json.load(f)
        vocab = t["model"]["vocab"]
        spelled = {i: word for word, i in vocab.items()}
        chosen = next(i for i in first["tokens"] if len(spelled[i]) > 1)
        word = spelled[chosen]

        def without(merge):
            a, b = merge.split(" ") if isinstance(merge, str) else merge
            return word not in (a, b, a + b)
        t["model"]["merges"] = [m for m in t["model"]["merges"] if without(m)]
        del vocab[word]
        # Bytes as this vocabulary spells them: \n\n, ESC, NUL, a byte that is no UTF-8.
        vocab["a--->b&<i>Ċ\u010a\u011b\u0100cÿd-->"] = chosen
        with open(os.path.join(folder, "tokenizer.json"), "w") as f:
            json.dump(t, f)
        self.hear("-m", folder, "--format", ",".join(FORMATS), "-o", "out", self.talk)
        found = self.documents("out/talk")
        self.assertIn("a-\u2192b&<i> c", found["srt"][0][2])
        self.assertIn("d\u2192", found["srt"][0][2])
        self.assertIn("a--->b&<i> c", found["vtt"][0][2])
        self.assertIn("a--->b&<i>\n\n\x1b", found["json"]["segments"][0]["text"])
        self.assertEqual(len(found["srt"]), len(found["vtt"]))


class Inputs(Case):
    def test_several_recordings_are_lines_with_their_paths(self):
        other = self.write("other.wav", wav(voice(1.2)))
        alone = self.lines(self.talk)
        both = self.lines(self.talk, other)
        self.assertEqual(both[:2], [self.talk + "\t" + line for line in alone])
        self.assertEqual(both[2:], [other + "\t" + line for line in self.lines(other)])

    def test_folders(self):
        for name in ("d/b.wav", "d/a.wav", "d/sub/a.wav", "d/.hidden.wav"):
            self.write(name, wav(voice(1.2)))
        self.write("d/notes.txt", b"just words")
        self.write("d/photo.png", harness.png(8, 8))
        folder = self.path("d")
        r = self.hear(folder)
        self.assertEqual([line.split("\t")[0] for line in r.out.decode().splitlines()],
                         [folder + "/a.wav", folder + "/b.wav"])
        self.assertEqual(r.err, "weft: 2 files skipped: 1 .txt, 1 .png (-v names them)\n")
        r = self.hear("-r", "-v", "--format", "srt,txt", "-o", "out", folder)
        self.assertEqual(sorted(os.listdir(self.path("out"))),
                         ["a-2.srt", "a-2.txt", "a.srt", "a.txt", "b.srt", "b.txt"])
        self.assertIn("skipped: " + folder + "/notes.txt", r.err)
        self.assertIn("skipped: " + folder + "/photo.png", r.err)
        self.assertEqual(r.err.count("real-time factor"), 3)

    def test_a_folder_without_sound_is_no_success(self):
        self.write("d/notes.txt", b"just words")
        self.fails(3, *self.args("transcribe", self.path("d")))

    def test_bad_files_named(self):
        for name, data in (("words.txt", b"just words"), ("empty.wav", b""),
                           ("head.wav", TALK[:20]), ("photo.png", harness.png(8, 8))):
            line = self.fails(3, *self.args("transcribe", "-o", "out.json", self.write(name, data)))
            self.assertIn(name, line)
        self.fails(2, *self.args("transcribe", self.path("none.wav")))
        self.assertFalse(os.path.exists(self.path("out.json")))

    def test_the_rest_is_done_after_a_failure(self):
        bad = self.write("bad.wav", b"just words")
        other = self.write("other.wav", wav(voice(1.2)))
        r = self.weft(*self.args("transcribe", "-o", "out", self.talk, bad, other))
        self.assertEqual(r.code, 3)
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["other.txt", "talk.txt"])
        self.assertEqual(len(r.err.splitlines()), 1)
        r = self.weft(*self.args("transcribe", "--fail-fast", bad, other))
        self.assertEqual((r.code, r.out), (3, b""))
        # A limit counts more than a damaged file.
        r = self.weft(*self.args("transcribe", "--max-file-bytes", "1000", bad, other))
        self.assertEqual(r.code, 7)

    def test_silence_gives_no_words_and_a_note(self):
        quiet = self.write("quiet.wav", wav(silence(3)))
        r = self.hear("--format", ",".join(FORMATS), "-o", "out", quiet)
        self.assertIn("no speech found in " + quiet, r.err)
        self.assertEqual(len(r.err.splitlines()), 1)
        found = self.documents("out/quiet")
        self.assertEqual((found["txt"], found["srt"], found["vtt"]), ([], [], []))
        self.assertEqual((found["json"]["segments"], found["json"]["text"]), ([], ""))
        self.assertEqual(found["json"]["duration"], 3)
        r = self.hear("-q", quiet)
        self.assertEqual((r.out, r.err), (b"", ""))

    def test_parts_have_a_limit(self):
        # Gaps too short to be cut at, without which it would count as a hum.
        long = self.write("long.wav", wav(*[voice(0.8), silence(0.2)] * 9))
        whole = json.loads(self.hear("--format", "json", long).out)
        self.assertEqual(len(whole["segments"]), 1)
        cut = json.loads(self.hear("--format", "json", "--max-segment", "2", long).out)
        parts = cut["segments"]
        self.assertGreaterEqual(len(parts), 5)
        for a, b in zip(parts, parts[1:]):
            self.assertLessEqual(a["end"] - a["start"], 2)
            self.assertEqual(a["end"], b["start"]) # nothing is lost or doubled between

    def test_the_model_has_a_limit_too(self):
        model = self.path("short")
        shutil.copytree(self.model, model)
        config = os.path.join(model, "config.json")
        with open(config) as f:
            keys = json.load(f)
        with open(config, "w") as f:
            json.dump(dict(keys, max_seconds=2), f)
        long = self.write("long.wav", wav(*[voice(0.8), silence(0.2)] * 9))
        own = ["--set", "weft.speech.weights=" + model]
        parts = json.loads(self.hear("--format", "json", *own, long).out)["segments"]
        self.assertGreaterEqual(len(parts), 5)
        self.assertTrue(all(p["end"] - p["start"] <= 2 for p in parts), parts)
        self.hear("--max-segment", "2", *own, long)
        line = self.fails(2, *self.args("transcribe", "--max-segment", "2.1", *own, long))
        self.assertIn("parts of 2.1 s were asked for, and this model takes at most 2 s at once", line)

    def test_a_token_that_the_tokenizer_lacks(self):
        model = self.path("unfit")
        shutil.copytree(self.model, model)
        with open(os.path.join(model, "config.json"), "w") as f:
            json.dump(dict(speech.CONFIG, begin_token="<|speech|>"), f)
        line = self.fails(4, *self.args("transcribe", "--set", "weft.speech.weights=" + model,
                                        self.talk))
        self.assertIn('no token "<|speech|>"', line)

    def test_weights_that_do_not_fit_say_why_nothing_hears(self):
        model = self.path("unfit")
        shutil.copytree(self.model, model)
        with open(os.path.join(model, "config.json"), "w") as f:
            json.dump(dict(speech.CONFIG, encoder_config={"hidden_act": "gelu"}), f)
        own = ("--set", "weft.speech.weights=" + model)
        for args in (("transcribe", *own, self.talk), ("describe", *own, "--audio", self.talk)):
            line = self.fails(3, *self.args(*args))
            self.assertIn("takes no media of kind \"audio\": weft.speech is idle: config.json: ", line)
            self.assertIn("hidden_act", line)

    def test_task_and_language_are_the_prompt(self):
        def score(*more):
            found = json.loads(self.hear("--format", "json", *more, self.talk).out)
            return found["language"], found["task"], found["segments"][0]["avg_logprob"]
        plain = score()
        self.assertEqual(score("--language", "English", "--task", "transcribe"), plain)
        own = score("-p", "Repeat after me in English: ")  # what that may ask for is not known
        self.assertEqual((own[0], own[2]), (None, plain[2]))
        german = score("--language", "German")
        self.assertEqual(german[0], "german")
        translated = score("--task", "translate")
        self.assertEqual(translated[1], "translate")
        raw = score("--raw")
        self.assertEqual((translated[0], raw[0]), ("english", "english"))
        asked = score("-p", "What?")
        self.assertEqual(len({s[2] for s in (plain, german, translated, raw, asked)}), 5)
        piped = json.loads(self.hear("--format", "json", "-p", "-", self.talk, stdin=b"What?").out)
        self.assertEqual(piped["segments"][0]["avg_logprob"], asked[2])


class Live(Case):
    def start(self, *args):
        return subprocess.Popen([harness.WEFT, *self.args("transcribe", *args)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=self.env, cwd=self.dir)

    def feed(self, p, seconds_of_sound):
        """The header, whose sizes say "endless" as a recorder's do, and so much of the talk."""
        head = TALK[:4] + b"\xff\xff\xff\x7f" + TALK[8:40] + b"\xdb\xff\xff\x7f"
        p.stdin.write(head + TALK[44:44 + 2 * int(seconds_of_sound * speech.RATE)])
        p.stdin.flush()

    def wait(self, condition):
        deadline = time.monotonic() + harness.TIMEOUT_S
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_a_pipe_is_the_file(self):
        self.assertEqual(self.hear("-", stdin=TALK).out, self.hear(self.talk).out)
        self.hear("-", "-o", "out/", stdin=TALK)
        self.assertEqual(os.listdir(self.path("out")), ["stdin.txt"])
        self.assertIn("no speech found in standard input",
                      self.hear("-", stdin=wav(silence(2))).err)

    def test_the_header_is_enough_to_begin(self):
        """Nothing but a WAV's header comes until the decoder has said that it is open."""
        p = self.start("-vv", "-")
        self.feed(p, 0)
        said = b""
        while b"open of standard input" not in said:
            ready, _, _ = select.select([p.stderr], [], [], harness.TIMEOUT_S)
            more = os.read(p.stderr.fileno(), 65536) if ready else b""
            self.assertNotEqual(more, b"", said)
            said += more
        out, err = p.communicate(TALK[44:], timeout=harness.TIMEOUT_S)
        self.assertEqual((p.returncode, out.decode().splitlines()), (0, self.lines(self.talk)), err)

    def test_each_part_comes_as_it_ends(self):
        lines = self.lines(self.talk)
        p = self.start("-")
        self.feed(p, 4.5)
        ready, _, _ = select.select([p.stdout], [], [], harness.TIMEOUT_S)
        self.assertTrue(ready)
        self.assertEqual(p.stdout.readline().decode().rstrip("\n"), lines[0])
        p.stdin.write(TALK[44 + 2 * int(4.5 * speech.RATE):])
        out, err = p.communicate(timeout=harness.TIMEOUT_S)
        self.assertEqual((p.returncode, out.decode().splitlines()), (0, lines[1:]), err)

    def test_ctrl_c_leaves_whole_documents(self):
        self.ends_with_whole_documents(signal.SIGINT)

    def test_so_does_whoever_ends_it(self):
        # timeout(1) sends its signal twice, and so may a terminal that closes.
        for sig in (signal.SIGTERM, signal.SIGHUP):
            self.ends_with_whole_documents(sig, sig)
            shutil.rmtree(self.path("out"))

    def ends_with_whole_documents(self, *signals):
        whole = json.loads(self.hear("--format", "json", self.talk).out)
        p = self.start("-", "--format", ",".join(FORMATS), "-o", "out")
        self.feed(p, 4.5)

        def begun():
            folder = self.path("out")
            names = os.listdir(folder) if os.path.isdir(folder) else []
            return any(n == ".weft-stdin.txt" and os.path.getsize(os.path.join(folder, n)) > 0
                       for n in names)
        self.wait(begun)
        for sig in signals: # our end of its input is still open
            p.send_signal(sig)
        p.wait(harness.TIMEOUT_S)
        _, err = p.communicate()
        self.assertEqual((p.returncode, err), (130, b"weft: interrupted\n"))
        self.assertEqual(sorted(os.listdir(self.path("out"))),
                         sorted("stdin." + f for f in FORMATS))
        found = self.documents("out/stdin")
        self.assertEqual(found["json"]["segments"], whole["segments"][:1])
        self.assertEqual(found["json"]["text"], whole["segments"][0]["text"])
        self.assertEqual(found["txt"], [whole["segments"][0]["text"]])
        self.assertEqual(len(found["srt"]), 1)
        self.assertEqual(found["srt"], found["vtt"])

    def test_ctrl_c_at_any_moment(self):
        long = self.write("long.wav", wav(*[voice(1.2), silence(1.5)] * 40))
        for i in range(6):
            folder = "out%d" % i
            # At this temperature every part takes its 200 tokens.
            p = self.start("--format", ",".join(FORMATS), "-o", folder, "--temperature", "100",
                           "-n", "200", long)
            self.wait(lambda: os.path.isdir(self.path(folder)) or p.poll() is not None)
            time.sleep(0.15 * i)
            p.send_signal(signal.SIGINT)
            begin = time.monotonic()
            _, err = p.communicate(timeout=harness.TIMEOUT_S)
            # One step of the small model; sanitizers and other work on the machine stretch it.
            self.assertLess(time.monotonic() - begin, 2 if not harness.SANITIZED else 60)
            self.assertEqual(p.returncode, 130, err)
            if os.listdir(self.path(folder)): # else it came while the model was being read
                found = self.documents(folder + "/long")
                self.assertLess(len(found["json"]["segments"]), 40)
                self.assertEqual(len(found["srt"]), len(found["vtt"]))

    def test_ctrl_c_while_it_waits_for_input(self):
        p = self.start("-", "-o", "out.json")
        time.sleep(1.0 if not harness.SANITIZED else 5.0)
        p.send_signal(signal.SIGINT)
        p.wait(harness.TIMEOUT_S)
        self.assertEqual((p.returncode, p.communicate()[0]), (130, b""))
        self.assertEqual(os.listdir(self.dir), ["talk.wav"])

    def test_a_reader_that_leaves(self):
        for f in FORMATS:
            p = self.start("--format", f, self.talk)
            p.stdout.close()
            p.stdin.close()
            err = p.stderr.read()
            p.stderr.close()
            self.assertEqual((p.wait(harness.TIMEOUT_S), err), (0, b""), f)

    def test_a_full_disk(self):
        with open("/dev/full", "wb") as full:
            p = subprocess.run([harness.WEFT, *self.args("transcribe", self.talk)], stdout=full,
                               stderr=subprocess.PIPE, env=self.env, timeout=harness.TIMEOUT_S)
        self.assertEqual((p.returncode, p.stderr.count(b"\n")), (1, 1), p.stderr)

    def test_progress_and_summary_on_a_terminal(self):
        ours, theirs = pty.openpty()
        p = subprocess.Popen([harness.WEFT, *self.args("transcribe", self.talk)], stderr=theirs,
                             stdout=subprocess.DEVNULL, env=self.env, cwd=self.dir)
        os.close(theirs)
        got = b""
        try:
            while chunk := os.read(ours, 65536):
                got += chunk
        except OSError: # the other end is closed
            pass
        os.close(ours)
        self.assertEqual(p.wait(harness.TIMEOUT_S), 0, got)
        self.assertRegex(got, rb"0:0\d / 0:08, \d+\.\d times real time, ETA \d+:\d\d")
        self.assertRegex(got, rb"talk\.wav: 8\.00 s of audio in .* s: encode .* s, prefill .* s, "
                              rb"generate .* s; real-time factor \d")


class Describe(Case):
    """A prompt that holds sound, and a picture and sound."""

    def setUp(self):
        super().setUp()
        self.short = self.write("short.wav", wav(voice(1.2)))

    def record(self, *args, **more):
        one, = self.ok(*self.args("describe", "--json", *args), **more).json_lines()
        self.assertIsNone(one["error"])
        return one

    def test_a_recording_alone(self):
        one = self.record("--audio", self.short, "-p", "What is said?")
        self.assertEqual(one["audio"], [self.short])
        self.assertNotIn("path", one)
        two = self.record("--audio", self.short, "--audio", self.short, "-p", "What is said?")
        self.assertEqual(two["audio"], [self.short] * 2)
        asked = self.ok("generate", "--config", self.ini, "--chat", "--json", "-n", "1", "-p",
                        "What is said?").json_lines()[0]
        first = one["tokens"]["prompt"] - asked["tokens"]["prompt"]
        self.assertGreater(first, 10) # 1.2 s at 80 ms a token, begin and end
        self.assertEqual(two["tokens"]["prompt"] - one["tokens"]["prompt"], first)
        self.assertEqual(self.ok(*self.args("describe", "--audio", "-", "-p", "What is said?"),
                                 stdin=wav(voice(1.2))).out.decode(), one["text"] + "\n")

    @unittest.skipUnless(speech.has_ffmpeg(), "ffmpeg or its module is not there")
    def test_a_recording_whose_header_does_not_count_its_samples(self):
        """As a file, from a pipe, as a part of a long one; of a long one only the header is read."""
        short, long = (self.path(n) for n in ("short.m4a", "long.m4a"))
        for path, times in ((short, "0"), (long, "60")):
            subprocess.run(["ffmpeg", "-v", "error", "-stream_loop", times, "-i", self.short, "-c:a", "aac", path],
                           check=True, stdin=subprocess.DEVNULL)
        one = self.record("--audio", short, "-p", "What is said?")
        wav_too = self.record("--audio", self.short, "-p", "What is said?")
        self.assertLess(abs(one["tokens"]["prompt"] - wav_too["tokens"]["prompt"]), 3) # AAC pads to its frames
        with open(short, "rb") as f:
            piped = self.record("--audio", "-", "-p", "What is said?", stdin=f.read())
        self.assertEqual(piped["text"], one["text"])
        part = self.record("--end", "1.2", "-p", "What is said?", long)
        self.assertLess(abs(part["tokens"]["prompt"] - wav_too["tokens"]["prompt"]), 3)
        self.assertIn("73 seconds", self.fails(7, *self.args("describe", "--audio", long)))

    def test_two_data_chunks_through_a_pipe(self):
        one = wav(voice(1.2))
        size = len(one) - 44
        two = bytearray(one + b"data" + size.to_bytes(4, "little") + one[44:])
        two[4:8] = (len(two) - 8).to_bytes(4, "little")
        path = self.write("two.wav", bytes(two))
        piped = self.record("--audio", "-", "-p", "What is said?", stdin=bytes(two))
        whole = self.record("--audio", path, "-p", "What is said?")
        self.assertEqual((piped["text"], piped["tokens"]), (whole["text"], whole["tokens"]))

    @unittest.skipUnless(speech.has_ffmpeg(), "ffmpeg or its module is not there")
    def test_a_recording_that_was_cut(self):
        """Its header counts what is no longer there; what is there is described, with a warning."""
        talk = self.write("whole.wav", wav(voice(3)))
        for ending in ("mp3", "flac", "wav", "ogg"):
            path = self.path("whole." + ending)
            if ending != "wav":
                codec = {"ogg": "libvorbis", "mp3": "libmp3lame", "flac": "flac"}[ending]
                subprocess.run(["ffmpeg", "-v", "error", "-i", talk, "-c:a", codec, path], check=True,
                               stdin=subprocess.DEVNULL)
            with open(path, "rb") as f:
                data = f.read()
            cut = self.write("cut." + ending, data[:2 * len(data) // 3])
            r = self.ok(*self.args("describe", "--json", "--audio", cut, "-p", "What is said?"))
            self.assertLess(r.json_lines()[0]["tokens"]["prompt"],
                            self.record("--audio", path, "-p", "What is said?")["tokens"]["prompt"], ending)
            self.assertEqual(r.err.count("warning: "), 1, r.err)

    @unittest.skipUnless(speech.has_pictures(), "the demo sees no pictures yet")
    def test_a_picture_and_a_recording(self):
        red = self.write("red.png", harness.png(64, 64))
        blue = self.write("blue.png", harness.png(64, 64, (20, 40, 220)))
        alone = self.record(red)
        both = self.record("--audio", self.short, red)
        self.assertEqual((both["path"], both["audio"]), (red, [self.short]))
        self.assertGreater(both["tokens"]["prompt"], alone["tokens"]["prompt"] + 10)
        again = self.ok(*self.args("describe", "--json", "--audio", self.short, red, blue, red))
        first, second, third = again.json_lines()
        self.assertEqual((first["text"], first["tokens"]), (both["text"], both["tokens"]))
        self.assertEqual(third["text"], both["text"])
        self.assertEqual(second["path"], blue)
        self.assertGreater(first["timings"]["encode_s"], 0)
        together = self.record("--together", "--audio", self.short, red, blue)
        self.assertEqual((together["paths"], together["audio"]), ([red, blue], [self.short]))

    def test_plan(self):
        lines = self.ok(*self.args("describe", "--plan", "--json", "--audio",
                                   self.short)).json_lines()
        self.assertEqual(lines[-1]["kind"], "audio")
        self.assertGreater(lines[-1]["tokens"], 10)

    def test_failures(self):
        bad = self.write("bad.wav", b"just words")
        self.assertIn("bad.wav", self.fails(3, *self.args("describe", "--audio", bad)))
        line = self.fails(3, *self.args("describe", "--audio", self.write("p.png", harness.png(8, 8))))
        self.assertIn('p.png: no decoder reads it as "audio"', line)
        self.assertIn("once", self.fails(2, "describe", "--audio", "-", "-"))
        self.assertIn("16 times", self.fails(2, "describe", *["--audio", bad] * 17))
        for more, word in ((["--frames", "0"], "--frames"), (["--frames", "many"], "--frames"),
                           (["--start", "1:60"], "--start"), (["--start", "-1"], "--start"),
                           (["--end", "1:2:3:4"], "--end"), (["--end", "0"], "--end"),
                           (["--start", "1:30", "--end", "90"], "not behind")):
            self.assertIn(word, self.fails(2, "describe", *more, self.short))


if __name__ == "__main__":
    if not speech.has_speech():
        print("skipped: the demo's text core or the speech plugins are not here")
        sys.exit(77)
    harness.main(needs_demo=True)
