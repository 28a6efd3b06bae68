/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a recording that are done, in a file beside its documents, so that a run that was
 * ended goes on where it was (`weft transcribe --resume`).
 *
 * The file is called .weft-NAME.resume. It has a line of JSON for each part that has been decoded,
 * below a first line, the head, which tells the recording and the options:
 *
 *   {"weft": VERSION, "options": {"--language": "English", ...}, "files": {"--model": CHECKSUM,
 * ...}, "recording": {"name", "bytes", "crc32"}}
 *   {"start_us", "end_us", "speech_start_us", "speech_end_us", "text", "ids", "avg_logprob",
 *    "temperature", "stopped"}
 *
 * A model may write bytes that are not UTF-8, which JSON cannot hold: such a part has its text a
 * second time, as "hex".
 *
 * A line is written at once and counts when its newline is there, so a process that is killed while
 * it writes leaves at most half a line, which is cut off; so is one that could not be written
 * whole. What was written before stays. The file is locked while a process uses it. One thread. */
#ifndef WEFT_CLI_JOURNAL_H
#define WEFT_CLI_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "weft/weft.h"

typedef struct cli_journal {
    FILE    *file; /* NULL: there is none */
    char    *path;
    char    *line; /* the one that was read last */
    size_t   line_bytes, line_room;
    json_t  *part; /* what it says */
    int32_t *ids;
    char    *raw;    /* its text where that is not UTF-8; else NULL */
    int      error;  /* errno of what failed last */
    int64_t  whole;  /* bytes of the lines that are whole */
    int64_t  end_us; /* of the last part */
    int64_t  n_parts;
} cli_journal;

/* The journal's path for the document `name` of `folder`, or with folder NULL for the document
 * whose path is name. The caller frees it; NULL: out of memory. */
char *cli_journal_path(const char *folder, const char *name);
/* Makes a head: identity, an object with "weft", "options" and "files", with what tells the
 * recording at source apart from others, which takes reading it. NULL: it cannot be read, or memory
 * is out. */
json_t *cli_journal_head(const json_t *identity, const char *source);
/* What of two heads differs first, as half a sentence in buf such as "--language was German and is
 * English". False: nothing does. */
bool cli_journal_differs(const json_t *then, const json_t *now, char *buf, size_t cap);

enum cli_journal_found {
    CLI_JOURNAL_THERE,
    CLI_JOURNAL_NONE,
    CLI_JOURNAL_EMPTY, /* it was begun, and nothing could be written to it */
    CLI_JOURNAL_BUSY,  /* another process uses it */
    CLI_JOURNAL_BAD    /* it is no journal, or cannot be read */
};

/* Opens the journal at path and reads its head, which the caller releases. Where it is not THERE
 * nothing stays open and *head is NULL. */
enum cli_journal_found cli_journal_open(cli_journal *j, const char *path, json_t **head);
/* Reads the next part into *part, which is valid until the next call. False: there are no more, and
 * from now on parts can be added; or with j->error the file failed, and none can. */
bool cli_journal_next(cli_journal *j, weft_part_result *part);
/* Makes a journal anew, in the place of any that is there. False: its head could not be written,
 * j->error says why. Where j->file is then open, the file is there and EMPTY, no part may be added,
 * and cli_journal_close() removes or keeps it as any other; else there is none of ours. */
bool cli_journal_begin(cli_journal *j, const char *path, const json_t *head);
/* Adds a part. False: it could not be written, j->error says why. The parts before it are still in
 * the file, and no further one may be added: a run that goes on begins with this one. */
bool cli_journal_add(cli_journal *j, const weft_part_result *part);
/* Closes the journal, and with keep false removes its file; nothing where there is none. */
void cli_journal_close(cli_journal *j, bool keep);

#endif
