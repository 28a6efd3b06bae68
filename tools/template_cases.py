# SPDX-License-Identifier: Apache-2.0
"""Small templates that show each part of the language, for tools/gen_templates.py. They run with VARIABLES as what came
from a conversation."""

VARIABLES = {
    "messages": [{"role": "user", "content": " Hi "}, {"role": "assistant", "content": "Ho", "name": "Bo"},
                 {"role": "user", "content": "é日🙂 end"}],
    "n": 7, "f": 2.5, "t": True, "no": None, "s": "Hello World", "empty": "", "quotes": "it's \"so\" \\ \n\t",
    "words": ["b", "A", "c", "a"], "nums": [3, 1, 2, 3], "d": {"b": 1, "a": [1, 2.0, None, True], "items": "own", "x y": "é<&>"},
    "nested": [{"k": {"v": 2}, "w": "z"}, {"k": {"v": 1}, "w": "Y"}, {"k": {}}], "wide": "ßfiÅΣας ǅ ŉ ΑΣ", "l": [],
}

EXPRESSIONS = r"""
-0.4|round(0, "ceil"), 0.4|round(0, "floor"), -0.04|round(1, "ceil"), -0.0|round(0, "floor"), 2|round(2, "ceil"), -0.4|round, true|round(0, "floor")
9007199254740993|round(3, "ceil"), 1.005|round(2, "ceil"), -1.005|round(2, "floor")
(f * 1e308)|round(0, "ceil")
(f * 1e308)|round(5, "floor")
(f * 1e308)|round(2), (f * 1e308 - f * 1e308)|round
-0.5|filesizeformat, -0.0|filesizeformat, -1.5|filesizeformat, 0.5|filesizeformat, " 12 "|filesizeformat(true), true|filesizeformat, "1_0.5"|filesizeformat
999.96|filesizeformat, 999950|filesizeformat, 1023|filesizeformat(true), 1048575|filesizeformat(true), 1e26|filesizeformat, 1e30|filesizeformat(true), 1e300|filesizeformat
"inf"|filesizeformat, "NaN"|filesizeformat, (f * 1e308)|filesizeformat(true), (f * 1e308 - f * 1e308)|filesizeformat
(f * -1e308)|filesizeformat
"abc"|filesizeformat
""|filesizeformat
none|filesizeformat
[1]|filesizeformat
missing|filesizeformat
"1.2.3"|filesizeformat
"1.2.3"|float, "1e"|float(7), "0e"|float(8), "1_000.5"|float, "1__0"|float, "_1"|float, "1_"|float, "1_e3"|float, ".5"|float, "5."|float, "."|float(3), "-.5e-1_0"|float
"inf"|float, "-Infinity"|float, "+NAN"|float, "infx"|float, "0x10"|float, "1e400"|float, "--1"|float, "+-1"|float, ""|float, "-"|float(2)
(f * 1e308)|int(1)
(f * 1e308 - f * 1e308)|int(3), "1_000"|int, "1__0"|int, "inf"|int(4), "nan"|int(5), "1.2.3"|int, "- 1"|int, "+0012"|int, "-0"|int, "1e"|int(6), "0.00000000000000000000000000000000000000000000000000000000000000000000001"|float
1 + 2 * 3 - 4
2 ** 62, (-1) ** 4611686018427387905, (-1) ** 4611686018427387904, 0 ** 0, 1 ** 99999999, (-2) ** 63
7 // 2, -7 // 2, 7 % 3, -7 % 3, 7 % -3, 7.5 // 2, -7.5 % 2
1 / 2, 4 / 2, 2 ** 10, 2 ** -1, 2 ** 0.5, -2 ** 2
1 ~ 2 + 3 ~ 4
"a" ~ 1 ~ none ~ true ~ 1.0 ~ [1, "x"] ~ {"k": "v"}
1.0, 1e16, 1e15, 123456789.125, 1e-4, 1e-5, 0.1 + 0.2, 1e300 * 1e10, -0.0, 1_000, 5e-324
"a" * 3, 3 * "ab", [1] * 2, "x" * 0, "x" * -1
"a" + "b", [1] + [2], (1,) + (2,)
"a" + 1
1 + "a"
1 < 2 < 3, 1 < 3 < 2, "a" < "b", [1, 2] < [1, 3], 1 == 1.0, true == 1, "1" == 1, none == false
1 < "a"
none < 1
1 in [1, 2], "a" in "abc", "" in "abc", "k" in {"k": 1}, 3 not in [1], 1 in ()
1 in "abc"
not true, not not 1, not ""
true and "x", "" or "y", none and 1, 0 or none or "z"
"x" if true else "y", "x" if false else "y", "x" if false, ("a" if 0 else "b" if 0 else "c")
"x" if n is defined and n > 3 else "y"
missing, missing|default("d"), no|default("d"), no|default("d", true), empty|d("e", true), missing.x|default("q")
missing.x
missing["x"]
missing + 1
missing ~ "a", missing|length, missing|list, missing == missing, missing == none, missing|trim, missing|upper
missing()
s.nothing, d.nothing, d["nothing"], nums[9], nums[-1], nums[-9], s[0], s[-1], s[99]
s.nothing.more
s.nothing()
no.x, n.x, n["x"], no["x"]
d["items"], d.get("items"), d.get("q"), d.get("q", 5)
d.keys()|list, d.values()|list, d.items()|list
d.b, d["a"][1], d.a.1, d["x y"]
nested[0].k.v, nested[2].k.v, nested[2].w is defined
s[1:4], s[:3], s[-3:], s[::2], s[::-1], s[5:1], s[8:2:-2], s[-100:100], s[100:], s[:-100]
words[1:], words[::-1], words[:1], words[-2:], words[3:0:-1], nums[::2], words[5:], (1, 2, 3)[1:]
"é日🙂"[1], "é日🙂"[::-1], "é日🙂"|length, "é日🙂"[1:], "é日🙂"[-1:]
s["a":]
words[::0]
n[0]
s.upper(), s.lower(), s.title(), s.capitalize(), "hello wORLD it's".title(), "hELLO".capitalize()
wide.upper(), wide.lower(), wide.title(), wide.capitalize(), wide|upper, wide|lower, wide|title, wide|capitalize
" x ".strip(), "xxaxx".strip("x"), "abcba".lstrip("ab"), "abc  ".rstrip(), "\u00a0\u2003x\x1f".strip() ~ "|", "éaé".strip("é")
s.split(), s.split(" "), "a,b,,c".split(","), "a,b,c".split(",", 1), "  a  b ".split(), "a b c".split(none, 1), "".split(), "".split(",")
"a,b,c".rsplit(",", 1), "a.b.c".rsplit("."), "abc".split("x")
"a".split("")
"a\nb\r\nc\rd".splitlines(), "a\n".splitlines(), "".splitlines(), "a\n\nb".splitlines(true)
s.startswith("He"), s.endswith("ld"), s.startswith("x"), s.startswith(("x", "H")), s.endswith(""), "".startswith("a")
s.replace("l", "L"), s.replace("l", "L", 1), s.replace("", "-"), "aaa".replace("aa", "b"), "".replace("", "x"), "ab".replace("", "-", 2)
s.find("o"), s.rfind("o"), s.find("zz"), s.index("W"), s.count("l"), s.count(""), "é日".find("日")
s.index("zz")
"-".join(words), "".join([]), ", ".join("abc")
"-".join(nums)
s.removeprefix("He"), s.removesuffix("ld"), s.partition(" "), s.rpartition("o"), s.partition("zz"), s.rpartition("zz")
"12".isdigit(), "a1".isalnum(), "ab".isalpha(), " ".isspace(), "".isdigit(), "AB".isupper(), "ab1".islower(), "12".isupper(), "x y".isalpha()
"ab".ljust(5, ".") ~ "ab".rjust(5) ~ "ab".center(5, "*") ~ "ab".center(6, "*") ~ "abc".center(6, "*") ~ "abc".ljust(2)
"{} and {}".format(1, "x"), "{0}{1}{0}".format("a", "b"), "{k}{{}}".format(k=5)
"%s is %d" % ("x", 5), "%s" % "y", "100%%" % (), "%.2f" % 2.5, "%r" % "q"
"%s"|format("z"), "%s-%s"|format(1, 2)
"%s %s" % "one"
words|join, words|join(", "), nums|join("-"), nested|join("|", attribute="w"), s|join("."), [none, true]|join("/")
words|first, words|last, l|first, s|first, s|last, d|first, l|last is defined
words|length, d|length, s|length, l|count, (1, 2)|length
n|length
words|sort, words|sort(reverse=true), words|sort(case_sensitive=true), nums|sort, nested[:2]|sort(attribute="k.v")|map(attribute="w")|list
words|unique|list, nums|unique|list, ["a", "A", "b"]|unique|list, ["a", "A"]|unique(true)|list
words|reverse|list, s|reverse, nums|sum, nums|min, nums|max, words|min, words|max, l|max is defined, nested[:2]|sum("k.v")
d|dictsort|map("first")|list, {"B": 1, "a": 2}|dictsort, {"B": 1, "a": 2}|dictsort(true), {"x": 2, "y": 1}|dictsort(by="value"), {"x": 1}|items|list
nums|map("string")|list, words|map("upper")|join, nested|map(attribute="w")|list, nested|map(attribute="w", default="?")|list, nested|map(attribute="k.v")|list
nums|select("odd")|list, nums|reject("equalto", 3)|list, nums|select|list, [0, 1, ""]|select|list, [1, 2]|select("in", [2])|list, [0, 1]|reject|list
messages|selectattr("role", "equalto", "user")|map(attribute="content")|list, messages|selectattr("name")|list|length, messages|selectattr("name", "defined")|list|length
messages|rejectattr("role", "eq", "user")|list, messages|rejectattr("name", "defined")|map(attribute="role")|join(",")
"yes" if messages|selectattr("role", "equalto", "nobody") else "no"
"yes" if messages|selectattr("role", "equalto", "nobody")|list else "no"
no|selectattr("x")|list, no|map("upper")|list, missing|select|list
nums|batch(2)|list, nums|batch(3, "x")|list
"  x "|trim, "xax"|trim("x"), n|string, s|replace("l", "1"), s|replace("l", "1", 1), s|wordcount, -5|abs, 2.5|abs, "x y-z (a"|title
"3"|int, " 42 "|int, "x"|int, "x"|int(9), 3.9|int, "3.9"|int, "1e3"|int, true|int, "2.5"|float, "x"|float, 1|float, none|int, "-7"|int, "+7"|int, "1_0"|int(5) is number
2.5|round, 3.5|round, 2.345|round(2), 7|round, 1.25|round(1), -2.5|round
"a\nb\n\nc"|indent, "a\nb"|indent(2, true), "a\n\nb"|indent(2, false, true), "a\nb"|indent("> ")
"<a href='x'>&\""|escape, "<b>"|e, "<b>"|safe, ("<b>"|safe) + "<i>", "<i>" + ("<b>"|safe), ("<b>"|safe) ~ "<i>", ("<b>"|e)|e, ("<b>"|safe)|upper + "<", ("<"|safe) * 2 + "<"
"é"|center(4), "<b>"|center(9)|e, ("<b>"|safe|center(9))|e, ("<b>"|safe).center(9)|e, ("<b>"|safe).ljust(9)|e, ("<b>"|safe).rjust(9, "<"|safe)|e, "<b>".rjust(9, "<"|safe)|e
("<"|safe).ljust(4, "&"|safe)|e, [("<b>"|safe)]|map("center", 9)|map("e")|list
("<b>"|safe).center(9, "<")
"a".center(4, "xy")
"a".center(4, "")
"a".ljust(0, "xy")
("<b> <i>"|safe|truncate(5, leeway=0))|e, ("<b> <i>"|safe|truncate(5, leeway=0, end="<"))|e, ("<b> <i>"|safe|truncate(5, true, "<", 0))|e, ("<b> <i>"|safe|truncate(50))|e
("<b> <i>"|truncate(5, true, "<"|safe, 0))|e, ("<b> <i>"|safe|truncate(5, true, "<"|safe, 0))|e, ("<"|safe|truncate(3, end="", leeway=0))|e, missing|truncate, nums|truncate(4)
n|truncate
nums|truncate(3, leeway=0)
("<b>"|safe)|indent|e, ("<b>\n<i>"|safe)|indent("> ")|e, ("<b"|safe)|indent("<", true)|e, ("<b>"|safe)|reverse|e, ("<b>"|safe)|first|e, ("<b>"|safe)|last|e, "<b>"|last|e
("<b>"|safe)[0]|e, ("<b>"|safe)[::-1]|e, ("<b>"|safe)[1:]|e, ("<b>"|safe)|list, ("<b>"|safe)|sort, ("<b>"|safe)|batch(2)|list, ("<b>"|safe)|title|e
("<b>"|safe).replace("b", "<")|e, ("<b>"|safe).replace("b", "<"|safe)|e, "b".replace("b", "<"|safe)|e, ("<b>"|safe)|replace("b", "<"|safe)|e
("<b>"|safe).split("b"), ("<b>"|safe).rsplit("b", 1), ("a\n<b>"|safe).splitlines(), (""|safe).split(","), ("< b"|safe).split(), ("<b>"|safe).partition("b"), ("<b>"|safe).rpartition("x")
("<b>"|safe).removeprefix("<")|e, ("<b>"|safe).removesuffix(">")|e, ("<b>"|safe).strip("<")|e, ("<b>"|safe).title()|e
("<"|safe).join([1, "<", "<"|safe, none])|e, "<".join(["<"|safe])|e, ["<", "<"|safe]|join("<"|safe)|e
("%s<"|safe)|format("<"), ("%s<"|safe) % "<", ("%r"|safe)|format("<"), ("%r"|safe) % ("<"|safe), ("%s %d %f"|safe)|format(["<"], 2, 2.5), "%s"|format("<"|safe)|e
("{}<"|safe).format("<"), ("{}{x}"|safe).format("<"|safe, x="<")|e, "{}".format("<"|safe)|e, ("{}{}"|safe).format(1, ["<"])
d|tojson, s|tojson, quotes|tojson, no|tojson, t|tojson, f|tojson, nums|tojson, "é🙂\u2028\x7f\x00"|tojson, {}|tojson, []|tojson
d|tojson(indent=2), []|tojson(indent=2), {"a": {}}|tojson(indent=4), nums|tojson(indent=0), {"a": 1}|tojson(indent="--")
d|tojson(separators=(",", ":")), d|tojson(ensure_ascii=true), d|tojson(true), {"b": 1, "a": 2}|tojson(sort_keys=true), "🙂é"|tojson(ensure_ascii=true)
{1: 2, none: 3, true: 4, 2.5: 5}|tojson, (1, 2)|tojson, 1e16|tojson, 1e22|tojson
missing|tojson
quotes, [quotes], ["it's"], ['"'], ["é\x00\u2028\u200b\U0001f642\xad"], {"k": none}, (1,), (), [[]], {"a": {"b": (1, 2)}}
n is number, t is number, f is float, n is float, n is integer, t is integer, t is boolean, s is string, no is none, missing is none, missing is undefined, s is not defined
d is mapping, words is mapping, words is sequence, s is sequence, d is sequence, n is sequence, words is iterable, n is iterable, missing is iterable, d is iterable
4 is even, 3 is odd, 6 is divisibleby 3, 6 is divisibleby(4), n is eq 7, n is equalto(7), n is ne 7, n is gt 6, n is lt 6, n is ge 7, n is le 6, n is sameas n, "a" is in "abc", 1 is in([1])
"abc" is lower, "ABC" is upper, "aB" is lower, "1" is lower, t is true, n is true, (not t) is false, no is false, range is callable, s is callable
s is string and n is number or false
range(3)|list, range(1, 4)|list, range(5, 0, -2)|list, range(0)|list, range(2, 2)|length
range(200000)|list
dict(a=1, b="x"), dict({"a": 1}, b=2), dict([("q", 1)])
namespace(a=1).a, namespace({"b": 2}).b, namespace().q is defined
strftime_now("%d %b %Y"), strftime_now("%Y-%m-%d"), strftime_now("%A, %B %d, %y %j %H:%M:%S %p %I %a %% %-d %-m")
raise_exception("no")
{"a": 1, "a": 2}, {"b": 1, "a": 2, "b": 3}
{[1]: 2}
[1, 2,], (1, 2,), {"a": 1,}, "a" "b" 'c', ("x")
words.append("x")
words.append is defined, d.update is defined, words.index("c"), words.count("a"), nums.count(3), d.copy()
words.index("zz")
"\x41\u00e9\U0001F642\101\q\'\"\\\a|\
x"
{"a": {"b": [1, {"c": "deep"}]}}.a.b[1].c
[1, 2, 3][-1], {"a": 1}["a"], "abc"[1], (1, 2)[0], [[1, 2], [3]][0][1]
nums|first + 1, nums|length * 2, -n|abs, -n|string, n|string|length
s|length > 5 and s|lower == "hello world"
"%s" % [1, 2], "%s" % {"a": 1}, "%d" % 3.7, "%s%%" % n
s.nonsense("x")
s|nonsense
s is nonsense
wide|length, wide.upper()|length
[3, "a"]|sort
d == {"b": 1}, [1, [2]] == [1.0, [2]], (1, 2) == [1, 2], {"a": 1, "b": 2} == {"b": 2, "a": 1}
loop
"a".join(["x", "y"])|upper, "a b".split(" ")[1], "a:b".split(":")|last
nested|groupby("w")|list|length
nested[:2]|groupby("w"), nested[:2]|groupby("k.v")|map("first")|list, nested|groupby("w", default="q")|map(attribute="grouper")|list, [{"a": "x"}, {"a": "X"}, {"a": "b"}]|groupby("a")
[{"a": "x"}, {"a": "X"}]|groupby("a", case_sensitive=true), [[1, 2], [1, 3], [0, 4]]|groupby(0), []|groupby("a"), (nested[:2]|groupby("w"))[0].list, [(1, 2)]|groupby(0)|first|length
words|groupby
messages|groupby("role")|map("last")|map("length")|list
nums|slice(3)|list, nums|slice(3, "x")|list, nums|slice(2, fill_with=0)|list, []|slice(2)|list, s|slice(4)|list, nums|slice(9)|list, nums|slice(-1)|list
nums|slice(0)|list
"a b/c?d=é&+~"|urlencode, {"a b": "c/d e", "n": 1}|urlencode, [("k", "ü"), (1, none)]|urlencode, 5|urlencode, no|urlencode, missing|urlencode, ""|urlencode
[1, 2]|urlencode
"ab"|center(6) ~ "|", "abc"|center(width=8) ~ "|", 7|center(4) ~ "|", ("x"|center)|length, "é日"|center(7)
"one two three four"|truncate(9), "one two three"|truncate(9, leeway=0), "one two three"|truncate(9, true, leeway=0), "one two three"|truncate(8, false, "~", 0), "abcdefgh"|truncate(6, leeway=0), "short"|truncate, "é日🙂 end of it"|truncate(6, true, "", 0)
s|truncate(2)
{"a": 1, "b": none, "c": "<'\"&>", "d": missing, "e": "<"|safe}|xmlattr, {"a": 1}|xmlattr(false), {}|xmlattr, {"x": true}|xmlattr ~ "<"
{"a b": 1}|xmlattr
0|filesizeformat, 1|filesizeformat, 999|filesizeformat, 1000|filesizeformat, 1023.9|filesizeformat(true), 1024|filesizeformat(true), 123456789|filesizeformat, "2048"|filesizeformat(true), 1e30|filesizeformat, 1e12|filesizeformat(binary=true)
2.1|round(method="ceil"), 2.9|round(0, "floor"), -2.5|round(0, "ceil"), 1.234|round(2, "ceil"), 7|round(0, "floor")
2.5|round(0, "even")
"upper" is filter, "nonsense" is filter, "wordwrap" is filter, "even" is test, "nonsense" is test, "upper" is test, "==" is test, "groupby" is filter, "in" is test
"a" is escaped, ("a"|safe) is escaped, ("a"|e) is escaped, 1 is escaped, ("a"|safe|upper) is escaped
joiner is defined, cycler is callable, lipsum is defined
1 if missing else 2, 1 if l else 2, 1 if d else 2, 1 if 0.0 else 2, 1 if "0" else 2
"x" in missing, missing in [1], missing in [missing]
s|default("x").upper(), "a"|upper|lower|upper, (1 + 2)|string + "x", "a"|upper ~ "b"|upper
n / 0
n % 0
9223372036854775807 - 1, -9223372036854775807
"abc"|attr("upper") is callable, d|attr("b") is defined
s|default(1, true, 2)
s|default(value=1)
s|upper(1)
s|length(x=1)
s|replace("l", old="o")
s|replace("l")
"a1b1"|replace(1, 2), [1, 2]|join(none), [1, 2]|join(d=3), words|join(",", attribute=none)
nums|first(1)
s|truncate(255, false, "...", 0, 1)
words|map("upper", 1)|list
words|map(attribute="x", more=1)|list
nums|map(attribute=none)|list, nested|selectattr(none)|list|length, []|map()|list, []|selectattr()|list
nums|select("even", 1)|list
nums|select("divisibleby", num=3)|list, nums|select("in", seq=[1])|list, n is divisibleby(num=7), n is sameas(other=n)
n is divisibleby
n is defined(1)
n is eq
n is eq(7, 8)
n is eq(b=7)
n is divisibleby("x")
missing is sequence, missing is iterable, missing is string
"x"|int("none"), "x"|int(default=[1]), "7"|int(default=none)
"%s"|format(a=1)
"%s"|format(1, a=1)
s.upper(1)
s.strip("a", "b")
s.split(" ", 1, 2)
s.split(sep="o", maxsplit=1), s.rsplit(sep="o", maxsplit=1), "a\nb".splitlines(keepends=true)
s.split("o", sep="l")
s.startswith(prefix="H")
s.join()
s.startswith("e", 1), s.startswith("ello", 1, 4), s.endswith("o", 0, 5), s.endswith("o", -99, -6), s.startswith("", 99), s.startswith(("x", "W"), 6)
s.find("o", 5), s.find("o", -4), s.find("o", 5, 7), s.rfind("o", 0, 5), s.find("", 11), s.find("", 12), s.find("o", none, 4), "é日é"[0:].find("é", 1), s.index("o", 5)
s.index("o", 8)
s.count("o", 5), s.count("l", 0, 3), s.count("", 9), s.count("", 99), "日é日".count("日", 1)
nums.index(3, 1), (3, 1, 3).index(3, -1), nums.count(3)
nums.index(3, 1, 3)
nums.count()
nums.copy(1)
d.get()
d.get("a", 1, 2)
d.keys(1)|list
{"a": 1}|dictsort(by="size")
range()|list
range(1, 2, 3, 4)|list
dict({}, {})
strftime_now()
strftime_now("%Y", 1)
strftime_now(format="%Y")
range(*[1, 3])|list, range(1, *[3])|list, dict(**{"a": 1}), s.replace(*["l", "L"])
dict(a=1, **{"a": 2})
dict(**{1: 2})
dict(**[1])
self, [self], self|string|length, self ~ "x", self|upper, "%s" % self
self|tojson
namespace(a=1, b="x"), [namespace()], d.keys(), d.values(), d.items(), [d.keys()], d.keys()|list, d.items()|list, {}.keys()
""" 

