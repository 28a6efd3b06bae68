/* SPDX-License-Identifier: Apache-2.0 */
/* From the host's messages to values. */
#ifndef TPL_MESSAGES_H
#define TPL_MESSAGES_H

#include "run.h"

tpl_value tpl_messages(tpl_run *r); /* of r->rq->m */
/* The origin of a role: "system", "user" and "assistant" are words of every format, which templates
 * put together with signs of their own into special tokens; any other is the caller's text. */
uint8_t tpl_role_origin(const void *text, uint64_t n);

#endif
