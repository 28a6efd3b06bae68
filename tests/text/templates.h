/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of chat templates share: fixtures, and one run of a template. */
#ifndef TEXT_TEMPLATES_H
#define TEXT_TEMPLATES_H

#include "common.h"

/* A file of tests/fixtures/templates, NUL-terminated; the caller frees. */
char *template_load(const char *name, uint64_t *bytes);
/* A JSON fixture there; the caller decrefs. */
json_t *template_json(const char *name);

/* Compiles and runs a template on a document with what the reference's script gives too. The result
 * is empty and the status not OK where that fails; err tells why. Its buffers are the caller's. */
weft_status template_run(fake_host *h, const char *source, uint64_t n, const json_t *document,
                         tpl_result *out, weft_error *err);
void        result_free(tpl_result *r);

#endif
