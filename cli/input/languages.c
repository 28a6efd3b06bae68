/* SPDX-License-Identifier: Apache-2.0 */
/* --language: names and codes to one name, and what the model says that it can do. */
#include "input/languages.h"

#include <string.h>
#include <strings.h>

#include "weft/languages.h"
#include "weft/weft.h"

#define NAMES_MOST 256

const char *cli_language_name(const char *word)
{
    const weft_language *l = weft_language_find(word);
    return l != NULL ? l->name : NULL;
}

const char *cli_language_near(const char *word)
{
    const char          *names[NAMES_MOST];
    const weft_language *l;
    uint32_t             n = 0;
    for (; n < NAMES_MOST && (l = weft_language_at(n)) != NULL; n++)
        names[n] = l->name;
    return weft_nearest(word, names, n);
}

bool cli_language_is_among(const char *name, const char *list)
{
    char word[64];
    for (const char *at = list;; at++) {
        at += strspn(at, " ");
        size_t n = strcspn(at, ",");
        if (n < sizeof word) {
            memcpy(word, at, n);
            word[n] = '\0';
            const char *known = cli_language_name(word);
            if (strcasecmp(known != NULL ? known : word, name) == 0)
                return true;
        }
        at += n;
        if (*at == '\0')
            return false;
    }
}
