/* SPDX-License-Identifier: Apache-2.0 */
/* Languages by their English names and their codes of ISO 639. */
#ifndef WEFT_CLI_LANGUAGES_H
#define WEFT_CLI_LANGUAGES_H

#include <stdbool.h>

/* The English name of what a person writes as a name, in letters of any size, or as a code ("de",
 * "deu", "de-AT"); NULL: not known. The string is constant. */
const char *cli_language_name(const char *word);
/* The name that a misspelled one comes nearest to; NULL: none is near. */
const char *cli_language_near(const char *word);
/* Whether a list of names and codes, with commas between, has the language of this name. */
bool cli_language_is_among(const char *name, const char *list);

#endif
