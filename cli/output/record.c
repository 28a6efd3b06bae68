/* SPDX-License-Identifier: Apache-2.0 */
/* Records of describe. */
#include "output/record.h"

/* The list with v at its end; takes both. Either may be NULL, and so is the result then. */
static json_t *with(json_t *list, json_t *v)
{
    if (json_array_append_new(list, v) == 0)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *list_of(const char *const *paths, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++)
        list = with(list, cli_json_string(paths[i]));
    return list;
}

static json_t *lists_of_times(weft_item *const *items, uint32_t n)
{
    json_t *lists = json_array();
    for (uint32_t i = 0; i < n; i++)
        lists = with(lists, cli_json_times(items[i]));
    return lists;
}

/* Puts v into the object; takes it. */
static bool set(json_t *object, const char *key, json_t *v)
{
    return json_object_set_new(object, key, v) == 0; /* one that is NULL is refused */
}

static bool set_times(json_t *head, bool together, weft_item *const *items, uint32_t n)
{
    bool any = false;
    for (uint32_t i = 0; i < n; i++)
        any = any || cli_item_frames(items[i]) > 0;
    return !any ||
           set(head, "times", together ? lists_of_times(items, n) : cli_json_times(items[0]));
}

json_t *cli_record_head(const cli *c, char *const *paths, weft_item *const *items, uint32_t n)
{
    bool    together = cli_has(c, OWN_TOGETHER), ok = true;
    json_t *head = json_object();
    if (together)
        ok = set(head, "paths", list_of((const char *const *)paths, n));
    else if (n > 0)
        ok = set(head, "path", cli_json_string(paths[0]));
    if (ok && cli_has(c, OWN_AUDIO))
        ok = set(head, "audio", list_of(c->audio, (uint32_t)c->given[OWN_AUDIO]));
    if (ok && head != NULL && set_times(head, together, items, items != NULL ? n : 0))
        return head;
    json_decref(head);
    return NULL;
}

bool cli_record_print(cli_place *place, json_t *head, json_t *rest)
{
    bool ok = head != NULL && rest != NULL && json_object_update(head, rest) == 0;
    json_decref(rest);
    if (ok)
        return cli_json_print(place, head);
    json_decref(head);
    return cli_json_print(place, NULL);
}
