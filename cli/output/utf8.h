/* SPDX-License-Identifier: Apache-2.0 */
/* The program's one UTF-8 reader. */
#ifndef WEFT_CLI_UTF8_H
#define WEFT_CLI_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define CLI_UTF8_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD, for what is no character */

/* Length of the well-formed UTF-8 character at p, at most n bytes; 0: there is none. */
size_t cli_utf8_char(const char *p, size_t n, uint32_t *code_point);

#endif
