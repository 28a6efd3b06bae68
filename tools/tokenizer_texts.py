# SPDX-License-Identifier: Apache-2.0
"""The strings that gen_tokenizer.py encodes, written for this purpose or generated from a seed."""

import itertools
import random
import unicodedata

# One or two everyday sentences per script (or per language, where the letters differ).
SCRIPTS = {
    "Latin (English)": "The loom stands by the window; she'll weave until it's dark.",
    "Latin (German)": "Die Weberin zählt größere Fäden, während draußen süße Äpfel fallen.",
    "Latin (French)": "L’été dernier, où étiez-vous ? À Besançon, cœur léger et goûter prêt.",
    "Latin (Spanish)": "¿Cuándo llegó el pequeño tejedor? ¡Mañana por la mañana!",
    "Latin (Polish)": "Zażółć nić i utkaj wąski pas z dziesięciu źdźbeł.",
    "Latin (Czech)": "Příliš mnoho nití, žádný člun; dívka tká dál.",
    "Latin (Turkish)": "Işık azaldı ama İpek ipliği özenle düğümledi.",
    "Latin (Hungarian)": "Őrült gyorsan szőtt hű húga tükörfényű szövetet.",
    "Latin (Icelandic)": "Þær vefa úr ull og drekka kaffi, æ og ó.",
    "Latin (Vietnamese)": "Công việc dệt vải bắt đầu từ sáng sớm; việc này không dễ.",
    "Latin (Yoruba)": "Ẹ kú iṣẹ́ o, àwọn ahunṣọ wà ní ọjà.",
    "Latin (Hausa)": "Ɓaure da ƙwai suna kan teburi, ɗan uwa.",
    "Greek": "Η υφάντρα μετράει τις κλωστές· «πόσες είναι;»",
    "Greek (polytonic)": "ἐν ἀρχῇ ἦν ὁ ἱστός, καὶ ἡ κρόκη ᾠδή.",
    "Cyrillic (Russian)": "Ткачиха считает нити, а ёжик спит под столом.",
    "Cyrillic (Ukrainian)": "Її ґудзики й стрічки лежать у шухляді.",
    "Cyrillic (Serbian)": "Ђаци носе џемпере и љубе нану.",
    "Cyrillic (Kazakh)": "Әже кілем тоқып, өрнек салып отыр.",
    "Armenian": "Ջուլհակը հաշվում է թելերը, և արևը մայր է մտնում։",
    "Georgian": "ფეიქარი ძაფებს ითვლის და მღერის.",
    "Hebrew": "האורגת סופרת חוטים, ו\"הערב\" יורד.",
    "Hebrew (pointed)": "הָאוֹרֶגֶת סוֹפֶרֶת חוּטִים.",
    "Arabic": "تَعُدُّ النسّاجةُ الخيوطَ، ثم تستريح قليلاً.",
    "Persian": "می‌بافم و می‌شمارم؛ ۱۲۳ نخ دارم.",
    "Urdu": "بنکر دھاگے گنتا ہے اور چائے پیتا ہے۔",
    "Syriac": "ܫܠܡܐ ܥܠܝܟܘܢ ܒܝܬܐ",
    "Thaana": "ދިވެހި ބަސް ކިޔަމެވެ.",
    "Devanagari": "बुनकर धागे गिनता है, फिर १२३४ तक पहुँचता है।",
    "Bengali": "তাঁতি সুতো গোনে, আর সন্ধ্যা নামে।",
    "Gurmukhi": "ਜੁਲਾਹਾ ਧਾਗੇ ਗਿਣਦਾ ਹੈ।",
    "Gujarati": "વણકર દોરા ગણે છે.",
    "Oriya": "ବୁଣାକାର ସୂତା ଗଣେ।",
    "Tamil": "நெசவாளர் நூல்களை எண்ணுகிறார்.",
    "Telugu": "నేత కార్మికుడు దారాలను లెక్కిస్తాడు.",
    "Kannada": "ನೇಕಾರ ದಾರಗಳನ್ನು ಎಣಿಸುತ್ತಾನೆ.",
    "Malayalam": "നെയ്ത്തുകാരൻ നൂലുകൾ എണ്ണുന്നു.",
    "Sinhala": "රෙදි වියන්නා නූල් ගණන් කරයි.",
    "Thai": "ช่างทอผ้านับเส้นด้ายแล้วก็นอนหลับ",
    "Lao": "ຊ່າງຕ່ຳຫູກນັບເສັ້ນດ້າຍ",
    "Tibetan": "ཐགས་འཐག་མཁན་གྱིས་སྐུད་པ་རྩི།",
    "Myanmar": "ရက်ကန်းသည်က ချည်မျှင်ရေတွက်သည်။",
    "Khmer": "អ្នកតម្បាញរាប់អំបោះ។",
    "Ethiopic": "ሸማኔው ክሮችን ይቆጥራል።",
    "Cherokee": "ᎣᏏᏲ ᏙᎯᏧ", "Canadian Aboriginal": "ᐃᓄᒃᑎᑐᑦ ᐅᖃᓕᒫᒐᖅ",
    "Ogham": "᚛ᚉᚑᚅᚔᚉᚉᚔᚋ᚜ ᚛ᚅᚔᚋ᚜",
    "Runic": "ᚠᚢᚦᚨᚱᚲ ᚹᛖᚠᛏ", "Mongolian": "ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ",
    "Tifinagh": "ⴰⵣⵓⵍ ⴼⵍⵍⴰⵡⵏ",
    "Han (simplified)": "织工数着线，一二三，天就黑了。",
    "Han (traditional)": "織工數著線，「還有多少？」她問。",
    "Japanese": "織り手は糸を数え、ｶﾀｶﾅとカタカナを並べて書いた。",
    "Hangul": "직공이 실을 세고, 해가 진다.",
    "Hangul (jamo)": unicodedata.normalize("NFD", "직공이 실을"),
    "Bopomofo": "ㄓ ㄍㄨㄥ ㄕㄨˇ ㄒㄧㄢˋ",
    "Yi": "ꆈꌠꁱꂷ ꌋꆀ", "Gothic": "𐌰𐌹𐌽𐍃 𐍅𐌰𐌹𐍆𐍄𐍃",
    "Cuneiform": "𒀀𒁀𒂗 𒈗", "Egyptian": "𓀀𓁐𓂀",
    "Mathematical": "𝐰𝑒𝓯𝕥 ∑ᵢ xᵢ² ≤ ∞ ⇒ ∂f/∂x ≠ 0",
    "Braille": "⠺⠑⠋⠞ ⠊⠎ ⠺⠕⠧⠑⠝",
}