STATEMENTS = [
    "{% for m in messages %}{{ loop.index }}/{{ loop.length }}{{ m.role }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for a in nums %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.depth }}{{ loop.cycle('a', 'b') }}{{ loop.previtem }}{{ loop.nextitem|default('-') }}{{ loop.changed(a) }};{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}{% for c in 'é日' %}[{{ c }}]{% endfor %}",
    "{% for x in [] %}a{% else %}none{% endfor %}{% for x in missing %}a{% else %}none{% endfor %}",
    "{% for x in n %}{% endfor %}", "{% for x in none %}{% endfor %}",
    "{% for x in nums if x > 1 %}{{ loop.index }}:{{ x }}/{{ loop.length }} {% else %}no{% endfor %}",
    "{% for x in nums if x > 9 %}{{ x }}{% else %}no{% endfor %}",
    "{% for x in nums %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in nums %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in nums %}{% for y in words %}{% if y == 'c' %}{% break %}{% endif %}{{ x }}{{ y }}{% endfor %}|{% endfor %}",
    "{% set x = 1 %}{% for y in nums %}{% set x = x + y %}{{ x }},{% endfor %}{{ x }}",
    "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}",
    "{% set ns = namespace(x=0, seen=[]) %}{% for y in nums %}{% set ns.x = ns.x + y %}{% set ns.seen = ns.seen + [y] %}{% endfor %}{{ ns.x }}{{ ns.seen }}",
    "{% set q.x = 1 %}", "{% set d.x = 1 %}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (c, e) = (3, 4) %}{{ c }}{{ e }}", "{% set a, b = [1] %}", "{% set a = 1, 2 %}{{ a }}",
    "{% set x %}  <{{ s }}>\n{% endset %}[{{ x }}]", "{% set x | upper | trim %} a{{ n }}b {% endset %}[{{ x }}]",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=1) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}",
    "{% macro m(a) %}{{ a }}{{ varargs }}{% endmacro %}{{ m(1, 2) }}{{ m(*[1, 2, 3]) }}", "{% macro m(a) %}{{ a }}{{ varargs }}{% endmacro %}{{ m(1, b=2) }}",
    "{% macro m(a) %}{{ a }}{{ kwargs }}{% endmacro %}{{ m(1, b=2) }}{{ m(1, a=2) }}{{ m(**{'a': 1, 'c': 3}) }}", "{% macro m(a) %}{{ a }}{{ kwargs }}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m() %}{% for x in [1] %}{{ varargs[x] }}{% macro q() %}{{ kwargs.z }}{% endmacro %}{% endfor %}{% endmacro %}{{ m(1, 2, y=3) }}",
    "{% macro m() %}{% set varargs = 1 %}{{ varargs }}{% endmacro %}{{ m() }}", "{% macro m() %}{% set varargs = 1 %}{{ varargs }}{% endmacro %}{{ m(1) }}",
    "{% macro m(varargs, kwargs) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(varargs) %}{{ varargs }}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(caller=none) %}{{ caller() if caller else 'x' }}{% endmacro %}{{ m() }}{% call m() %}y{% endcall %}", "{% macro m(caller) %}{{ caller }}{% endmacro %}{{ m(1) }}", "{% macro m(caller) %}x{% endmacro %}{{ m(1) }}",
    "{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}", "{% macro m() %}{{ caller(1) }}{% endmacro %}{% call m() %}y{% endcall %}", "{% macro m() %}{{ caller() }}{% endmacro %}{% call(x) m() %}[{{ x }}]{% endcall %}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}", "{% macro m() %}{{ caller() }}{% endmacro %}{% call m(caller=1) %}y{% endcall %}", "{% macro m() %}{{ caller() }}{% endmacro %}{% macro q() %}Q{% endmacro %}{{ m(caller=q) }}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{% macro o() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{% call o() %}z{% endcall %}",
    "{% macro m(a=b, b=1) %}{{ a }}{{ b }}{% endmacro %}{{ m(b=2) }}", "{% set b = 9 %}{% macro m(a=b, b=1) %}{{ a is defined }}{{ b }}{% endmacro %}{{ m(b=2) }}", "{% call range(3) %}{% endcall %}",
    "{% for x in nums %}{{ loop.cycle(x=1) }}{% endfor %}", "{% for x in [1] recursive %}{{ loop() }}{% endfor %}", "{% for x in [1] recursive %}{{ loop([], 1) }}{% endfor %}", "{% for x in [1] recursive %}{{ loop(iterable=[]) }}y{% endfor %}",
    "{% macro m() %}{% endmacro %}{{ m }}{{ [m] }}", "{% macro m() %}{{ caller }}{% endmacro %}{% call m() %}{% endcall %}", "{% for x in nums %}{{ loop }}{% endfor %}",
    "{% macro m(a, b=2, c=b) %}{{ a }}-{{ b }}-{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=5, a=4) }}{{ m() }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, k=3) }}",
    "{% set x = 1 %}{% macro m() %}{{ x }}{% set x = 9 %}{{ x }}{% endmacro %}{{ m() }}{% set x = 2 %}{{ m() }}{{ x }}",
    "{% macro m(n) %}{{ n }}{% if n > 0 %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(5) }}",
    "{% macro box(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call box('b') %}in {{ s }}{% endcall %}",
    "{% macro each(l) %}{% for x in l %}{{ caller(x, loop.index) }}{% endfor %}{% endmacro %}{% call(x, i) each(words) %}{{ i }}{{ x }} {% endcall %}",
    "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}",
    "{% filter upper %}a{{ s }}b{% endfilter %}{% filter replace('a', 'b')|trim %} aaa {% endfilter %}|",
    "{% with a = 1, b = n %}{{ a }}{{ b }}{% set a = 5 %}{{ a }}{% endwith %}{{ a is defined }}", "{% with %}{{ n }}{% endwith %}",
    "{% generation %}x{{ n }}{% set y = 1 %}{% endgeneration %}{{ y is defined }}",
    "{% raw %}{{ a }}{% b %}{# c #}{% endraw %}{{ n }}", "a {%- raw -%} {{ x }} {%- endraw -%} b", "{% raw %}\n x\n{% endraw %}\ny",
    "{% for x in [[1,[2]],[3,[]]] recursive %}{{ x if x is number else loop(x) }}{{ loop.depth }},{% endfor %}",
    "{% for x in words %}{{ loop(words) }}{% endfor %}",
    "{% if n > 9 %}a{% elif n > 6 %}b{% elif true %}c{% else %}d{% endif %}{% if missing %}x{% else %}y{% endif %}",
    "a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "a\n  {%- if true %}\n  b\n  {%- endif %}\nc", "a\n  {%+ if true %}\n  b\n  {%+ endif +%}\nc\n\n",
    "  {{ n }}  \n  {{- n -}}  \n x", "{# c #}\n a {# d -#}  \n b {#- e #} c\n  {# f #}  \n{# g +#}\nz", "x{%- if true -%}\n y \n{%- endif -%} z",
    "{% if true %}\n\na\n\n{% endif %}\n\n", "a\r\nb\rc{% if true %}\r\nd{% endif %}\r\n", "a {% set x = 1 %} b\n {% set y = 2 %} c", "\n\n{% set x = 1 %}\n\n{{ x }}",
    "{{- '\n' }}{{ '%}' }}{{ '}}' }}{% set x = '{{ {% %}' %}{{ x }}", "{{ {'a': {'b': 1}} }}{{ {'a': {'b': 1}}['a']['b'] }}", "{{ '{%' }}{{ \"{#\" }}",
    "{{", "{% if %}", "{% if true %}", "{% endif %}", "{% nonsense %}", "{{ 1 + }}", "{{ (1 }}", "{{ [1 }}", "{{ 'a }}", "{# a", "{{ a b }}",
    "{% for in x %}{% endfor %}", "{% for x nums %}{% endfor %}", "{% break %}", "{% macro %}{% endmacro %}", "{{ n | }}", "{{ n is }}", "{% set %}", "{% set 1 = 2 %}",
    "{{ a.b. }}", "{{ 1.x }}", "{{ ! }}", "{{ $ }}", "{% call n %}{% endcall %}", "{% for x in nums %}{% else %}{% else %}{% endfor %}", "{% if true %}{% else %}{% elif true %}{% endif %}",
    "{% block a %}x{{ n }}{% endblock %}|{{ self.a() }}", "{{ self.a() }}{% block a %}x{% endblock a %}", "{% block a %}{% block b %}y{% endblock %}{% endblock %}{{ self.b() }}",
    "{% set x = 1 %}{% block a %}{{ x }}{% set x = 2 %}{{ x }}{% endblock %}{{ x }}{% set x = 3 %}{{ self.a() }}{{ x }}",
    "{% for i in nums %}{% block a %}{{ i is defined }}{% endblock %}{% endfor %}", "{% for i in nums %}{% block a scoped %}{{ i }}{% endblock %}{% endfor %}",
    "{% block a required %} {% endblock %}", "{% block a required %}x{% endblock %}", "{% block a scoped required %}{% endblock %}", "{% block a %}{% endblock %}{% block a %}{% endblock %}",
    "{% block a %}{{ super() }}{% endblock %}", "{% block a %}", "{% block %}{% endblock %}", "{% block a-b %}{% endblock %}", "{% for i in nums %}{% block a %}{% break %}{% endblock %}{% endfor %}",
    "{% block a %}x{% endblock b %}", "{% if false %}{% block a %}x{% endblock %}{% endif %}{{ self.a() }}", "{{ self.q() }}{% block a %}{% endblock %}", "{% block a %}{{ self.a() }}{% endblock %}",
    "{{ self is defined }}{{ self is mapping }}{{ self is iterable }}{{ self == self }}{{ self|default('x') is string }}{% if self %}y{% endif %}",
    "{{ self.nope }}|{{ self['nope'] is defined }}{% block a %}A{% endblock %}{{ self.a is callable }}{{ self['a']() }}{{ self.nope is defined }}",
    "{{ self.nope() }}", "{% block a %}A{% endblock %}{{ self.nope() }}", "{{ self|length }}", "{% for x in self %}{% endfor %}", "{% block a %}A{% endblock %}{% set self.a = 1 %}",
    "{% block a %}A{% endblock %}{{ self.a(1) }}", "{% block a %}A{% endblock %}{{ self.a(x=1) }}", "{% block a %}A{% endblock %}{{ self.a(*[], **{}) }}",
    "{% block a %}A{% endblock %}{% call self.a() %}{% endcall %}", "{% macro m() %}{{ self is defined }}{% endmacro %}{{ m() }}{% for i in [1] %}{{ self is defined }}{% endfor %}",
    "{% block a %}{% set self = 3 %}{{ self }}{% endblock %}{{ self.a() }}", "{% set self = 3 %}{{ self }}{% block a %}{{ self.a is defined }}{% endblock %}{{ self }}",
    "{% with self = 3 %}{{ self }}{% block a scoped %}{{ self.a is defined }}{% endblock %}{% endwith %}",
    "{% macro m() %}{{ self.a() }}{% endmacro %}{% block a %}x{% endblock %}{{ m() }}", "{% block a %}{% macro m() %}M{% endmacro %}{{ m() }}{% endblock %}{{ m is defined }}",
    "{% filter upper %}{% block a %}x{% endblock %}{% endfilter %}", "{% set v %}{% block a %}x{% endblock %}{% endset %}[{{ v }}]",
    "{% for g in messages|groupby('role') %}{{ g.grouper }}:{{ g.list|length }};{% endfor %}{% for k, l in messages|groupby('role') %}{{ k }}={{ l|map(attribute='content')|join }}{% endfor %}",
    "{% for row in nums|slice(2) %}{{ row|join('-') }};{% endfor %}",
    "{% include 'x' %}", "{% extends 'x' %}", "{% import 'x' as y %}", "{{ super() }}",
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}{% endif %}{{ m['content']|trim }}{% endfor %}",
    "{% for i in range(3) %}{% set x = i %}{% endfor %}{{ x is defined }}{{ i is defined }}", "{% if false %}{% set x = 1 %}{% endif %}{{ x is defined }}",
    "{% for x in [1, 2] %}{% if loop.first %}{% set seen = x %}{% endif %}{{ seen|default('-') }}{% endfor %}",
    "{% set it = nums|map('string') %}{{ it|first }}{{ it|list }}{{ it|list }}", "{% set r = words|reverse %}{% for x in r %}{{ x }}{% endfor %}{% for x in r %}{{ x }}{% endfor %}",
    "{{ words|map('upper') is string }}{{ (words|map('upper'))|length }}", "{% set f = range %}{{ f(2)|list }}", "{% set true_ = 1 %}{{ true_ }}{{ True }}{{ None }}{{ False }}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for a, b in nums %}{% endfor %}", "{{ 'a' if n else }}",
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}", "{% for x in nums %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}",
    "{{ namespace(a=1) is mapping }}{% set ns = namespace() %}{% set ns.a = n %}{{ ns.a }}{{ ns['a'] }}{{ ns.b is defined }}",
    "{% set x = messages[0] %}{{ x.content|trim ~ '|' }}{{ messages[0]['content'].strip() }}{{ messages[-1].content[:2] }}{{ messages[1:]|length }}",
    "{%if n%}x{%endif%}{%-if n-%} y {%-endif-%}{{n}}{{-n-}}", "{% set x=n %}{{x}}{%set y = x%}\n{{y}}", "é{{ 'é' }}日{% if true %}🙂{% endif %}",
    "{% for x in nums %}{{ x }}{% if loop.index == 2 %}{% set ns = 1 %}{% break %}{% endif %}{% endfor %}{{ ns is defined }}",
    "{{ (1, 2) is sequence }}{{ () }}{{ (1) }}{{ 1, }}", "{{ [] is iterable }}{{ {} is iterable }}{{ '' is iterable }}", "{% set x = {'a': [1, 2]} %}{% for k, v in x|dictsort %}{{ k }}{{ v|join('+') }}{% endfor %}",
    "{% for k, v in d|items %}{{ k }}{% endfor %}{% for k in d.keys() %}{{ k }}{% endfor %}{% for v in d.values() %}{{ v }}{% endfor %}", "{% for x in missing|items %}{% endfor %}", "{% for x in words|items %}{% endfor %}",
]
