/* SPDX-License-Identifier: Apache-2.0 */
/* The dtypes of safetensors, shared by its reader and its writer. Source: tensor.rs. */
#ifndef WF_ST_DTYPE_H
#define WF_ST_DTYPE_H

#include <stddef.h>
#include <string.h>

#include "core/io/safetensors.h"

typedef struct wf_st_dtype_row {
    const char *name;
    int32_t     dtype; /* enum wf_st_dtype */
    uint32_t    bits;  /* of one element */
} wf_st_dtype_row;

/* In the order of the reference, whose writer sorts tensors by it, the last type first. */
static const wf_st_dtype_row wf_st_dtypes[] = {
    {"BOOL", WF_ST_OTHER, 8},
    {"F4", WF_ST_OTHER, 4},
    {"F6_E2M3", WF_ST_OTHER, 6},
    {"F6_E3M2", WF_ST_OTHER, 6},
    {"U8", WF_ST_U8, 8},
    {"I8", WF_ST_OTHER, 8},
    {"F8_E5M2", WF_ST_OTHER, 8},
    {"F8_E4M3", WF_ST_OTHER, 8},
    {"F8_E8M0", WF_ST_OTHER, 8},
    {"F8_E4M3FNUZ", WF_ST_OTHER, 8},
    {"F8_E5M2FNUZ", WF_ST_OTHER, 8},
    {"I16", WF_ST_OTHER, 16},
    {"U16", WF_ST_OTHER, 16},
    {"F16", WF_ST_F16, 16},
    {"BF16", WF_ST_BF16, 16},
    {"I32", WF_ST_I32, 32},
    {"U32", WF_ST_OTHER, 32},
    {"F32", WF_ST_F32, 32},
    {"C64", WF_ST_OTHER, 64},
    {"F64", WF_ST_OTHER, 64},
    {"I64", WF_ST_I64, 64},
    {"U64", WF_ST_OTHER, 64},
};
#define WF_ST_DTYPES (sizeof(wf_st_dtypes) / sizeof(wf_st_dtypes[0]))

/* The row of this name; NULL where there is none, or name is NULL. */
static inline const wf_st_dtype_row *wf_st_dtype_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < WF_ST_DTYPES; i++)
        if (strcmp(wf_st_dtypes[i].name, name) == 0)
            return &wf_st_dtypes[i];
    return NULL;
}

#endif
