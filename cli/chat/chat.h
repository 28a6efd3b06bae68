/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation with a model.
 *
 *   chat.h      what a chat is made of
 *   turns.c     its messages: added, dropped, freed
 *   ask.c       a message asked and its answer printed
 *   words.c     what begins with a slash
 *   complete.c  what Tab makes of a line that begins with a slash
 *   saved.c     conversations as files of JSON
 *
 * command/chat.c opens the model and reads the messages. */
#ifndef WEFT_CLI_CHAT_H
#define WEFT_CLI_CHAT_H

#include "cli.h"
#include "input/lines.h"

/* A file that stands in a message. */
typedef struct cli_medium {
    char       *path; /* owned; as it was named */
    const char *kind; /* "image", "audio" or "video" */
    weft_item  *item;
} cli_medium;

typedef struct cli_media {
    cli_medium *v; /* [n] */
    uint32_t    n, cap;
} cli_media;

typedef struct cli_turn {
    const char *role; /* "user" or "assistant" */
    char       *text; /* owned */
    size_t      bytes;
    cli_media   media; /* before the text, unless it holds their markers */
} cli_turn;

/* User and assistant in turn. */
typedef struct cli_turns {
    cli_turn *v; /* [n] */
    uint32_t  n, cap;
} cli_turns;

typedef struct cli_chat {
    cli           *c;
    weft_engine   *e;
    weft_sequence *sequence; /* holds the conversation so far, with its keys and values */
    cli_turns      turns;
    char          *system;       /* owned; NULL: none */
    cli_media      waiting;      /* for the next message */
    char          *file;         /* owned: where it was saved last, or came from; NULL: nowhere */
    bool           json, person; /* person: standard input is a terminal */
    bool           leave;
} cli_chat;

/* turns.c. False: out of memory; nothing has changed, and nothing was said. */
/* Takes over path (also on failure) and on success the item. */
bool cli_media_add(cli_media *m, char *path, const char *kind, weft_item *item);
void cli_media_clear(cli_media *m);
/* Copies the text, and takes over the media, of which none are left. */
bool cli_turns_add(cli_turns *t, const char *role, const char *text, size_t bytes,
                   cli_media *media);
/* The last turn, which is a question without an answer; its media become *media, where that is
 * empty and not NULL. */
void cli_turns_take_back(cli_turns *t, cli_media *media);
/* Drops the oldest question with its answer. */
void cli_turns_drop_oldest(cli_turns *t);
void cli_turns_clear(cli_turns *t);

/* ask.c: asks the text, with the media that wait, and prints the answer. Returns the exit code;
 * what failed is said, and is then no part of the conversation. */
int32_t cli_chat_ask(cli_chat *h, const char *text, size_t bytes);

/* words.c: does what a line that begins with a slash says. Returns the exit code. */
int32_t cli_chat_word(cli_chat *h, const char *line, size_t bytes);
/* The name of word i, without the slash, and whether it takes a file; NULL: there are no more. */
const char *cli_chat_word_name(size_t i, bool *takes_file);

/* complete.c: as cli_complete says: commands, and names of files behind those that take one. */
bool cli_chat_complete(const char *line, size_t bytes, cli_choices *out);

/* saved.c. Both return the exit code; what failed is said, and the conversation is as it was. */
int32_t cli_chat_save(cli_chat *h, const char *path);
int32_t cli_chat_load(cli_chat *h, const char *path);
/* words.c: opens a file for a message; a silent recording is a failure. On success the caller
 * releases *out. */
weft_status cli_chat_open(cli_chat *h, const char *path, const char *kind, weft_item **out,
                          weft_error *err);
/* Says something that a person at the keyboard wants to know; nothing with -q. */
void cli_chat_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
