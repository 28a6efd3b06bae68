/* SPDX-License-Identifier: Apache-2.0 */
/* weft.services/1: tables that one plugin gives another, through the hosts of their engine. */
#include <string.h>

#include "core/base/mem.h"
#include "core/host/lent.h"

static bool listed(const char *const *ids, const char *id)
{
    for (; ids != NULL && *ids != NULL; ids++)
        if (strcmp(*ids, id) == 0)
            return true;
    return false;
}

static wf_service *find(wf_lent *p, const char *id)
{
    for (wf_service *s = p->all->services; s != NULL; s = s->next)
        if (strcmp(s->id, id) == 0)
            return s;
    return NULL;
}

static weft_status publish(const weft_host *h, const char *id, const void *vtable, void *self,
                           weft_error *err)
{
    wf_lent    *p = wf_lent_of(h);
    wf_service *s;
    if (id == NULL || vtable == NULL || !listed(p->desc->gives_service, id))
        return wf_misuse(err, "services.publish: %.60s is not in %s's gives_service",
                         id != NULL ? id : "NULL", p->id);
    if (find(p, id) != NULL)
        return wf_fail(err, WEFT_E_CONFLICT, "services.publish: %.60s is given already, by %s", id,
                       find(p, id)->owner->id);
    s = wf_zalloc(sizeof *s);
    if (s == NULL || (s->id = wf_strdup(id)) == NULL) {
        wf_free(s);
        return wf_fail_nomem(err, sizeof *s, "a service");
    }
    s->owner = p;
    s->vtable = vtable;
    s->self = self;
    s->next = p->all->services;
    p->all->services = s;
    return WEFT_OK;
}

static weft_status acquire(const weft_host *h, const char *id, const void **vtable, void **self,
                           weft_error *err)
{
    wf_lent *p = wf_lent_of(h);
    if (id == NULL || vtable == NULL || self == NULL || !listed(p->desc->needs_service, id))
        return wf_misuse(err, "services.acquire: %.60s is not in %s's needs_service",
                         id != NULL ? id : "NULL", p->id);
    wf_service *s = find(p, id);
    if (s == NULL)
        return wf_fail(err, WEFT_E_NOTFOUND, "services.acquire: nobody gives %.60s", id);
    *vtable = s->vtable;
    *self = s->self;
    return WEFT_OK;
}

const weft_if_services wf_host_services = {WEFT_HDR(weft_if_services), publish, acquire};

void wf_host_services_clear(wf_lent *p)
{
    wf_service **at = &p->all->services;
    while (*at != NULL) {
        wf_service *s = *at;
        if (s->owner != p) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        wf_free(s->id);
        wf_free(s);
    }
}
