/* SPDX-License-Identifier: Apache-2.0 */
/* The identity of a run of transcribe. */
#include "command/resume.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "exit.h"
#include "output/json.h"
#include "output/say.h"
#include "output/target.h"
#include "output/terminal.h"

/* Where and how fast it is computed, what is refused, and what is written otherwise below. */
static const char *const left_out[] = {
    "device",   "threads",       "cpu_mask",    "isa",        "kv_bytes",          "max_pixels",
    "max_side", "max_frames",    "max_samples", "max_tokens", "max_decoded_bytes", "max_file_bytes",
    "validate", "prefill_chunk", "prompt",      "pin"};

typedef struct gathering {
    const weft_settings *settings; /* with which the engine was opened */
    json_t              *options, *files;
    bool                 failed;
} gathering;

static bool is_left_out(const char *key)
{
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
        if (strcmp(left_out[i], key) == 0)
            return true;
    return false;
}

/* Name, size and time: reading weights of many GiB would take longer than a recording. */
static uint64_t file_sum(const char *folder, const char *name)
{
    char        file[4096], line[512];
    struct stat st;
    snprintf(file, sizeof file, "%.3000s/%.255s", folder, name);
    if (stat(file, &st) != 0 || !S_ISREG(st.st_mode))
        return 0;
    int n = snprintf(line, sizeof line, "%.255s %lld %lld.%09ld", name, (long long)st.st_size,
                     (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    return crc32(0, (const Bytef *)line, (uInt)n);
}

/* How much of a file's name its siblings share: of NAME-00001-of-00003.gguf they are the files that
 * a model was split into, any other has none. */
static size_t shared_name(const char *name)
{
    size_t n = strlen(name), at = 0;
    int    end = 0;
    for (; at + 2 < n; at++)
        if (sscanf(name + at, "-%*5[0-9]-of-%*5[0-9].gguf%n", &end) == 0 && end > 0 &&
            at + (size_t)end == n)
            return at;
    return n;
}

/* The files of a folder, or those whose names begin with the first n bytes of `name`. Sums are
 * added, since files come in any order. */
static uint64_t sum_files(const char *folder, const char *name, size_t n)
{
    struct dirent *entry;
    uint64_t       sum = 0;
    DIR           *d = opendir(folder);
    while (d != NULL && (entry = readdir(d)) != NULL)
        if (name != NULL ? strncmp(entry->d_name, name, n) == 0 : entry->d_name[0] != '.')
            sum += file_sum(folder, entry->d_name);
    if (d != NULL)
        closedir(d);
    return sum;
}

/* What tells a model's files from others; 0: path names none. */
static uint64_t mark(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    char        folder[4096];
    struct stat st;
    if (cli_is_folder(path))
        return sum_files(path, NULL, 0);
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return 0;
    snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(name - path) : 1,
             slash != NULL ? path : ".");
    size_t n = shared_name(name);
    return n < strlen(name) ? sum_files(folder, name, n) : file_sum(folder, name);
}

/* The files of an option that is given several times are one sum. */
static bool add_mark(json_t *files, const char *name, uint64_t sum)
{
    char        text[24];
    const char *before = json_string_value(json_object_get(files, name));
    if (before != NULL)
        sum += strtoull(before, NULL, 16);
    snprintf(text, sizeof text, "%016" PRIx64, sum);
    return json_object_set_new(files, name, json_string(text)) == 0;
}

/* Text may be the name of a file by chance. */
static bool is_path(const gathering *g, const char *section, const char *key)
{
    weft_option_info o;
    return weft_settings_option(g->settings, section, key, &o) && (o.flags & WEFT_OPTION_PATH) != 0;
}

/* A list's items become lines of one value. */
static json_t *joined(const json_t *before, const char *value)
{
    json_t *v = cli_json_string(value);
    if (!json_is_string(before))
        return v;
    json_t *both = json_sprintf("%s\n%s", json_string_value(before), json_string_value(v));
    json_decref(v);
    return both;
}

static void gather(void *ctx, const char *section, const char *key, const char *value,
                   const char *origin)
{
    gathering *g = ctx;
    char       name[256];
    bool       core = strcmp(section, "core") == 0;
    (void)origin;
    if (value == NULL || (core && is_left_out(key)))
        return;
    if (core) {
        snprintf(name, sizeof name, "--%.200s", key);
        for (char *p = name; *p != '\0'; p++)
            *p = *p == '_' ? '-' : *p;
    } else {
        snprintf(name, sizeof name, "--set %.120s.%.120s", section, key);
    }
    json_t *v = joined(json_object_get(g->options, name), value);
    g->failed = json_object_set_new(g->options, name, v) != 0 || g->failed;
    uint64_t sum = is_path(g, section, key) ? mark(value) : 0;
    if (sum != 0)
        g->failed = !add_mark(g->files, name, sum) || g->failed;
}

static bool set(json_t *object, const char *key, const char *value)
{
    return value == NULL || json_object_set_new(object, key, cli_json_string(value)) == 0;
}

json_t *cli_resume_identity(const cli_transcribe *j)
{
    gathering g = {j->c->settings, json_object(), json_object(), false};
    char      limit[32];
    snprintf(limit, sizeof limit, "%g", (double)j->request.max_us / 1e6);
    weft_settings_each(j->c->settings, gather, &g);
    bool ok = !g.failed && set(g.options, "--task", j->out.task) &&
              set(g.options, "--language", j->out.language) &&
              set(g.options, "--max-segment", j->request.max_us > 0 ? limit : NULL) &&
              set(g.options, "--prompt", j->request.user) &&
              set(g.options, "--raw", cli_has(j->c, OWN_RAW) ? "given" : NULL);
    json_t *identity = json_pack("{s:s, s:o, s:o}", "weft", weft_version(), "options", g.options,
                                 "files", g.files);
    if (ok && identity != NULL)
        return identity;
    json_decref(identity);
    return NULL;
}

int32_t cli_resume_check(const cli *c)
{
    const char *path = c->value[OWN_OUTPUT];
    if (!cli_has(c, OWN_RESUME))
        return CLI_EXIT_OK;
    if (path == NULL || cli_is_stdout(path) || cli_is_stream(path))
        return cli_usage(c, "--resume needs -o FILE or -o DIR: beside what is written there stands "
                            "what was done");
    for (int32_t i = 0; i < c->n_operands; i++)
        if (strcmp(c->operands[i], "-") == 0)
            return cli_usage(c, "--resume: standard input cannot be heard a second time");
    return CLI_EXIT_OK;
}

/* A folder may hold files that are no recordings beside documents of their names. */
static bool is_recording(cli_transcribe *j, const char *path)
{
    weft_error        err = CLI_ERROR_INIT;
    weft_item        *item = NULL;
    weft_item_request rq = WEFT_ITEM_REQUEST(path);
    rq.kind = "audio";
    rq.plan_only = 1;
    weft_status status = weft_item_open(j->e, &rq, &item, &err);
    weft_item_release(&item);
    return status == WEFT_OK || status == WEFT_E_LIMIT; /* longer than a part is one too */
}

static void leave_done(cli_transcribe *j, const cli_task *task)
{
    if (j->out.folder)
        (void)cli_names_for(&j->out.names, task->file.path);
    j->tally.n_done++;
    if (!cli_has(j->c, OWN_QUIET))
        cli_place_say(task->place, "%.600s: its documents are there, so it was left",
                      task->file.path);
}

bool cli_resume_start(cli_transcribe *j, const cli_task *task, cli_transcript *text)
{
    if (!j->out.resume)
        return true;
    enum cli_resumed how = cli_transcript_resume(text);
    if (how == CLI_RESUME_DONE && is_recording(j, task->file.path)) {
        leave_done(j, task);
        return false;
    }
    if (how != CLI_RESUME_FAILED)
        return true;
    j->tally.n_failed++; /* said where it happened */
    j->tally.code = cli_worse(j->tally.code, cli_transcript_close(text, false, 0));
    return false;
}
