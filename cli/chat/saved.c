/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation as a file:
 *
 *   {"weft_chat": 1, "model": DIR, "messages": [{"role": "system", "content": TEXT},
 *     {"role": "user", "content": [{"type": "image", "path": FILE}, {"type": "text", "text":
 * TEXT}]},
 *     {"role": "assistant", "content": TEXT}, ...]}
 *
 * type is image, audio, video or text; FILE is relative to the folder of the conversation's file.
 * What is read may come from anybody: text of it is never anything but text. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chat/chat.h"
#include "chat/relative.h"
#include "exit.h"
#include "output/json.h"
#include "output/say.h"

#define BYTES_MAX ((size_t)64 << 20)
#define VERSION 1

static int32_t no_memory(void)
{
    cli_say("out of memory: a conversation");
    return CLI_EXIT_MEMORY;
}

/* The first medium whose name, as the document would have it, JSON cannot hold; NULL: none. */
static const cli_medium *odd_medium(const cli_turns *turns, const char *document)
{
    for (uint32_t i = 0; i < turns->n; i++)
        for (uint32_t k = 0; k < turns->v[i].media.n; k++) {
            const cli_medium *m = &turns->v[i].media.v[k];
            char             *path = cli_relative(document, m->path);
            bool              is_odd = path != NULL && !cli_is_utf8(path, strlen(path));
            free(path);
            if (is_odd)
                return m;
        }
    return NULL;
}

/* NULL: out of memory. */
static json_t *medium_json(const char *document, const cli_medium *m)
{
    char   *path = cli_relative(document, m->path);
    json_t *v = NULL;
    if (path != NULL)
        v = json_pack("{s:s, s:s}", "type", m->kind, "path", path);
    free(path);
    return v;
}

static json_t *turn_json(const char *document, const cli_turn *t)
{
    json_t *text = cli_json_text(t->text, t->bytes);
    if (t->media.n == 0)
        return json_pack("{s:s, s:o}", "role", t->role, "content", text);
    json_t *parts = json_array();
    bool    ok = parts != NULL && text != NULL;
    for (uint32_t i = 0; i < t->media.n && ok; i++)
        ok = json_array_append_new(parts, medium_json(document, &t->media.v[i])) == 0;
    if (!ok) {
        json_decref(text);
        json_decref(parts);
        return NULL;
    }
    json_t *words = json_pack("{s:s, s:o}", "type", "text", "text", text);
    if (json_array_append_new(parts, words) != 0) {
        json_decref(parts);
        return NULL;
    }
    return json_pack("{s:s, s:o}", "role", t->role, "content", parts);
}

static json_t *chat_json(const cli_chat *h, const char *document)
{
    weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
    json_t          *messages = json_array();
    bool             ok = weft_engine_describe(h->e, &d, NULL) == WEFT_OK && messages != NULL;
    if (ok && h->system != NULL)
        ok = json_array_append_new(messages, json_pack("{s:s, s:o}", "role", "system", "content",
                                                       cli_json_string(h->system))) == 0;
    for (uint32_t i = 0; i < h->turns.n && ok; i++)
        ok = json_array_append_new(messages, turn_json(document, &h->turns.v[i])) == 0;
    if (!ok) {
        json_decref(messages);
        return NULL;
    }
    return json_pack("{s:i, s:o, s:o}", "weft_chat", VERSION, "model", cli_json_string(d.model),
                     "messages", messages);
}

/* The file that /save without a name writes. */
static void remember(cli_chat *h, const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return;
    free(h->file);
    h->file = copy;
}

static weft_status write_file(const char *path, const char *text, weft_error *err)
{
    weft_output *o;
    weft_status  st = weft_output_open(path, NULL, &o, err);
    if (st != WEFT_OK)
        return st;
    st = weft_output_write(o, text, strlen(text), err);
    if (st == WEFT_OK)
        st = weft_output_write(o, "\n", 1, err);
    weft_status closed = weft_output_close(&o, st == WEFT_OK, st == WEFT_OK ? err : NULL);
    return st == WEFT_OK ? closed : st;
}

int32_t cli_chat_save(cli_chat *h, const char *path)
{
    weft_error        err = CLI_ERROR_INIT;
    const cli_medium *odd = odd_medium(&h->turns, path);
    if (odd != NULL) {
        cli_say("%.600s: the name of this file is not UTF-8, which JSON cannot hold: rename it",
                odd->path);
        return CLI_EXIT_USAGE;
    }
    json_t *v = chat_json(h, path);
    char   *text = v != NULL ? json_dumps(v, JSON_INDENT(1)) : NULL;
    json_decref(v);
    if (text == NULL)
        return no_memory();
    weft_status st = write_file(path, text, &err);
    free(text);
    if (st != WEFT_OK)
        return cli_say_error(&err);
    cli_chat_note("%.600s: the conversation was saved%s", path,
                  h->waiting.n > 0 ? ", without the files that wait for the next message" : "");
    remember(h, path);
    return CLI_EXIT_OK;
}

static int32_t bad(const char *path, const char *what)
{
    cli_say("%.600s: %s", path, what);
    return CLI_EXIT_MEDIA;
}

