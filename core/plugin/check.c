/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor against this ABI and the plugin's own manifest: every pointer that the host will
 * follow and every function that it will call is looked at once, here. */
#include <string.h>

#include "core/plugin/loaded.h"
#include "weft/checkpoint.h"
#include "weft/decoder.h"
#include "weft/modality.h"
#include "weft/tokenizer.h"

#define COMPONENTS_MAX 64u
#define KINDS_MAX 16u  /* of media, that one component takes */
#define KIND_BYTES 64u /* of a kind's name, its end included */

/* A function of a vtable that may not be NULL: where it stands and what it is called. */
typedef struct must {
    size_t      at;
    const char *name;
} must;

typedef struct kind_rule {
    const char *kind;
    size_t      size; /* of the table of the oldest minor that is accepted */
    const must *musts;
    size_t      n;
} kind_rule;

#define MUST(T, f)                                                                                 \
    {                                                                                              \
        offsetof(T, f), #f                                                                         \
    }
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const must decoder[] = {MUST(weft_decoder, kinds), MUST(weft_decoder, probe),
                               MUST(weft_decoder, open), MUST(weft_decoder, info),
                               MUST(weft_decoder, close)};
static const must modality[] = {MUST(weft_modality, kinds),   MUST(weft_modality, create),
                                MUST(weft_modality, destroy), MUST(weft_modality, install),
                                MUST(weft_modality, plan),    MUST(weft_modality, preprocess),
                                MUST(weft_modality, encode)};
static const must checkpoint[] = {MUST(weft_checkpoint, text_map)};
static const must tokenizer[] = {MUST(weft_tokenizer, create), MUST(weft_tokenizer, destroy),
                                 MUST(weft_tokenizer, encode), MUST(weft_tokenizer, chat),
                                 MUST(weft_tokenizer, decode), MUST(weft_tokenizer, special),
                                 MUST(weft_tokenizer, bos),    MUST(weft_tokenizer, is_stop)};

static const must segmenter[] = {MUST(weft_segmenter, kinds), MUST(weft_segmenter, run)};

static const kind_rule rules[] = {
    {WEFT_C_DECODER, WEFT_UPTO(weft_decoder, read_rows), decoder, COUNT(decoder)},
    {WEFT_C_MODALITY, WEFT_UPTO(weft_modality, longest_us), modality, COUNT(modality)},
    {WEFT_C_CHECKPOINT, WEFT_UPTO(weft_checkpoint, text_map), checkpoint, COUNT(checkpoint)},
    {WEFT_C_TOKENIZER, WEFT_UPTO(weft_tokenizer, is_stop), tokenizer, COUNT(tokenizer)},
    {WEFT_C_SEGMENTER, WEFT_UPTO(weft_segmenter, run), segmenter, COUNT(segmenter)},
};

static weft_status check_rule(const kind_rule *rule, const weft_component *c, const char *path,
                              weft_error *err)
{
    weft_hdr hdr;
    memcpy(&hdr, c->vtable, sizeof hdr);
    if (hdr.size < rule->size)
        return wf_fail(
            err, WEFT_E_VERSION,
            "%s: component %s (%s) has a table of %u bytes where this ABI has %zu; rebuild it",
            path, c->name, c->kind, hdr.size, rule->size);
    for (size_t i = 0; i < rule->n; i++) {
        void *p; /* all pointers are read alike: POSIX gives them one representation */
        memcpy(&p, (const char *)c->vtable + rule->musts[i].at, sizeof p);
        if (p == NULL)
            return wf_fail(err, WEFT_E_INVALID, "%s: component %s (%s) lacks %s", path, c->name,
                           c->kind, rule->musts[i].name);
    }
    return WEFT_OK;
}

/* A list of kinds has names, and an end where one can be looked for. */
static bool kinds_ok(const char *const *kinds)
{
    uint32_t n = 0;
    for (; n < KINDS_MAX && kinds[n] != NULL; n++)
        if (kinds[n][0] == '\0' || strnlen(kinds[n], KIND_BYTES) == KIND_BYTES)
            return false;
    return n > 0 && n < KINDS_MAX;
}

static weft_status check_kinds(const kind_rule *rule, const weft_component *c, const char *path,
                               weft_error *err)
{
    const char *const *kinds;
    if (strcmp(rule->musts[0].name, "kinds") != 0)
        return WEFT_OK;
    memcpy(&kinds, (const char *)c->vtable + rule->musts[0].at, sizeof kinds);
    if (kinds_ok(kinds))
        return WEFT_OK;
    return wf_fail(err, WEFT_E_INVALID,
                   "%s: component %s (%s) has kinds that are no list of 1 to %u names and a NULL",
                   path, c->name, c->kind, KINDS_MAX - 1);
}

static weft_status check_component(const weft_component *c, const char *path, weft_error *err)
{
    if (c->kind == NULL || c->name == NULL || c->vtable == NULL)
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: a component of its descriptor has no kind, name or table", path);
    for (size_t i = 0; i < COUNT(rules); i++) {
        weft_status st = WEFT_OK;
        if (strcmp(rules[i].kind, c->kind) == 0)
            st = check_rule(&rules[i], c, path, err);
        if (st == WEFT_OK && strcmp(rules[i].kind, c->kind) == 0)
            st = check_kinds(&rules[i], c, path, err);
        if (st != WEFT_OK)
            return st;
    }
    const weft_decoder *d = c->vtable;
    if (strcmp(c->kind, WEFT_C_DECODER) == 0 && d->read_frames == NULL && d->read_audio == NULL &&
        d->read_rows == NULL)
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: component %s (%s) lacks read_frames, read_audio and read_rows", path,
                       c->name, c->kind);
    return WEFT_OK;
}

