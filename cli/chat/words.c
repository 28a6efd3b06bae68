/* SPDX-License-Identifier: Apache-2.0 */
/* What begins with a slash: a row each. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chat/chat.h"
#include "exit.h"
#include "input/stdin.h"
#include "output/say.h"
#include "output/terminal.h"

#define BLANKS " \t"

typedef struct word {
    const char *name, *arg, *doc; /* arg NULL: it takes none */
    int32_t (*run)(cli_chat *h, const char *arg);
} word;

void cli_chat_note(const char *format, ...)
{
    char    line[CLI_LINE_BYTES];
    va_list ap;
    if (cli_is_quiet())
        return;
    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    cli_say("%s", line);
}

static weft_status refuse(weft_error *err, const char *path, const char *why)
{
    err->code = WEFT_E_INVALID;
    err->stage = WEFT_STAGE_USAGE;
    snprintf(err->message, sizeof err->message, "%.400s: %s", path, why);
    return err->code;
}

weft_status cli_chat_open(cli_chat *h, const char *path, const char *kind, weft_item **out,
                          weft_error *err)
{
    weft_item_request rq = WEFT_ITEM_REQUEST(path);
    weft_item_info    d = {.hdr = WEFT_HDR(weft_item_info)};
    rq.kind = kind;
    *out = NULL;
    if (strcmp(path, "-") == 0)
        return refuse(err, path, "standard input is where the messages come from");
    weft_status st = cli_media_ready(path, err);
    if (st == WEFT_OK)
        st = weft_item_open(h->e, &rq, out, err);
    if (st == WEFT_OK)
        st = weft_item_describe(*out, &d, err);
    if (st == WEFT_OK && d.silent)
        st = refuse(err, path, "the recording is silent");
    if (st != WEFT_OK)
        weft_item_release(out);
    return st;
}

static void tell_medium(const char *path, const weft_item *item)
{
    weft_item_info d = {.hdr = WEFT_HDR(weft_item_info)};
    char           what[64] = "";
    if (weft_item_describe(item, &d, NULL) != WEFT_OK)
        return;
    if (d.duration_us > 0)
        snprintf(what, sizeof what, "%.1f s", (double)d.duration_us / 1e6);
    else
        snprintf(what, sizeof what, "%d x %d", (int)d.width, (int)d.height);
    cli_chat_note("%.600s (%s) goes with the next message", path, what);
}

/* What a file of another kind than was asked for is, and the word for it; NULL: that is not what is
 * wrong. */
static const char *other_word(cli_chat *h, const char *path, const char *kind)
{
    static const char *const of[][2] = {{"image", "a picture: /image"},
                                        {"audio", "a recording: /audio"},
                                        {"video", "a clip: /clip"}};
    weft_item_request        rq = WEFT_ITEM_REQUEST(path);
    weft_item_info           d = {.hdr = WEFT_HDR(weft_item_info)};
    weft_item               *item = NULL;
    const char              *found = NULL;
    rq.plan_only = 1;
    if (weft_item_open(h->e, &rq, &item, NULL) == WEFT_OK &&
        weft_item_describe(item, &d, NULL) == WEFT_OK && strcmp(d.kind, kind) != 0)
        for (size_t i = 0; i < sizeof of / sizeof *of; i++)
            if (strcmp(of[i][0], d.kind) == 0)
                found = of[i][1];
    weft_item_release(&item);
    return found;
}

static int32_t attach(cli_chat *h, const char *path, const char *kind)
{
    weft_error err = CLI_ERROR_INIT;
    weft_item *item;
    if (cli_chat_open(h, path, kind, &item, &err) != WEFT_OK) {
        const char *better = err.stage != WEFT_STAGE_USAGE && access(path, R_OK) == 0
                                 ? other_word(h, path, kind)
                                 : NULL;
        if (better == NULL)
            return cli_say_error(&err);
        cli_say("%.600s is %s takes it along", path, better);
        return CLI_EXIT_MEDIA;
    }
    if (!cli_media_add(&h->waiting, strdup(path), kind, item)) {
        weft_item_release(&item);
        cli_say("out of memory: the files of a message");
        return CLI_EXIT_MEMORY;
    }
    tell_medium(path, item);
    return CLI_EXIT_OK;
}

static int32_t run_image(cli_chat *h, const char *arg)
{
    return attach(h, arg, "image");
}

static int32_t run_audio(cli_chat *h, const char *arg)
{
    return attach(h, arg, "audio");
}

static int32_t run_clip(cli_chat *h, const char *arg)
{
    return attach(h, arg, "video");
}

static int32_t run_clear(cli_chat *h, const char *arg)
{
    (void)arg;
    cli_turns_clear(&h->turns);
    cli_media_clear(&h->waiting);
    (void)weft_sequence_truncate(h->sequence, 0, NULL);
    cli_chat_note("the conversation is empty%s",
                  h->system != NULL ? "; the system message stays" : "");
    return CLI_EXIT_OK;
}

static int32_t run_save(cli_chat *h, const char *arg)
{
    if (arg[0] == '\0' && h->file == NULL) {
        cli_say("/save FILE: name the file");
        return CLI_EXIT_USAGE;
    }
    if (strcmp(arg, "-") == 0) {
        cli_say("/save FILE: answers go to standard output, so a conversation cannot: name a file");
        return CLI_EXIT_USAGE;
    }
    return cli_chat_save(h, arg[0] != '\0' ? arg : h->file);
}

