/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest's text: "key=value\n" lines, checked as strictly as a file of a stranger deserves.
 */
#include "core/plugin/manifest.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "weft/weft.h"

#define ID_MAX 64u
#define VERSION_MAX 32u
#define ITEMS_MAX 64u /* of one comma-separated line */
#define WORD_MAX 60   /* bytes of an unknown word that a warning shows */

typedef struct lines { /* values inside the manifest's text, NULL where absent */
    char *id, *version, *abi, *components, *architectures, *links, *needs, *gives, *kinds, *magic;
} lines;

static weft_status bad(const char *name, const char *what, weft_error *err)
{
    return wf_fail(err, WEFT_E_CORRUPT,
                   "%s: its manifest %s; rebuild the plugin with WEFT_PLUGIN()", name, what);
}

static const char *const keys[] = {"id",    "version", "abi",   "components", "architectures",
                                   "links", "needs",   "gives", "kinds",      "magic"};
static const char *const kinds[] = {"decoder", "modality", "checkpoint", "tokenizer", "segmenter"};
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static char **place_of(lines *l, const char *key)
{
    char **const places[] = {&l->id,    &l->version, &l->abi,   &l->components, &l->architectures,
                             &l->links, &l->needs,   &l->gives, &l->kinds,      &l->magic};
    for (size_t i = 0; i < COUNT(keys); i++)
        if (strcmp(keys[i], key) == 0)
            return places[i];
    return NULL; /* of a later minor, or a slip of the pen */
}

/* Keeps the first unknown word, with the known one that may have been meant. Out of memory loses
 * the warning. */
static void note_unknown(wf_manifest *m, const char *what, const char *word, size_t n,
                         const char *const *known, uint32_t n_known)
{
    char        text[WORD_MAX + 1], line[160];
    const char *near;
    if (m->unknown != NULL)
        return;
    snprintf(text, sizeof text, "%.*s", (int)n, word);
    near = weft_nearest(text, known, n_known);
    snprintf(line, sizeof line, "the %s %s%s%s%s", what, text,
             near != NULL ? " (did you mean " : "", near != NULL ? near : "",
             near != NULL ? "?)" : "");
    m->unknown = wf_strdup(line);
}

static weft_status split_lines(wf_manifest *m, const char *name, lines *l, weft_error *err)
{
    for (char *line = m->text; *line != '\0';) {
        char *end = strchr(line, '\n'), *equals = strchr(line, '=');
        if (end == NULL)
            return bad(name, "has a last line without an end", err);
        if (equals == NULL || equals > end || equals == line)
            return bad(name, "has a line that is not key=value", err);
        *end = *equals = '\0';
        char **place = place_of(l, line);
        if (place != NULL && *place != NULL)
            return bad(name, "has a key twice", err);
        if (place != NULL)
            *place = equals + 1;
        else
            note_unknown(m, "key", line, strlen(line), keys, COUNT(keys));
        line = end + 1;
    }
    return WEFT_OK;
}

/* Splits value at commas, in place; *items is owned by the manifest. */
static weft_status split_items(char *value, char ***items, uint32_t *n, const char *name,
                               weft_error *err)
{
    uint32_t count = 1;
    if (value == NULL || value[0] == '\0')
        return WEFT_OK;
    for (const char *p = value; *p != '\0'; p++)
        count += *p == ',';
    if (count > ITEMS_MAX)
        return bad(name, "has a list of more than 64 items", err);
    *items = wf_zalloc_n(count, sizeof **items);
    if (*items == NULL)
        return wf_fail_nomem(err, count * sizeof **items, "a manifest");
    for (char *p = value; p != NULL;) {
        char *comma = strchr(p, ',');
        if (comma != NULL)
            *comma = '\0';
        if (p[0] == '\0')
            return bad(name, "has a list with an empty item", err);
        (*items)[(*n)++] = p;
        p = comma != NULL ? comma + 1 : NULL;
    }
    return WEFT_OK;
}

static bool number(const char **p, uint32_t *out)
{
    uint32_t v = 0, digits = 0;
    for (; **p >= '0' && **p <= '9' && digits < 5; (*p)++, digits++)
        v = v * 10 + (uint32_t)(**p - '0');
    *out = v;
    return digits > 0;
}

static bool read_abi(const char *text, wf_manifest *m)
{
    const char *p = text;
    if (!number(&p, &m->abi_major) || *p++ != '.')
        return false;
    return number(&p, &m->abi_minor) && *p == '\0';
}

static bool id_ok(const char *id)
{
    size_t n = strlen(id);
    return n <= ID_MAX && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n &&
           strchr(id, '.') != NULL && id[0] != '.' && n > 0 && id[n - 1] != '.';
}

/* The kind of a component line is one of ours in short or in full, or somebody's own, which has the
 * dots of a reversed domain name. */
static void check_kinds(wf_manifest *m)
{
    for (uint32_t i = 0; i < m->n_components; i++) {
        const char *line = m->components[i], *colon = strrchr(line, ':');
        size_t      n = colon != NULL ? (size_t)(colon - line) : strlen(line);
        bool        ours = strncmp(line, "weft.", 5) == 0, known = false;
        for (size_t k = 0; k < COUNT(kinds); k++) {
            char full[40];
            snprintf(full, sizeof full, "weft.%s/1", kinds[k]);
            known = known || wf_manifest_kind_is(line, full);
        }
        if (!known && (ours || memchr(line, '.', n) == NULL))
            note_unknown(m, "component kind", line, n, kinds, COUNT(kinds));
    }
}