PLAIN = [
    "a", " a", "  a", "Hello, world!", "hello world", " weft", "weft", "This is a test sentence.",
    "don't stop", "x=1;y=2", "for (int i = 0; i < n; ++i) {\n    sum += a[i];\n}\n",
    "def weave(warp, weft):\n\treturn [w for w in warp]\n", "https://example.org/a?b=c&d=%20e#f",
    "user@example.org", "C:\\temp\\file.txt", "3.14159", "1,000,000.00", "-273.15°C", "50 % off",
    "$12.50", "€9,99", "#hashtag @name", "...", "!!!", "?!?!", "--option=value", "a_b_c", "A.B.C.",
    "(parenthesised)", "[x]{y}<z>", "\"quoted\" 'single' `code`", "**bold** _it_", "~~~", "|||",
    "<html><body class=\"x\">&nbsp;</body></html>", "{\"key\": [1, 2.5, null, true]}", "\\n\\t\\0",
    "snake_case camelCase PascalCase kebab-case SCREAMING_CASE", "ABCdefGHI", "aB1cD2eF3",
    "e=mc^2", "H2O", "Ⅷ ⅷ ½ ¼ ² ³ ₁ ① ⑳", "ﬁ ﬂ ß ſ İ ı", "naïve café", "nai\u0308ve cafe\u0301",
    "ñ n\u0303", "\u0301", "\u0301a", "a\u0301\u0302\u0303", "x\u20d7", "\ufeffbom", "\u200bzero",
    "a\u200db", "a\u00adb", "\u202eabc\u202c", "\ufffd", "\U0010ffff", "\ue000private", "\x00",
    "\x01\x02",
    "\x7f", "a\x00b", "tab\tseparated\tvalues", "=" * 79, "-" * 40, "a" * 130, " " * 130 + "x",
    "ab" * 70, "\n" * 20, "0" * 25, "!" * 33, "\u3000\u3000全角", "１２３４５", "ＡＢＣ", "。、！？",
]

EMOJI = [
    "😀", "😀😀😀", "I ❤️ weaving", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇫🇷", "1️⃣2️⃣", "👨🏿‍🚀 flies", "🧵🪡🧶",
    "☃", "☃️", "✂️ cut", "©®™", "🫠🫶🏻", "🐈‍⬛", "#️⃣", "(╯°□°)╯︵ ┻━┻", "→ ⇒ ↔ ⟶", "█▓▒░", "♠♥♦♣",
    "🙂.🙃",
]

SPECIAL = [
    "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|image|>", "<|start_header_id|>user",
    "a<|eot_id|>b", " <|image|> ", "<|image|><|image|>", "<|reserved_special_token_0|>", "<|", "|>",
    "<|python_tag|>print(1)", "<|end_header_id|>\n\nHi<|eot_id|>", "<|IMAGE|>", "<|image|",
    "<|eom_id|>",
]


def contractions():
    endings = ["s", "t", "re", "ve", "m", "ll", "d", "S", "T", "RE", "Ve", "M", "lL", "D", "x", "r"]
    out = ["it" + q + e for q in ("'", "’") for e in endings]
    out += ["'" + e for e in endings] + [" '" + e for e in ("s", "LL", "tis")]
    out += ["''s", "a''s", "'s's", "'\u017f", "it'\u017f", "I'd've", "y'all'll", "O'Brien's",
            "'t\n",
            "rock'n'roll", "'", "''", "' s", "1's", "é's", "'sa", "'llama", "DON'T", "Can't've"]
    return out


