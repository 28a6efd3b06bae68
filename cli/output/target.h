/* SPDX-License-Identifier: Apache-2.0 */
/* What -o and the like may name, asked before any work is done. */
#ifndef WEFT_CLI_TARGET_H
#define WEFT_CLI_TARGET_H

#include "cli.h"

/* "-", /dev/stdout, /dev/fd/1 */
bool cli_is_stdout(const char *path);
bool cli_is_folder(const char *path);
/* What stands between a folder as it was given and a name in it: nothing where it ends in a slash.
 */
const char *cli_folder_slash(const char *folder);
/* Whether what is written to path goes to somebody at once, as to a pipe or a descriptor of ours:
 * there is then no file that could be gone on with, and none can stand beside it. */
bool cli_is_stream(const char *path);
/* Whether the path's name ends in "." and ending, in letters of any size. */
bool cli_has_ending(const char *path, const char *ending);
/* Whether writing output would replace input ("-": standard input), a plain file under this or
 * another name. */
bool cli_is_same_file(const char *output, const char *input);
/* Whether a file of that name was made or changed since the program began. */
bool cli_is_newer_than_us(const char *path);
void cli_target_init(void); /* at the program's beginning: for cli_is_newer_than_us() */

/* Checks the path of an option that names a file to write: it is not empty, and its folder is
 * there. Returns the exit code; what is wrong is said. */
int32_t cli_check_target(const cli *c, enum cli_own option);

#endif
