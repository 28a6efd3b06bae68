/* SPDX-License-Identifier: Apache-2.0 */
/* From the host's messages to values. */
#ifndef TPL_MESSAGES_H
#define TPL_MESSAGES_H

#include "run.h"

tpl_value tpl_messages(tpl_run *r); /* of r->rq->m */

#endif