def digit_runs():
    out = ["1234567890123"[:n] for n in range(1, 14)]
    out += ["v" + "9" * n + "b" for n in range(1, 8)]
    for digits in ("٠١٢٣٤٥٦", "०१२३४५", "０１２３", "߀߁߂߃", "𝟎𝟏𝟐𝟑", "Ⅰ Ⅱ ⅢⅣ", "①②③④", "²³¹⁴", "一二三四五"):
        out += [digits, "x" + digits + "y", " " + digits]
    return out + ["1 2 3", "1a2b3c", "12٣٤56", "2024-03-01T12:34:56Z", "0x1F4A9", "1e-5", "½3"]


def whitespace_runs():
    kinds = [" ", "\t", "\n", "\r", "\r\n", "\u00a0", "\u3000"]
    out = []
    for n in (1, 2, 3):
        for run in itertools.product(kinds[:5] if n == 3 else kinds, repeat=n):
            out.append("".join(run) + ("a" if len(out) % 3 else ""))
    rest = ["\x0b", "\x0c", "\x85", "\u1680", "\u2003", "\u2028", "\u2029", "\u202f", "\u205f"]
    out += ["a" + w + w + "b" for w in rest] + ["a " + w + "\n b" for w in rest]
    return out + ["  a  b  ", "a \n b", "a  \n\n  b", "!\n\n", "! \n", ".\r\n\r\n x", "a\n ",
                  "\u180ea", "\x1c\x1d\x1e\x1fa", "   !", " \t!", "\n!", "a   1", "   1"]


def random_strings(count=60, seed=7):
    """Mixes of assigned characters of the Basic Multilingual Plane and the ones beyond."""
    rng = random.Random(seed)
    stable = [chr(c) for c in (*range(0x20, 0x2000), *range(0x2010, 0x3100), *range(0x4E00, 0x4F00),
                               *range(0xAC00, 0xAD00), *range(0x10300, 0x10350),
                               *range(0x1D400, 0x1D500), *range(0x1F300, 0x1F650))
              if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
    common = list("  \n\r\t'.,!?-0123456789abcdefghijklmnopqrstuvwxyzST")
    out = []
    for i in range(count):
        pool = stable if i % 3 == 0 else common if i % 3 == 1 else common + rng.sample(stable, 40)
        out.append("".join(rng.choice(pool) for _ in range(rng.randint(3, 40))))
    return out


def valid():
    """Every string that is UTF-8, without repeats, in a fixed order."""
    out = list(SCRIPTS.values()) + PLAIN + EMOJI + SPECIAL
    out += contractions() + digit_runs() + whitespace_runs() + random_strings()
    return list(dict.fromkeys(["", *out]))


def invalid():
    """Byte strings that are not UTF-8."""
    out = [b"\xff", b"\xfe\xff", b"a\xffb", b"\xffabc", b" \xff", b" \xff\xfe\n\n", b"\x80",
            b"\xc3",
           b"\xc3(", b"caf\xc3", b"\xe2\x82", b"\xe2\x82abc", b"\xf0\x9f\x98", b"\xf0\x9f\x98 x",
           b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xe0\x80\x80a",
           b"1\xff2", b"'s\xff's", b"\n\xff\n", b"  \xff", b"\xff  x", b"\xe4\xbd\xa0\xe5\xa5",
           b"\xbf\xbf!", "ж".encode() + b"\xd0", b"\xd0" + "ж".encode(), b"\xf8\x88\x80\x80\x80",
           b"ok\xe2\x28\xa1"]
    rng = random.Random(11)
    return out + [bytes(rng.randrange(256) for _ in range(rng.randint(4, 24))) for _ in range(20)]


# The text that the small vocabulary learns its merges from.
TRAINING = (
    "weft runs a frozen text model and weaves other senses across it. The text model is the warp: "
    "complete on its own, never touched. Each sense is a thread of the weft, loaded when it is "
    "asked for, crossing the warp where a hook is open.\n\n"
    "The weaver sits at the loom in the morning. She counts the threads, one, two, three, and ties "
    "the ends. A red thread, a blue thread, a green thread. The shuttle goes from left to right "
    "and from right to left. By the evening the cloth is as long as the table and as wide as the "
    "door. It isn't finished, but she'll go on tomorrow; there's time. I don't think they've seen "
    "it, and we're not going to show it before it's done.\n\n"
    "A picture of a small dog to the left of a large apple on a blue background. A clip of a "
    "yellow circle moving to the right. Repeat after me in English: twenty three, north, forty "
    "seven, south.\n\n"
    "int main(void)\n{\n    for (int i = 0; i < 100; i++)\n        "
    "printf(\"%d\\n\", i);\n    return 0;\n}\n\n"
    "Die Weberin zählt die Fäden. La tejedora cuenta los hilos. Ткачиха считает нити. "
    "织工数线。織り手は糸を数える。 2023, 2024, 2025; 10, 100, 1000.\n"
) + " ".join(SCRIPTS[k] for k in ("Greek", "Arabic", "Devanagari", "Hangul", "Thai"))
