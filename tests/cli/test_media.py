# SPDX-License-Identifier: Apache-2.0
"""Real files: what a file is called when it cannot be read, which decoder reads it, and the options of
recordings."""
import os
import shutil
import struct
import subprocess
import unittest

from harness import DEMO, WEFT, Case, has_demo, png

SAMPLE = os.path.join(DEMO, "samples", "6.wav")
STILLS = os.path.join(os.path.dirname(__file__), "..", "fixtures", "stills")
PLUGINS = os.path.join(os.path.dirname(WEFT), "plugins")


def has(plugin):
    return os.path.exists(os.path.join(PLUGINS, plugin + ".so"))


def wav(samples, rate=8000, channels=1):
    body = struct.pack("<%dh" % len(samples), *samples)
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(body), b"WAVE", b"fmt ", 16, 1, channels, rate,
                       2 * channels * rate, 2 * channels, 16, b"data", len(body))
    return head + body


@unittest.skipUnless(has_demo(), "needs the demo model")
class Names(Case):
    def refused(self, name, data, code, *words):
        line = self.fails(code, "describe", self.write(name, data))
        for word in words:
            self.assertIn(word, line)

    def test_formats_that_nobody_reads_are_named(self):
        self.refused("a.jxl", b"\xff\x0a" + bytes(40), 3, "JPEG XL", "convert it")
        self.refused("a.wma", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(40), 3, "Windows Media", "MP4")
        self.refused("a.amr", b"#!AMR\n" + bytes(40), 3, "AMR", "WAV")
        self.refused("a.ts", (b"G" + bytes(187)) * 4, 3, "damaged or ends early")  # which is read
        self.refused("a.pdf", b"%PDF-1.4\n" + bytes(40), 3, "PDF", "no picture")
        self.refused("a.heic", b"\0\0\0\x18ftyphevc" + bytes(40), 3, "HEIC", "convert it", "libheif")

    def test_what_was_asked_for_decides_what_is_named(self):
        line = self.fails(3, "transcribe", self.write("a.wav", b"%PDF-1.4\n" + bytes(40)))
        self.assertIn("a PDF document", line)
        line = self.fails(3, "transcribe", self.write("b.wav", b"gimp xcf v011" + bytes(40)))
        self.assertNotIn("GIMP", line)

    def test_a_format_by_its_bytes_goes_before_a_files_name(self):
        self.refused("a.png", b"gimp xcf v011" + bytes(40), 3, "GIMP", "convert it to PNG or JPEG")
        self.refused("a.mp3", b"MThd" + bytes(40), 3, "MIDI")

    def test_a_pointer_of_git_lfs_is_named_whatever_its_ending(self):
        text = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
        for name in ("a.png", "a.wav", "a.mp4", "a"):
            self.refused(name, text, 3, "git lfs pull")
        line = self.fails(3, "transcribe", self.write("b.wav", text))
        self.assertIn("git lfs pull", line)

    def test_documents_in_a_folder_are_passed_over(self):
        self.write("d/a.pdf", b"%PDF-1.4\n" + bytes(40))
        self.write("d/b.png", png(8, 8))
        r = self.ok("describe", "-n", "2", self.path("d"))
        self.assertEqual(len(r.out.splitlines()), 1)

    @unittest.skipUnless(has("weft-heif"), "needs libheif")
    def test_heic_is_read(self):
        self.ok("describe", "-n", "2", os.path.join(STILLS, "fine.heic"))

    def kind(self, path):
        return self.ok("describe", "--plan", "--json", path).json_lines()[-1]["kind"]

    @unittest.skipUnless(has("weft-ffmpeg") and shutil.which("ffmpeg"), "needs FFmpeg")
    def test_streams_decide_what_a_file_is(self):
        for name, args in (("a.webm", "-c:a libopus"), ("a.mov", "-c:a pcm_s16le"), ("a.mp4", "-c:a aac")):
            subprocess.run(["ffmpeg", "-v", "error", "-i", SAMPLE, *args.split(), self.path(name)], check=True)
            self.assertEqual(self.kind(self.path(name)), "audio")
            self.assertIn(b"tiger", self.ok("describe", "-n", "30", self.path(name)).out)
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:d=1", "-i", SAMPLE, "-map", "1",
                        "-map", "0", "-c:v", "libtheora", "-c:a", "libvorbis", self.path("a.ogv")], check=True)
        self.assertEqual(self.kind(self.path("a.ogv")), "video")
        self.assertIn(b"tiger", self.ok("transcribe", self.path("a.ogv")).out)

    @unittest.skipUnless(has("weft-ffmpeg") and shutil.which("ffmpeg"), "needs FFmpeg")
    def test_what_one_decoder_cannot_read_another_may(self):
        flac = self.path("a.oga")
        subprocess.run(["ffmpeg", "-v", "error", "-i", SAMPLE, "-c:a", "flac", flac], check=True)
        self.assertIn(b"tiger", self.ok("transcribe", flac).out)


