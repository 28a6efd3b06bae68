/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and the files in them. */
#include <stdlib.h>
#include <string.h>

#include "chat/chat.h"

bool cli_media_add(cli_media *m, char *path, const char *kind, weft_item *item)
{
    if (path != NULL && m->n == m->cap) {
        uint32_t    cap = 2 * m->cap + 4;
        cli_medium *grown = realloc(m->v, cap * sizeof *grown);
        if (grown != NULL) {
            m->v = grown;
            m->cap = cap;
        }
    }
    if (path == NULL || m->n == m->cap) {
        free(path);
        return false;
    }
    m->v[m->n++] = (cli_medium){path, kind, item};
    return true;
}

void cli_media_clear(cli_media *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        weft_item_release(&m->v[i].item);
        free(m->v[i].path);
    }
    free(m->v);
    *m = (cli_media){NULL, 0, 0};
}

static void turn_free(cli_turn *t)
{
    cli_media_clear(&t->media);
    free(t->text);
}

bool cli_turns_add(cli_turns *t, const char *role, const char *text, size_t bytes, cli_media *media)
{
    char *copy = malloc(bytes + 1);
    if (copy != NULL && t->n == t->cap) {
        uint32_t  cap = 2 * t->cap + 8;
        cli_turn *grown = realloc(t->v, cap * sizeof *grown);
        if (grown != NULL) {
            t->v = grown;
            t->cap = cap;
        }
    }
    if (copy == NULL || t->n == t->cap) {
        free(copy);
        return false;
    }
    if (bytes > 0)
        memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    t->v[t->n] = (cli_turn){.role = role, .text = copy, .bytes = bytes};
    if (media != NULL) {
        t->v[t->n].media = *media;
        *media = (cli_media){NULL, 0, 0};
    }
    t->n++;
    return true;
}

void cli_turns_take_back(cli_turns *t, cli_media *media)
{
    cli_turn *last = &t->v[--t->n];
    if (media != NULL) {
        *media = last->media;
        last->media = (cli_media){NULL, 0, 0};
    }
    turn_free(last);
}

void cli_turns_drop_oldest(cli_turns *t)
{
    uint32_t n = 1;
    while (n < t->n && strcmp(t->v[n].role, "user") != 0)
        n++;
    for (uint32_t i = 0; i < n; i++)
        turn_free(&t->v[i]);
    t->n -= n;
    memmove(t->v, t->v + n, t->n * sizeof *t->v);
}

void cli_turns_clear(cli_turns *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        turn_free(&t->v[i]);
    free(t->v);
    *t = (cli_turns){NULL, 0, 0};
}
