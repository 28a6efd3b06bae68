/* SPDX-License-Identifier: Apache-2.0 */
/* The directories compiled in. This file is compiled twice (core/CMakeLists.txt): for the build
 * tree with the tree's own directories and no WEFT_BIN_SUBDIR, and for installing with those below
 * the prefix. An installed prefix may be moved: a program in its bin directory finds the two beside
 * it, if nobody else could have put them there. Why: docs/decisions/0009-install-directories.md. */
#include "core/plugin/dirs.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/plugin/found.h"

/* The directory above bin, without a slash at its end; false: this program is in no such place. */
static bool own_prefix(char *out)
{
    static const char tail[] = "/" WEFT_BIN_SUBDIR;
    ssize_t           n = readlink("/proc/self/exe", out, WF_DIR_CAP - 1);
    if (n <= 0 || WEFT_BIN_SUBDIR[0] == '\0')
        return false;
    out[n] = '\0';
    char *slash = strrchr(out, '/');
    if (slash == NULL || (size_t)(slash - out) < sizeof tail - 1)
        return false;
    *slash = '\0';
    slash -= sizeof tail - 1;
    if (strcmp(slash, tail) != 0)
        return false;
    *slash = '\0';
    return true;
}

static bool beside_program(const char *subdir, char *out)
{
    weft_error err = WF_ERROR_INIT;
    char       prefix[WF_DIR_CAP];
    int        n = own_prefix(prefix) ? snprintf(out, WF_DIR_CAP, "%s/%s", prefix, subdir) : 0;
    char      *real = n > 0 && (size_t)n < WF_DIR_CAP ? realpath(out, NULL) : NULL;
    bool       fine = real != NULL && wf_trust_check(real, &err) == WEFT_OK;
    if (real != NULL && !fine)
        wf_log(WEFT_LOG_WARN, "%s; %s is not used", err.message, out);
    free(real);
    return fine;
}

void wf_dir_plugins(char *out)
{
    if (!beside_program(WEFT_PLUGIN_SUBDIR, out))
        snprintf(out, WF_DIR_CAP, "%s", WEFT_PLUGIN_DIR);
}

void wf_dir_modules(char *out)
{
    wf_dir_plugins(out);
    char *slash = strrchr(out, '/');
    if (slash != NULL && slash != out)
        *slash = '\0';
}

void wf_dir_demo_config(char *out)
{
    if (!beside_program(WEFT_DEMO_SUBDIR "/weft.ini", out))
        snprintf(out, WF_DIR_CAP, "%s", WEFT_DEMO_DIR "/weft.ini");
}