static int32_t read_json(const char *path, json_t **out)
{
    json_error_t why;
    struct stat  st;
    /* A pipe that nobody writes to is not waited for. */
    int   fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    FILE *f = fd >= 0 ? fdopen(fd, "rb") : NULL;
    *out = NULL;
    if (f == NULL || fstat(fd, &st) != 0) {
        cli_say("%.600s: %s", path, strerror(errno));
        if (f != NULL)
            fclose(f);
        else if (fd >= 0)
            close(fd);
        return CLI_EXIT_USAGE;
    }
    if (S_ISREG(st.st_mode) && st.st_size <= (off_t)BYTES_MAX)
        *out = json_loadf(f, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    fclose(f);
    if (!S_ISREG(st.st_mode))
        return bad(path, "this is no file that a conversation was saved to");
    if (st.st_size > (off_t)BYTES_MAX)
        return bad(path, "a conversation has at most 64 MiB");
    if (*out != NULL)
        return CLI_EXIT_OK;
    cli_say("%.600s: line %d: %.200s", path, why.line, why.text);
    return CLI_EXIT_MEDIA;
}

/* A conversation on its way in. */
typedef struct reading {
    cli_chat   *h;
    const char *path;
    cli_turns   turns;
    char       *system;
} reading;

static int32_t read_medium(reading *r, const char *kind, const json_t *part, cli_media *media)
{
    weft_error  err = CLI_ERROR_INIT;
    weft_item  *item;
    json_t     *name = json_object_get(part, "path");
    const char *text = json_string_value(name);
    if (text == NULL || strlen(text) != json_string_length(name) || text[0] == '\0')
        return bad(r->path, "a file of a message has no path");
    char *path = cli_beside(r->path, text);
    if (path == NULL)
        return no_memory();
    if (cli_chat_open(r->h, path, kind, &item, &err) != WEFT_OK) {
        free(path);
        return cli_say_error(&err);
    }
    if (cli_media_add(media, path, kind, item))
        return CLI_EXIT_OK;
    weft_item_release(&item);
    return no_memory();
}

/* The text of a message, of which there is one, and its files. */
static int32_t read_parts(reading *r, const json_t *parts, const json_t **text, cli_media *media)
{
    static const char *const kinds[] = {"image", "audio", "video"};
    int32_t                  code = CLI_EXIT_OK;
    *text = NULL;
    for (size_t i = 0; i < json_array_size(parts) && code == CLI_EXIT_OK; i++) {
        const json_t *part = json_array_get(parts, i);
        const char   *type = json_string_value(json_object_get(part, "type"));
        size_t        k = 0;
        while (k < 3 && (type == NULL || strcmp(type, kinds[k]) != 0))
            k++;
        if (k < 3)
            code = read_medium(r, kinds[k], part, media);
        else if (type != NULL && strcmp(type, "text") == 0 && *text == NULL)
            *text = json_object_get(part, "text");
        else
            code = bad(r->path, "a part of a message is neither text nor image, audio or video");
    }
    if (code == CLI_EXIT_OK && !json_is_string(*text))
        code = bad(r->path, "a message has no text");
    return code;
}

static int32_t read_message(reading *r, const json_t *message)
{
    static const char *const roles[] = {"user", "assistant"};
    const char              *role = json_string_value(json_object_get(message, "role"));
    const json_t            *content = json_object_get(message, "content"), *text = content;
    const char              *due = roles[r->turns.n % 2];
    cli_media                media = {NULL, 0, 0};
    int32_t                  code = CLI_EXIT_OK;
    if (role != NULL && strcmp(role, "system") == 0 && r->turns.n == 0 && r->system == NULL &&
        json_is_string(content)) {
        if (strlen(json_string_value(content)) != json_string_length(content))
            return bad(r->path, "the system message holds a NUL byte");
        r->system = strdup(json_string_value(content));
        return r->system != NULL ? CLI_EXIT_OK : no_memory();
    }
    if (role == NULL || strcmp(role, due) != 0)
        return bad(r->path, "messages are those of a system, once, then of user and assistant in "
                            "turn");
    if (json_is_array(content) && due == roles[0])
        code = read_parts(r, content, &text, &media);
    else if (!json_is_string(content))
        code = bad(r->path, "a message has no text");
    if (code == CLI_EXIT_OK &&
        !cli_turns_add(&r->turns, due, json_string_value(text), json_string_length(text), &media))
        code = no_memory();
    cli_media_clear(&media);
    return code;
}

static int32_t read_messages(reading *r, const json_t *root)
{
    const json_t *messages = json_object_get(root, "messages");
    int32_t       code = CLI_EXIT_OK;
    if (json_integer_value(json_object_get(root, "weft_chat")) != VERSION ||
        !json_is_array(messages))
        return bad(r->path, "this is no conversation that weft chat has saved");
    for (size_t i = 0; i < json_array_size(messages) && code == CLI_EXIT_OK; i++)
        code = read_message(r, json_array_get(messages, i));
    if (code == CLI_EXIT_OK && r->turns.n % 2 != 0)
        code = bad(r->path, "the last message has no answer");
    return code;
}

static void take(cli_chat *h, reading *r, const json_t *root)
{
    weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
    const char      *model = json_string_value(json_object_get(root, "model"));
    cli_turns        turns = h->turns;
    char            *system = h->system;
    h->turns = r->turns;
    r->turns = turns;
    if (r->system != NULL) { /* else the one that is in use stays */
        h->system = r->system;
        r->system = system;
    }
    if (system != NULL && h->system != system && strcmp(system, h->system) != 0)
        cli_chat_note("the system message is the conversation's own");
    remember(h, r->path);
    cli_chat_note("%.600s: %u questions and answers", r->path, h->turns.n / 2);
    if (model != NULL && weft_engine_describe(h->e, &d, NULL) == WEFT_OK &&
        strcmp(model, d.model) != 0)
        cli_chat_note("they were written with %.600s", model);
}

int32_t cli_chat_load(cli_chat *h, const char *path)
{
    reading r = {.h = h, .path = path};
    json_t *root;
    int32_t code = read_json(path, &root);
    if (code == CLI_EXIT_OK)
        code = read_messages(&r, root);
    if (code == CLI_EXIT_OK)
        take(h, &r, root);
    cli_turns_clear(&r.turns);
    free(r.system);
    json_decref(root);
    return code;
}
