/* SPDX-License-Identifier: Apache-2.0 */
/* Where the parts of a recording go: one document for each format that was
 * asked for. */
#ifndef WEFT_CLI_TRANSCRIPT_H
#define WEFT_CLI_TRANSCRIPT_H

#include "cli.h"
#include "output/parts_json.h"

enum cli_format { CLI_TXT, CLI_SRT, CLI_VTT, CLI_JSON, CLI_FORMAT_COUNT };

/* What is written, the same for every recording of a run. */
typedef struct cli_outputs {
    bool        wanted[CLI_FORMAT_COUNT];
    const char *path;   /* of -o; NULL: standard output */
    bool        folder; /* path is one, or will be */
    bool        labels; /* standard output: each line of txt begins with its recording's
                           path */
    const char *task, *language;
    char      **taken; /* names given in the folder so far, so that none is given twice */
    size_t      n_taken, cap;
} cli_outputs;

/* "txt,srt": false: a word of it is no format. */
bool cli_outputs_parse(cli_outputs *o, const char *list);
/* From the options of c: formats, -o, and whether there are many recordings.
 * The exit code; what is wrong is said. Makes the folder where there is none.
 */
int32_t cli_outputs_init(cli_outputs *o, const cli *c, bool many);
void    cli_outputs_deinit(cli_outputs *o);

/* One recording's. */
typedef struct cli_transcript {
    cli_outputs   *to;
    cli_place     *place;  /* of what goes to standard output and of messages */
    const char    *source; /* the recording's path */
    cli_sheet      sheet[CLI_FORMAT_COUNT];
    cli_parts_json json;
    int64_t        n_cues, n_words; /* cues of the SRT; parts that had text */
    int64_t        end_us;          /* of the last part */
    int32_t        code;            /* of what failed here */
    bool           open;
} cli_transcript;

/* to, source and place are borrowed until the close. */
void cli_transcript_init(cli_transcript *t, cli_outputs *to, const char *source, cli_place *place);
/* Adds a part to every document, opening them with the first one. False: code
 * says why; go no further. */
bool cli_transcript_add(cli_transcript *t, const weft_part_result *part);
/* Completes the documents under their names, or with keep false removes them.
 * Opens them first where no part came. duration_us: of the recording, where no
 * part tells. The exit code. */
int32_t cli_transcript_close(cli_transcript *t, bool keep, int64_t duration_us);

#endif