static weft_status fill(wf_manifest *m, const char *name, weft_error *err)
{
    lines       l = {0};
    weft_status st = split_lines(m, name, &l, err);
    if (st != WEFT_OK)
        return st;
    if (l.id == NULL || l.version == NULL || l.abi == NULL)
        return bad(name, "lacks id, version or abi", err);
    if (!id_ok(l.id))
        return bad(name, "has an id that is not like org.example.name (a-z, 0-9, '.', '_', '-')",
                   err);
    if (l.version[0] == '\0' || strlen(l.version) > VERSION_MAX)
        return bad(name, "has a version that is empty or longer than 32 bytes", err);
    if (!read_abi(l.abi, m))
        return bad(name, "has an abi that is not MAJOR.MINOR", err);
    m->id = l.id;
    m->version = l.version;
    st = split_items(l.components, &m->components, &m->n_components, name, err);
    if (st == WEFT_OK)
        st = split_items(l.architectures, &m->architectures, &m->n_architectures, name, err);
    if (st == WEFT_OK)
        st = split_items(l.links, &m->links, &m->n_links, name, err);
    if (st == WEFT_OK)
        st = split_items(l.needs, &m->needs, &m->n_needs, name, err);
    if (st == WEFT_OK)
        st = split_items(l.gives, &m->gives, &m->n_gives, name, err);
    if (st == WEFT_OK)
        st = split_items(l.kinds, &m->kinds, &m->n_kinds, name, err);
    if (st == WEFT_OK)
        st = split_items(l.magic, &m->magic, &m->n_magic, name, err);
    for (uint32_t i = 0; st == WEFT_OK && i < m->n_magic; i++)
        if (!wf_magic_ok(m->magic[i]))
            return bad(name, "has a magic that is not like 0:89504e47", err);
    if (st == WEFT_OK)
        check_kinds(m);
    return st;
}

weft_status wf_manifest_parse(const char *text, uint64_t n, const char *name, wf_manifest *out,
                              weft_error *err)
{
    weft_status st;
    memset(out, 0, sizeof *out);
    while (n > 0 && text[n - 1] == '\0') /* the note's own padding */
        n--;
    if (n > WF_MANIFEST_MAX)
        return bad(name, "is longer than 4096 bytes", err);
    for (uint64_t i = 0; i < n; i++)
        if (text[i] != '\n' && (text[i] < ' ' || text[i] > '~'))
            return bad(name, "holds bytes that are not plain ASCII", err);
    out->text = wf_strndup(text, n);
    if (out->text == NULL)
        return wf_fail_nomem(err, n + 1, "a manifest");
    st = fill(out, name, err);
    if (st != WEFT_OK)
        wf_manifest_free(out);
    return st;
}

void wf_manifest_free(wf_manifest *m)
{
    wf_free(m->text);
    wf_free(m->unknown);
    wf_free(m->components);
    wf_free(m->architectures);
    wf_free(m->links);
    wf_free(m->needs);
    wf_free(m->gives);
    wf_free(m->kinds);
    wf_free(m->magic);
    memset(m, 0, sizeof *m);
}

bool wf_abi_accepts(uint32_t major, uint32_t minor, uint32_t host_major, uint32_t host_minor)
{
    return major == host_major && minor >= WEFT_ABI_MINOR_OLDEST && minor <= host_minor;
}

weft_status wf_manifest_check_abi(const wf_manifest *m, const char *name, weft_error *err)
{
    if (wf_abi_accepts(m->abi_major, m->abi_minor, WEFT_ABI_MAJOR, WEFT_ABI_MINOR))
        return WEFT_OK;
    return wf_fail(err, WEFT_E_VERSION,
                   "%s: plugin %s was built for plugin ABI %u.%u and this is %d.%d; install the "
                   "plugin's release for this version",
                   name, m->id, m->abi_major, m->abi_minor, WEFT_ABI_MAJOR, WEFT_ABI_MINOR);
}

bool wf_manifest_kind_is(const char *component, const char *kind)
{
    const char *colon = strrchr(component, ':');
    size_t      n = colon != NULL ? (size_t)(colon - component) : strlen(component);
    if (strlen(kind) == n && memcmp(component, kind, n) == 0)
        return true;
    return strncmp(kind, "weft.", 5) == 0 && strncmp(kind + 5, component, n) == 0 &&
           kind[5 + n] == '/';
}

bool wf_manifest_offers(const wf_manifest *m, const char *kind)
{
    for (uint32_t i = 0; i < m->n_components; i++)
        if (wf_manifest_kind_is(m->components[i], kind))
            return true;
    return false;
}

bool wf_manifest_claims(const wf_manifest *m, const char *architecture)
{
    for (uint32_t i = 0; i < m->n_architectures; i++)
        if (strcmp(m->architectures[i], architecture) == 0)
            return true;
    return false;
}