@unittest.skipUnless(has_demo(), "needs the demo model")
class Markers(Case):
    """<|image|>, <|video|> and <|audio|> stand for a medium each; one too many is told, and so is a word that is none."""

    def test_markers_are_counted(self):
        for marker, sample in (("<|image|>", "1.png"), ("<|video|>", "5.mp4"), ("<|audio|>", "6.wav")):
            with self.subTest(marker):
                path = os.path.join(DEMO, "samples", sample)
                once = self.ok("describe", "-n", "4", "-p", marker + "What is it?", path)
                self.assertNotIn(marker, once.err)
                twice = self.ok("describe", "-n", "4", "-p", marker + marker, path)
                self.assertIn("2 times %s and 1 item" % marker, twice.err)
                none = self.ok("generate", "-n", "2", "-p", "a " + marker)
                self.assertIn("1 time %s and 0 items" % marker, none.err)

    def test_words_that_are_no_markers(self):
        r = self.ok("generate", "-n", "2", "-p", "a <|picture|>")
        self.assertIn("<|picture|>, which is no marker of this model (<|", r.err)


@unittest.skipUnless(has_demo(), "needs the demo model")
class Recordings(Case):
    def samples(self):
        with open(SAMPLE, "rb") as f:
            data = f.read()[44:]
        return struct.unpack("<%dh" % (len(data) // 2), data)

    def said(self, *args, **more):
        return self.ok("transcribe", *args, **more).out

    def test_channels_that_cancel_each_other_out(self):
        x = self.samples()
        path = self.write("anti.wav", wav([v for s in x for v in (s, -max(s, -32767))], channels=2))
        r = self.ok("transcribe", path)
        self.assertIn(b"tiger", r.out)
        self.assertEqual(r.err.count("cancel each other out"), 1)
        r = self.ok("describe", "-n", "30", path)
        self.assertIn(b"tiger", r.out)
        self.assertEqual(r.err.count("cancel each other out"), 1)

    def test_one_channel(self):
        x = self.samples()
        path = self.write("right.wav", wav([v for i, s in enumerate(x) for v in ((i * 7919) % 9000, s)], channels=2))
        alone = self.said(SAMPLE)
        self.assertEqual(self.said("--channel", "2", path), alone)
        self.assertNotEqual(self.said(path), alone)
        self.assertIn("1 channel:", self.fails(7, "transcribe", "--channel", "3", SAMPLE))
        self.assertIn("2 channels:", self.fails(7, "transcribe", "--channel", "3", path))

    def test_raw_samples(self):
        raw = struct.pack("<%dh" % len(self.samples()), *self.samples())
        want = self.said(SAMPLE)
        self.assertEqual(self.said("--raw-audio", "s16le,8000,1", "-", stdin=raw), want)
        self.assertEqual(self.said("--raw-audio", "s16le,8000,1", self.write("a.pcm", raw)), want)
        r = self.ok("describe", "-n", "30", "--raw-audio", "s16le,8000,1", "-", stdin=raw)
        self.assertIn(b"tiger", r.out)
        self.assertEqual(r.err, "")
        for source, nothing in (("-", b""), (self.write("empty.raw", b""), None)):
            for command in ("transcribe", "describe"):
                self.assertIn("is empty", self.fails(3, command, "--raw-audio", "s16le,8000,1", source, stdin=nothing))
        odd = b"\xff\xff\0\0" + raw[4:] # begins as an MP3 might
        for source in (self.write("odd.pcm", odd), "-"):
            r = self.ok("describe", "-n", "30", "--raw-audio", "s16le,8000,1", source, stdin=odd)
            self.assertIn(b"tiger", r.out)
        cut = png(64, 64)[:60] # is still a picture
        for source in (self.write("cut.png", cut), "-"):
            self.assertIn("the PNG ends", self.fails(3, "describe", "--raw-audio", "s16le,8000,1", source, stdin=cut))
        with open(SAMPLE, "rb") as f:
            whole = f.read()
        self.assertEqual(self.said("--raw-audio", "s16le,16000,2", SAMPLE), want) # it has a header
        quiet = b"\0\0\1\0" + raw[4:] # begins as a Windows icon might
        self.assertEqual(self.said("--raw-audio", "s16le,8000,1", "-", stdin=quiet), want)
        for name, foreign in (
                ("cut.wav", whole[:30]),
                ("codec.wav", whole[:20] + b"\x99\x99" + whole[22:]),
                ("cut.flac", b"fLaC\0\0\0\x22" + bytes(20)),
                ("noise.ogg", b"OggS" + bytes(range(200)) * 20),
                ("no-index.mp4", b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + raw[:4000]),
                ("report.pdf", b"%PDF-1.7\n" + raw[:4000]),
                ("report.docx", b"PK\3\4\x14\0" + raw[:4000]),
                ("report.gz", b"\x1f\x8b\x08\0" + raw[:4000])):
            path = self.write(name, foreign)
            for command in ("transcribe", "describe"):
                for source in (path, "-"):
                    with self.subTest(name, command=command, source=source):
                        self.fails(3, command, "--raw-audio", "s16le,8000,1", source, stdin=foreign)
        floats = struct.pack("<%df" % len(self.samples()), *(v / 32768 for v in self.samples()))
        self.assertEqual(self.said("--raw-audio", "f32le,8000,1", "-", stdin=floats), want)
        for bad in ("s16be,8000,1", "s16le", "s16le,8000", "s16le,0,1", "s16le,8000,9", "s16le,8000,1,", ""):
            self.assertIn("s16le,16000,1", self.fails(2, "transcribe", "--raw-audio", bad, "-", stdin=raw))

    def test_a_silent_recording_is_silent(self):
        path = self.write("silent.wav", wav([0, 1, -1, 0] * 4000))
        r = self.ok("describe", path)
        self.assertEqual(r.out, b"\n")
        self.assertIn("is silent", r.err)
        r = self.ok("describe", "--json", "--audio", path)
        self.assertEqual(r.json_lines()[0]["text"], "")
        with_picture = self.ok("describe", "-n", "8", "--audio", path, self.write("p.png", png(64, 64)))
        self.assertEqual(with_picture.out, self.ok("describe", "-n", "8", self.path("p.png")).out)
        self.assertNotEqual(with_picture.out, b"\n")

    def test_a_cut_recording_is_told(self):
        with open(SAMPLE, "rb") as f:
            data = f.read()
        for command in ("transcribe", "describe"):
            r = self.ok(command, self.write("cut.wav", data[:38000]))
            self.assertIn("ends after 18978 of %d samples" % ((len(data) - 44) // 2), r.err)


if __name__ == "__main__":
    unittest.main()
