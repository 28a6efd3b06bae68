/* SPDX-License-Identifier: Apache-2.0 */
/* Languages by their English names and their codes of ISO 639-1. */
#ifndef WEFT_CLI_LANGUAGES_H
#define WEFT_CLI_LANGUAGES_H

/* The English name of what a person writes as a name, in letters of any size, or as a code ("de",
 * "de-AT", "pt_BR"); NULL: not known. The string is constant. */
const char *cli_language_name(const char *word);
/* The name that a misspelled one comes nearest to; NULL: none is near. */
const char *cli_language_near(const char *word);

#endif
