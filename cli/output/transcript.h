/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the parts of a recording to one document for each format that was asked for. */
#ifndef WEFT_CLI_TRANSCRIPT_H
#define WEFT_CLI_TRANSCRIPT_H

#include "cli.h"
#include "output/journal.h"
#include "output/names.h"
#include "output/parts_json.h"
#include "output/wrap.h"

enum cli_format { CLI_TXT, CLI_SRT, CLI_VTT, CLI_JSON, CLI_FORMAT_COUNT };
extern const char *const cli_format_endings[CLI_FORMAT_COUNT]; /* "txt", ... */

/* What documents are written; the same for every recording of a run. */
typedef struct cli_outputs {
    bool        wanted[CLI_FORMAT_COUNT];
    const char *path;   /* of -o; NULL: standard output */
    bool        folder; /* path is a folder, or is to become one */
    bool        labels; /* on standard output each line of txt begins with the recording's path */
    const char *task, *language;
    const json_t
             *identity; /* for the heads of journals (journal.h); borrowed; NULL: none are kept */
    bool      resume;   /* --resume was given */
    cli_wrap  wrap;     /* of subtitles */
    cli_names names;    /* of the recordings whose documents are in the folder */
} cli_outputs;

/* Reads a list of formats such as "txt,srt". False: one of its words is no format. */
bool cli_outputs_parse(cli_outputs *o, const char *list);
/* Fills *o from the options of c: the formats and -o. many: there are several recordings. Makes the
 * output folder where it is needed and not there. Returns the exit code; what is wrong is said. */
int32_t cli_outputs_init(cli_outputs *o, const cli *c, bool many);
void    cli_outputs_deinit(cli_outputs *o);

/* The documents of one recording. */
typedef struct cli_transcript {
    cli_outputs   *to;
    cli_place     *place;  /* where standard output and messages are put; NULL: at once */
    const char    *source; /* the recording's path */
    cli_sheet      sheet[CLI_FORMAT_COUNT];
    cli_parts_json json;
    int64_t        n_cues, n_words; /* cues of the SRT; parts that had text */
    int64_t        n_cut;           /* parts whose text -n or the context cut */
    int64_t        end_us;          /* of the last part */
    int32_t        code;            /* the exit code of what failed here */
    bool           open;
    bool           whole; /* set by who knows: the recording was heard to its end */
    cli_journal    journal;
    char          *journal_path; /* NULL: none is kept */
} cli_transcript;

/* Starts the documents of a recording. to, source and place are borrowed until the close. */
void cli_transcript_init(cli_transcript *t, cli_outputs *to, const char *source, cli_place *place);
enum cli_resumed {
    CLI_RESUME_NEW,   /* nothing is there: the recording is to be heard from its beginning */
    CLI_RESUME_ON,    /* parts up to journal.end_us are in the documents */
    CLI_RESUME_DONE,  /* its documents are whole */
    CLI_RESUME_FAILED /* t->code says how; said */
};
/* Goes on with what an earlier run left of this recording. Names are given as in that run where the
 * recordings come in the same order. */
enum cli_resumed cli_transcript_resume(cli_transcript *t);
/* Opens the documents under the first name that no other run is using. False: as below. */
bool cli_transcript_open(cli_transcript *t);
/* Adds a part to every document and to the journal; the first part opens them. False: a document
 * failed, t->code says how, and no further part may be added. */
bool cli_transcript_add(cli_transcript *t, const weft_part_result *part);
/* The same, of a part that the journal has already, with the documents open. */
bool cli_transcript_put(cli_transcript *t, const weft_part_result *part);
/* Completes the documents and gives them their names, or with keep false removes them. Where no
 * part came it opens them first. duration_us is the length of the recording, which is used where no
 * part tells it. The journal is removed where t->whole says that nothing is missing. Returns the
 * exit code. */
int32_t cli_transcript_close(cli_transcript *t, bool keep, int64_t duration_us);

#endif