static int32_t run_load(cli_chat *h, const char *arg)
{
    return cli_chat_load(h, arg);
}

static int32_t run_quit(cli_chat *h, const char *arg)
{
    (void)arg;
    h->leave = true;
    return CLI_EXIT_OK;
}

static int32_t run_help(cli_chat *h, const char *arg);

static const word words[] = {
    {"image", "FILE", "a picture goes with the next message", run_image},
    {"audio", "FILE", "a recording goes with the next message", run_audio},
    {"clip", "FILE", "a clip goes with the next message", run_clip},
    {"clear", NULL, "forget the conversation, but not the system message", run_clear},
    {"save", "[FILE]", "write the conversation as JSON", run_save},
    {"load", "FILE", "go on with a conversation that was saved", run_load},
    {"help", NULL, "this list", run_help},
    {"quit", NULL, "leave; so does Ctrl-D", run_quit},
};
#define N_WORDS (sizeof words / sizeof *words)

/* What other programs call them. */
static const char *const others[][2] = {
    {"picture", "image"}, {"photo", "image"}, {"img", "image"},   {"video", "clip"},
    {"sound", "audio"},   {"voice", "audio"}, {"reset", "clear"}, {"new", "clear"},
    {"exit", "quit"},     {"bye", "quit"},    {"q", "quit"},      {"?", "help"}};

const char *cli_chat_word_name(size_t i, bool *takes_file)
{
    if (i >= N_WORDS)
        return NULL;
    *takes_file = words[i].arg != NULL;
    return words[i].name;
}

static int32_t run_help(cli_chat *h, const char *arg)
{
    (void)h;
    (void)arg;
    for (size_t i = 0; i < N_WORDS; i++)
        fprintf(stderr, "  /%-5s %-7s %s\n", words[i].name,
                words[i].arg != NULL ? words[i].arg : "", words[i].doc);
    fputs("A line that ends in \\ goes on in the next one. // begins a message with /.\n"
          "Ctrl-C stops an answer. Tab completes commands and names of files.\n",
          stderr);
    return CLI_EXIT_OK;
}

/* is_file: the whole line, which has n bytes, is the path of one. */
static int32_t unknown(const char *name, bool is_file, const char *line, size_t n)
{
    const char *names[N_WORDS];
    for (size_t i = 0; i < N_WORDS; i++)
        names[i] = words[i].name;
    const char *near = weft_nearest(name, names, N_WORDS);
    if (is_file)
        cli_say("%.*s is a file: /image, /audio or /clip before it takes it along",
                n < 400 ? (int)n : 400, line);
    else if (near != NULL)
        cli_say("there is no /%.60s; did you mean /%s?", name, near);
    else
        cli_say("there is no /%.60s: /help lists what there is; // begins a message with /", name);
    return CLI_EXIT_USAGE;
}

/* A file's name as it was typed or dropped on a terminal: quotes around it fall, ~/ is the home.
 * The caller frees it. */
static char *file_name(const char *text, size_t n)
{
    const char *home = n > 1 && text[0] == '~' && text[1] == '/' ? getenv("HOME") : NULL;
    char       *out = NULL;
    if (n > 1 && (text[0] == '\'' || text[0] == '"') && text[n - 1] == text[0]) {
        text++;
        n -= 2;
    }
    if (home != NULL)
        return asprintf(&out, "%s%.*s", home, (int)(n - 1), text + 1) >= 0 ? out : NULL;
    return strndup(text, n);
}

static int32_t run_word(cli_chat *h, const word *k, const char *arg, size_t n)
{
    if (k->arg == NULL && n > 0) {
        cli_say("/%s takes nothing behind it", k->name);
        return CLI_EXIT_USAGE;
    }
    if (n == 0 && k->arg != NULL && k->arg[0] != '[') {
        cli_say("/%s %s: name the file", k->name, k->arg);
        return CLI_EXIT_USAGE;
    }
    char *file = file_name(arg, n);
    if (file == NULL) {
        cli_say("out of memory: a file's name");
        return CLI_EXIT_MEMORY;
    }
    bool    is_missing = n > 0 && file[0] == '\0'; /* '' in quotes */
    int32_t code = CLI_EXIT_USAGE;
    if (is_missing)
        cli_say("/%s %s: name the file", k->name, k->arg);
    else
        code = k->run(h, file);
    free(file);
    return code;
}

static const word *find_word(const char *name)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(others[i][0], name) == 0)
            name = others[i][1];
    for (size_t i = 0; i < N_WORDS; i++)
        if (strcmp(words[i].name, name) == 0)
            return &words[i];
    return NULL;
}

int32_t cli_chat_word(cli_chat *h, const char *line, size_t bytes)
{
    char *copy = strndup(line, bytes);
    if (copy == NULL) {
        cli_say("out of memory: a line");
        return CLI_EXIT_MEMORY;
    }
    size_t n = strlen(copy);
    while (n > 0 && strchr(BLANKS, copy[n - 1]) != NULL)
        copy[--n] = '\0';
    struct stat st;
    bool        is_file = stat(copy, &st) == 0 && S_ISREG(st.st_mode); /* dropped on the terminal */
    char       *name = copy + 1, *end = name + strcspn(name, BLANKS);
    const char *arg = end + strspn(end, BLANKS);
    *end = '\0';
    const word *k = find_word(name);
    int32_t code = k != NULL ? run_word(h, k, arg, strlen(arg)) : unknown(name, is_file, line, n);
    free(copy);
    return code;
}
