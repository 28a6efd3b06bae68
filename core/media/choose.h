/* SPDX-License-Identifier: Apache-2.0 */
/* Which decoder reads a file. Every decoder is asked, by the file's first bytes, how well they fit
 * each of its kinds; the best opens the file. Where that fails because the file is of another make,
 * the next best is asked. */
#ifndef WF_CHOOSE_H
#define WF_CHOOSE_H

#include "core/media/calls.h"
#include "core/plugin/registry.h"

#define WF_CHOICES 32 /* decoders that are asked to open one file, at most */

/* A decoder, and the kind of medium as which it would open the file. */
typedef struct wf_choice {
    const weft_decoder *vt;
    wf_plugin          *plugin;
    const char         *kind; /* one of vt->kinds */
    int32_t             score, reserved;
} wf_choice;

/* The decoders that were asked to open a file so far. */
typedef struct wf_chooser {
    wf_registry      *registry;
    wf_modalities    *live;
    const weft_probe *head;
    const char       *wanted; /* the kind asked for; NULL: any */
    const char       *locked; /* the kind that the file is known to hold; NULL: not known yet */
    int32_t           least;  /* scores of this or less are not asked */
    uint32_t          n_tried;
    wf_choice         tried[WF_CHOICES];
} wf_chooser;

/* head, with everything that it points to, outlives the chooser; head->kind is not looked at. */
void wf_chooser_init(wf_chooser *c, wf_registry *registry, wf_modalities *live,
                     const weft_probe *head, const char *wanted);
/* The best decoder that was not asked yet; out->vt is NULL where there is none. Loads the decoders
 * that the file may need: at first those whose manifests fit the first bytes, and all where none of
 * these knows the file well or one of them has failed. A kind that a live modality takes beats one
 * that none takes; then the score decides; then the plugin's id. [setup] */
weft_status wf_chooser_next(wf_chooser *c, wf_choice *out, weft_error *err);
/* Takes note of what came of opening the file with the decoder that was given out last. Returns
 * whether another may be asked: after NOTFOUND (the file holds nothing of that kind) one of any
 * kind, after UNSUPPORTED (it is of a make that this decoder does not read) one of the same kind,
 * whose score comes from the content as well. A file that is damaged is refused: another decoder
 * might read it more leniently, and nobody would know. */
bool wf_chooser_failed(wf_chooser *c, weft_status status);

#endif
