/* SPDX-License-Identifier: Apache-2.0 */
/* The commands: a row each. */
#include "command/commands.h"

const cli_command cli_commands[] = {
    {"describe", "FILE...", "say what is in pictures and other media",
     "Each FILE is described on its own; a folder stands for the files in it (sorted,\n"
     "hidden ones skipped) and - for standard input. The kind of a file is found from\n"
     "its content. A file of a folder that no decoder knows is skipped.\n"
     "\n"
     "One FILE: the text as it is made. Several, or a folder: one line for each,\n"
     "PATH, a tab and TEXT, newlines of the text becoming spaces. --json: one object\n"
     "for each, with path, text, finish_reason (stop, or length where -n or the\n"
     "context cut it), model, plugins, tokens, timings and error. In a line, control\n"
     "characters and \\ of a path are written as in C (\\n). With --prompt - the prompt\n"
     "is read from standard input, without its last newline.\n"
     "\n"
     "-o DIR: each text goes to DIR/NAME.txt, NAME being the file's name without its\n"
     "ending (NAME-2 for a second one); with the files' own folder, beside them.\n"
     "\n"
     "Of a clip up to --frames frames are looked at, evenly spread over the time from\n"
     "--start to --end: each stands in the middle of an equal part of it. --json gives\n"
     "their times in seconds (times), and --preview FILE.png a sheet of what the model\n"
     "was shown, of one FILE.\n"
     "\n"
     "--parallel: several files are worked on at once. Should a plugin crash, those at\n"
     "work are lost with it; with --parallel 1 that is one.\n"
     "\n"
     "--audio puts a recording behind FILE in the same prompt, so that a question may\n"
     "be about both, or may be spoken; without a FILE it is all that is described.\n"
     "\n"
     "Examples:\n"
     "  weft describe photo.jpg\n"
     "  weft describe -m DIR photo.jpg clip.mp4\n"
     "  weft describe -p 'How many people are there?' photo.jpg\n"
     "  weft describe --json -r pictures/ >pictures.jsonl\n"
     "  weft describe -o texts/ --skip-existing pictures/\n",
     cli_run_describe,
     OWN_BIT(OWN_JSON) | OWN_BIT(OWN_PLAN) | OWN_BIT(OWN_RAW) | OWN_BIT(OWN_TOGETHER) |
         OWN_BIT(OWN_RECURSIVE) | OWN_BIT(OWN_FAIL_FAST) | OWN_BIT(OWN_AUDIO) |
         OWN_BIT(OWN_FRAMES) | OWN_BIT(OWN_START) | OWN_BIT(OWN_END) | OWN_BIT(OWN_PREVIEW) |
         OWN_BIT(OWN_PARALLEL) | OWN_BIT(OWN_STOP) | OWN_BIT(OWN_OUTPUT) |
         OWN_BIT(OWN_SKIP_EXISTING) | OWN_BIT(OWN_APPEND) | OWN_BIT(OWN_CSV),
     -1},
    {"transcribe", "FILE...", "write down what is said in recordings",
     "Each FILE, or the files of a folder (sorted, hidden ones skipped, and those that\n"
     "are no recordings), or - for standard input: a recording or live sound, such as\n"
     "arecord -f S16_LE -r 16000 | weft transcribe -. It is cut at pauses into parts\n"
     "of at most --max-segment, and the text of each is written as soon as it is\n"
     "there. Silence, hum and noise give no words and a note.\n"
     "\n"
     "Without -o: one line of text for each part; for several recordings or a folder\n"
     "PATH, a tab and the line. One recording in one format may go to -o FILE, whose\n"
     "ending gives the format where --format does not. Else -o is a folder: NAME.txt,\n"
     "NAME.srt and so on, NAME being the recording's name without its ending (NAME-2\n"
     "for a second one, or where another run is writing that name). -o - is standard\n"
     "output. A file grows as .weft-NAME and gets its name when it is whole; a link is\n"
     "followed, and a file that is replaced keeps its mode. Ctrl-C leaves whole\n"
     "documents of what was done.\n"
     "\n"
     "json is the verbose_json of OpenAI's audio API: task, language, duration, text\n"
     "and segments of id, seek (the start in 10 ms), start, end, text, tokens,\n"
     "temperature, avg_logprob, compression_ratio (bytes of the text over its bytes\n"
     "by zlib), no_speech_prob: 0, since stretches without speech are no segments, and\n"
     "finish_reason: stop, or length where -n or the context cut the text. language is\n"
     "--language, else the one that the model's prompt names, else null: not known.\n"
     "\n"
     "What was done of a recording is kept in .weft-NAME.resume beside its documents\n"
     "until they are whole. After a crash, a kill or Ctrl-C the same command with\n"
     "--resume goes on from there, and the documents are those of a run that was never\n"
     "ended. It leaves out recordings whose documents are there, and refuses to go on\n"
     "where the recording, the model or an option that changes the text is another\n"
     "one; --format and --max-line may be.\n"
     "\n"
     "Subtitles have lines of at most --max-line characters; of more than --max-lines\n"
     "several cues are made, which share the time by their characters. A cue, and a\n"
     "segment of json, stands from the first sound of its speech to the last, and at\n"
     "least 5/6 s, for reading, where its part is that long.\n"
     "\n"
     "The prompt is the model's own for --task and --language, or --prompt.\n"
     "\n"
     "Examples:\n"
     "  weft transcribe talk.mp3\n"
     "  weft transcribe -o talk.srt --language de talk.mp3\n"
     "  weft transcribe -o texts/ --format txt,srt,json recordings/\n"
     "  weft transcribe --resume -o texts/ --format txt,srt,json recordings/\n",
     cli_run_transcribe,
     OWN_BIT(OWN_FORMAT) | OWN_BIT(OWN_LANGUAGE) | OWN_BIT(OWN_TASK) | OWN_BIT(OWN_MAX_SEGMENT) |
         OWN_BIT(OWN_OUTPUT) | OWN_BIT(OWN_RAW) | OWN_BIT(OWN_RECURSIVE) | OWN_BIT(OWN_FAIL_FAST) |
         OWN_BIT(OWN_PARALLEL) | OWN_BIT(OWN_MAX_LINE) | OWN_BIT(OWN_MAX_LINES) |
         OWN_BIT(OWN_RESUME),
     -1},
    {"generate", "-p TEXT | TEXT", "continue a text",
     "Begins with the model's begin-of-text token and continues TEXT; with -p - the\n"
     "text is read from standard input. --json: one object.\n"
     "\n"
     "Examples:\n"
     "  weft generate -p 'Once upon a time' -n 50\n"
     "  weft generate --chat -p - <question.txt\n",
     cli_run_generate,
     OWN_BIT(OWN_JSON) | OWN_BIT(OWN_PLAN) | OWN_BIT(OWN_CHAT) | OWN_BIT(OWN_STOP), 1},
    {"chat", "[FILE]", "talk with a model",
     "Reads messages, a line each, and prints the answers; FILE is a conversation\n"
     "that was saved, to go on with. The model is opened once, and of each message\n"
     "only what is new is computed. A line that ends in \\ goes on in the next one.\n"
     "\n"
     "  /image FILE, /audio FILE, /clip FILE   it goes with the next message\n"
     "  /clear   forget the conversation, but not the --system message\n"
     "  /save FILE, /load FILE   as JSON, with the names of the files in it\n"
     "  /help, /quit\n"
     "\n"
     "What a message holds is text and never a special token; // begins one with /.\n"
     "Ctrl-C stops an answer; what was said of it stays. Ctrl-D leaves, and Ctrl-C\n"
     "twice where a message is waited for. On a terminal Tab completes commands and\n"
     "names of files. Where the context is full the oldest questions leave with their\n"
     "answers, and a warning says so.\n"
     "\n"
     "Answers go to standard output, each with an empty line behind it; prompts and\n"
     "notes to standard error. --json: an object for each answer, with text,\n"
     "finish_reason, tokens (prefilled: those that were computed), timings, dropped\n"
     "(questions that left) and error. Where standard input is no terminal Ctrl-C ends\n"
     "the program, a line that fails is told, and the exit code is that of the worst;\n"
     "a file that is no text, such as a picture, is refused.\n"
     "\n"
     "A model without a chat format is refused before its weights are read. The key\n"
     "about of a configuration's [core] is said at the beginning.\n"
     "\n"
     "Examples:\n"
     "  weft chat -m DIR\n"
     "  printf '/image photo.jpg\\nWhat is this?\\n' | weft chat\n",
     cli_run_chat, OWN_BIT(OWN_JSON) | OWN_BIT(OWN_STOP) | OWN_BIT(OWN_FAIL_FAST), 1},
    {"tokenize", "", "text to token ids and back",
     "Reads standard input and writes one line of ids for each line of input. Lines\n"
     "end at \\n alone; it is not part of the text, every other byte is. No\n"
     "begin-of-text token is added and nothing is parsed as a special token. An empty\n"
     "line gives an empty line. With --decode, one line of text for each line of ids.\n"
     "\n"
     "Example:\n"
     "  echo 'a text' | weft tokenize | weft tokenize --decode\n",
     cli_run_tokenize, OWN_BIT(OWN_DECODE) | OWN_BIT(OWN_TOKENIZER), 0},
    {"chat-template", "--messages FILE", "print what a conversation becomes",
     "Runs the model's own chat template on the conversation in FILE and writes the\n"
     "text that the model would be given, and nothing else: no byte is added. Reads no\n"
     "weights. FILE holds JSON: a list of messages, [{\"role\": \"user\", \"content\":\n"
     "\"Hi\"}], or an object with \"messages\" whose other members the template gets by\n"
     "their names (documents, add_generation_prompt, enable_thinking). --tools FILE: a\n"
     "list of functions. The day is 26 Jul 2024 unless --date or weft.text's option\n"
     "date says another, so that the same conversation is always the same text.\n"
     "\n"
     "A message may hold the text of a special token, and here it is printed as it is.\n"
     "For the model it is text: only what the template itself wrote is parsed for\n"
     "special tokens, whatever the template does with a message.\n"
     "\n"
     "Example:\n"
     "  weft chat-template -m DIR --messages talk.json --date 2026-11-30\n",
     cli_run_chat_template, OWN_BIT(OWN_MESSAGES) | OWN_BIT(OWN_TOOLS) | OWN_BIT(OWN_DATE), 0},
    {"preprocess", "FILE -o OUT", "write what an encoder would be given",
     "Decodes FILE (- for standard input), prepares it for the model and writes the\n"
     "tensors under the reference's names to a safetensors file: of a clip the frames'\n"
     "pixels and their times (microseconds). Reads no weights.\n"
     "\n"
     "Example:\n"
     "  weft preprocess photo.jpg -o inputs.safetensors\n",
     cli_run_preprocess,
     OWN_BIT(OWN_OUTPUT) | OWN_BIT(OWN_FRAMES) | OWN_BIT(OWN_START) | OWN_BIT(OWN_END), 1},
    {"model list", "", "models that weft runs, and the lines that fetch them",
     "For each released model: what it takes, the memory of its weights by format\n"
     "(the encoders in bf16; keys and values come on top), its licence, the lines\n"
     "that fetch it, and one that runs it. A model whose licence must be accepted\n"
     "first is fetched by who has done so, and has said hf auth login. --json: an\n"
     "array of objects with family, name, plugin, takes, repository, core (the text\n"
     "model that is needed beside it), text_parameters, encoder_parameters, context,\n"
     "gated, licence, bytes, use and proof.\n"
     "\n"
     "Example:\n"
     "  weft model list\n",
     cli_run_model_list, OWN_BIT(OWN_JSON) | OWN_BIT(OWN_MARKDOWN), 0},
    {"model inspect", "[DIR]", "what a model is, can do and takes",
     "Reads config.json, the tokenizer and the headers of the weights: sizes, the\n"
     "memory that each --quantize takes, whether it makes text, has a chat format and\n"
     "takes pictures, recordings and clips, and whether it would run here. Exit code\n"
     "4: it would not, for want of a tokenizer, of weights or of memory; all that is\n"
     "known is printed still.\n"
     "\n"
     "A marker is the token at which a medium stands in the text; one with\n"
     "an id from the vocabulary's size on is never generated. It tells how far the\n"
     "text behind it sees the medium. Of a GGUF file it also tells in which types the\n"
     "tensors are stored, what each is held as, and how much that changes them, as\n"
     "measured on some rows of each tensor. Released models of weft model list that\n"
     "have the same numbers and take the same media are named.\n"
     "\n"
     "Example:\n"
     "  weft model inspect models/demo/text\n",
     cli_run_model_inspect, OWN_BIT(OWN_JSON), 1},
    {"model verify", "[DIR]", "compare a model with a reference",
     "Runs the inputs of parity.safetensors in DIR and compares every tensor that it\n"
     "expects. Tolerance: in f32 a greatest error of 1e-4 of scale, scale being the\n"
     "greater of 1 and the largest expected value; in bf16, q8 and q4 a cosine of\n"
     "0.999. Exit 0: within tolerance; 9: not. Without input_ids, logits, hidden\n"
     "states and greedy in the file the encoder alone is compared.\n"
     "\n"
     "Example:\n"
     "  weft model verify DIR --parity reference.safetensors\n",
     cli_run_model_verify, OWN_BIT(OWN_JSON) | OWN_BIT(OWN_PARITY) | OWN_BIT(OWN_DUMP), 1},
    {"model quantize", "DIR -o OUT", "write a model with smaller weights",
     "Writes the directory OUT, which must not exist: the model of DIR with its linear\n"
     "weights in q8 or q4, as --quantize says (--quantize-encoders: those of the\n"
     "encoder in the same directory), and every other file as it is, but for lists of\n"
     "checksums (SHA256SUMS). Loading OUT reads no more than it holds, and gives the\n"
     "same bytes as DIR with the same options. While it grows it is called OUT.part;\n"
     "the command given again after an interruption keeps the files that are there\n"
     "and goes on.\n"
     "\n"
     "With --calibrate FILE the first 8192 tokens of a text run through the model\n"
     "first, in q8 on the CPU. An error of a 4-bit weight of the text core's layers\n"
     "then counts as much as what it is multiplied with. Text of the kind that the\n"
     "model is for is best. The same text gives the same bytes on every CPU.\n"
     "\n"
     "Examples:\n"
     "  weft model quantize DIR -o DIR-q8 --quantize q8\n"
     "  weft model quantize DIR -o DIR-q4 --quantize q4 --calibrate notes.txt\n",
     cli_run_model_quantize, OWN_BIT(OWN_OUTPUT) | OWN_BIT(OWN_CALIBRATE), 1},
    {"plugin list", "", "plugins that were found, and what became of them",
     "Reads manifests; runs no plugin.\n"
     "\n"
     "Example:\n"
     "  weft plugin list --json\n",
     cli_run_plugin_list, OWN_BIT(OWN_JSON), 0},
    {"plugin inspect", "FILE", "manifest, components and options of one plugin file",
     "Loads FILE, which runs code of it, and says whether that went well.\n"
     "\n"
     "Example:\n"
     "  weft plugin inspect ./my-plugin.so\n",
     cli_run_plugin_inspect, OWN_BIT(OWN_JSON), 1},
    {"bench", "", "how fast this machine runs weft, and how fast it could",
     "Runs models of released shapes on made weights, in memory alone, and measures\n"
     "what the machine can do in the same run. A line for each row: its value, the\n"
     "value at that limit and the share of it, the share of what the machine gave\n"
     "between the runs of the row (less than it can do, where other work takes some),\n"
     "threads and instruction set. --json: an object for each, with name, value, unit,\n"
     "limit, share, limit_now, share_now, threads, isa, min, max, runs, shape and\n"
     "layers.\n"
     "\n"
     "Rows: generation, prefill of 512 tokens, generation behind 8192, eight sequences\n"
     "at once, loading; ViT-H/14 over one tile and four; a 1B conformer over 10 s and\n"
     "60 s; log-mel. Where --rows names them: prefill of 4096 and 8192 tokens, which\n"
     "takes minutes on a CPU, 32 sequences at once (batch32.bf16), and fp8. A row for\n"
     "which memory is short or whose format is not there is left out, with a note.\n"
     "--quick reckons each value from the few layers that it runs. On a GPU the limits\n"
     "are a large copy and a large product there.\n"
     "\n"
     "-m is not looked at. docs/SPEED.md says what each row measures.\n"
     "\n"
     "Example:\n"
     "  weft bench --quick\n",
     cli_run_bench,
     OWN_BIT(OWN_JSON) | OWN_BIT(OWN_ROWS) | OWN_BIT(OWN_SHAPE) | OWN_BIT(OWN_REPEAT) |
         OWN_BIT(OWN_QUICK) | OWN_BIT(OWN_LIMITS) | OWN_BIT(OWN_OP),
     0},
    {"help", "[COMMAND]", "what a command does and takes",
     "Example:\n"
     "  weft help model inspect\n",
     cli_run_help, OWN_BIT(OWN_ALL), 2},
    {"version", "", "print the version",
     "Example:\n"
     "  weft version\n",
     cli_run_version, 0, 0},
    {NULL, NULL, NULL, NULL, NULL, 0, 0},
};