/* A decoder's kinds are among those that the manifest says, where it says any, since which
 * libraries are opened goes by the manifest. */
static weft_status check_said_kinds(const weft_component *c, const wf_manifest *m, const char *path,
                                    weft_error *err)
{
    const weft_decoder *d = c->vtable;
    if (m->n_kinds == 0 || strcmp(c->kind, WEFT_C_DECODER) != 0)
        return WEFT_OK;
    for (const char *const *kind = d->kinds; *kind != NULL; kind++) {
        bool said = false;
        for (uint32_t i = 0; i < m->n_kinds; i++)
            said = said || strcmp(m->kinds[i], *kind) == 0;
        if (!said)
            return wf_fail(err, WEFT_E_INVALID,
                           "%s: component %s gives the kind %s, which is not in the kinds= line of "
                           "its manifest",
                           path, c->name, *kind);
    }
    return WEFT_OK;
}

static bool announced(const wf_manifest *m, const weft_component *c)
{
    for (uint32_t i = 0; i < m->n_components; i++) {
        const char *colon = strrchr(m->components[i], ':');
        if (wf_manifest_kind_is(m->components[i], c->kind) && colon != NULL &&
            strcmp(colon + 1, c->name) == 0)
            return true;
    }
    return false;
}

static weft_status check_components(const weft_descriptor *d, const wf_manifest *m,
                                    const char *path, weft_error *err)
{
    bool gives = d->gives_service != NULL && d->gives_service[0] != NULL;
    if (d->n_components > COMPONENTS_MAX || (d->n_components == 0 && !gives))
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: its descriptor has no components and no service, or more than %u "
                       "components",
                       path, COMPONENTS_MAX);
    if (d->n_components > 0 && (!WEFT_HAS(d->components, weft_component, vtable) ||
                                d->components->hdr.size % sizeof(void *) != 0))
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: its descriptor's components are missing, or their size is not set",
                       path);
    for (uint32_t i = 0; i < d->n_components; i++) {
        const weft_component *c = WEFT_AT(d->components, i);
        weft_status           st = check_component(c, path, err);
        if (st == WEFT_OK)
            st = check_said_kinds(c, m, path, err);
        if (st != WEFT_OK)
            return st;
        if (!announced(m, c))
            return wf_fail(err, WEFT_E_INVALID,
                           "%s: component %s (%s) is not in the components= line of its manifest",
                           path, c->name, c->kind);
    }
    if (d->n_components != m->n_components)
        return wf_fail(err, WEFT_E_INVALID, "%s: its manifest promises %u components and it has %u",
                       path, m->n_components, d->n_components);
    return WEFT_OK;
}

static weft_status check_needs(const weft_descriptor *d, bool (*serves)(const char *interface_id),
                               const char *path, weft_error *err)
{
    for (const char *const *id = d->needs_host; id != NULL && *id != NULL; id++)
        if (serves == NULL || !serves(*id))
            return wf_fail(err, WEFT_E_UNSUPPORTED,
                           "%s: needs the host interface %.60s, which this version does not have",
                           path, *id);
    return WEFT_OK;
}

/* The descriptor's services must be those that its manifest says, since loading goes by the
 * manifest. */
static weft_status check_services(const char *const *said, char *const *promised, uint32_t n,
                                  const char *line, const char *path, weft_error *err)
{
    uint32_t count = 0;
    for (; said != NULL && said[count] != NULL && count <= n; count++) {
        bool found = false;
        for (uint32_t i = 0; i < n; i++)
            found = found || strcmp(promised[i], said[count]) == 0;
        if (!found)
            return wf_fail(err, WEFT_E_INVALID,
                           "%s: service %.60s is not in the %s= line of its manifest", path,
                           said[count], line);
    }
    return count == n ? WEFT_OK
                      : wf_fail(err, WEFT_E_INVALID,
                                "%s: its manifest's %s= line has %u services, its descriptor %u",
                                path, line, n, count);
}

weft_status wf_descriptor_check(const weft_descriptor *d, const wf_manifest          *m,
                                bool (*serves)(const char *interface_id), const char *path,
                                weft_error *err)
{
    weft_status st;
    if (d == NULL)
        return wf_fail(err, WEFT_E_INVALID, "%s: it gave no descriptor", path);
    if (!WEFT_HAS(d, weft_descriptor, n_components))
        return wf_fail(err, WEFT_E_VERSION,
                       "%s: its descriptor has %u bytes where this ABI has %zu; rebuild it", path,
                       d->hdr.size, WEFT_UPTO(weft_descriptor, n_components));
    if (d->id == NULL || strcmp(d->id, m->id) != 0)
        return wf_fail(err, WEFT_E_INVALID, "%s: its descriptor says %s%.64s, its manifest id %s",
                       path, d->id != NULL ? "id " : "no id", d->id != NULL ? d->id : "", m->id);
    if (d->version == NULL || strcmp(d->version, m->version) != 0)
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: its descriptor says %s%.32s, its manifest version %s", path,
                       d->version != NULL ? "version " : "no version",
                       d->version != NULL ? d->version : "", m->version);
    st = check_components(d, m, path, err);
    if (st == WEFT_OK)
        st = check_services(d->needs_service, m->needs, m->n_needs, "needs", path, err);
    if (st == WEFT_OK)
        st = check_services(d->gives_service, m->gives, m->n_gives, "gives", path, err);
    return st == WEFT_OK ? check_needs(d, serves, path, err) : st;
}
